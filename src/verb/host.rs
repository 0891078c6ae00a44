//! HOST: which of the sites at this address is meant (RFC 7151). Login worker; the broker knows which there are.

use ftp::host::{Host, parse_host};
use ftp::reply::Reply;

use super::{Argument, Client};
use crate::worker::failure::Failure;
use crate::worker::login::Login;

/// What it is told who has logged in already.
pub const LATER: (u16, &str) = (503, "Too late: log in to one host only.");

/// See the table. A HOST replaces the one before it, and a USER before it counts no more (RFC 7151 §3.3).
pub fn run(login: &mut Login, argument: Argument) -> Result<Reply, Failure> {
    match parse_host(argument.word()) {
        Some(Host::Name(name)) => login.choose_host(&name),
        // Who asks for the address that it has reached means the site that is served to all.
        Some(Host::Address(address)) if address.to_canonical() == login.local => {
            login.choose_host(b"")
        }
        Some(Host::Address(_)) => Err(Failure::new(504, "Not the address of this host.")),
        None => Err(Failure::new(501, "Not a host name.")),
    }
}

/// Told only where there is something to choose.
pub fn feature(client: &Client) -> Option<String> {
    let chooses = matches!(client, Client::Stranger(login) if login.hosts);
    chooses.then(|| "HOST".to_owned())
}
