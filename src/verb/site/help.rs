//! SITE HELP: the SITE commands that this user may use, or what one is for. Session worker.

use ftp::reply::Reply;

use crate::verb::help::{SITE, help};
use crate::verb::{Argument, Client};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    help(&Client::User(session), &SITE, argument.word())
}
