//! What the session may do with a file, for the `perm` fact (RFC 3659 §7.5.5): by `[rights]` and by the mode bits.
//! Session worker. It is advice; the kernel decides when it is asked.

use ftp::listing::Perm;
use nix::libc::mode_t;
use nix::sys::stat::FileStat;
use nix::unistd::{Gid, Uid, getegid, geteuid, getgroups};

use crate::config::Rights;

/// Whom the kernel takes the session for.
#[derive(Debug)]
pub struct Identity {
    uid: Uid,
    groups: Vec<Gid>,
}

impl Identity {
    /// This process.
    pub fn own() -> Self {
        let mut groups = getgroups().unwrap_or_default();
        groups.push(getegid());
        Identity { uid: geteuid(), groups }
    }

    /// What may be done with a file in a directory.
    pub fn perm(&self, file: &FileStat, directory: &FileStat, rights: Rights) -> Perm {
        let may = |right| rights.contains(right);
        let [read, write, execute] = [4, 2, 1].map(|bit| self.has(file, bit));
        let entry =
            self.has(directory, 2) && self.has(directory, 1) && self.may_unlink(file, directory);
        let is_dir = file.st_mode & S_IFMT == S_IFDIR;
        Perm {
            append: write && may(Rights::APPEND),
            create: write && execute && may(Rights::CREATE),
            delete: entry && may(if is_dir { Rights::REMOVE_DIR } else { Rights::DELETE }),
            enter: execute,
            rename: entry && may(Rights::RENAME),
            list: read && may(Rights::LIST),
            mkdir: write && execute && may(Rights::MAKE_DIR),
            purge: write && execute && may(Rights::DELETE),
            read: read && may(Rights::READ),
            write: write && may(Rights::OVERWRITE),
        }
    }

    fn has(&self, stat: &FileStat, bit: mode_t) -> bool {
        let shift = match stat {
            _ if self.uid.is_root() => return true,
            stat if stat.st_uid == self.uid.as_raw() => 6,
            stat if self.groups.contains(&Gid::from_raw(stat.st_gid)) => 3,
            _ => 0,
        };
        stat.st_mode >> shift & bit != 0
    }

    /// In a sticky directory only owners may (unlink(2)).
    fn may_unlink(&self, file: &FileStat, directory: &FileStat) -> bool {
        let uid = self.uid.as_raw();
        directory.st_mode & S_ISVTX == 0
            || self.uid.is_root()
            || file.st_uid == uid
            || directory.st_uid == uid
    }
}

const S_IFMT: mode_t = nix::libc::S_IFMT;
const S_IFDIR: mode_t = nix::libc::S_IFDIR;
const S_ISVTX: mode_t = nix::libc::S_ISVTX;

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(mode: mode_t, uid: u32, gid: u32) -> FileStat {
        let mut stat = nix::sys::stat::stat("/").unwrap();
        (stat.st_mode, stat.st_uid, stat.st_gid) = (mode, uid, gid);
        stat
    }

    #[test]
    fn the_class_that_fits_first_decides() {
        let alice = Identity { uid: Uid::from_raw(1000), groups: vec![Gid::from_raw(100)] };
        let dir = stat(S_IFDIR | 0o755, 1000, 1000);
        let perm = |mode, uid, gid| alice.perm(&stat(mode, uid, gid), &dir, Rights::ALL);
        assert!(perm(0o400, 1000, 100).read && !perm(0o400, 1000, 100).write);
        assert!(!perm(0o004, 1000, 100).read, "the owner's bits, though others have more");
        assert!(perm(0o060, 1, 100).append);
        assert!(!perm(0o770, 1, 1).read);
        assert!(perm(0o000, 1, 1).delete, "the directory's bits");
    }

    #[test]
    fn rights_and_sticky_directories_take_away() {
        let alice = Identity { uid: Uid::from_raw(1000), groups: vec![] };
        let sticky = stat(S_IFDIR | S_ISVTX | 0o777, 0, 0);
        let file = stat(0o666, 1, 1);
        assert!(!alice.perm(&file, &sticky, Rights::ALL).delete);
        assert!(alice.perm(&file, &sticky, Rights::READ).read);
        assert!(!alice.perm(&file, &sticky, Rights::READ).write);
    }
}
