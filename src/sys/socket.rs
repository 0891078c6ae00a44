//! Sockets of data connections, and what nix and std leave out. The broker, and launch for the client's.

use std::io;
use std::mem::size_of;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, accept4, bind, getpeername,
    getsockname, getsockopt, setsockopt, socket, socketpair, sockopt,
};

use crate::checked;

/// Accepts a connection, non-blocking and close-on-exec, and tells who it is.
pub fn accept(listener: BorrowedFd) -> io::Result<(OwnedFd, SocketAddr)> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let number = accept4(listener.as_raw_fd(), flags)?;
    // SAFETY: the kernel has just made this descriptor for us.
    let stream = unsafe { OwnedFd::from_raw_fd(number) };
    let peer = peer_address(stream.as_fd()).ok_or(io::ErrorKind::NotConnected)?;
    Ok((stream, peer))
}

/// Listens on an address. A port that was used a moment ago will do.
pub fn listen(at: SocketAddr) -> io::Result<OwnedFd> {
    let listener = stream(at.ip())?;
    bind(listener.as_raw_fd(), &SockaddrStorage::from(at))?;
    nix::sys::socket::listen(&listener, Backlog::new(8)?)?;
    Ok(listener)
}

/// Sets out from one address for another; [`arrived`] tells how that went, when it can be written to.
pub fn connect(from: Option<SocketAddr>, to: SocketAddr) -> io::Result<OwnedFd> {
    let stream = stream(to.ip())?;
    if let Some(from) = from {
        bind(stream.as_raw_fd(), &SockaddrStorage::from(from))?;
    }
    match nix::sys::socket::connect(stream.as_raw_fd(), &SockaddrStorage::from(to)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(stream),
        Err(errno) => Err(errno.into()),
    }
}

/// A pair of connected local streams, non-blocking and close-on-exec.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socketpair(AddressFamily::Unix, SockType::Stream, None, flags)?)
}

/// Whether a connection that was on its way has arrived.
pub fn arrived(stream: BorrowedFd) -> bool {
    getsockopt(&stream, sockopt::SocketError) == Ok(0)
}

/// Whether an address is this machine's: only such a one can be bound. Where that can't be found out, it is.
pub fn is_own(address: IpAddr) -> bool {
    let any = SockaddrStorage::from(SocketAddr::new(address, 0));
    let bound = stream(address).map(|socket| bind(socket.as_raw_fd(), &any));
    !matches!(bound, Ok(Err(Errno::EADDRNOTAVAIL)))
}

fn stream(family: IpAddr) -> io::Result<OwnedFd> {
    let family = match family {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    Ok(socket)
}

/// The other end's Internet address; `None` if it has none.
pub fn peer_address(socket: BorrowedFd) -> Option<SocketAddr> {
    internet(&getpeername(socket.as_raw_fd()).ok()?)
}

/// Our end's Internet address; `None` if it has none.
pub fn local_address(socket: BorrowedFd) -> Option<SocketAddr> {
    internet(&getsockname(socket.as_raw_fd()).ok()?)
}

fn internet(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
}

/// Lets urgent data stand in line with the rest (SO_OOBINLINE): clients send the end of ABOR that way.
pub fn inline_urgent_data(socket: BorrowedFd) -> io::Result<()> {
    switch_on(socket, libc::SOL_SOCKET, libc::SO_OOBINLINE)
}

/// Acknowledges what comes next without delay (TCP_QUICKACK), until the kernel thinks better of it.
pub fn acknowledge_at_once(socket: BorrowedFd) -> io::Result<()> {
    switch_on(socket, libc::IPPROTO_TCP, libc::TCP_QUICKACK)
}

fn switch_on(socket: BorrowedFd, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(4);
    // SAFETY: the kernel reads `size` bytes of the live integer above.
    checked(unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const on).cast(), size)
    })
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_can_be_bound_are_our_own() {
        for own in ["127.0.0.1", "127.1.2.3", "0.0.0.0", "::1"] {
            assert!(is_own(own.parse().unwrap()), "{own}");
        }
        // Addresses of documents (RFC 5737, RFC 3849) are nobody's.
        for other in ["192.0.2.7", "2001:db8::7"] {
            assert!(!is_own(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn a_connection_arrives_and_both_ends_know_the_other() {
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let at = local_address(listener.as_fd()).unwrap();
        let stream = connect(Some(([127, 0, 0, 1], 0).into()), at).unwrap();
        let sources = [((), listener.as_fd(), nix::poll::PollFlags::POLLIN)];
        crate::watch::next(&sources, None).unwrap();
        let (_accepted, from) = accept(listener.as_fd()).unwrap();
        assert_eq!(Some(from), local_address(stream.as_fd()));
        assert!(arrived(stream.as_fd()));
    }
}
