//! MODE: data is a stream (RFC 959 §3.4), or a compressed one (draft-preston-ftpext-deflate). Session worker.

use ftp::reply::Reply;

use super::{Argument, Client};
use crate::worker::failure::Failure;
use crate::worker::session::{Mode, Session};

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let mode = match argument.word() {
        b"S" | b"s" => Mode::Stream,
        b"Z" | b"z" if session.settings.transfer.compress => Mode::Deflate,
        [letter] if letter.is_ascii_alphabetic() => {
            return Err(Failure::new(504, "That mode is not served."));
        }
        _ => return Err(Failure::new(501, "Not a mode.")),
    };
    session.mode = mode;
    Ok(Reply::new(200, format!("Mode is {}.", mode.letter())))
}

/// MODE Z, where it is configured.
pub fn feature(client: &Client) -> Option<String> {
    client.settings().transfer.compress.then(|| "MODE Z".to_owned())
}
