//! How an upload reaches its name. Session worker, as the user; other processes may change the tree meanwhile.
//!
//! Atomic: a hidden temporary beside the target, locked while it is live, made durable, renamed. Where a rename
//! would lose the mode, the owner or the ACL of the file that is there, and for APPE and REST, in place.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat2};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};
use nix::unistd::{AccessFlags, UnlinkatFlags, faccessat, unlinkat};

use super::unique::Reservation;
use super::{Span, temporary};
use crate::config::settings::Transfer;
use crate::config::{self, Durability, Partial, Rights};
use crate::verb::Target;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::tree::require_plain;

/// What is to become of a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// STOR: it is replaced.
    Replace,
    /// REST or RANG, then STOR or APPE: it is written into, there.
    At(Span),
    /// APPE: it is added to.
    Append,
}

/// An upload that may go on: its target was looked at, but not touched.
#[derive(Debug)]
pub struct Store {
    directory: Rc<OwnedFd>,
    name: Vec<u8>,
    existed: bool,
    /// The session may overwrite what somebody else puts there meanwhile.
    may_replace: bool,
    /// What a new file gets.
    mode: Mode,
    way: Way,
    settings: Transfer,
    /// The name was taken for it.
    reservation: Option<Reservation>,
}

/// A target that is being written.
#[derive(Debug)]
pub struct Opened {
    /// What is written to, at the right position.
    pub file: File,
    /// What else the log should know.
    pub remark: Option<&'static str>,
    /// The hidden name, unless the store is in place.
    temporary: Option<Vec<u8>>,
    /// The name did not exist before.
    created: bool,
}

impl Store {
    /// Looks at the target: whether it may be written, by the rights and by the system.
    pub fn plan(session: &Session, target: &Target, way: Way) -> Result<Self, Failure> {
        let name = target.real.name().map_err(|_| Failure::from(Errno::EISDIR))?;
        let directory = session
            .tree
            .parent(&target.real)
            .map_err(Failure::from)
            .map_err(Failure::of_new_name)?;
        let existing = look_at(&directory, name)?;
        session.require(needed(existing.as_ref(), way), target)?;
        let size = existing.as_ref().map_or(0, |stat| stat.st_size.unsigned_abs());
        if matches!(way, Way::At(span) if span.start > size) {
            return Err(Failure::new(554, "The offset is beyond the end."));
        }
        match existing {
            Some(_) => faccessat(&directory, name, AccessFlags::W_OK, AtFlags::empty())?,
            None => {
                faccessat(&directory, ".", AccessFlags::W_OK | AccessFlags::X_OK, AtFlags::empty())?
            }
        }
        Ok(Store {
            name: name.to_vec(),
            directory: Rc::new(directory),
            existed: existing.is_some(),
            may_replace: session.tree.rights(&target.real).contains(Rights::OVERWRITE),
            mode: session.mode_of_new(0o666),
            way,
            settings: session.settings.transfer.clone(),
            reservation: None,
        })
    }

    /// A store to a name that was taken for it.
    pub fn reserved(session: &Session, target: &Target, reservation: Reservation) -> Self {
        Store {
            directory: Rc::clone(&reservation.directory),
            name: target.said.clone(),
            existed: false,
            may_replace: false,
            mode: session.mode_of_new(0o666),
            way: Way::Replace,
            settings: session.settings.transfer.clone(),
            reservation: Some(reservation),
        }
    }

    /// The verb, for the status line.
    pub fn verb(&self) -> &'static str {
        match self.way {
            Way::Append => "APPE",
            Way::Replace if self.reservation.is_some() => "STOU",
            Way::Replace | Way::At(_) => "STOR",
        }
    }

    /// How much may be written.
    pub fn room(&self) -> u64 {
        match self.way {
            Way::At(span) => span.length().unwrap_or(u64::MAX),
            Way::Replace | Way::Append => u64::MAX,
        }
    }

    /// Opens what is written to.
    pub fn open(&self) -> Result<Opened, Failure> {
        match (self.way, self.settings.store) {
            (Way::Replace, config::Store::Atomic) => self.open_beside(),
            _ => self.open_in_place(None),
        }
    }

    /// All of it has come: makes it durable and gives it its name.
    pub fn commit(&self, opened: &Opened) -> Result<(), Failure> {
        let named = self.sync(opened).and_then(|()| self.give_name(opened));
        if let (Err(_), Some(temporary)) = (&named, &opened.temporary) {
            self.remove(temporary);
        }
        named?;
        self.reservation.iter().for_each(Reservation::use_up);
        match self.settings.durability {
            Durability::None => Ok(()),
            Durability::Data | Durability::Full if self.new_name(opened) => {
                self.sync_directory(opened)
            }
            Durability::Data | Durability::Full => Ok(()),
        }
    }

    /// It was broken off. A file that was there stays as it was, if the store is atomic; of a new one the part is
    /// kept or not, as configured.
    pub fn abandon(&self, opened: &Opened, received: bool) {
        let keep = received && self.settings.partial == Partial::Keep;
        match &opened.temporary {
            Some(temporary) if self.existed || !keep => self.remove(temporary),
            Some(temporary) => {
                let kept = self.rename(temporary, RenameFlags::RENAME_NOREPLACE);
                kept.unwrap_or_else(|_| self.remove(temporary));
            }
            None if opened.created && !keep => match &self.reservation {
                Some(reservation) => reservation.withdraw(),
                None => self.remove(&self.name),
            },
            None => {}
        }
    }

    fn open_beside(&self) -> Result<Opened, Failure> {
        let existing = match self.existed {
            true => Some(self.open_existing(OFlag::O_WRONLY)?),
            false => None,
        };
        // Nobody else may open what is to replace a private file. A new file is made as any program would, so that the
        // directory's default ACL has its say.
        let mode = existing.as_ref().map_or(self.mode, |_| Mode::S_IRUSR | Mode::S_IWUSR);
        let (file, temporary) = match temporary::make(&self.directory, mode) {
            Ok(made) => made,
            Err(_) if self.existed => {
                return self.open_in_place(Some("in place: no temporary beside it"));
            }
            Err(errno) => return Err(errno.into()),
        };
        let kept = existing.map_or(Ok(()), |old| temporary::take_attributes(&file, &old));
        match kept {
            Ok(()) => Ok(Opened {
                file,
                remark: None,
                temporary: Some(temporary),
                created: !self.existed,
            }),
            Err(why) => {
                self.remove(&temporary);
                self.open_in_place(Some(why))
            }
        }
    }

    fn open_in_place(&self, remark: Option<&'static str>) -> Result<Opened, Failure> {
        let mut file = match &self.reservation {
            Some(reservation) => reservation.open()?,
            None if self.existed => self.open_existing(self.write_flags())?,
            None => self.create()?,
        };
        match self.way {
            Way::Replace => file.set_len(0)?,
            // Who may only append does so at the end that is there now, not at the one that was looked at.
            Way::At(span) if !self.may_replace && self.existed => {
                if file.metadata()?.len() != span.start {
                    return Err(Failure::new(554, "The file has grown meanwhile."));
                }
            }
            Way::At(span) => drop(file.seek(SeekFrom::Start(span.start))?),
            Way::Append => {}
        }
        Ok(Opened { file, remark, temporary: None, created: !self.existed })
    }

    fn open_existing(&self, flags: OFlag) -> Result<File, Failure> {
        // It may have become a FIFO since it was looked at: the open must not block, and nothing is cut yet.
        let flags =
            flags | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let file = openat(&self.directory, self.name.as_slice(), flags, Mode::empty())?;
        require_plain(&fstat(&file)?)?;
        Ok(file.into())
    }

    fn create(&self) -> Result<File, Failure> {
        let flags = self.write_flags()
            | OFlag::O_CREAT
            | OFlag::O_EXCL
            | OFlag::O_NOFOLLOW
            | OFlag::O_CLOEXEC;
        Ok(openat(&self.directory, self.name.as_slice(), flags, self.mode)?.into())
    }

    fn write_flags(&self) -> OFlag {
        match self.way {
            Way::Append => OFlag::O_WRONLY | OFlag::O_APPEND,
            Way::At(_) if !self.may_replace => OFlag::O_WRONLY | OFlag::O_APPEND,
            Way::Replace | Way::At(_) => OFlag::O_WRONLY,
        }
    }

    fn sync(&self, opened: &Opened) -> Result<(), Failure> {
        match self.settings.durability {
            Durability::None => Ok(()),
            Durability::Data => Ok(opened.file.sync_data()?),
            Durability::Full => Ok(opened.file.sync_all()?),
        }
    }

    fn give_name(&self, opened: &Opened) -> Result<(), Failure> {
        let flags = match self.may_replace {
            true => RenameFlags::empty(),
            false => RenameFlags::RENAME_NOREPLACE,
        };
        let named = match (&opened.temporary, &self.reservation) {
            (Some(temporary), _) => self.rename(temporary, flags),
            (None, Some(reservation)) => reservation.require_name(),
            (None, None) => Ok(()),
        };
        named.map_err(Failure::from).map_err(Failure::of_new_name)
    }

    fn new_name(&self, opened: &Opened) -> bool {
        opened.created || opened.temporary.is_some()
    }

    /// A name is as durable as the directory that holds it. One that may be written but not read can't be synced;
    /// then the file is synced again, which commits its rename too on journaling file systems.
    fn sync_directory(&self, opened: &Opened) -> Result<(), Failure> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        match openat(&self.directory, ".", flags, Mode::empty()) {
            Ok(directory) => Ok(nix::unistd::fsync(directory.as_fd())?),
            Err(_) => Ok(opened.file.sync_all()?),
        }
    }

    fn rename(&self, temporary: &[u8], flags: RenameFlags) -> nix::Result<()> {
        match &self.reservation {
            Some(reservation) => reservation.give_to(temporary),
            None => {
                renameat2(&self.directory, temporary, &self.directory, self.name.as_slice(), flags)
            }
        }
    }

    fn remove(&self, name: &[u8]) {
        // If that fails the next session sweeps it.
        let _ = unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir);
    }
}

/// The plain file that is there, if any.
fn look_at(directory: &OwnedFd, name: &[u8]) -> Result<Option<FileStat>, Failure> {
    match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => require_plain(&stat).map(|()| Some(stat)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(Failure::from(errno).of_new_name()),
    }
}

/// The rights of which one is needed.
fn needed(existing: Option<&FileStat>, way: Way) -> Rights {
    match (existing, way) {
        (None, _) => Rights::CREATE,
        (Some(_), Way::Append) => Rights::APPEND,
        // To go on behind its end is to append.
        (Some(stat), Way::At(span)) if span.start == stat.st_size.unsigned_abs() => {
            Rights::APPEND | Rights::OVERWRITE
        }
        (Some(_), Way::At(_) | Way::Replace) => Rights::OVERWRITE,
    }
}
