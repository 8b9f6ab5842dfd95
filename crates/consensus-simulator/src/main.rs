//! temp
use consensus_simulator::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let o = Options {
        times: if a.len() > 4 {
            Times::Usual
        } else {
            Times::Drawn
        },
        ..Options::default()
    };
    let (x, y): (u64, u64) = (a[1].parse().unwrap(), a[2].parse().unwrap());
    if a.len() > 3 && a[3] == "t" {
        for l in replay(x, &o).timeline {
            println!("{l}");
        }
        return;
    }
    let t = std::time::Instant::now();
    let s = sweep(x..y, &o, Until::AllAreRun, 1);
    let e = t.elapsed().as_secs_f64();
    println!(
        "{} seeds, {} broken, {:.2} M x, {} terms {} events {:.2} ev/s",
        s.seeds,
        s.broken.len(),
        s.simulated as f64 / 1e15 / e,
        s.terms,
        s.events,
        s.events as f64 / (s.simulated as f64 / 1e9)
    );
    for (n, v) in s.broken.iter().take(12) {
        println!("{n} {v}");
    }
    for f in Fault::ALL {
        print!("{} {}, ", f.name(), s.counts.of(*f));
    }
    println!();
}
