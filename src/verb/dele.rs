//! DELE. Session worker. A symbolic link is deleted itself, not what it leads to.

use ftp::reply::Reply;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::Argument;
use crate::wire::event::Change;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    let directory = session.tree.parent(&target.real)?;
    unlinkat(&directory, target.real.name()?, UnlinkatFlags::NoRemoveDir)?;
    session.changed(Change::Delete, &target.path, None)?;
    Ok(Reply::new(250, "File deleted."))
}
