//! LIST, NLST and MLSD over a data connection. Session worker. An offset that REST has set is used up and means
//! nothing here.

use ftp::reply::Reply;

use super::Argument;
use crate::transfer::Span;
use crate::transfer::listing::{self, Style};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// LIST. Options, and patterns where no file has that very name: see `ftp::options` and `ftp::glob`.
pub fn list(session: &mut Session, argument: Argument, _: Span) -> Result<Reply, Failure> {
    listing::run(session, argument.target()?, Style::Long)
}

/// NLST. A name is listed as RETR would take it (RFC 1123 §4.1.2.6).
pub fn names(session: &mut Session, argument: Argument, _: Span) -> Result<Reply, Failure> {
    listing::run(session, argument.target()?, Style::Names)
}

/// MLSD (RFC 3659 §7).
pub fn facts(session: &mut Session, argument: Argument, _: Span) -> Result<Reply, Failure> {
    listing::run(session, argument.target()?, Style::Facts)
}
