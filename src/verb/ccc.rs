//! CCC: the control connection is plain again, for firewalls that read along (RFC 4217 §5). Session worker; the relay
//! does it. Data connections stay as PROT has said.

use ftp::reply::Reply;

use super::{Argument, Client};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, _: Argument) -> Result<Reply, Failure> {
    if !session.is_protected() {
        return Err(Failure::new(533, "The control connection is plain."));
    }
    if !session.settings.tls.ccc {
        return Err(Failure::new(534, "Not here.").because("tls.ccc"));
    }
    session.clears = true;
    Ok(Reply::new(200, "Plain from here on."))
}

/// Told to who may say it.
pub fn feature(client: &Client) -> Option<String> {
    let may = |session: &Session| session.is_protected() && session.settings.tls.ccc;
    matches!(client, Client::User(session) if may(session)).then(|| "CCC".to_owned())
}
