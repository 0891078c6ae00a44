//! ABOR with nothing to abort. Session worker; what comes during a transfer ends it there.

use ftp::reply::Reply;

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(_: &mut Session, _: Argument) -> Result<Reply, Failure> {
    // 226, not 225: clients that close their data connection first expect it (RFC 959 §4.1.3).
    Ok(Reply::new(226, "Nothing to abort."))
}
