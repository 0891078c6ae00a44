//! The pump: moves bytes over a data connection, either way, as long as they move. Session worker; the peer of the
//! data connection is not trusted to read, to write, or to stop.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::poll::PollFlags;
use nix::sys::socket::{Shutdown, shutdown};

use super::Broken;
use super::watch::Signal;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// What one step has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many bytes have crossed the data connection.
    Moved(u64),
    /// None could, for now.
    Blocked,
    /// That was all.
    Done,
}

/// Something that flows over a data connection.
pub trait Flow {
    /// What the data connection must be ready for: POLLIN or POLLOUT.
    fn wants(&self) -> PollFlags;

    /// Moves what can be moved at once, but not for long.
    fn step(&mut self, data: BorrowedFd) -> Result<Step, Broken>;

    /// Comes to an end, with all of it moved or not. Nothing more comes over the data connection.
    fn finish(&mut self, _whole: bool) -> Result<(), Failure> {
        Ok(())
    }

    /// What else the log should know.
    fn remark(&self) -> Option<String> {
        None
    }
}

/// Moves all there is, and ends our direction of the data connection.
pub fn pump(session: &mut Session, data: &OwnedFd, flow: &mut impl Flow) -> Result<(), Broken> {
    let patience = session.settings.limits.stalled;
    let mut deadline = Instant::now() + patience;
    loop {
        match session.watch(Some((data.as_fd(), flow.wants())), deadline)? {
            Signal::Data => match flow.step(data.as_fd())? {
                Step::Moved(bytes) => {
                    deadline = Instant::now() + patience;
                    if let Some(progress) = &mut session.progress {
                        progress.bytes += bytes;
                    }
                }
                Step::Blocked => {}
                Step::Done => break,
            },
            Signal::Relay => {}
            Signal::Answer(answer, fd) => session.take_answer(answer, fd)?,
            Signal::Aborted => return Err(Broken::Aborted),
            Signal::Late => return Err(Broken::Stalled),
        }
    }
    // The end of a download is a FIN behind the last byte. A peer that is gone already need not be told.
    let _ = shutdown(data.as_raw_fd(), Shutdown::Write);
    Ok(())
}
