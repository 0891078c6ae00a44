//! Data connections: listening, judging who came, connecting. Privileged or shrunk; it alone makes sockets.
//!
//! A worker never holds a listener or an unconnected socket: it asks, and is handed a connected stream.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use io::ErrorKind::{
    ConnectionAborted, ConnectionRefused, HostUnreachable, Interrupted, NetworkUnreachable,
    NotConnected, WouldBlock,
};
use sys::socket;

use crate::config::{DataPeer, Settings};
use crate::wire::Place;
use crate::wire::session::{Family, Unavailable};

/// The data connection that a session is waiting for: at most one at a time.
#[derive(Debug)]
pub(super) enum Pending {
    /// Nobody was asked for.
    None,
    /// The client is to come to this listener.
    Passive(OwnedFd, Instant),
    /// We are on our way to the client.
    Active(OwnedFd, Instant),
}

/// Somebody at the passive port.
#[derive(Debug)]
pub(super) enum Arrival {
    /// The client: its stream.
    Client(OwnedFd),
    /// Somebody else, already sent away.
    Stranger(IpAddr),
    /// Gone again before it was accepted.
    Nobody,
}

/// What the configuration and the control connection say about data connections.
#[derive(Debug, Clone)]
pub(super) struct Ports {
    place: Place,
    low: u16,
    high: u16,
    passive: bool,
    active: bool,
    source_port: u16,
    to_this_machine: bool,
    any_peer: bool,
    patience: Duration,
}

impl Ports {
    /// The rules of a session.
    pub(super) fn new(place: Place, settings: &Settings) -> Ports {
        let network = &settings.network;
        Ports {
            place,
            low: network.passive_ports.low,
            high: network.passive_ports.high,
            passive: network.passive,
            active: network.active,
            source_port: network.active_source_port,
            to_this_machine: network.active_loopback,
            any_peer: network.data_peer == DataPeer::Any,
            patience: settings.limits.data_connect,
        }
    }

    /// Listens on a port of the range, chosen at random (RFC 2577 §8), on the address that the client came to.
    pub(super) fn listen(&self, family: Family) -> Result<(Pending, u16), Unavailable> {
        if !self.passive {
            return Err(Unavailable::Forbidden);
        }
        if family != family_of(self.place.local) {
            return Err(Unavailable::Resources);
        }
        let (listener, port) = self.bind_in_range().map_err(|_| Unavailable::Resources)?;
        Ok((Pending::Passive(listener, Instant::now() + self.patience), port))
    }

    fn bind_in_range(&self) -> io::Result<(OwnedFd, u16)> {
        let count = u32::from(self.high.saturating_sub(self.low)) + 1;
        let mut random = [0; 4];
        sys::process::random(&mut random)?;
        let first = u32::from_ne_bytes(random) % count;
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for step in 0..count {
            let offset = u16::try_from((first + step) % count).unwrap_or(0);
            let port = self.low.saturating_add(offset);
            match socket::listen(SocketAddr::new(self.place.local, port)) {
                Ok(listener) => return Ok((listener, port)),
                // Two sessions may bind one port with SO_REUSEADDR; only one of them gets to listen.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Takes who came to the listener, and judges by its address.
    pub(super) fn accept(&self, listener: BorrowedFd) -> io::Result<Arrival> {
        match socket::accept(listener) {
            Ok((stream, from)) => {
                let from = from.ip().to_canonical();
                let known = self.any_peer || from == self.place.peer;
                Ok(if known { Arrival::Client(stream) } else { Arrival::Stranger(from) })
            }
            Err(error) if is_transient(&error) => Ok(Arrival::Nobody),
            Err(error) => Err(error),
        }
    }

    /// Sets out for the client's own port. The address is judged here, whatever the worker thought of it.
    pub(super) fn connect(&self, to: SocketAddr) -> Result<Pending, Unavailable> {
        let to = SocketAddr::new(to.ip().to_canonical(), to.port());
        if !self.permits(to) {
            return Err(Unavailable::Forbidden);
        }
        // From our own end of the control connection, as clients expect (RFC 1123 §4.1.2.12).
        let from = SocketAddr::new(self.place.local, self.source_port);
        let from = (family_of(to.ip()) == family_of(from.ip())).then_some(from);
        let stream = socket::connect(from, to).map_err(|error| match error.kind() {
            ConnectionRefused | NetworkUnreachable | HostUnreachable => Unavailable::Unreachable,
            _ => Unavailable::Resources,
        })?;
        Ok(Pending::Active(stream, Instant::now() + self.patience))
    }

    fn permits(&self, to: SocketAddr) -> bool {
        let own = || to.ip().is_loopback() || socket::is_own(to.ip());
        self.active
            && to.port() >= 1024
            && (self.any_peer || to.ip() == self.place.peer)
            && (self.to_this_machine || !own())
    }
}

fn family_of(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ConnectionAborted | Interrupted | NotConnected | WouldBlock)
}
