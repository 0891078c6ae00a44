//! OPTS MLST: the facts that are wanted (RFC 3659 §7.9). Session worker.

use ftp::listing::Facts;
use ftp::reply::Reply;

use super::no_such_option;
use crate::verb::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    session.facts = Facts::parse(argument.word().trim_ascii()).ok_or_else(no_such_option)?;
    Ok(Reply::new(200, format!("MLST OPTS {}", session.facts.names()).trim_end()))
}
