//! Changing the root: into the jail, or into nothing. Runs as the user, with CAP_SYS_CHROOT and nothing else.

use std::fs::Permissions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::unistd::{chroot, fchdir};

use super::{CageError, Step};

/// What a process sees of the file system.
#[derive(Debug)]
pub enum Root<'a> {
    /// An empty directory that nobody can write in, opened before; closed on the way in.
    Empty(OwnedFd),
    /// A directory and what is below it. Its path is walked anew, as the user.
    Jail(&'a Path),
}

impl Root<'_> {
    /// Goes in, for good: no descriptor of a directory outside stays open.
    pub(super) fn enter(self) -> Result<String, CageError> {
        let (directory, what) = self.open()?;
        change_to(&directory).map(|()| format!("root={what}"))
    }

    /// Where the root can't be changed: stands in it. Landlock lets nothing else be opened.
    pub(super) fn stand_in(self) -> Result<String, CageError> {
        let (directory, what) = self.open()?;
        fchdir(&directory).map_err(|errno| Step::Chroot.failed(errno))?;
        Ok(format!("root=unchanged directory={what}"))
    }

    fn open(self) -> Result<(OwnedFd, &'static str), CageError> {
        match self {
            Root::Empty(directory) => Ok((directory, "empty")),
            Root::Jail(path) => {
                let directory = open_jail(path).map_err(|errno| {
                    let error = io::Error::from(errno);
                    let named = format!("{}: {error}", path.display());
                    Step::OpenRoot.failed(io::Error::new(error.kind(), named))
                })?;
                Ok((directory, "jail"))
            }
        }
    }
}

fn change_to(directory: &OwnedFd) -> Result<(), CageError> {
    fchdir(directory)
        .and_then(|()| chroot("."))
        .and_then(|()| nix::unistd::chdir("/"))
        .map_err(|errno| Step::Chroot.failed(errno))
}

/// Opens a jail. Where root alone decides what a name means, symbolic links are followed; from the first directory on
/// that somebody else owns or may write, a link ends the walk: its owner could point it elsewhere meanwhile.
fn open_jail(path: &Path) -> Result<OwnedFd, Errno> {
    let mut directory = open_step(&AT_FDCWD, Path::new("/"), ResolveFlag::empty())?;
    for component in path.components() {
        let Component::Normal(name) = component else {
            continue;
        };
        let resolve = if decided_by_root(&fstat(&directory)?) {
            ResolveFlag::empty()
        } else {
            ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_BENEATH
        };
        directory = open_step(&directory, Path::new(name), resolve)?;
    }
    Ok(directory)
}

fn open_step(from: &impl AsFd, name: &Path, resolve: ResolveFlag) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let resolve = resolve | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    openat2(from, name, OpenHow::new().flags(flags).resolve(resolve))
}

fn decided_by_root(stat: &FileStat) -> bool {
    stat.st_uid == 0 && stat.st_mode & 0o022 == 0
}

/// Opens the empty directory that processes without files of their own stand in, and makes it where it is missing.
///
/// As root it is `at`, owned by root and writable by nobody. For an ordinary user there is no such place: a new directory
/// that is removed while open serves, for nothing can be created in a removed directory.
pub fn open_empty(at: &Path) -> io::Result<OwnedFd> {
    if !nix::unistd::geteuid().is_root() {
        return open_removed();
    }
    if let Some(parent) = at.parent() {
        make_directory(parent, 0o755)?;
    }
    make_directory(at, 0o555)?;
    let directory = open_step(&AT_FDCWD, at, ResolveFlag::RESOLVE_NO_SYMLINKS)?;
    if decided_by_root(&fstat(&directory)?) {
        Ok(directory)
    } else {
        Err(io::Error::other(format!("{} is not owned by root alone", at.display())))
    }
}

fn make_directory(path: &Path, mode: u32) -> io::Result<()> {
    match nix::unistd::mkdir(path, Mode::empty()) {
        Ok(()) => std::fs::set_permissions(path, Permissions::from_mode(mode)),
        Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn open_removed() -> io::Result<OwnedFd> {
    let path = nix::unistd::mkdtemp("/tmp/.cellftpd.XXXXXX")?;
    let directory = open_step(&AT_FDCWD, &path, ResolveFlag::RESOLVE_NO_SYMLINKS);
    std::fs::remove_dir(&path)?;
    Ok(directory?)
}
