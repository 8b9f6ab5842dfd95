//! The memory store keeps the contract, and so does the wrapper that disturbs stores while it does
//! not disturb.

use consensus::kit::{Faults, Faulty};
use consensus::memory::MemoryStore;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

static PLACES: LazyLock<Mutex<HashMap<String, MemoryStore>>> = LazyLock::new(Mutex::default);

fn open(place: &str) -> MemoryStore {
    let mut places = PLACES.lock().expect("no case panics in here");
    places.entry(place.to_owned()).or_default().clone()
}

consensus::conformance!(
    memory,
    open,
    deletion: async |place| open(place).delete(),
    unsupported: {
        foreign => "a process keeps nothing but records in its memory",
        formats => "memory does not outlive the program that wrote to it",
        fields => "memory does not outlive the program that wrote to it",
        proof => "whoever shares the memory shares the process",
    },
);

fn open_faulty(place: &str) -> Faulty<MemoryStore> {
    Faulty::new(open(&format!("faulty/{place}")), &Faults::new())
}

consensus::conformance!(
    faulty_without_faults,
    open_faulty,
    deletion: async |place| open(&format!("faulty/{place}")).delete(),
);
