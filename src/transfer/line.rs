//! From a name in a directory to its line in a listing. Session worker; the files are the user's, the names anyone's.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use ftp::listing::{Entry, Kind, Owner, Perm, facts_line, list_line, mark, nlst_line};
use ftp::options::Order;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, readlinkat};
use nix::sys::stat::{FileStat, SFlag, fstat, fstatat};

use super::manner::{Manner, Style};
use crate::config::Rights;
use crate::worker::stream::file_type;
use crate::worker::tree::{Last, Real};

/// Writes the lines of files in one directory.
#[derive(Debug)]
pub(super) struct Lines {
    manner: Rc<Manner>,
    directory: OwnedFd,
    /// Of the directory, for what may be done in it.
    stat: FileStat,
    at: Real,
    /// What stands before a name where names are prefixed.
    prefix: Vec<u8>,
}

/// What a line tells of.
struct Seen {
    stat: FileStat,
    /// Where it leads, of a link that is shown as one.
    target: Option<OsString>,
}

impl Lines {
    /// For the files in a directory that the client calls `prefix`.
    pub(super) fn within(manner: &Rc<Manner>, at: &Real, prefix: &[u8]) -> nix::Result<Self> {
        let directory = manner.tree.directory(at)?;
        Ok(Lines {
            manner: manner.clone(),
            stat: fstat(&directory)?,
            directory,
            at: at.clone(),
            prefix: prefix.to_vec(),
        })
    }

    /// For one file; and its name in its directory.
    pub(super) fn beside<'a>(manner: &Rc<Manner>, file: &'a Real) -> nix::Result<(Self, &'a [u8])> {
        let lines = Lines::within(manner, &manner.tree.parent_of(file), b"")?;
        Ok((lines, file.name().unwrap_or(b".")))
    }

    /// Appends the line of a file, shown under another name if need be.
    pub(super) fn write(&self, name: &[u8], shown: &[u8], out: &mut Vec<u8>) -> nix::Result<()> {
        let Manner { style, options, now, zone, .. } = &*self.manner;
        if *style == Style::Names && !options.classify {
            self.write_name(shown, out);
            return Ok(());
        }
        let Seen { stat, target } = self.look(name)?;
        let marked;
        let shown = if options.classify && target.is_none() {
            marked = [shown, mark(kind(&stat), stat.st_mode).as_slice()].concat();
            &marked
        } else {
            shown
        };
        let target = target.as_ref().map(|target| target.as_bytes());
        let entry = Entry { target, ..self.entry(&stat, shown) };
        match style {
            Style::Names => self.write_name(shown, out),
            Style::Facts => self.write_facts(&entry, &stat, name, out),
            Style::Long => list_line(&entry, *now, zone.offset_at(stat.st_mtime), out),
        }
        Ok(())
    }

    /// What a name is sorted by, before the name itself.
    pub(super) fn key(&self, name: &[u8]) -> (i64, i64) {
        let by_stat: fn(&FileStat) -> (i64, i64) = match self.manner.options.order {
            Order::Name => return (0, 0),
            Order::Time => {
                |stat| (stat.st_mtime.saturating_neg(), stat.st_mtime_nsec.saturating_neg())
            }
            Order::Size => |stat| (stat.st_size.saturating_neg(), 0),
        };
        // What can't be looked at has no line either.
        self.look(name).map_or((0, 0), |seen| by_stat(&seen.stat))
    }

    /// The attributes of a name, a link's own if it is one.
    pub(super) fn stat(&self, name: &[u8]) -> nix::Result<FileStat> {
        fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)
    }

    /// Whether the directory was removed since it was opened.
    pub(super) fn is_gone(&self) -> nix::Result<bool> {
        Ok(fstat(&self.directory)?.st_nlink == 0)
    }

    fn look(&self, name: &[u8]) -> nix::Result<Seen> {
        let stat = self.stat(name)?;
        if kind(&stat) != Kind::Symlink {
            return Ok(Seen { stat, target: None });
        }
        let Manner { style, options, .. } = &*self.manner;
        if options.follow
            && let Some((_, stat)) = self.led_to(name)
        {
            return Ok(Seen { stat, target: None });
        }
        // Names alone are not followed by where they lead.
        let target = (*style != Style::Names).then(|| readlinkat(self.directory.as_fd(), name));
        Ok(Seen { stat, target: target.and_then(Result::ok) })
    }

    /// Where a link leads, if that is in the jail and the session may list it there.
    fn led_to(&self, name: &[u8]) -> Option<(Rights, FileStat)> {
        let tree = &self.manner.tree;
        let real = tree.real(&self.at.path().join(name).ok()?, Last::Followed).ok()?;
        let rights = tree.rights(&real);
        let stat = rights.contains(Rights::LIST).then(|| tree.stat(&real))?;
        Some((rights, stat.ok()?))
    }

    fn write_name(&self, shown: &[u8], out: &mut Vec<u8>) {
        let prefix: &[u8] = if self.manner.prefixed { &self.prefix } else { b"" };
        nlst_line(prefix, shown, out);
    }

    fn write_facts(&self, entry: &Entry, stat: &FileStat, name: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        facts_line(entry, self.manner.facts, &self.perm(stat, name), out);
        if out.len() > start {
            out.extend(b"\r\n");
        }
    }

    fn perm(&self, stat: &FileStat, name: &[u8]) -> Perm {
        let Manner { tree, identity, .. } = &*self.manner;
        let Some(real) = tree.child(&self.at, name) else {
            // The root: there is nothing above it that would hold its name.
            let own = identity.perm(stat, &self.stat, tree.rights(&self.at));
            return Perm { delete: false, rename: false, ..own };
        };
        let own = identity.perm(stat, &self.stat, tree.rights(&real));
        // A directory that the configuration names keeps its name.
        let moves = !tree.is_named(&real);
        let own = Perm { delete: own.delete && moves, rename: own.rename && moves, ..own };
        if kind(stat) != Kind::Symlink {
            return own;
        }
        // The link goes or is renamed, but what is read and written is what it leads to.
        let led = self.led_to(name).filter(|(_, stat)| kind(stat) == Kind::File);
        let there = led.map(|(rights, stat)| identity.perm(&stat, &self.stat, rights));
        let Perm { append, read, write, .. } = there.unwrap_or_default();
        Perm { append, read, write, ..own }
    }

    fn entry<'a>(&'a self, stat: &FileStat, name: &'a [u8]) -> Entry<'a> {
        let names = &self.manner.names;
        Entry {
            name,
            kind: kind(stat),
            mode: stat.st_mode & 0o7777,
            links: stat.st_nlink,
            owner: Owner { id: stat.st_uid, name: names.user(stat.st_uid) },
            group: Owner { id: stat.st_gid, name: names.group(stat.st_gid) },
            size: stat.st_size.unsigned_abs(),
            mtime: stat.st_mtime,
            target: None,
            device: stat.st_dev,
            inode: stat.st_ino,
        }
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

/// Whether it has gone since its name was read, or may not be looked at: then it has no line.
pub(super) fn is_passed_over(errno: Errno) -> bool {
    matches!(errno, Errno::ENOENT | Errno::EACCES)
}
