//! STOR and APPE: upload a file, or add to one. Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::transfer::store::Way;
use crate::transfer::{Span, upload};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// STOR. At an offset, or in a range, it writes into the file (RFC 3659 §5.3).
pub fn store(session: &mut Session, argument: Argument, span: Span) -> Result<Reply, Failure> {
    let way = if span.is_all() { Way::Replace } else { Way::At(span) };
    upload::run(session, argument.target()?, way)
}

/// APPE. At an offset, or in a range, it is the same as STOR (RFC 3659 §5.3).
pub fn append(session: &mut Session, argument: Argument, span: Span) -> Result<Reply, Failure> {
    let way = if span.is_all() { Way::Append } else { Way::At(span) };
    upload::run(session, argument.target()?, way)
}
