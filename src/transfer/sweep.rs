//! Sweeping up after sessions that were killed in the middle of an upload. Session worker, as the user, at its first
//! visit to a directory that it may write.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::OwnedFd;

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use sys::file::try_lock;

use super::temporary;
use crate::config::Rights;
use crate::worker::session::Session;
use crate::worker::stream::file_type;
use crate::worker::tree::{Last, Real};

/// Directories that a session has been in.
#[derive(Debug, Default)]
pub struct Visited(BTreeSet<Vec<u8>>);

impl Visited {
    /// Whether this is the first time. The memory is short: to sweep twice does no harm.
    fn is_new(&mut self, at: &Real) -> bool {
        if self.0.len() == VISITED_MAX {
            self.0.clear();
        }
        self.0.insert(at.path().as_bytes().to_vec())
    }
}

impl Session {
    /// Sweeps the working directory.
    pub fn sweep_here(&mut self) {
        if let Ok(real) = self.tree.real(&self.tree.cwd, Last::Followed) {
            self.sweep(&real);
        }
    }

    /// Sweeps a directory, if that has not been done and the session may write there. Nothing depends on it.
    pub fn sweep(&mut self, at: &Real) {
        let rights = self.tree.rights(at);
        let writes = rights.intersects(Rights::CREATE | Rights::OVERWRITE);
        if writes && self.visited.is_new(at) {
            let directory = self.tree.directory(at);
            let _ = self.tree.names(at).and_then(|names| sweep_directory(names, &directory?));
        }
    }
}

fn sweep_directory(names: Dir, directory: &OwnedFd) -> nix::Result<()> {
    let entries = names.into_iter().take(ENTRIES_MAX);
    let names: Vec<CString> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_owned()))
        .filter(|name| temporary::is_one(name.to_bytes()))
        .collect();
    for name in names {
        // One that can't be swept is somebody else's, or somebody else's trap; the others are still swept.
        let _ = sweep_one(directory, &name);
    }
    Ok(())
}

/// Removes a temporary that no process holds. Its owner is asked, so that nobody's lock can be tried by others.
fn sweep_one(directory: &OwnedFd, name: &CString) -> nix::Result<()> {
    let flags = OFlag::O_WRONLY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    let is_ours = |stat: &FileStat| {
        file_type(stat.st_mode) == SFlag::S_IFREG && stat.st_uid == geteuid().as_raw()
    };
    // Looked at before it is opened: the open of a FIFO or a device has effects at its other end.
    if !is_ours(&fstatat(directory, name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW)?) {
        return Ok(());
    }
    let file = openat(directory, name.as_c_str(), flags, Mode::empty())?;
    match is_ours(&fstat(&file)?) && try_lock(&file)? {
        true => unlinkat(directory, name.as_c_str(), UnlinkatFlags::NoRemoveDir),
        false => Ok(()),
    }
}

const VISITED_MAX: usize = 1024;
/// A larger directory is swept as far as that: a visit must not take long.
const ENTRIES_MAX: usize = 100_000;
