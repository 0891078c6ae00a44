//! MFCT: would set the time of creation (draft-somers-ftp-mfxx §4), which Linux has no call for. Session worker.

use ftp::reply::Reply;

use super::Argument;
use super::argument::{split_word, time};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(_: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let (word, _) = split_word(argument.word())
        .ok_or_else(|| Failure::new(501, "A time and a path are needed."))?;
    time(word)?;
    Err(Failure::new(504, "A time of creation can't be set."))
}
