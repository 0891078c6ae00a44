//! MFMT: sets the time of the last change (draft-somers-ftp-mfxx §3). Session worker.

use ftp::reply::Reply;

use super::Argument;
use super::argument::time;
use crate::transfer::attributes::set_times;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    let set = set_times(session, &target, time(&target.before)?, None)?;
    let mut text = format!("Modify={set}; ").into_bytes();
    text.extend(target.said);
    Ok(Reply::new(213, text))
}
