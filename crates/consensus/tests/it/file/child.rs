//! Processes of their own: this test binary once more, told by its environment what to do.

use super::ground::{lead, record, released};
use consensus::file::{FileStore, Moment};
use consensus::store::{Record, Store};
use consensus::{Config, FileBackend, Manager, WorkScope};
use rustix::fs::inotify;
use rustix::process::{Pid, Signal, getpid, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

const TEST: &str = "file::child::plays_its_part";
const PART: &str = "CONSENSUS_TEST_PART";
const PATH: &str = "CONSENSUS_TEST_PATH";

/// A process that plays a part. Killed at the end.
#[derive(Debug)]
pub struct Player {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Player {
    pub fn start(part: &str, path: &Path) -> Self {
        Self::start_with(Self::command(part, path))
    }

    /// What starts it, to be wrapped.
    pub fn command(part: &str, path: &Path) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", TEST, "--nocapture"])
            .env(PART, part)
            .env(PATH, path);
        command
    }

    pub fn start_with(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said }
    }

    /// Waits for it to say this, and gives what it says behind it.
    pub fn says(&mut self, what: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let length = self.said.read_line(&mut line).unwrap();
            assert_ne!(length, 0, "it ended without {what:?}, after saying:\n{all}");
            if let Some(rest) = line.strip_prefix(what) {
                return rest.trim().to_owned();
            }
            all += &line;
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until it is stopped by the signal.
    pub fn is_stopped(&self) {
        let stat = format!("/proc/{}/stat", self.pid());
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends its input, and lets it end.
    pub fn finish(mut self) {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {rest}");
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Not a test by itself: what the other processes run.
#[test]
fn plays_its_part() {
    let (Ok(part), Ok(path)) = (std::env::var(PART), std::env::var(PATH)) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(play(&part, Path::new(&path)));
}

async fn play(part: &str, path: &Path) {
    match part {
        "lead" => {
            let mut store = FileStore::new(path);
            let (record, _) = lead(&mut store, "child").await;
            eprintln!("leads {}", record.token.unwrap());
            wait_for_end();
        }
        "lead beyond" => {
            let mut store = FileStore::new(path);
            let seen = store.load().await.unwrap();
            let token = super::ground::next_token(&seen);
            let record = Record {
                work: WorkScope::Beyond,
                ..record("child", token)
            };
            super::ground::stored(store.save(&record, &seen.version).await);
            eprintln!("leads {token}");
            wait_for_end();
        }
        "lead and start" => {
            let mut store = FileStore::new(path);
            lead(&mut store, "child").await;
            let mut grandchild = Command::new("sleep").arg("100").spawn().unwrap();
            eprintln!("started {}", grandchild.id());
            wait_for_end();
            grandchild.kill().unwrap();
            grandchild.wait().unwrap();
        }
        "release" => {
            let mut store = FileStore::new(path);
            let (record, version) = lead(&mut store, "child").await;
            eprintln!("leads {}", record.token.unwrap());
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).unwrap();
            let token = record.token.unwrap();
            super::ground::stored(store.save(&released(token), &version).await);
            eprintln!("released");
            wait_for_end();
        }
        "stop aside" => stopped(path, Moment::BeforeMutex).await,
        "stop before" => stopped(path, Moment::BeforeRename).await,
        "stop after" => stopped(path, Moment::AfterRename).await,
        "follow" => {
            let config = Config::new("child");
            let manager = Manager::new(FileBackend::new(path), config).unwrap();
            let lease = manager.start();
            eprintln!("follows");
            wait_for_end();
            assert!(!lease.is_leader());
            manager.stop().await.unwrap();
        }
        "look" => match FileStore::new(path).load().await {
            Ok(seen) => eprintln!("saw {:?}", seen.record.and_then(|record| record.holder)),
            Err(error) => eprintln!("refused {error:?}"),
        },
        "look on" => match FileStore::onlooker(path).load().await {
            Ok(seen) => eprintln!("saw {:?}", seen.record.and_then(|record| record.holder)),
            Err(error) => eprintln!("refused {error:?}"),
        },
        "look without inotify" => {
            let all = std::iter::from_fn(|| inotify::init(inotify::CreateFlags::CLOEXEC).ok());
            let _all: Vec<_> = all.take(100_000).collect();
            let seen = FileStore::new(path).load().await.unwrap();
            eprintln!("watched {}", seen.watched);
        }
        "save" => {
            let mut store = FileStore::new(path);
            let seen = store.load().await.unwrap();
            let token = super::ground::next_token(&seen);
            match store.save(&record("child", token), &seen.version).await {
                Ok(saved) => eprintln!("saved {saved:?}"),
                Err(error) => eprintln!("refused {error:?}"),
            }
        }
        other => panic!("{other}"),
    }
}

/// Stops itself in the middle of a save, and says what came of it when it was continued.
async fn stopped(path: &Path, at: Moment) {
    let mut store = FileStore::new(path).with_probe(move |moment| {
        if moment == at {
            eprintln!("stops");
            kill_process(getpid(), Signal::STOP).unwrap();
            // The signal may reach another thread first.
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    });
    let seen = store.load().await.unwrap();
    let token = super::ground::next_token(&seen);
    eprintln!("wants {token}");
    let saved = store.save(&record("child", token), &seen.version).await;
    eprintln!(
        "saved {:?}",
        saved.map(|saved| saved != consensus::store::Saved::Conflict)
    );
    wait_for_end();
}

fn wait_for_end() {
    let mut all = String::new();
    std::io::stdin().read_to_string(&mut all).unwrap();
}
