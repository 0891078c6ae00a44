//! Files put together into one. Session worker, as the user; other processes may change any of them meanwhile.

use std::fs::File;
use std::io::Seek;

use ftp::reply::Reply;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, fstatat};
use nix::unistd::{AccessFlags, UnlinkatFlags, faccessat, unlinkat};

use super::Span;
use super::copy::{Copying, refuse_same};
use super::labour::Labour;
use super::store::{Opened, Store, Way};
use crate::verb::Target;
use crate::wire::event::Change;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::tree::require_plain;

/// Adds parts to a target, which is made if it is not there, and removes them when all is on the disk. If that is
/// broken off, the target is as before, as far as its rights allow to cut it, and every part is still there.
pub fn run(session: &mut Session, target: &Target, parts: Vec<Target>) -> Result<Reply, Failure> {
    look_at(session, target, &parts)?;
    let way = match session.tree.stat(&target.real) {
        Ok(stat) => Way::At(Span::from(stat.st_size.unsigned_abs())),
        Err(Errno::ENOENT) => Way::Replace,
        Err(errno) => return Err(errno.into()),
    };
    let store = Store::plan(session, target, way)?;
    session.sweep(&session.tree.parent_of(&target.real));
    let mut opened = store.open()?;
    let mut combining = Combining::of(parts);
    let mut labour = Labour::on_files("COMB", &target.path, 250);
    let worked = labour.work(session, |session| combining.step(session, &mut opened.file));
    let worked = match worked {
        Ok(Some(())) => store.commit(&opened).map(Some),
        broken => {
            undo(&store, &mut opened, way);
            broken
        }
    };
    let replied = match worked {
        Ok(Some(())) => combining.remove(session, target).map(Some),
        Ok(None) => labour.note_aborted(session).map(|()| None),
        Err(failure) => Err(failure),
    };
    labour.conclude(session, replied)
}

/// Before anything is touched: that each part is a plain file, named once, not the target, and can be removed.
fn look_at(session: &Session, target: &Target, parts: &[Target]) -> Result<(), Failure> {
    for (index, part) in parts.iter().enumerate() {
        let stat = session.tree.stat(&part.real)?;
        require_plain(&stat)?;
        refuse_same(session, &stat, target)?;
        if parts.iter().skip(index + 1).any(|other| other.real == part.real) {
            return Err(Failure::new(501, "A part is named twice."));
        }
        let directory = session.tree.parent(&part.real)?;
        faccessat(&directory, ".", AccessFlags::W_OK | AccessFlags::X_OK, AtFlags::empty())?;
    }
    Ok(())
}

/// Cuts what was added off again, unless somebody else has added something behind it.
fn undo(store: &Store, opened: &mut Opened, way: Way) {
    // Where the file stands tells of half a write too, which a disk that became full has ended with an error.
    if let (Way::At(Span { start: before, .. }), Ok(now), Ok(position)) =
        (way, opened.file.metadata(), opened.file.stream_position())
        && now.len() == position
    {
        // Who may only append may not cut.
        let _ = opened.file.set_len(before);
    }
    store.abandon(opened, false);
}

/// Parts on their way into the target.
struct Combining {
    ahead: std::vec::IntoIter<Target>,
    current: Option<(Copying, Part)>,
    done: Vec<Part>,
}

/// A part, and what it was when it was opened.
struct Part {
    target: Target,
    stat: FileStat,
    copied: u64,
}

impl Combining {
    fn of(parts: Vec<Target>) -> Self {
        Combining { ahead: parts.into_iter(), current: None, done: vec![] }
    }

    /// Copies a piece of a part, or opens the next one.
    fn step(&mut self, session: &mut Session, to: &mut File) -> Result<Option<()>, Failure> {
        let Some((mut copying, mut part)) = self.current.take() else {
            let Some(target) = self.ahead.next() else {
                return Ok(Some(()));
            };
            let (file, stat) = session.tree.open_file(&target.real, OFlag::O_RDONLY)?;
            self.current = Some((Copying::of(file.into()), Part { target, stat, copied: 0 }));
            return Ok(None);
        };
        let length = copying.step(to)?;
        part.copied += length;
        match length {
            0 => self.done.push(part),
            _ => self.current = Some((copying, part)),
        }
        Ok(None)
    }

    /// Removes the parts, and tells the log of each.
    fn remove(self, session: &Session, target: &Target) -> Result<Reply, Failure> {
        let mut left = None;
        for part in self.done {
            left = part.remove(session).err().or(left);
            session.changed(Change::Combine, &part.target.path, Some(target.path.as_bytes()))?;
        }
        match left {
            None => Ok(Reply::new(250, "Combined.")),
            Some(errno) => Err(Failure::new(450, "Combined, but not every part could be removed.")
                .because(format!("a part was not removed: {}", errno.desc()))),
        }
    }
}

impl Part {
    /// Removes it, if it still is what was copied.
    fn remove(&self, session: &Session) -> nix::Result<()> {
        let directory = session.tree.parent(&self.target.real)?;
        let name = self.target.real.name()?;
        let now = fstatat(&directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let is_same = (now.st_dev, now.st_ino) == (self.stat.st_dev, self.stat.st_ino);
        match is_same && now.st_size.unsigned_abs() == self.copied {
            true => unlinkat(&directory, name, UnlinkatFlags::NoRemoveDir),
            false => Err(Errno::EBUSY),
        }
    }
}
