//! PWD: the working directory, quoted (RFC 959, appendix II). Session worker.

use ftp::reply::{Reply, quoted};

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, _: Argument) -> Result<Reply, Failure> {
    let mut text = quoted(session.tree.cwd.as_bytes());
    text.extend(b" is the working directory.");
    Ok(Reply::new(257, text))
}
