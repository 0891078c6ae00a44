//! Reading files that decide what is done or who is believed.
//!
//! Run by whoever loads the configuration: the launcher as root before anyone has spoken, ordinary users who start a
//! server for themselves, `cellftpd check`. A file is trusted only if nobody but root and the one who runs this could
//! have written it, which is looked at on what was opened, after all links: those of certificate tools are followed. So are the
//! directories on the way to it: who may write one of them could have put another file there.

use std::fs::{Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::{Uid, getuid};
use zeroize::Zeroizing;

use super::problem::Problem;
use super::way;

/// What a file may be at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Its size in bytes.
    pub size: u64,
    /// The bits of its mode that must not be set.
    pub forbidden: u32,
}

/// Nobody but the owner may write.
pub(super) const WRITABLE: u32 = 0o022;
/// Nobody but the owner may write, and others may do nothing.
pub(super) const EXPOSED: u32 = WRITABLE | 0o007;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The system refused.
    #[error("can't be read: {0}")]
    System(#[from] io::Error),
    /// It is a directory, a pipe or the like.
    #[error("is not a regular file")]
    NoFile,
    /// It has more than this many KiB.
    #[error("is larger than {0} KiB")]
    TooLarge(u64),
    /// It is the file of a user who is neither root nor the one who runs this.
    #[error("belongs to uid {0}")]
    Foreign(u32),
    /// It has this mode.
    #[error("may be written by group or others (mode {0:03o})")]
    Writable(u32),
    /// It is a secret, and has this mode.
    #[error("may be used by others (mode {0:03o})")]
    Exposed(u32),
    /// Somebody else could put another file in its place.
    #[error("is reached through {place}, which {cause}", place = .0.display(), cause = .1)]
    Reached(PathBuf, Box<Unread>),
}

impl Unread {
    /// The same as a problem of this file, with its cure.
    pub fn problem(&self, path: &Path) -> Problem {
        Problem::of_file(path, self.to_string()).cured_by(self.cure(path))
    }

    /// Whether another user might read it.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::System(error) if error.kind() == io::ErrorKind::PermissionDenied)
    }

    pub(super) fn cure(&self, path: &Path) -> Option<String> {
        let shown = path.display();
        match self {
            Self::Foreign(_) => Some(format!("chown root {shown}")),
            Self::Writable(_) => Some(format!("chmod go-w {shown}")),
            Self::Exposed(_) => Some(format!("chmod g-w,o= {shown}")),
            Self::Reached(place, cause) => cause.cure(place),
            _ => None,
        }
    }
}

/// All of a file that can be trusted. There is room for it from the beginning, so that no copy of a secret stays behind
/// where a buffer grew.
pub(super) fn read(path: &Path, bounds: Bounds) -> Result<Zeroizing<Vec<u8>>, Unread> {
    // Without O_NONBLOCK a pipe of that name would hold the session up.
    let flags = OFlag::O_NONBLOCK.bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Err(Unread::NoFile);
    }
    distrust(&facts, bounds.forbidden, getuid())?;
    way::distrust(path, getuid())?;
    let room = facts.len().min(bounds.size) as usize + 64;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(bounds.size + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > bounds.size {
        true => Err(Unread::TooLarge(bounds.size / 1024)),
        false => Ok(bytes),
    }
}

/// Refuses what others than root and `own` could have written or, of a secret, others could read.
pub(super) fn distrust(facts: &Metadata, forbidden: u32, own: Uid) -> Result<(), Unread> {
    if facts.uid() != 0 && facts.uid() != own.as_raw() {
        return Err(Unread::Foreign(facts.uid()));
    }
    let mode = facts.mode() & 0o7777;
    match mode & forbidden {
        0 => Ok(()),
        bits if bits & WRITABLE == bits => Err(Unread::Writable(mode)),
        _ => Err(Unread::Exposed(mode)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_and_root_are_trusted() {
        let file = tempfile::NamedTempFile::new().unwrap();
        if getuid().is_root() {
            nix::unistd::chown(file.path(), Some(Uid::from_raw(12_345)), None).unwrap();
        }
        let facts = file.as_file().metadata().unwrap();
        let owner = Uid::from_raw(facts.uid());
        assert!(distrust(&facts, EXPOSED, owner).is_ok());
        let refused = distrust(&facts, EXPOSED, Uid::from_raw(54_321)).unwrap_err();
        assert_eq!(refused.to_string(), format!("belongs to uid {owner}"));
        let root = std::fs::metadata("/etc/passwd").unwrap();
        assert!(distrust(&root, WRITABLE, Uid::from_raw(54_321)).is_ok());
    }
}
