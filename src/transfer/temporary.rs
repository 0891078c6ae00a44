//! Hidden temporaries of atomic uploads. Session worker, as the user.
//!
//! A live one is locked by flock, which ends with the process however that ends; one that is not locked is nobody's,
//! and is swept by the next session of the same user that visits the directory.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fchmod, fstat};
use sys::file::{acl, try_lock};

use crate::worker::tree::RESERVED;

/// Makes one, locked: the file and its name.
pub fn make(directory: &OwnedFd, mode: Mode) -> nix::Result<(File, Vec<u8>)> {
    let flags =
        OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    for _ in 0..TRIES {
        let name = random_name();
        let file = match openat(directory, name.as_slice(), flags, mode) {
            Err(Errno::EEXIST) => continue,
            made => made?,
        };
        // Between its making and its locking another session may have taken it for abandoned.
        if try_lock(&file)? && fstat(&file)?.st_nlink == 1 {
            return Ok((file.into(), name));
        }
    }
    Err(Errno::EBUSY)
}

/// Gives a temporary the mode, owner and ACL of the file that it is to replace; or says why it can't have them.
pub fn take_attributes(temporary: &File, existing: &File) -> Result<(), &'static str> {
    const UNKNOWN: &str = "in place: its attributes can't be read";
    let old = fstat(existing).map_err(|_| UNKNOWN)?;
    let new = fstat(temporary).map_err(|_| UNKNOWN)?;
    if old.st_nlink != 1 {
        return Err("in place: it has more than one link");
    }
    if old.st_uid != new.st_uid || old.st_gid != new.st_gid {
        return Err("in place: it has another owner or group");
    }
    // A write takes the set-id bits away, so they need not be kept.
    let mode = Mode::from_bits_truncate(old.st_mode & 0o777);
    fchmod(temporary, mode).map_err(|_| UNKNOWN)?;
    match (acl(existing.as_fd()), acl(temporary.as_fd())) {
        (Ok(old), Ok(new)) if old == new => Ok(()),
        _ => Err("in place: it has an ACL of its own"),
    }
}

/// Whether a name is one that [`make`] gives.
pub fn is_one(name: &[u8]) -> bool {
    name.strip_prefix(RESERVED)
        .is_some_and(|id| id.len() == 16 && id.iter().all(u8::is_ascii_hexdigit))
}

fn random_name() -> Vec<u8> {
    // Keyed from getrandom; O_EXCL does the rest.
    let random = RandomState::new().hash_one(0);
    [RESERVED, format!("{random:016x}").as_bytes()].concat()
}

const TRIES: u32 = 8;
