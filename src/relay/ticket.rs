//! Tickets that take a session up again. Relay; the key is random and this process's own, so that a ticket that can be
//! read was given on this very control connection.

use std::sync::Arc;

use rustls::server::{ProducesTickets, ServerConnection, StoresServerSessions};
use rustls::{HandshakeKind, ProtocolVersion};

use crate::wire::relay::Of;

/// What a session of TLS 1.3 carries that began on the control connection. One that began on a data connection, which may
/// have been anybody's, lacks it, and so does all that resumes that one.
const OWN: &[u8] = b"control";

/// Marks the tickets that this connection will give. Before its handshake has ended, and again whenever it went on: who it
/// resumes is known late.
pub fn mark(connection: &mut ServerConnection, of: Of) {
    if of == Of::Control || connection.received_resumption_data() == Some(OWN) {
        connection.set_resumption_data(OWN);
    }
}

/// Whether it resumes a session that began on the control connection. Under TLS 1.2 there is no other: data connections
/// give no tickets, and what they would store is not kept.
pub fn is_resumed(connection: &ServerConnection, of: Of) -> bool {
    let own = || match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => connection.received_resumption_data() == Some(OWN),
        _ => true,
    };
    connection.handshake_kind() == Some(HandshakeKind::Resumed) && (of == Of::Control || own())
}

/// Takes sessions up that another has stored, and stores none.
#[derive(Debug)]
pub struct TakeOnlyStorage(pub Arc<dyn StoresServerSessions>);

impl StoresServerSessions for TakeOnlyStorage {
    fn put(&self, _: Vec<u8>, _: Vec<u8>) -> bool {
        false
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key)
    }

    fn can_cache(&self) -> bool {
        false
    }
}

/// Takes the tickets of another, and does not even say that there could be any.
///
/// For data connections under TLS 1.2: each handshake there would replace the ticket, and clients that keep sessions in a cache
/// (PHP) then drop the control connection's, after every second transfer. An empty ticket is no way out: others (Go) keep
/// that one, and have nothing to show from then on.
#[derive(Debug)]
pub struct TakeOnly(pub Arc<dyn ProducesTickets>);

impl ProducesTickets for TakeOnly {
    fn enabled(&self) -> bool {
        false
    }

    fn lifetime(&self) -> u32 {
        self.0.lifetime()
    }

    fn encrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.0.decrypt(ticket)
    }
}
