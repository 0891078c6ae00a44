//! What the service manager is told. Root, before anyone has spoken: afterwards the environment and the root are gone.

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use sd_notify::NotifyState;

/// Says that we serve, and opens the socket on which later states are told. `None` where no service manager listens.
pub(super) fn ready(from: IpAddr) -> Option<OwnedFd> {
    let address = std::env::var("NOTIFY_SOCKET").ok()?;
    let status = format!("{from}: login");
    // A service manager that does not listen any more is no reason not to serve.
    let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
    let address = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&address),
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.connect_addr(&address.ok()?).ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(socket.into())
}
