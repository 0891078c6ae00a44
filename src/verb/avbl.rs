//! AVBL: how much may still be stored in a directory (draft-peterson-streamlined-ftp-command-extensions-10). Session
//! worker.

use ftp::reply::Reply;

use super::Argument;
use crate::transfer::space;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let bytes = space::available(session, &argument.target()?)?;
    Ok(Reply::new(213, bytes.to_string()))
}
