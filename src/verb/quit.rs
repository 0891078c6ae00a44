//! QUIT. Both workers; the loop ends with 221. During a transfer it waits (RFC 959 §4.1.1).

use ftp::reply::Reply;

use super::{Argument, Client};
use crate::worker::failure::Failure;

/// The reply after which nothing is obeyed (RFC 959 §4.2).
pub const GOODBYE: u16 = 221;

/// See the table.
pub fn run(_: &mut Client, _: Argument) -> Result<Reply, Failure> {
    Ok(Reply::new(GOODBYE, "Goodbye."))
}
