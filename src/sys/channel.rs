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
    Ok(socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )?)
}

/// Sends one datagram, with one descriptor at most. Never blocks: a peer that lets its queue fill up gets `EAGAIN`.
pub fn send(to: BorrowedFd, bytes: &[u8], pass: Option<BorrowedFd>) -> Result<(), Fault> {
    let raw = pass.map(|fd| [fd.as_raw_fd()]);
    let rights = raw.as_ref().map(|fds| ControlMessage::ScmRights(fds));
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    let sent = sendmsg::<()>(
        to.as_raw_fd(),
        &[IoSlice::new(bytes)],
        rights.as_ref().map_or(&[], std::slice::from_ref),
        flags,
        None,
    );
    match sent {
        Ok(_) => Ok(()),
        Err(Errno::EPIPE | Errno::ECONNRESET) => Err(Fault::Closed),
        Err(errno) => Err(Fault::System(errno)),
    }
}

/// Receives one datagram into `buffer`: its length and its descriptor. Blocks until there is one.
pub fn receive(from: BorrowedFd, buffer: &mut [u8]) -> Result<(usize, Option<OwnedFd>), Fault> {
    // A buffer for one descriptor lets two in on a 64-bit kernel (alignment): ask for both, own both.
    let mut control = cmsg_space!([RawFd; 2]);
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
            fds.extend(
                raw.into_iter()
                    .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }),
            );
        }
    }
    let (flags, length) = (message.flags, message.bytes);
    if fds.len() > 1 || flags.contains(MsgFlags::MSG_CTRUNC) {
        Err(Fault::Descriptors)
    } else if flags.contains(MsgFlags::MSG_TRUNC) {
        Err(Fault::Oversized)
    } else if length == 0 {
        Err(if hung_up(from) {
            Fault::Closed
        } else {
            Fault::Empty
        })
    } else {
        Ok((length, fds.pop()))
    }
}

/// A read of no bytes is either an empty datagram or the end: only poll tells which.
fn hung_up(fd: BorrowedFd) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::empty())];
    let polled = nix::poll::poll(&mut fds, PollTimeout::ZERO);
    let end = PollFlags::POLLHUP | PollFlags::POLLERR;
    polled != Ok(0)
        && fds
            .iter()
            .any(|fd| fd.revents().is_some_and(|r| r.intersects(end)))
}
