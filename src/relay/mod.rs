//! TLS, in two processes of their own, so that no worker knows of it: the relay speaks TLS with the client and plain bytes
//! with the worker; the key process has the private keys and signs. Both are caged before the first byte; the relay
//! reads what strangers send, the key process only what the relay asks, and trusts it no further than the shape of that.
//!
//! The relay: `service` is its loop; `control` and `data` are the two kinds of connections, each with an `engine` between
//! its `raw` side and a plain one. `configs` says how TLS is spoken, `resolver` with which certificate, and `remote` has it
//! signed by the process in [`key`].

mod buffer;
mod certificate;
mod configs;
mod control;
mod data;
mod engine;
mod established;
mod hello;
mod hybrid;
pub mod key;
mod provider;
mod raw;
mod record;
mod remote;
mod resolver;
mod service;
mod sides;
mod ticket;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::os::fd::OwnedFd;
use std::time::Duration;

pub use certificate::{Certificate, read_chain};
pub use configs::{Clients, Policy};

use crate::cage::Caged;
use crate::wire;

/// What the relay begins with.
#[derive(Debug)]
pub struct Start {
    /// From the client: a socket or a pipe, shared with the launcher, and so never made non-blocking.
    pub input: OwnedFd,
    /// To the client: often the same socket.
    pub output: OwnedFd,
    /// Our end of a pair of stream sockets; the worker has the other.
    pub plain: OwnedFd,
    /// To the broker.
    pub broker: wire::relay::RelayEnd,
    /// To the key process.
    pub key: wire::key::RelayEnd,
    /// One for each key, in the same order.
    pub certificates: Vec<Certificate>,
    /// What the settings demand.
    pub policy: Policy,
    /// What HOST has named: the certificate for clients that name no host, or none that is known.
    pub host: Option<Vec<u8>>,
    /// For a handshake, for an answer of the key process, for the end of a connection.
    pub patience: Duration,
}

/// Relays until the session ends and the last byte of it is delivered, or that takes too long. Fails if the broker or the
/// worker sends what it should not.
pub fn run(_: &Caged, start: Start) -> Result<(), wire::Fault> {
    service::serve(start)
}
