//! OPTS UTF8. Both workers. Names are bytes here, and UTF-8 where they are text: there is nothing to switch.

use ftp::reply::Reply;

use crate::verb::{Argument, Client};
use crate::worker::failure::Failure;

/// See the table.
pub fn run(_: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    match argument.word().trim_ascii().to_ascii_uppercase().as_slice() {
        b"" | b"ON" => Ok(Reply::new(200, "UTF8 is always on.")),
        _ => Err(Failure::new(501, "UTF8 is always on.")),
    }
}
