//! ALLO: space is not reserved. Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(_: &mut Session, _: Argument) -> Result<Reply, Failure> {
    // 202 would do as well; a camera is said to hang up on it.
    Ok(Reply::new(200, "No need to reserve space."))
}
