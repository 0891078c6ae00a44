//! What a connection waits for, and what it has to tell. Relay.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags};

use super::raw::Raw;
use crate::wire::relay::{Of, Report, Word};
use crate::wire::{Bounded, relay::Close, relay::Id};
use crate::worker::stream::Stream;

/// The ends of a connection: what it waits for, or what has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sides {
    pub read_raw: bool,
    pub write_raw: bool,
    pub read_plain: bool,
    pub write_plain: bool,
    /// The client, of whom nothing more is read, does not hear either.
    pub raw_gone: bool,
    /// The worker has closed the plain side altogether; poll tells that of whatever is looked at.
    pub plain_gone: bool,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
enum Side {
    ReadRaw,
    WriteRaw,
    RawGone,
    Plain { read: bool, write: bool },
}

/// Descriptors of several connections, for poll. One that nothing is wanted of is not looked at: poll would tell of its
/// end again and again.
#[derive(Default)]
pub struct Watch<'a> {
    fds: Vec<PollFd<'a>>,
    sides: Vec<(usize, Side)>,
}

impl<'a> Watch<'a> {
    /// Adds a channel, which is always read.
    pub fn channel(&mut self, index: usize, channel: &'a impl AsFd) {
        self.add(index, Side::ReadRaw, channel, PollFlags::POLLIN);
    }

    /// Adds what a connection waits for.
    pub fn connection(
        &mut self,
        index: usize,
        wants: Sides,
        raw: &'a Raw,
        plain: Option<&'a Stream>,
    ) {
        if wants.read_raw {
            self.add(index, Side::ReadRaw, raw.input(), PollFlags::POLLIN);
        }
        if let Some(output) = raw.output().filter(|_| wants.write_raw) {
            self.add(index, Side::WriteRaw, output, PollFlags::POLLOUT);
        }
        if let Some(output) = raw.output().filter(|_| wants.raw_gone) {
            self.add(index, Side::RawGone, output, PollFlags::empty());
        }
        let (read, write) = (wants.read_plain, wants.write_plain);
        if let Some(plain) = plain.filter(|_| read || write || wants.plain_gone) {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, read);
            flags.set(PollFlags::POLLOUT, write);
            self.add(index, Side::Plain { read, write }, plain, flags);
        }
    }

    fn add(&mut self, index: usize, side: Side, fd: &'a impl AsFd, flags: PollFlags) {
        self.fds.push(PollFd::new(fd.as_fd(), flags));
        self.sides.push((index, side));
    }

    pub fn fds(&mut self) -> &mut [PollFd<'a>] {
        &mut self.fds
    }

    /// What has come, for each of so many indices.
    pub fn ready(&self, count: usize) -> Vec<Sides> {
        let mut ready = vec![Sides::default(); count];
        for (fd, (index, side)) in self.fds.iter().zip(&self.sides) {
            let came = fd.revents().unwrap_or(PollFlags::empty());
            let Some(ready) = ready.get_mut(*index).filter(|_| !came.is_empty()) else {
                continue;
            };
            let over = came.intersects(PollFlags::POLLHUP | PollFlags::POLLERR);
            match *side {
                Side::ReadRaw => ready.read_raw = true,
                Side::WriteRaw => ready.write_raw = true,
                Side::RawGone => ready.raw_gone = over,
                Side::Plain { read, write } => {
                    ready.plain_gone = over;
                    ready.read_plain = read && (over || came.contains(PollFlags::POLLIN));
                    ready.write_plain = write && (over || came.contains(PollFlags::POLLOUT));
                }
            }
        }
        ready
    }
}

/// What a step has to tell the others.
#[derive(Debug, Default)]
pub struct Told {
    pub words: Vec<Word>,
    pub reports: Vec<Report>,
    /// A data connection has resumed the session.
    pub resumed: bool,
}

impl Told {
    pub fn failed(&mut self, of: Of, cause: &str) {
        self.reports.push(Report::Failed { of, cause: Bounded::cut(cause.as_bytes()) });
    }

    pub fn done(&mut self, id: Id, close: Close) {
        self.words.push(Word::Done(id, close));
    }
}
