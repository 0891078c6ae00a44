//! RETR: download a file, or the part of it that REST or RANG has set. Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::transfer::{Span, download};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument, span: Span) -> Result<Reply, Failure> {
    download::run(session, argument.target()?, span)
}
