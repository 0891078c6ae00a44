//! RNFR: what the RNTO right behind it renames. Session worker.

use ftp::reply::Reply;

use super::{Argument, Target};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    session.require_unnamed(&target)?;
    session.tree.stat(&target.real)?;
    session.renaming = Some((session.count, target));
    Ok(Reply::new(350, "Now RNTO."))
}

impl Session {
    /// What was named by the command right before this one.
    pub fn just_named(&self, named: Option<(u64, Target)>) -> Option<Target> {
        named.filter(|(count, _)| count + 1 == self.count).map(|(_, target)| target)
    }

    /// Refuses to touch the name of a directory that `[rights]` names, or of one above it: its rights would be
    /// left behind.
    pub fn require_unnamed(&self, target: &Target) -> Result<(), Failure> {
        match self.tree.is_named(&target.real) {
            true => {
                Err(Failure::new(550, "Permission denied.")
                    .because("a directory named in [rights]"))
            }
            false => Ok(()),
        }
    }
}
