//! What Landlock leaves a process of its root. Every process on its way down.
//!
//! Landlock adds grants up the tree, and knows neither overwrite from append nor delete from rename. So this is the
//! floor: a right that the configuration gives nowhere is not to be had; which directory gives it is the server's to enforce.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::{CageError, Step};
use crate::config::Rights;

/// What a process may do with files below its root, which is its working directory too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Nothing, and no TCP port either.
    None,
    /// Nothing, but the network is its work: the broker.
    NoneButNetwork,
    /// What these rights, given somewhere in the site, need.
    Rights(Rights),
}

/// The newest rules that we know of.
const NEWEST: ABI = ABI::V7;

impl Files {
    /// Restricts this process, and tells what was obtained.
    pub(super) fn restrict(self, required: bool) -> Result<String, CageError> {
        let status =
            self.rules().map_err(|error| Step::Landlock.failed(std::io::Error::other(error)))?;
        match status {
            RulesetStatus::FullyEnforced => Ok("landlock=full".to_owned()),
            RulesetStatus::PartiallyEnforced => Ok("landlock=partial".to_owned()),
            RulesetStatus::NotEnforced if !required => Ok("landlock=none".to_owned()),
            RulesetStatus::NotEnforced => Err(CageError::Missing(Step::Landlock)),
        }
    }

    fn rules(self) -> Result<RulesetStatus, landlock::RulesetError> {
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?;
        if self != Files::NoneButNetwork {
            rules = rules.handle_access(AccessNet::from_all(NEWEST))?;
        }
        let mut rules = rules.create()?;
        if let Files::Rights(rights) = self
            && let Ok(root) = PathFd::new(".")
        {
            let access = access_for(rights);
            if !access.is_empty() {
                rules = rules.add_rule(PathBeneath::new(root, access))?;
            }
        }
        Ok(rules.restrict_self()?.ruleset)
    }
}

/// The kernel's words for our rights, on the whole site. Never executing, nor making a device.
pub fn access_for(rights: Rights) -> BitFlags<AccessFs> {
    let mut access = BitFlags::empty();
    let table: [(Rights, BitFlags<AccessFs>); 10] = [
        (Rights::LIST, AccessFs::ReadDir.into()),
        (Rights::READ, AccessFs::ReadFile.into()),
        (Rights::HASH, AccessFs::ReadFile.into()),
        // An atomic store writes a hidden name and renames it over the visible one.
        (
            Rights::CREATE,
            AccessFs::MakeReg | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::RemoveFile,
        ),
        (
            Rights::OVERWRITE,
            AccessFs::MakeReg | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::RemoveFile,
        ),
        (Rights::APPEND, AccessFs::WriteFile | AccessFs::MakeReg),
        (Rights::DELETE, AccessFs::RemoveFile | AccessFs::RemoveDir),
        (Rights::MAKE_DIR, AccessFs::MakeDir.into()),
        (Rights::REMOVE_DIR, AccessFs::RemoveDir.into()),
        (Rights::LINK, AccessFs::MakeSym.into()),
    ];
    for (right, needs) in table {
        if rights.contains(right) {
            access |= needs;
        }
    }
    if rights.contains(Rights::RENAME) {
        access |= AccessFs::Refer | AccessFs::RemoveFile | AccessFs::MakeReg;
        access |= AccessFs::RemoveDir | AccessFs::MakeDir;
        // A link that gets another name is a link that is made there; to make a new one is refused by seccomp.
        access |= AccessFs::MakeSym;
    }
    access
}
