//! Who a process becomes. Every process on its way down.

use std::fs;
use std::io;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid, getegid, geteuid, setgroups, setresgid, setresuid};

use super::{CageError, Step};

/// The ids of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Other ids than the superuser's, from a process that may change them.
    Account {
        /// User id, real, effective and saved.
        uid: u32,
        /// Group id, real, effective and saved.
        gid: u32,
        /// Supplementary groups.
        groups: Vec<u32>,
    },
    /// The ids that it was started with, an ordinary user's.
    Launcher,
}

impl Identity {
    /// Gets the power to change the root where there is none yet. False when it is not to be had and not required.
    pub(super) fn prepare(&self, required: bool) -> Result<bool, CageError> {
        match self {
            Identity::Account { .. } => Ok(true),
            Identity::Launcher => match own_namespace() {
                Ok(()) => Ok(true),
                Err(_) if !required => Ok(false),
                Err(error) => Err(Step::Namespace.failed(error)),
            },
        }
    }

    /// Becomes it. In a user namespace the ids are mapped to themselves, and nothing changes.
    pub(super) fn assume(&self) -> Result<(), CageError> {
        let Identity::Account { uid, gid, groups } = self else {
            return Ok(());
        };
        let groups: Vec<_> = groups.iter().copied().map(Gid::from_raw).collect();
        let (uid, gid) = (Uid::from_raw(*uid), Gid::from_raw(*gid));
        setgroups(&groups)
            .and_then(|()| setresgid(gid, gid, gid))
            .and_then(|()| setresuid(uid, uid, uid))
            .map_err(|errno| Step::Identity.failed(errno))
    }
}

/// A user namespace in which this user and group are themselves and nobody else is anyone.
fn own_namespace() -> io::Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}
