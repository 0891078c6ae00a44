//! STOU: upload a file under a name that nothing has yet (RFC 959 §4.1.3, RFC 1123 §4.1.2.9). Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::transfer::{Span, upload};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table. A new file has no part to begin at: what REST or RANG has set is used up and means nothing here.
pub fn run(session: &mut Session, argument: Argument, _: Span) -> Result<Reply, Failure> {
    match argument {
        Argument::Word(name) => upload::run_unique(session, Some(name)),
        Argument::None | Argument::Path(_) => upload::run_unique(session, None),
    }
}
