//! MKD. Session worker.

use ftp::reply::{Reply, quoted};
use nix::sys::stat::mkdirat;

use super::Argument;
use crate::wire::event::Change;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    let directory = session.tree.parent(&target.real)?;
    mkdirat(&directory, target.real.name()?, session.mode_of_new(0o777))?;
    session.changed(Change::MakeDirectory, &target.path, None)?;
    let mut text = quoted(target.path.as_bytes());
    text.extend(b" created.");
    Ok(Reply::new(257, text))
}
