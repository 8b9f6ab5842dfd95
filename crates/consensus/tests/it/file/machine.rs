//! What only a whole machine can show: namespaces, file systems, a loss of power. Root's alone.

use super::child::Player;
use super::ground::{Ground, is_root, lead, load_until, next_token, record, skip, stored};
use consensus::ErrorKind;
use consensus::file::FileStore;
use consensus::store::{Proof, Store};
use rustix::process::Signal;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A mounted file system, unmounted at the end.
struct Mount(PathBuf);

impl Mount {
    /// `None`, and said: it cannot be mounted here.
    fn new(on: &Path, arguments: &[&str]) -> Option<Self> {
        if !is_root() {
            skip("only root can mount");
            return None;
        }
        fs::create_dir_all(on).unwrap();
        let mounted = run(Command::new("mount").args(arguments).arg(on));
        if let Err(why) = mounted {
            skip(&format!("cannot mount: {why}"));
            return None;
        }
        Some(Self(on.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = run(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// This binary in a pid namespace of its own, with its own `/proc`.
fn elsewhere(part: &str, path: &Path) -> Option<Player> {
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    let can = is_root() && run(Command::new("unshare").args(["--pid", "--fork", "true"])).is_ok();
    if !can {
        skip("only root can make a pid namespace, with unshare(1)");
        return None;
    }
    let part = Player::command(part, path);
    unshare.arg(part.get_program()).args(part.get_args());
    unshare.envs(
        part.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    Some(Player::start_with(unshare))
}

#[tokio::test]
async fn candidates_in_two_pid_namespaces_see_each_other_live_and_die() {
    let ground = Ground::new();
    let mut here = ground.store();
    let Some(mut there) = elsewhere("lead", &ground.record()) else {
        return;
    };
    there.says("leads");
    let seen = here.load().await.unwrap();
    assert_eq!(seen.record.unwrap().holder.as_deref(), Some("child"));
    assert_eq!(seen.proof, Proof::None);
    there.kill();
    let seen = load_until(&mut here, |seen| seen.proof == Proof::Dead).await;
    stored(
        here.save(&record("here", next_token(&seen)), &seen.version)
            .await,
    );

    let mut there = elsewhere("look", &ground.record()).unwrap();
    assert_eq!(there.says("saw"), "Some(\"here\")");
}

#[tokio::test]
async fn who_blocks_from_another_pid_namespace_is_said_to_be_unseen() {
    let ground = Ground::new();
    let mut stopped = Player::start("stop before", &ground.record());
    stopped.says("stops");
    stopped.is_stopped();
    let Some(mut there) = elsewhere("save", &ground.record()) else {
        return;
    };
    let text = there.says("refused");
    assert!(
        text.contains("a process that this one cannot see"),
        "{text}"
    );
    stopped.signal(Signal::CONT);
}

#[tokio::test]
async fn a_full_disk_is_named_and_the_record_kept() {
    let ground = Ground::new();
    let disk = ground.folder.join("disk");
    let Some(_mount) = Mount::new(&disk, &["-t", "tmpfs", "-o", "size=64k", "tmpfs"]) else {
        return;
    };
    let path = disk.join("leader.json");
    let mut store = FileStore::new(&path);
    let (led, version) = lead(&mut store, "a").await;
    let content = fs::read(&path).unwrap();
    let filled = fs::File::create(disk.join("rest"))
        .unwrap()
        .write_all(&vec![1; 100_000]);
    assert!(filled.is_err());

    let renewal = record("a", led.token.unwrap());
    let error = store.save(&renewal, &version).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = error.to_string();
    assert!(
        text.contains("full") && text.contains(path.to_str().unwrap()),
        "{text}"
    );
    assert_eq!(fs::read(&path).unwrap(), content);
    let mut names: Vec<_> = fs::read_dir(&disk)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["leader.json", "leader.json.lock", "rest"]);

    // It goes on where it was, once there is space.
    fs::remove_file(disk.join("rest")).unwrap();
    stored(store.save(&renewal, &version).await);
}

#[tokio::test]
async fn a_read_only_file_system_can_be_looked_at_and_not_saved_on() {
    let ground = Ground::new();
    let disk = ground.folder.join("disk");
    let Some(_mount) = Mount::new(&disk, &["-t", "tmpfs", "-o", "ro", "tmpfs"]) else {
        return;
    };
    let path = disk.join("leader.json");
    let mut store = FileStore::new(&path);
    let seen = store.load().await.unwrap();
    let token = next_token(&seen);
    let error = store
        .save(&record("a", token), &seen.version)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("read-only"), "{error}");
}

/// What was written to the disk by the moment of the copy is all that a loss of power leaves.
#[tokio::test]
async fn what_began_a_term_survives_a_loss_of_power() {
    let ground = Ground::new();
    let (image, disk) = (ground.above().join("image"), ground.above().join("disk"));
    fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
    if let Err(why) = run(Command::new("mkfs.ext4").arg("-q").arg(&image)) {
        return skip(&format!("cannot make an ext4 image: {why}"));
    }
    let text = image.to_str().unwrap();
    // A file system that flushes nothing of its own accord: neither at a rename nor with its journal.
    let lazy = "loop,noauto_da_alloc,data=writeback,commit=300";
    let Some(mount) = Mount::new(&disk, &["-o", lazy, text]) else {
        return;
    };
    let path = disk.join("leader.json");
    let mut store = FileStore::new(&path);
    lead(&mut store, "a").await;
    // The second one changes no length, so that not even by chance its file's flush is the folder's.
    let (led, version) = lead(&mut store, "a").await;
    let token = led.token.unwrap();
    fs::write(disk.join("not flushed"), "lost").unwrap();
    stored(store.save(&record("a", token), &version).await);
    let after = ground.above().join("after");
    fs::copy(&image, &after).unwrap();

    let disk = ground.above().join("disk after");
    let Some(_mount) = Mount::new(&disk, &["-o", "loop", after.to_str().unwrap()]) else {
        return;
    };
    let lost = fs::read_to_string(disk.join("not flushed")).unwrap_or_default();
    assert_eq!(lost, "", "this test loses nothing, so it shows nothing");
    let seen = FileStore::new(disk.join("leader.json"))
        .load()
        .await
        .unwrap();
    assert_eq!(seen.record.as_ref().unwrap().token, Some(token));
    assert!(next_token(&seen) > token);
    let note = fs::read_to_string(disk.join("leader.json.lock")).unwrap();
    assert!(note.contains(&token.to_string()), "{note:?}");
    drop(mount);
}

#[tokio::test]
async fn a_file_system_in_user_space_is_refused() {
    let ground = Ground::new();
    let device = fs::File::options().read(true).write(true).open("/dev/fuse");
    let (true, Ok(device)) = (is_root(), device) else {
        return skip("only root can mount FUSE, and there must be a /dev/fuse");
    };
    let disk = ground.folder.join("disk");
    fs::create_dir(&disk).unwrap();
    let options = format!(
        "fd={},rootmode=40000,user_id=0,group_id=0",
        device.as_raw_fd()
    );
    let options = std::ffi::CString::new(options).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    if let Err(error) = rustix::mount::mount("test", &disk, "fuse", flags, options.as_c_str()) {
        return skip(&format!("cannot mount FUSE: {error}"));
    }
    let mount = Mount(disk.clone());
    let server = std::thread::spawn(move || serve(device));
    let error = FileStore::new(disk.join("leader.json"))
        .load()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    assert!(
        text.contains("FUSE") && text.contains("local file system"),
        "{text}"
    );
    drop(mount);
    server.join().unwrap();
}

/// The smallest file system in user space: an empty folder.
fn serve(mut device: fs::File) {
    let mut request = vec![0; 1 << 17];
    while let Ok(length) = device.read(&mut request) {
        assert!(length >= 40);
        let word = |at: usize| u32::from_ne_bytes(request[at..at + 4].try_into().unwrap());
        let mut body = vec![
            0;
            match word(4) {
                3 => 104,           // getattr
                17 => 80,           // statfs
                26 => 64,           // init
                27 => 16,           // opendir
                29 | 38 => 0,       // releasedir, destroy
                2 | 42 => continue, // forget
                _ => {
                    answer(&mut device, &request, -38, &[]);
                    continue;
                }
            }
        ];
        match word(4) {
            26 => {
                body[0..4].copy_from_slice(&7_u32.to_ne_bytes());
                body[4..8].copy_from_slice(&31_u32.to_ne_bytes());
                body[20..24].copy_from_slice(&4096_u32.to_ne_bytes());
            }
            3 => {
                // A folder, of mode 0755, with two links.
                body[16..24].copy_from_slice(&1_u64.to_ne_bytes());
                body[76..80].copy_from_slice(&0o40_755_u32.to_ne_bytes());
                body[80..84].copy_from_slice(&2_u32.to_ne_bytes());
            }
            _ => {}
        }
        answer(&mut device, &request, 0, &body);
    }
}

fn answer(device: &mut fs::File, request: &[u8], error: i32, body: &[u8]) {
    let length = u32::try_from(16 + body.len()).unwrap();
    let answer = [
        &length.to_ne_bytes(),
        &error.to_ne_bytes()[..],
        &request[8..16],
        body,
    ]
    .concat();
    // An interrupted request wants none.
    let _ = device.write(&answer);
}
