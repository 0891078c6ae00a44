//! PORT: the broker is to connect to the client (RFC 959 §4.1.2). Session worker.

use ftp::hostport::parse_port;
use ftp::reply::Reply;

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    session.require_not_epsv_only()?;
    let address = parse_port(argument.word()).map_err(|_| Failure::new(501, "Not an address."))?;
    session.connect_for_data(address.into())?;
    Ok(Reply::new(200, "PORT taken."))
}
