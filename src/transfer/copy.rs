//! Copies within the tree. Session worker, as the user; other processes may change either file meanwhile.

use std::fs::File;
use std::io::{Read, Write};

use ftp::reply::Reply;
use nix::errno::Errno;
use nix::fcntl::{OFlag, copy_file_range};
use nix::sys::stat::FileStat;

use super::labour::Labour;
use super::store::{Store, Way};
use crate::verb::Target;
use crate::wire::event::Change;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// Copies a file. The copy is stored as an upload is; but if it is broken off, no part of a new file is kept.
pub fn run(session: &mut Session, source: &Target, target: &Target) -> Result<Reply, Failure> {
    let (from, stat) = session.tree.open_file(&source.real, OFlag::O_RDONLY)?;
    refuse_same(session, &stat, target)?;
    let store = Store::plan(session, target, Way::Replace)?;
    session.sweep(&session.tree.parent_of(&target.real));
    let mut opened = store.open()?;
    let mut copying = Copying::of(from.into());
    let mut labour = Labour::on_files("SITE COPY", &target.path, 250);
    let worked = labour.work(session, |_| Ok((copying.step(&mut opened.file)? == 0).then_some(())));
    let worked = match worked {
        Ok(Some(())) => store.commit(&opened).map(Some),
        broken => {
            store.abandon(&opened, false);
            broken
        }
    };
    match worked {
        Ok(Some(())) => {
            session.changed(Change::Copy, &source.path, Some(target.path.as_bytes()))?
        }
        Ok(None) => labour.note_aborted(session)?,
        Err(_) => {}
    }
    labour.conclude(session, worked.map(|done| done.map(|()| Reply::new(250, "Copied."))))
}

/// A file must not be written over itself: in place there would be nothing left to read.
pub fn refuse_same(session: &Session, stat: &FileStat, target: &Target) -> Result<(), Failure> {
    match session.tree.stat(&target.real) {
        Ok(other) if (other.st_dev, other.st_ino) == (stat.st_dev, stat.st_ino) => {
            Err(Failure::new(553, "Source and target are one file."))
        }
        _ => Ok(()),
    }
}

/// A file on its way into another.
#[derive(Debug)]
pub struct Copying {
    from: File,
    /// Where the kernel would not copy.
    buffer: Option<Vec<u8>>,
}

impl Copying {
    /// A file, from where it stands.
    pub fn of(from: File) -> Self {
        Copying { from, buffer: None }
    }

    /// Copies a piece to where the other file stands; how much of it there was, and 0 at the end.
    pub fn step(&mut self, to: &mut File) -> Result<u64, Failure> {
        if let Some(buffer) = &mut self.buffer {
            let length = self.from.read(buffer)?;
            to.write_all(buffer.get(..length).unwrap_or_default())?;
            return Ok(length as u64);
        }
        match copy_file_range(&self.from, None, &*to, None, PIECE) {
            Ok(length @ 1..) => Ok(length as u64),
            // It is no end to files that are longer than their size tells. Not every pair of file systems can; and what
            // is open for appending is EBADF (copy_file_range(2)).
            Ok(0)
            | Err(
                Errno::EXDEV | Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP | Errno::EBADF,
            ) => {
                self.buffer = Some(vec![0; BUFFER]);
                self.step(to)
            }
            Err(Errno::EINTR) => self.step(to),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// As much as is copied before the client is listened to again.
const PIECE: usize = 4 * 1024 * 1024;
const BUFFER: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn copied(from: &str, to: &mut File) -> (u64, bool) {
        let mut copying = Copying::of(File::open(from).unwrap());
        let pieces = std::iter::from_fn(|| Some(copying.step(to).unwrap()).filter(|&n| n > 0));
        (pieces.sum(), copying.buffer.is_some())
    }

    #[test]
    fn what_the_kernel_can_not_copy_goes_through_a_buffer() {
        let dir = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
        fs::write(&from, vec![b'x'; 9_000_000]).unwrap();
        // For appending: EBADF.
        let mut end = File::options().append(true).create(true).open(&to).unwrap();
        assert_eq!(copied(from.to_str().unwrap(), &mut end), (9_000_000, true));
        assert_eq!(fs::metadata(&to).unwrap().len(), 9_000_000);
        // A file of unknown length: copy_file_range says 0 or EXDEV.
        let (length, _) = copied("/proc/self/maps", &mut File::create(&to).unwrap());
        assert!(length > 0 && length == fs::metadata(&to).unwrap().len());
    }
}
