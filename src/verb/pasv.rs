//! PASV: the broker listens (RFC 959 §4.1.2, RFC 1123 §4.1.2.6). Session worker.

use std::net::{IpAddr, SocketAddrV4};

use ftp::hostport::pasv_text;
use ftp::reply::Reply;

use super::Argument;
use crate::wire::session::Family;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, _: Argument) -> Result<Reply, Failure> {
    session.require_not_epsv_only()?;
    let (IpAddr::V4(local), IpAddr::V4(_)) = (session.place.local, session.place.peer) else {
        return Err(Failure::new(425, "Use EPSV instead."));
    };
    let ip = match session.settings.network.passive_address {
        Some(IpAddr::V4(ip)) => ip,
        _ => local,
    };
    let port = session.listen_for_data(Family::V4)?;
    Ok(Reply::new(227, pasv_text(SocketAddrV4::new(ip, port))))
}
