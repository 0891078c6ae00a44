//! How a process loses power, and the proof of it. Runs in each worker before it has read a byte from anyone, and in
//! the broker when someone has logged in. Trusts the configuration and the kernel.
//!
//! The order matters and is [`Cage::enter`]: what needs a privilege comes before the step that takes it away.

pub mod caps;
mod error;
mod ids;
pub mod landlock;
mod limit;
pub mod powers;
mod proof;
mod root;
pub mod seccomp;
mod verdict;

use std::os::fd::BorrowedFd;

pub use error::{CageError, Step};
pub use ids::Identity;
pub use limit::Limits;
pub use root::{Root, open_empty};
pub use verdict::kernel_holds_back;

use self::caps::{Capability, Set};
use self::landlock::Files;
use self::seccomp::Filter;

/// The witness that this process is caged. Only [`Cage::enter`] makes one; a worker's loop asks for it.
#[derive(Debug)]
pub struct Caged(());

/// What a process gives up and what it keeps.
#[derive(Debug)]
pub struct Cage<'a> {
    /// Who it becomes.
    pub identity: Identity,
    /// What it sees of the file system.
    pub root: Root<'a>,
    /// The capabilities that it keeps.
    pub keep: Set,
    /// How much it may use.
    pub limits: Limits,
    /// What Landlock leaves it of its root.
    pub files: Files,
    /// The system calls that it may make.
    pub filter: Filter,
    /// The reading end that kills it when the broker is gone; none for the broker itself.
    pub leash: Option<BorrowedFd<'a>>,
    /// Where a broken rule is told.
    pub report: Option<BorrowedFd<'a>>,
    /// Whether less than all of this is a refusal to serve (`server.isolation`).
    pub required: bool,
}

impl Cage<'_> {
    /// Gives up everything but what is kept, proves it, and tells in words what was obtained.
    pub fn enter(self) -> Result<(Caged, String), CageError> {
        let mut obtained = Vec::new();
        // Already now: once the user may stop this process, only the kernel's own kill is sure.
        hold_by_leash(self.leash)?;
        // Who is no superuser gets the power to change its root from a user namespace, or not at all.
        let namespace = self.identity.prepare(self.required)?;
        // The bounding set and the secure bits need CAP_SETPCAP, which goes with the change of uid.
        if namespace {
            caps::bound(self.keep)?;
            caps::lock()?;
            caps::hold(
                self.keep
                    .with(Capability::CAP_SETUID)
                    .with(Capability::CAP_SETGID)
                    .with(Capability::CAP_SYS_CHROOT),
            )?;
            self.identity.assume()?;
            // Only now, as the user: a home of mode 0700 or on a root-squashed NFS is entered with its owner's rights.
            caps::hold(self.keep.with(Capability::CAP_SYS_CHROOT))?;
            obtained.push(self.root.enter()?);
        } else {
            obtained.push(self.root.stand_in()?);
        }
        caps::hold(self.keep)?;
        self.limits.apply().map_err(|error| Step::Limits.failed(error))?;
        sealed().map_err(|error| Step::NoNewPrivileges.failed(error))?;
        // Where the root could not be changed, Landlock is all that keeps the jail.
        obtained.push(self.files.restrict(self.required || !namespace)?);
        // Again: the kernel checks the leash's signal against who armed it, and that is somebody else now.
        hold_by_leash(self.leash)?;
        proof::of(&self.identity, self.keep, namespace)?;
        if let Some(report) = self.report {
            sys::seccomp::report_violations(report).map_err(|error| Step::Seccomp.failed(error))?;
        }
        match self.filter.install(self.leash) {
            Ok(filter) => obtained.push(filter),
            Err(_) if !self.required => obtained.push("seccomp=none".to_owned()),
            Err(error) => return Err(error),
        }
        Ok((Caged(()), obtained.join(" ")))
    }
}

fn hold_by_leash(leash: Option<BorrowedFd>) -> Result<(), CageError> {
    match leash.map(sys::leash::arm) {
        None | Some(Ok(true)) => Ok(()),
        Some(Ok(false)) => Err(CageError::BrokerGone),
        Some(Err(error)) => Err(Step::Leash.failed(error)),
    }
}

/// No set-id program gives power back; nobody of the same uid may trace us or read our memory.
fn sealed() -> std::io::Result<()> {
    nix::sys::prctl::set_no_new_privs()?;
    Ok(nix::sys::prctl::set_dumpable(false)?)
}
