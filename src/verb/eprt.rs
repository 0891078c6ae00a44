//! EPRT: the broker is to connect to the client (RFC 2428 §2). Session worker.

use ftp::hostport::{BadAddress, parse_eprt};
use ftp::reply::Reply;

use super::Argument;
use super::epsv::wrong_family;
use crate::wire::session::Family;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    session.require_not_epsv_only()?;
    let address = parse_eprt(argument.word()).map_err(|bad| match bad {
        BadAddress::Syntax => Failure::new(501, "Not an address."),
        BadAddress::UnknownFamily => Failure::new(522, "Network protocol not supported, use (1,2)"),
    })?;
    match (address.ip().to_canonical().is_ipv4(), session.family()) {
        (true, Family::V4) | (false, Family::V6) => session.connect_for_data(address)?,
        (_, own) => return Err(wrong_family(own)),
    }
    Ok(Reply::new(200, "EPRT taken."))
}
