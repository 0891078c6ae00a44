//! The names in a directory, in runs that are sorted each. Session worker; names in the tree are not trusted.
//!
//! However many names there are, one run of them is in memory: a directory of more than [`RUN_MAX`] is sorted within each
//! run only.

use std::ffi::CString;

use ftp::glob;
use nix::dir::{Dir, OwningIter, Type};
use nix::errno::Errno;
use nix::sys::stat::SFlag;

use super::line::Lines;
use super::manner::Manner;
use crate::worker::stream::file_type;
use crate::worker::tree::is_reserved;

/// A name of which something may be said.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    key: (i64, i64),
    pub(super) name: CString,
    /// Found out only where that is asked for.
    pub(super) is_directory: bool,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Name(Named),
    /// Nothing yet: so much was read that the client should be listened to.
    Busy,
    End,
}

/// Which names are shown.
#[derive(Debug, Default)]
pub(super) struct Filter {
    hidden: bool,
    pattern: Option<Vec<u8>>,
}

/// Reads a directory.
#[derive(Debug)]
pub(super) struct Entries {
    /// None once all of it was read.
    names: Option<OwningIter>,
    filter: Filter,
    reverse: bool,
    /// Whether it matters what is a directory.
    asks_type: bool,
    gathered: Vec<Named>,
    run: std::vec::IntoIter<Named>,
}

impl Filter {
    /// All that this listing shows, if it is of this pattern.
    pub(super) fn of(manner: &Manner, pattern: Option<&[u8]>) -> Self {
        Filter { hidden: manner.hidden, pattern: pattern.map(<[u8]>::to_vec) }
    }

    fn shows(&self, name: &[u8]) -> bool {
        let fits = match &self.pattern {
            // Its dot, if it has one, has asked for what is hidden.
            Some(pattern) => glob::matches(pattern, name),
            None => self.hidden || !name.starts_with(b"."),
        };
        fits && !matches!(name, b"." | b"..") && !is_reserved(name)
    }
}

impl Entries {
    /// Those of an open directory.
    pub(super) fn of(directory: Dir, manner: &Manner, filter: Filter) -> Self {
        Entries {
            names: Some(directory.into_iter()),
            filter,
            reverse: manner.options.reverse,
            asks_type: manner.options.recursive,
            gathered: vec![],
            run: vec![].into_iter(),
        }
    }

    /// One that is known to be there.
    pub(super) fn only(name: CString) -> Self {
        let run = vec![Named { key: (0, 0), name, is_directory: false }].into_iter();
        let filter = Filter::default();
        Entries { names: None, filter, reverse: false, asks_type: false, gathered: vec![], run }
    }

    /// The next one of those that are shown.
    pub(super) fn next(&mut self, lines: &Lines) -> nix::Result<Next> {
        loop {
            if let Some(named) = self.run.next() {
                return Ok(Next::Name(named));
            }
            if self.names.is_none() {
                return Ok(Next::End);
            }
            if !self.gather(lines)? {
                return Ok(Next::Busy);
            }
        }
    }

    /// Reads on, and tells whether a run is ready.
    fn gather(&mut self, lines: &Lines) -> nix::Result<bool> {
        for _ in 0..READ_MAX {
            match self.names.as_mut().and_then(Iterator::next) {
                Some(entry) => {
                    let entry = entry?;
                    if self.filter.shows(entry.file_name().to_bytes()) {
                        let named =
                            self.named(entry.file_name().to_owned(), entry.file_type(), lines);
                        self.gathered.push(named);
                    }
                }
                // The C library calls it an end when a directory is removed under its reader.
                None if lines.is_gone()? => return Err(Errno::ENOENT),
                None => self.names = None,
            }
            if self.names.is_none() || self.gathered.len() == RUN_MAX {
                self.sort();
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn named(&self, name: CString, said: Option<Type>, lines: &Lines) -> Named {
        let bytes = name.to_bytes();
        let is_directory = || match said {
            Some(said) => said == Type::Directory,
            // Some file systems don't tell.
            None => lines.stat(bytes).is_ok_and(|stat| file_type(stat.st_mode) == SFlag::S_IFDIR),
        };
        let is_directory = self.asks_type && is_directory();
        Named { key: lines.key(bytes), name, is_directory }
    }

    fn sort(&mut self) {
        let mut run = std::mem::take(&mut self.gathered);
        run.sort_unstable();
        if self.reverse {
            run.reverse();
        }
        self.run = run.into_iter();
    }
}

/// Names that are sorted together.
const RUN_MAX: usize = 65_536;
/// Names that are read before the client is listened to again.
const READ_MAX: usize = 8_192;
