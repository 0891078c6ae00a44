//! RNTO: renames what the RNFR right before it named (RFC 959 §4.1.3). Session worker.

use ftp::reply::Reply;
use nix::fcntl::{RenameFlags, renameat2};

use super::Argument;
use crate::config::Rights;
use crate::wire::event::Change;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let to = argument.target()?;
    let named = session.renaming.take();
    let from = session.just_named(named).ok_or_else(out_of_order)?;
    session.require_unnamed(&to)?;
    // To put something in the place of a file is to overwrite it.
    let flags = match session.tree.rights(&to.real).contains(Rights::OVERWRITE) {
        true => RenameFlags::empty(),
        false => RenameFlags::RENAME_NOREPLACE,
    };
    let [old, new] = [session.tree.parent(&from.real)?, session.tree.parent(&to.real)?];
    renameat2(&old, from.real.name()?, &new, to.real.name()?, flags)?;
    session.changed(Change::Rename, &from.path, Some(to.path.as_bytes()))?;
    Ok(Reply::new(250, "Renamed."))
}

fn out_of_order() -> Failure {
    Failure::new(503, "Say RNFR first.")
}
