//! RMD. Session worker.

use ftp::reply::Reply;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::Argument;
use crate::wire::event::Change;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    session.require_unnamed(&target)?;
    let directory = session.tree.parent(&target.real)?;
    // What a killed session left behind is hidden from the user, and would keep the directory.
    session.sweep(&target.real);
    unlinkat(&directory, target.real.name()?, UnlinkatFlags::RemoveDir)?;
    session.changed(Change::RemoveDirectory, &target.path, None)?;
    Ok(Reply::new(250, "Directory removed."))
}
