//! OPTS HASH: which checksum HASH computes (draft-bryan-ftpext-hash-02 §3.2). Session worker.

use ftp::reply::Reply;

use super::no_such_option;
use crate::transfer::digest::Algorithm;
use crate::verb::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table. Without an algorithm it tells which one is chosen.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let said = argument.word().trim_ascii();
    if !said.is_empty() {
        session.algorithm = Algorithm::named(said).ok_or_else(no_such_option)?;
    }
    Ok(Reply::new(200, session.algorithm.name))
}
