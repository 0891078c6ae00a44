//! PROT: whether data connections are protected (RFC 2228 §3, RFC 4217 §9). Both workers; that what must be protected is,
//! is the broker's to see.

use ftp::reply::Reply;

use super::{Argument, Client};
use crate::wire::session::Protection;
use crate::worker::failure::Failure;

/// See the table.
pub fn run(client: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    if client.protection()?.is_none() {
        return Err(Failure::new(503, "Say PBSZ first."));
    }
    let wish = match argument.word().to_ascii_uppercase().as_slice() {
        b"C" => Protection::Clear,
        b"P" => Protection::Private,
        b"S" | b"E" => return Err(Failure::new(536, "TLS gives C and P alone.")),
        _ => return Err(Failure::new(504, "C or P.")),
    };
    if !client.settings().tls.admits_data(wish == Protection::Private) {
        return Err(Failure::new(534, "Not that protection here.").because("tls.data"));
    }
    let before = client.protection()?.replace(wish);
    if let Client::User(session) = client
        && before != Some(wish)
    {
        // What already listens would bring a connection of the other kind.
        session.forget_listener()?;
    }
    Ok(Reply::new(200, if wish == Protection::Clear { "Data in clear." } else { "Data in TLS." }))
}

/// Told to who may say it.
pub fn feature(client: &Client) -> Option<String> {
    client.may_protect().then(|| "PROT".to_owned())
}
