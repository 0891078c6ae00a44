//! NOOP. Both workers, and during transfers.

use ftp::reply::Reply;

use super::{Argument, Client};
use crate::worker::failure::Failure;

/// See the table.
pub fn run(_: &mut Client, _: Argument) -> Result<Reply, Failure> {
    Ok(Reply::new(200, "OK."))
}
