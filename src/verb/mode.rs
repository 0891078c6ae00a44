//! MODE: data is a stream (RFC 959 §3.4). Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(_: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    match argument.word() {
        b"S" | b"s" => Ok(Reply::new(200, "Mode is S.")),
        [letter] if letter.is_ascii_alphabetic() => Err(Failure::new(504, "Only S is served.")),
        _ => Err(Failure::new(501, "Not a mode.")),
    }
}
