//! SYST: what clients choose their parser of LIST by. Both workers.

use ftp::reply::Reply;

use super::{Argument, Client};
use crate::worker::failure::Failure;

/// See the table.
pub fn run(_: &mut Client, _: Argument) -> Result<Reply, Failure> {
    Ok(Reply::new(215, "UNIX Type: L8"))
}
