//! MDTM: the time of the last change (RFC 3659 §3). Session worker.

use ftp::reply::Reply;
use ftp::time::time_val;

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let stat = session.tree.stat(&argument.target()?.real)?;
    match time_val(stat.st_mtime) {
        Some(time) => Ok(Reply::new(213, time)),
        None => Err(Failure::new(550, "Its time can't be told.")),
    }
}
