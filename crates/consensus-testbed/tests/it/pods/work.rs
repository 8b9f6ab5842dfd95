//! Work for `consensus run`, as a program of its own: says again and again that it is done.

use std::time::Duration;

fn main() {
    let token = std::env::var("CONSENSUS_TOKEN").expect("the program tells it");
    loop {
        println!("working, token {token}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
