//! The file store keeps the contract. That the kernel proves a holder dead takes a process that dies:
//! see `file/life.rs`.

use consensus::file::FileStore;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder for records"));

fn path(place: &str) -> PathBuf {
    FOLDER.path().join(place).with_extension("json")
}

/// Changes the text of the record, as an editor would.
fn edit(place: &str, change: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(path(place)).expect("there is a record");
    fs::write(path(place), change(&text)).expect("the record can be edited");
}

consensus::conformance!(
    file,
    |place| FileStore::new(path(place)),
    deletion: async |place| fs::remove_file(path(place)).expect("there is a record"),
    foreign: async |place| fs::write(path(place), "not a record").expect("a writable folder"),
    formats: async |place| edit(place, |text| text.replace("consensus/1", "consensus/2")),
    fields: async |place| edit(place, |text| text.replacen('{', "{\"color\": \"green\",", 1)),
        async |place| fs::read_to_string(path(place)).expect("a record").contains("green"),
    unsupported: { proof => "it takes a process that dies: see the tests of the file store" },
);
