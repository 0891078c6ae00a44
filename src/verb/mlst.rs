//! MLST: facts about one file, on the control connection (RFC 3659 §7). Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::transfer::listing;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let facts = listing::facts_of(session, &argument.target()?)?;
    Ok(Reply::lines(250, "Facts:", vec![facts], "End"))
}
