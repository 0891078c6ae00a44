//! Space: what is left, what a quota leaves, what a directory takes up. Session worker, as the user.

use std::os::fd::{AsFd, OwnedFd};

use ftp::path::VirtualPath;
use ftp::reply::Reply;
use nix::dir::OwningIter;
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{SFlag, fstatat};
use nix::sys::statvfs::fstatvfs;
use nix::unistd::geteuid;
use sys::file::quota;
pub use sys::file::{Quota, Share};

use super::labour::Labour;
use crate::config::Rights;
use crate::verb::Target;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::stream::file_type;
use crate::worker::tree::{Last, Real, if_there, is_reserved};

/// Bytes that this user may still store in a directory: what is free there, and no more than the user's quota leaves.
pub fn available(session: &Session, target: &Target) -> Result<u64, Failure> {
    let directory = session.tree.directory(&target.real)?;
    let space = fstatvfs(&directory)?;
    let free = space.blocks_available().saturating_mul(space.fragment_size());
    // Where the quota can't be told, what is free is still true.
    let left =
        quota(directory.as_fd(), geteuid().as_raw()).ok().flatten().and_then(|q| q.bytes.left());
    Ok(left.map_or(free, |left| left.min(free)))
}

/// The quota of this user where the session's root is, if there is one.
pub fn quota_here(session: &Session) -> Result<Option<Quota>, Failure> {
    let root = session.tree.real(&VirtualPath::root(), Last::Followed)?;
    let directory = session.tree.directory(&root)?;
    Ok(quota(directory.as_fd(), geteuid().as_raw())?)
}

/// Says how many bytes the plain files below a directory have. Symbolic links are not followed, hidden uploads don't
/// count, and neither does what the session may not list.
pub fn taken(session: &mut Session, target: &Target) -> Result<Reply, Failure> {
    let mut walk = Walk::from(session, &target.real)?;
    let mut labour = Labour::for_reply("DSIZ", &target.path, 213);
    let worked = labour.work(session, |session| walk.step(session));
    labour.conclude(session, worked.map(|sum| sum.map(|sum| Reply::new(213, sum.to_string()))))
}

/// A way through a tree, one directory open at a time.
struct Walk {
    current: Option<Open>,
    ahead: Vec<Real>,
    /// Bytes in the names of those.
    length: usize,
    seen: u64,
    sum: u64,
}

struct Open {
    at: Real,
    directory: OwnedFd,
    names: OwningIter,
}

impl Walk {
    fn from(session: &Session, at: &Real) -> Result<Self, Failure> {
        let current = Some(Open::of(session, at.clone())?);
        Ok(Walk { current, ahead: vec![], length: 0, seen: 0, sum: 0 })
    }

    /// Looks at some more names; the sum, when there are none left.
    fn step(&mut self, session: &Session) -> Result<Option<u64>, Failure> {
        for _ in 0..PIECE {
            let Some(open) = &mut self.current else {
                let Some(next) = self.ahead.pop() else {
                    return Ok(Some(self.sum));
                };
                self.length -= next.path().as_bytes().len();
                self.current = if_there(Open::of(session, next))?;
                continue;
            };
            match open.names.next() {
                None => self.current = None,
                Some(entry) => {
                    let name = entry?.file_name().to_owned();
                    self.count(session, name.to_bytes())?;
                }
            }
        }
        Ok(None)
    }

    fn count(&mut self, session: &Session, name: &[u8]) -> Result<(), Failure> {
        let Some(open) = self.current.as_ref().filter(|_| !matches!(name, b"." | b"..")) else {
            return Ok(());
        };
        self.seen += 1;
        let stat = match fstatat(&open.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT | Errno::EACCES) => return Ok(()),
            stat => stat?,
        };
        match file_type(stat.st_mode) {
            _ if is_reserved(name) => {}
            SFlag::S_IFREG => self.sum = self.sum.saturating_add(stat.st_size.unsigned_abs()),
            SFlag::S_IFDIR => {
                let below = session.tree.child(&open.at, name).ok_or_else(too_many)?;
                if session.tree.rights(&below).contains(Rights::LIST) {
                    self.length += below.path().as_bytes().len();
                    self.ahead.push(below);
                }
            }
            _ => {}
        }
        match self.seen > NAMES_MAX || self.length > AHEAD_MAX {
            true => Err(too_many()),
            false => Ok(()),
        }
    }
}

fn too_many() -> Failure {
    Failure::new(451, "Too many files to count.")
}

impl Open {
    fn of(session: &Session, at: Real) -> nix::Result<Self> {
        let names = session.tree.names(&at)?.into_iter();
        let directory = session.tree.directory(&at)?;
        Ok(Open { at, directory, names })
    }
}

/// Names that are looked at before the client is listened to again.
const PIECE: usize = 1000;
/// Larger trees are not counted: 451. Depth is bounded by the length of paths.
const NAMES_MAX: u64 = 1_000_000;
/// Bytes of paths that may wait to be walked.
const AHEAD_MAX: usize = 16 * 1024 * 1024;
