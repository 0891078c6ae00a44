//! STRU: files have no inner structure (RFC 959 §3.1.2). Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(_: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    match argument.word() {
        b"F" | b"f" => Ok(Reply::new(200, "Structure is F.")),
        b"R" | b"r" | b"P" | b"p" => Err(Failure::new(504, "Only F is served.")),
        _ => Err(Failure::new(501, "Not a structure.")),
    }
}
