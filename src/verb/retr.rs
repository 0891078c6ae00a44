//! RETR: download a file, from an offset if REST has set one. Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::transfer::{Span, download};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument, span: Span) -> Result<Reply, Failure> {
    download::run(session, argument.target()?, span)
}
