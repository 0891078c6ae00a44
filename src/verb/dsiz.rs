//! DSIZ: how much a directory takes up (draft-peterson-streamlined-ftp-command-extensions-10). Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::transfer::space;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    space::taken(session, &argument.target()?)
}
