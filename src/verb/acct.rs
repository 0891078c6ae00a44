//! ACCT: nobody needs an account beside the user's name (RFC 959 §4.1.1). Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table. Superfluous (RFC 959 §4.2.1).
pub fn run(_: &mut Session, _: Argument) -> Result<Reply, Failure> {
    Ok(Reply::new(202, "No account is needed."))
}
