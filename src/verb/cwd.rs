//! CWD and CDUP. Session worker. The working directory is a name, not a descriptor: CDUP goes where PWD says.

use ftp::reply::Reply;
use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;

use super::{Argument, Shape, Target};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    enter(session, argument.target()?)
}

/// CDUP.
pub fn up(session: &mut Session, _: Argument) -> Result<Reply, Failure> {
    let parent = session.tree.cwd.parent();
    let target = Shape::Path.argument(&session.tree, Some(parent.as_bytes()))?.target()?;
    enter(session, target)
}

fn enter(session: &mut Session, target: Target) -> Result<Reply, Failure> {
    let directory = session.tree.directory(&target.real)?;
    // Opening a directory by its path needs no permission on it; a name in it, even this one, needs `x`.
    fstatat(&directory, ".", AtFlags::empty())?;
    session.tree.cwd = target.path;
    session.sweep_here();
    Ok(Reply::new(250, "Directory changed."))
}
