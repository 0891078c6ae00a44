//! From a name in a directory to its line in a listing. Session worker; the files are the user's, the names anyone's.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::SystemTime;

use ftp::listing::{Entry, Facts, Kind, Owner, Role, facts_line, list_line, nlst_line};
use ftp::path::VirtualPath;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, readlinkat};
use nix::sys::stat::{FileStat, SFlag, fstat, fstatat};

use super::listing::Style;
use super::perm::Identity;
use crate::config::RightsTable;
use crate::verb::Target;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::stream::file_type;
use crate::worker::tree::Real;

/// Writes the lines of files in one directory.
#[derive(Debug)]
pub struct Lines {
    style: Style,
    directory: OwnedFd,
    /// Of the directory, for what may be done in it.
    stat: FileStat,
    path: VirtualPath,
    /// What NLST puts before a name.
    prefix: Vec<u8>,
    rights: RightsTable,
    facts: Facts,
    identity: Identity,
    now: i64,
}

impl Lines {
    /// For the files in a directory that was asked for.
    pub fn within(session: &Session, target: &Target, style: Style) -> Result<Self, Failure> {
        let lines = Lines::new(session, &target.real, style)?;
        Ok(Lines { prefix: target.said.clone(), ..lines })
    }

    /// For one file that was asked for; and its name in its directory.
    pub fn beside<'a>(
        session: &Session,
        file: &'a Real,
        style: Style,
    ) -> Result<(Self, &'a [u8]), Failure> {
        let lines = Lines::new(session, &session.tree.parent_of(file), style)?;
        Ok((lines, file.name().unwrap_or(b".")))
    }

    fn new(session: &Session, directory: &Real, style: Style) -> Result<Self, Failure> {
        let opened = session.tree.directory(directory)?;
        Ok(Lines {
            style,
            stat: fstat(&opened)?,
            directory: opened,
            path: directory.path().clone(),
            prefix: vec![],
            rights: session.tree.rights_table().clone(),
            facts: session.facts,
            identity: Identity::own(),
            now: now(),
        })
    }

    /// Appends the line of a file, shown under another name if need be.
    pub fn write(&self, name: &[u8], shown: &[u8], out: &mut Vec<u8>) -> Result<(), Errno> {
        if self.style == Style::Names {
            nlst_line(&self.prefix, shown, out);
            return Ok(());
        }
        let stat = fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let target = match kind(&stat) {
            Kind::Symlink => readlinkat(self.directory.as_fd(), name).ok(),
            _ => None,
        };
        let entry = Entry {
            target: target.as_ref().map(|target| target.as_bytes()),
            ..entry(&stat, shown)
        };
        match self.style {
            Style::Facts => self.write_facts(&entry, &stat, name, out),
            Style::Long | Style::Names => list_line(&entry, self.now, out),
        }
        Ok(())
    }

    fn write_facts(&self, entry: &Entry, stat: &FileStat, name: &[u8], out: &mut Vec<u8>) {
        let rights = self.path.join(name).map(|path| self.rights.at(path.as_bytes()));
        let perm = self.identity.perm(stat, &self.stat, rights.unwrap_or_default());
        let start = out.len();
        facts_line(entry, self.facts, Role::Child, &perm, out);
        if out.len() > start {
            out.extend(b"\r\n");
        }
    }
}

fn entry<'a>(stat: &FileStat, name: &'a [u8]) -> Entry<'a> {
    Entry {
        name,
        kind: kind(stat),
        mode: stat.st_mode & 0o7777,
        links: stat.st_nlink,
        owner: Owner { id: stat.st_uid, name: None },
        group: Owner { id: stat.st_gid, name: None },
        size: stat.st_size.unsigned_abs(),
        mtime: stat.st_mtime,
        target: None,
        device: stat.st_dev,
        inode: stat.st_ino,
    }
}

fn kind(stat: &FileStat) -> Kind {
    match file_type(stat.st_mode) {
        SFlag::S_IFDIR => Kind::Directory,
        SFlag::S_IFLNK => Kind::Symlink,
        SFlag::S_IFIFO => Kind::Fifo,
        SFlag::S_IFSOCK => Kind::Socket,
        SFlag::S_IFCHR => Kind::CharDevice,
        SFlag::S_IFBLK => Kind::BlockDevice,
        _ => Kind::File,
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().cast_signed())
}
