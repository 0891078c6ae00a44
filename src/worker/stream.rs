//! One direction of the control connection, whatever it is: a socket, a pipe, a terminal. Both workers.
//!
//! Its open file description may be shared with the launcher, so O_NONBLOCK is never set on it: sockets are
//! asked per call not to block, everything else is touched only when poll has said that it will not.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::libc::PIPE_BUF;
use nix::poll::PollFlags;
use nix::sys::socket::MsgFlags;
use nix::sys::stat::SFlag;

use super::wait::wait_for;

/// A descriptor of the client's.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
    socket: bool,
}

impl Stream {
    /// Takes a descriptor and finds out what it is.
    pub fn new(fd: OwnedFd) -> Self {
        let socket =
            nix::sys::stat::fstat(&fd).is_ok_and(|stat| file_type(stat.st_mode) == SFlag::S_IFSOCK);
        Stream { fd, socket }
    }

    /// Reads what is there. Call it when poll says so.
    pub fn receive(&self, buffer: &mut [u8]) -> nix::Result<usize> {
        match self.socket {
            true => nix::sys::socket::recv(self.fd.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT),
            false => nix::unistd::read(&self.fd, buffer),
        }
    }

    /// Writes what fits, without blocking.
    pub fn transmit(&self, bytes: &[u8]) -> nix::Result<usize> {
        if self.socket {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            return nix::sys::socket::send(self.fd.as_raw_fd(), bytes, flags);
        }
        match wait_for(&self.fd, PollFlags::POLLOUT, Instant::now())? {
            // A pipe that poll calls writable takes PIPE_BUF bytes without blocking (pipe(7)).
            true => nix::unistd::write(&self.fd, bytes.get(..PIPE_BUF).unwrap_or(bytes)),
            false => Err(Errno::EAGAIN),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The type bits of a mode.
pub fn file_type(mode: nix::libc::mode_t) -> SFlag {
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT
}
