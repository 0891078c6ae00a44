//! Tickets that take a session up again. Relay; the key is random and this process's own, so that a ticket that can be
//! read was given on this very control connection.

use std::sync::Arc;

use rustls::server::ProducesTickets;

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
