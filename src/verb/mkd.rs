//! MKD. Session worker.

use ftp::reply::{Reply, quoted};
use nix::sys::stat::{Mode, mkdirat};

use super::Argument;
use crate::wire::event::Change;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    let directory = session.tree.parent(&target.real)?;
    let mode = Mode::from_bits_truncate(0o777 & !session.settings.transfer.umask.0);
    mkdirat(&directory, target.real.name()?, mode)?;
    session.changed(Change::MakeDirectory, &target.path, None)?;
    let mut text = quoted(target.path.as_bytes());
    text.extend(b" created.");
    Ok(Reply::new(257, text))
}
