//! STOR and APPE: upload a file, or add to one. Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::transfer::store::Way;
use crate::transfer::{Span, upload};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// STOR. At an offset it writes into the file (RFC 3659 §5.3).
pub fn store(session: &mut Session, argument: Argument, span: Span) -> Result<Reply, Failure> {
    let way = if span.start == 0 { Way::Replace } else { Way::At(span.start) };
    upload::run(session, argument.target()?, way)
}

/// APPE. At an offset it is the same as STOR (RFC 3659 §5.3).
pub fn append(session: &mut Session, argument: Argument, span: Span) -> Result<Reply, Failure> {
    let way = if span.start == 0 { Way::Append } else { Way::At(span.start) };
    upload::run(session, argument.target()?, way)
}
