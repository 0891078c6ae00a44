//! The leash: when the broker lets go or dies, the kernel kills the child, across uids. Every child, again
//! after its last change of credentials.
//!
//! PR_SET_PDEATHSIG carries the dying parent's credentials, and a shrunk broker may not signal a worker that is
//! another user. A pipe whose only writing end is the broker's may: with O_ASYNC the kernel signals the owner that
//! was set on the reading end, and checks that signal against the credentials of the one who set it, the child itself.

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::checked;

/// fcntl command of Linux that the libc crate does not name.
const F_SETSIG: libc::c_int = 10;

/// The child's end. It is never closed but by the process's end: the cage refuses that, for it would take the leash off.
#[derive(Debug)]
pub struct Leash(ManuallyDrop<OwnedFd>);

impl From<OwnedFd> for Leash {
    fn from(fd: OwnedFd) -> Leash {
        Leash(ManuallyDrop::new(fd))
    }
}

impl AsFd for Leash {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Makes a leash: the reading end is the child's, the writing end the broker's.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(nix::unistd::pipe2(OFlag::O_CLOEXEC)?)
}

/// Arms the leash for this process. False when the other end is already let go.
pub fn arm(leash: BorrowedFd) -> io::Result<bool> {
    let (fd, own) = (leash.as_raw_fd(), nix::unistd::getpid().as_raw());
    // SAFETY: F_SETOWN takes an integer and touches no memory.
    checked(unsafe { libc::fcntl(fd, libc::F_SETOWN, own) })?;
    // SAFETY: F_SETSIG takes an integer and touches no memory.
    checked(unsafe { libc::fcntl(fd, F_SETSIG, libc::SIGKILL) })?;
    // SAFETY: F_SETFL takes an integer and touches no memory.
    checked(unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK) })?;
    // What was let go before the line above has sent no signal: look.
    let mut fds = [PollFd::new(leash.as_fd(), PollFlags::POLLIN)];
    Ok(poll(&mut fds, PollTimeout::ZERO)? == 0)
}
