//! What the pods of a namespace said, and when: kept when they are gone, as the node forgets it then.

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

/// The logs that the node writes.
#[derive(Debug)]
pub struct Record {
    folder: PathBuf,
    namespace: String,
    /// Open, so that they can be read when they are removed. In a container's folder is one for each
    /// time that it was started.
    logs: BTreeMap<PathBuf, File>,
}

/// One term, by what was said in it.
#[derive(Clone, Debug)]
pub struct Turn {
    pub pod: String,
    /// The first and the last time at which something was said.
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Record {
    pub fn new(folder: PathBuf, namespace: &str) -> Self {
        Self {
            folder,
            namespace: namespace.to_owned(),
            logs: BTreeMap::new(),
        }
    }

    /// Finds the logs that are new.
    pub fn look(&mut self) {
        let start = format!("{}_", self.namespace);
        // NAMESPACE_POD_UID/CONTAINER/NUMBER.log
        for pod in entries(&self.folder) {
            let name = pod
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if !name.starts_with(&start) {
                continue;
            }
            for log in entries(&pod).iter().flat_map(entries) {
                if let (false, Ok(file)) = (self.logs.contains_key(&log), File::open(&log)) {
                    self.logs.insert(log, file);
                }
            }
        }
    }

    /// Each line with its pod and the time at which it was said, in order.
    pub fn lines(&mut self) -> Vec<(Timestamp, String, String)> {
        self.look();
        let mut lines = Vec::new();
        for (path, mut log) in &self.logs {
            let of_pod = path.strip_prefix(&self.folder).expect("it was found there");
            let of_pod = of_pod.to_string_lossy();
            let pod = of_pod.split('_').nth(1).expect("a pod's log");
            let mut text = String::new();
            log.seek(SeekFrom::Start(0)).expect("a file");
            log.read_to_string(&mut text).expect("a file of text");
            for line in text.lines() {
                // TIME STREAM PART TEXT
                let mut words = line.splitn(4, ' ');
                let at = words.next().and_then(|at| at.parse().ok());
                if let (Some(at), Some(said)) = (at, words.nth(2)) {
                    lines.push((at, pod.to_owned(), said.to_owned()));
                }
            }
        }
        lines.sort();
        lines
    }

    /// The terms, by their tokens.
    pub fn turns(&mut self) -> Vec<Turn> {
        let mut turns = BTreeMap::<u64, Turn>::new();
        for (at, pod, said) in self.lines() {
            let token = said.split_once(", token ").map(|(_, token)| token.parse());
            if let Some(Ok(token)) = token {
                let new = Turn {
                    pod: pod.clone(),
                    from: at,
                    to: at,
                };
                let turn = turns.entry(token).or_insert(new);
                assert_eq!(turn.pod, pod, "two have one token: {said}");
                turn.to = at;
            } else if said.contains(": not leading any more") {
                let last = turns.values_mut().rfind(|turn| turn.pod == pod);
                last.expect("it led before").to = at;
            }
        }
        turns.into_values().collect()
    }

    /// How long nobody led before the last term.
    pub fn last_gap(&mut self) -> Duration {
        let turns = self.turns();
        let [.., before, last] = &turns[..] else {
            panic!("there were no two terms: {turns:#?}");
        };
        Duration::try_from(last.from.duration_since(before.to)).expect("no overlap")
    }

    /// Nobody said that it works before who led earlier, by token, had said its last.
    pub fn has_no_overlap(&mut self) {
        let turns = self.turns();
        assert!(turns.len() > 1, "nothing could overlap: {turns:#?}");
        for pair in turns.windows(2) {
            assert!(pair[0].to < pair[1].from, "{pair:#?}");
        }
    }
}

fn entries(folder: &PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

/// What two pods said in one term each: the times of the first one's, and of the second one's.
fn told(first: [u32; 2], second: [u32; 2]) -> Record {
    let folder = tempfile::tempdir().expect("a folder").keep();
    for (pod, token, times) in [("a", 7, first), ("b", 9, second)] {
        let logs = folder.join(format!("test_{pod}_uid/consensus"));
        fs::create_dir_all(&logs).expect("a folder of ours");
        let lines = times.map(|at| {
            format!("2026-11-24T12:00:{at:02}.000000001Z stdout F {pod}: x, token {token}\n")
        });
        fs::write(logs.join("0.log"), lines.concat()).expect("a folder of ours");
    }
    let mut record = Record::new(folder.clone(), "test");
    record.look();
    // As the node does, with what is still needed.
    fs::remove_dir_all(folder).expect("ours");
    record
}

#[test]
fn terms_that_overlap_are_found() {
    told([1, 5], [6, 9]).has_no_overlap();
    for [first, second] in [[[1, 6], [5, 9]], [[5, 9], [1, 4]], [[1, 5], [5, 9]]] {
        let overlap = std::panic::catch_unwind(|| told(first, second).has_no_overlap());
        assert!(overlap.is_err(), "{first:?} {second:?}");
    }
}
