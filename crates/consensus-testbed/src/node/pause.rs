//! What holds a pod's namespaces while its containers come and go: it does nothing.

fn main() {
    loop {
        std::thread::park();
    }
}
