//! The proof that power is gone: try to take it back, and fail on the slightest success. Every process, when it has
//! dropped all and its system calls are not filtered yet.

use caps::CapSet;
use nix::sys::prctl::{get_dumpable, get_no_new_privs};
use nix::unistd::{
    Gid, Uid, chroot, getgroups, getresgid, getresuid, setgroups, setresgid, setresuid,
};

use super::caps::{Capability, Set, held};
use super::{CageError, Identity};

/// Behaves as the attacker would. `namespace` is false where there was no power from the beginning.
pub(super) fn of(identity: &Identity, keep: Set, namespace: bool) -> Result<(), CageError> {
    let root = (Uid::from_raw(0), Gid::from_raw(0));
    refuse(setresuid(root.0, root.0, root.0).is_ok(), "uid 0 could be taken back")?;
    refuse(setresgid(root.1, root.1, root.1).is_ok(), "gid 0 could be taken back")?;
    refuse(setgroups(&[]).is_ok(), "the groups could be changed")?;
    if !keep.has(Capability::CAP_SYS_CHROOT) {
        refuse(chroot("/").is_ok(), "the root could be changed again")?;
    }
    if let Identity::Account { uid, gid, groups } = identity {
        refuse(!ids_are(*uid, *gid, groups), "the ids are not those that were set")?;
    }
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable, CapSet::Ambient] {
        let most =
            if matches!(set, CapSet::Effective | CapSet::Permitted) { keep } else { Set::NONE };
        refuse(held(set)? != most, "capabilities are held that were dropped")?;
    }
    if namespace {
        refuse(held(CapSet::Bounding)? != keep, "the bounding set is not what was kept")?;
    }
    refuse(get_no_new_privs() != Ok(true), "no_new_privs is not set")?;
    refuse(get_dumpable() != Ok(false), "the process can be dumped")
}

fn refuse(condition: bool, what: &'static str) -> Result<(), CageError> {
    if condition { Err(CageError::Proof(what)) } else { Ok(()) }
}

fn ids_are(uid: u32, gid: u32, groups: &[u32]) -> bool {
    let users = getresuid()
        .is_ok_and(|ids| [ids.real, ids.effective, ids.saved].iter().all(|id| id.as_raw() == uid));
    let gids = getresgid()
        .is_ok_and(|ids| [ids.real, ids.effective, ids.saved].iter().all(|id| id.as_raw() == gid));
    let mut expected = groups.to_vec();
    expected.sort_unstable();
    expected.dedup();
    let supplementary = getgroups().is_ok_and(|now| {
        let mut now: Vec<_> = now.iter().map(|group| group.as_raw()).collect();
        now.sort_unstable();
        now.dedup();
        now == expected
    });
    users && gids && supplementary
}
