//! PWD: the working directory, quoted (RFC 959, appendix II). Session worker.

use ftp::reply::{Reply, quoted};

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, _: Argument) -> Result<Reply, Failure> {
    let path = session.tree.cwd.as_bytes();
    // A newline could not be sent as it is, and for the others there are clients that give up the session.
    if path.iter().any(u8::is_ascii_control) {
        return Err(Failure::new(550, "The name of this directory can't be shown."));
    }
    let mut text = quoted(path);
    text.extend(b" is the working directory.");
    Ok(Reply::new(257, text))
}
