//! AUTH: TLS from here on (RFC 2228 §3, RFC 4217 §4). Login worker, which ends with it: another one goes on behind a relay.

use ftp::reply::Reply;

use super::{Argument, Client};
use crate::worker::failure::Failure;
use crate::worker::login::Login;

/// What it is told who has logged in already: power never grows again, and a relay is not started without it.
pub const LATER: (u16, &str) = (503, "Too late: AUTH comes before the login.");

/// See the table. SSL is a name of TLS: curl asks for it first. What it meant for data connections in old drafts is left to
/// PROT, as all clients say it.
pub fn run(login: &mut Login, argument: Argument) -> Result<Reply, Failure> {
    if !NAMES.iter().any(|name| argument.word().eq_ignore_ascii_case(name)) {
        return Err(Failure::new(504, "Only TLS."));
    }
    if login.tls {
        return Err(Failure::new(503, "TLS is spoken already."));
    }
    login.start_tls()
}

/// Told to who may still say it, or has.
pub fn feature(client: &Client) -> Option<String> {
    client.may_protect().then(|| "AUTH TLS".to_owned())
}

const NAMES: [&[u8]; 4] = [b"TLS", b"TLS-C", b"TLS-P", b"SSL"];
