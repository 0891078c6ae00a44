//! Capabilities: what is dropped, what is held. Every process on its way down.

use std::io;

use caps::CapSet;
pub use caps::{Capability, CapsHashSet};

use super::{CageError, Step};

/// A small set of capabilities, in the bits of the kernel's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Set(u64);

impl Set {
    /// No capability.
    pub const NONE: Set = Set(0);

    /// This one as well.
    #[must_use]
    pub fn with(self, capability: Capability) -> Set {
        Set(self.0 | capability.bitmask())
    }

    /// This one as well, if so.
    #[must_use]
    pub fn with_if(self, condition: bool, capability: Capability) -> Set {
        if condition { self.with(capability) } else { self }
    }

    /// Whether it is there.
    pub fn has(self, capability: Capability) -> bool {
        self.0 & capability.bitmask() != 0
    }

    fn members(self) -> CapsHashSet {
        caps::all().into_iter().filter(|capability| self.has(*capability)).collect()
    }
}

impl From<&CapsHashSet> for Set {
    fn from(members: &CapsHashSet) -> Set {
        members.iter().fold(Set::NONE, |set, capability| set.with(*capability))
    }
}

impl std::fmt::Display for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let mut names: Vec<_> = self.members().iter().map(ToString::to_string).collect();
        names.sort();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(","))
    }
}

/// Leaves nothing but `keep` in the bounding set: no exec and no user namespace brings the rest back.
pub fn bound(keep: Set) -> Result<(), CageError> {
    let present = caps::read(None, CapSet::Bounding).map_err(failed)?;
    present
        .into_iter()
        .filter(|capability| !keep.has(*capability))
        .try_for_each(|capability| caps::drop(None, CapSet::Bounding, capability))
        .map_err(failed)
}

/// Makes capabilities independent of uids, for good.
pub fn lock() -> Result<(), CageError> {
    sys::power::lock_secure_bits().map_err(|error| Step::SecureBits.failed(error))
}

/// Holds exactly these, permitted and effective, and none to inherit.
pub fn hold(keep: Set) -> Result<(), CageError> {
    let members = keep.members();
    caps::clear(None, CapSet::Ambient).map_err(failed)?;
    caps::clear(None, CapSet::Inheritable).map_err(failed)?;
    // Effective first where it shrinks: it must stay within the permitted set.
    caps::set(None, CapSet::Effective, &members).map_err(failed)?;
    caps::set(None, CapSet::Permitted, &members).map_err(failed)
}

/// One of the sets of this process.
pub fn held(set: CapSet) -> Result<Set, CageError> {
    Ok(Set::from(&caps::read(None, set).map_err(failed)?))
}

fn failed(error: caps::errors::CapsError) -> CageError {
    Step::Capabilities.failed(io::Error::other(error.to_string()))
}
