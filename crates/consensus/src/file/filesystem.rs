//! Which file systems are refused: those where one kernel does not see all the locks.
//!
//! Everything rests on one kernel: its locks, its renames, its notifications. On a network file system
//! another machine's candidate would not be seen; of one in user space nobody knows what a lock means.

use super::refusal;
use crate::Error;
use rustix::fs::fstatfs;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Once;

/// Layers, of which two containers of one image do not share the upper one.
const OVERLAY: u32 = 0x794c_7630;

/// By their numbers in `statfs(2)`.
const REFUSED: [(u32, &str); 27] = [
    (0x0000_517b, "SMB"),
    (0x0000_564c, "NetWare"),
    (0x0000_6969, "NFS"),
    (0x0102_1997, "9P"),
    (0x0116_1970, "GFS2"),
    (0x0131_11a7, "IBRIX"),
    (0x0131_11a8, "IBRIX"),
    (0x0bd0_0bd0, "Lustre"),
    (0x1983_0326, "BeeGFS"),
    (0x2003_0528, "OrangeFS"),
    (0x4750_4653, "GPFS"),
    (0x5346_414f, "AFS"),
    (0x6163_6673, "ACFS"),
    (0x6573_5546, "FUSE, a file system in user space"),
    (0x6b41_4653, "AFS"),
    (0x6e66_7364, "NFS's control file system"),
    (0x7375_7245, "Coda"),
    (0x7461_636f, "OCFS2"),
    (0x786f_4256, "VirtualBox's shared folders"),
    (0x7c7c_6673, "Parallels' shared folders"),
    (0x00c3_6400, "Ceph"),
    (0xa501_fcf5, "VxFS"),
    (0xaad7_aaea, "PanFS"),
    (0xbacb_acbc, "VMware's shared folders"),
    (0xbeef_dead, "StorNext"),
    (0xfe53_4d42, "SMB2"),
    (0xff53_4d42, "CIFS"),
];

/// Refuses a folder on a file system that cannot carry an election.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid), with the name of the file system.
pub(super) fn check(folder: impl AsFd, path: &Path) -> Result<(), Error> {
    let stat = fstatfs(folder)
        .map_err(|errno| refusal::failed("ask for the file system of", path, errno))?;
    // The number has 32 bits; the type that holds it differs between machines.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the high bits are copies of the sign"
    )]
    let number = stat.f_type as u32;
    if let Some(name) = refused(number) {
        let is = format!("is on {name}");
        let instead = "all candidates must be processes of one kernel; name a file on a local \
                       file system, or use a store that is made for several machines";
        return Err(refusal::unsuitable(path, &is, instead));
    }
    if number == OVERLAY {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            tracing::warn!(
                path = %path.display(),
                "the election's file is on overlayfs, which two containers of one image do not \
                 share: mount a volume if they are to be candidates of one election"
            );
        });
    }
    Ok(())
}

fn refused(number: u32) -> Option<&'static str> {
    let found = REFUSED.iter().find(|(magic, _)| *magic == number);
    found.map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::refused;

    /// The numbers as the kernel's `magic.h` and the systems' own headers give them.
    #[test]
    fn network_and_user_space_file_systems_are_refused_and_local_ones_are_not() {
        let elsewhere: [u32; 18] = [
            0x6969,      // nfs
            0xff53_4d42, // cifs
            0xfe53_4d42, // smb2
            0x517b,      // smb
            0x6573_5546, // fuse, virtiofs
            0x0102_1997, // 9p
            0x00c3_6400, // ceph
            0x5346_414f, // afs
            0x6b41_4653, // kafs
            0x7375_7245, // coda
            0x0116_1970, // gfs2
            0x7461_636f, // ocfs2
            0x0bd0_0bd0, // lustre
            0x1983_0326, // beegfs
            0x4750_4653, // gpfs
            0x786f_4256, // vboxsf
            0x2003_0528, // orangefs
            0x564c,      // ncp
        ];
        for number in elsewhere {
            assert!(refused(number).is_some(), "{number:#x}");
        }
        let local: [u32; 10] = [
            0xef53,      // ext4
            0x5846_5342, // xfs
            0x9123_683e, // btrfs
            0x0102_1994, // tmpfs
            0x8584_58f6, // ramfs
            0xf2f5_2010, // f2fs
            0x2fc1_2fc1, // zfs
            0xca45_1a4e, // bcachefs
            0x4d44,      // vfat
            0x794c_7630, // overlayfs
        ];
        for number in local {
            assert!(refused(number).is_none(), "{number:#x}");
        }
    }
}
