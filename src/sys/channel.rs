//! Datagrams between our own processes, each with at most one descriptor. Every process; the peer is not trusted.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg,
    sendmsg, socketpair,
};

/// What went wrong with a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The other end is gone.
    Closed,
    /// A datagram of no bytes.
    Empty,
    /// More bytes than any message may have.
    Oversized,
    /// More descriptors than one.
    Descriptors,
    /// The kernel's own word.
    System(Errno),
}

/// Makes a pair of connected SOCK_SEQPACKET sockets, close-on-exec.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?)
}

/// Sends one datagram, with one descriptor at most. Never blocks: a peer that lets its queue fill up gets `EAGAIN`.
pub fn send(to: BorrowedFd, bytes: &[u8], pass: Option<BorrowedFd>) -> Result<(), Fault> {
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    // Without a descriptor by send: a role that hands none over has no sendmsg in its cage.
    let sent = match pass.map(|fd| [fd.as_raw_fd()]) {
        None => nix::sys::socket::send(to.as_raw_fd(), bytes, flags),
        Some(fds) => {
            let rights = [ControlMessage::ScmRights(&fds)];
            sendmsg::<()>(to.as_raw_fd(), &[IoSlice::new(bytes)], &rights, flags, None)
        }
    };
    match sent {
        Ok(_) => Ok(()),
        Err(Errno::EPIPE | Errno::ECONNRESET) => Err(Fault::Closed),
        Err(errno) => Err(Fault::System(errno)),
    }
}

/// Receives one datagram into `buffer`: its length and its descriptor. Blocks until there is one.
pub fn receive(from: BorrowedFd, buffer: &mut [u8]) -> Result<(usize, Option<OwnedFd>), Fault> {
    // Room for as many as the kernel lets through (SCM_MAX_FD): each that comes is owned, and so is closed.
    let mut control = cmsg_space!([RawFd; 253]);
    let mut slices = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = match recvmsg::<()>(from.as_raw_fd(), &mut slices, Some(&mut control), flags) {
        Ok(message) => message,
        Err(Errno::ECONNRESET) => return Err(Fault::Closed),
        Err(errno) => return Err(Fault::System(errno)),
    };
    let mut fds = Vec::new();
    for part in message.cmsgs().map_err(|_| Fault::Descriptors)? {
        if let ControlMessageOwned::ScmRights(raw) = part {
            // SAFETY: the kernel has just installed these descriptors for us and nobody else owns them.
            fds.extend(raw.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    let (flags, length) = (message.flags, message.bytes);
    if fds.len() > 1 || flags.contains(MsgFlags::MSG_CTRUNC) {
        Err(Fault::Descriptors)
    } else if flags.contains(MsgFlags::MSG_TRUNC) {
        Err(Fault::Oversized)
    } else if length == 0 {
        Err(if hung_up(from) { Fault::Closed } else { Fault::Empty })
    } else {
        Ok((length, fds.pop()))
    }
}

/// A read of no bytes is either an empty datagram or the end: only poll tells which.
fn hung_up(fd: BorrowedFd) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::empty())];
    let polled = nix::poll::poll(&mut fds, PollTimeout::ZERO);
    let end = PollFlags::POLLHUP | PollFlags::POLLERR;
    polled != Ok(0) && fds.iter().any(|fd| fd.revents().is_some_and(|r| r.intersects(end)))
}
