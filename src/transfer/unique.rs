//! Names for STOU: each is taken before it is told. Session worker, as the user; other sessions choose names at the same
//! time, and may touch what they see.
//!
//! A name is taken by an empty file, which one session alone can make. The store puts its own file in the place of that one,
//! or writes into it. Whatever goes wrong, an empty file that is still ours does not outlive the upload; but it does outlive a
//! process that is killed, as nobody could tell it from a file that was meant to be empty.

use std::cell::Cell;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ftp::options::Options;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat2};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::config::Rights;
use crate::verb::Target;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::tree::{Last, Real};

/// A name that was free, and the empty file that has it now.
#[derive(Debug)]
pub struct Reservation {
    /// Where it is.
    pub directory: Rc<OwnedFd>,
    name: Vec<u8>,
    /// Open all the time, so that nobody else's file gets its number.
    file: File,
    /// The file is the upload itself now.
    is_used: Cell<bool>,
}

impl Session {
    /// Takes a name in the working directory: the one that is wished for, or that with a number, or any.
    pub fn reserve(&self, wish: Option<&[u8]>) -> Result<(Target, Reservation), Failure> {
        let at = self.tree.real(&self.tree.cwd, Last::Followed)?;
        let directory = self.tree.directory(&at).map_err(Failure::from);
        let directory = Rc::new(directory.map_err(Failure::of_new_name)?);
        for number in 0..TRIES {
            let target = self.candidate(&at, spelled(wish, number))?;
            self.require(Rights::CREATE, &target)?;
            let mode = self.mode_of_new(0o666);
            match Reservation::make(&directory, target.real.name()?, mode) {
                Err(Errno::EEXIST) => {}
                made => return Ok((target, made?)),
            }
        }
        Err(Failure::new(450, "No name is free.").because("too many names were taken"))
    }

    fn candidate(&self, directory: &Real, name: Vec<u8>) -> Result<Target, Failure> {
        let not_a_name = || Failure::new(553, "File name not allowed.");
        let real = self.tree.child(directory, &name).ok_or_else(not_a_name)?;
        let path = self.tree.cwd.join(&name).map_err(|_| not_a_name())?;
        Ok(Target { said: name, before: vec![], options: Options::default(), path, real })
    }
}

impl Reservation {
    fn make(directory: &Rc<OwnedFd>, name: &[u8], mode: Mode) -> nix::Result<Self> {
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | ALWAYS;
        Ok(Reservation {
            file: openat(directory, name, flags, mode)?.into(),
            directory: Rc::clone(directory),
            name: name.to_vec(),
            is_used: Cell::new(false),
        })
    }

    /// Opens it once more, to be written to.
    pub fn open(&self) -> nix::Result<File> {
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY | ALWAYS;
        let file = openat(&self.directory, self.name.as_slice(), flags, Mode::empty())?;
        self.is(&fstat(&file)?).then(|| file.into()).ok_or(Errno::EEXIST)
    }

    /// Gives a file beside it its name. What has come to be there instead stays, whatever the rights are: the client was
    /// promised a new name.
    pub fn give_to(&self, beside: &[u8]) -> nix::Result<()> {
        match self.rename(beside, RenameFlags::RENAME_EXCHANGE) {
            Ok(()) if self.is_at(beside) => {
                // If that fails the next session sweeps it.
                let _ = self.unlink(beside);
                Ok(())
            }
            Ok(()) => self.rename(beside, RenameFlags::RENAME_EXCHANGE).and(Err(Errno::EEXIST)),
            // Somebody has removed it.
            Err(Errno::ENOENT) => self.rename(beside, RenameFlags::RENAME_NOREPLACE),
            // Not every file system can exchange names (rename(2)).
            Err(Errno::EINVAL) if self.is_at(&self.name) => {
                self.rename(beside, RenameFlags::empty())
            }
            Err(Errno::EINVAL) => Err(Errno::EEXIST),
            broken => broken,
        }
    }

    /// Says so where somebody has removed or replaced it: what was written to it is nowhere then.
    pub fn require_name(&self) -> nix::Result<()> {
        let there = fstatat(&self.directory, self.name.as_slice(), AtFlags::AT_SYMLINK_NOFOLLOW)?;
        self.is(&there).then_some(()).ok_or(Errno::EEXIST)
    }

    /// It holds the upload, and stays even if it is empty.
    pub fn use_up(&self) {
        self.is_used.set(true);
    }

    /// Removes it, whatever has been written to it.
    pub fn withdraw(&self) {
        if self.is_at(&self.name) {
            // If that fails there is nothing else to try.
            let _ = self.unlink(&self.name);
        }
    }

    fn is_at(&self, name: &[u8]) -> bool {
        fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| self.is(&stat))
    }

    fn is(&self, other: &FileStat) -> bool {
        fstat(&self.file).is_ok_and(|own| (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino))
    }

    fn rename(&self, beside: &[u8], flags: RenameFlags) -> nix::Result<()> {
        renameat2(&self.directory, beside, &self.directory, self.name.as_slice(), flags)
    }

    fn unlink(&self, name: &[u8]) -> nix::Result<()> {
        unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let is_empty = fstat(&self.file).is_ok_and(|stat| stat.st_size == 0);
        if is_empty && !self.is_used.get() {
            self.withdraw();
        }
    }
}

/// The wish itself first.
fn spelled(wish: Option<&[u8]>, number: u32) -> Vec<u8> {
    match (wish, number) {
        (Some(name), 0) => name.to_vec(),
        (Some(name), number) => [name, format!(".{number}").as_bytes()].concat(),
        (None, _) => [b"stou.", random_letters().as_slice()].concat(),
    }
}

fn random_letters() -> Vec<u8> {
    // Keyed from getrandom; O_EXCL does the rest.
    let random = RandomState::new().hash_one(0);
    random.to_le_bytes().map(|byte| b'a' + byte % 26).to_vec()
}

const ALWAYS: OFlag = OFlag::O_WRONLY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
/// To try them all takes a fraction of a second.
const TRIES: u32 = 10_000;
