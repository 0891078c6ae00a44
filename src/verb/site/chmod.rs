//! SITE CHMOD: changes the permissions of a file or directory. Session worker.

use ftp::reply::Reply;

use crate::transfer::attributes::set_mode;
use crate::verb::Argument;
use crate::verb::argument::mode;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    let mode = set_mode(session, &target, mode(&target.before)?)?;
    Ok(Reply::new(200, format!("The mode is {mode} now.")))
}
