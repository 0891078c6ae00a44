//! Bytes that are made as they are sent. Session worker, in transfers.

use std::os::fd::{AsRawFd, BorrowedFd};

use ftp::reply::Reply;
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{MsgFlags, send};

use super::deflate::Deflate;
use super::pump::{Flow, Step};
use super::{Broken, Job, carry};
use crate::worker::failure::Failure;
use crate::worker::session::{Mode, Session};

/// A source of bytes that have to be made.
pub trait Source {
    /// Appends some more; nothing appended means that there is no more, or that it is busy.
    fn produce(&mut self, out: &mut Vec<u8>) -> Result<(), Failure>;

    /// Whether it has made nothing because that takes long: so that the client is listened to meanwhile.
    fn is_busy(&self) -> bool {
        false
    }
}

/// Sends what a source makes, compressed if the session is in MODE Z.
pub fn send_made(session: &mut Session, job: &Job, source: impl Source) -> Result<Reply, Failure> {
    match session.mode {
        Mode::Stream => carry(session, job, |_| Ok(Outgoing::new(source))),
        Mode::Deflate => {
            let deflate = Deflate::new(source, session.level);
            carry(session, job, |_| Ok(Outgoing::new(deflate)))
        }
    }
}

/// The flow of such a source.
#[derive(Debug)]
pub struct Outgoing<S> {
    source: S,
    made: Vec<u8>,
    sent: usize,
}

impl<S: Source> Outgoing<S> {
    /// Sends what the source makes.
    pub fn new(source: S) -> Self {
        Outgoing { source, made: vec![], sent: 0 }
    }
}

impl<S: Source> Flow for Outgoing<S> {
    fn wants(&self) -> PollFlags {
        PollFlags::POLLOUT
    }

    fn step(&mut self, data: BorrowedFd) -> Result<Step, Broken> {
        if self.sent == self.made.len() {
            self.made.clear();
            self.sent = 0;
            self.source.produce(&mut self.made)?;
        }
        let ahead = self.made.get(self.sent..).unwrap_or_default();
        if ahead.is_empty() {
            return Ok(if self.source.is_busy() { Step::Moved(0) } else { Step::Done });
        }
        match send(data.as_raw_fd(), ahead, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
            Ok(length) => {
                self.sent += length;
                Ok(Step::Moved(length as u64))
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Step::Blocked),
            Err(errno) => Err(Broken::Lost(errno)),
        }
    }
}
