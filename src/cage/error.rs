//! Why a cage could not be entered. Every process on its way in; the text is for the log alone.

use std::io;

/// A step into the cage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Step {
    /// Closing what the broker had open.
    #[error("closing the broker's descriptors")]
    Descriptors,
    /// Making a user namespace, without root.
    #[error("making a user namespace")]
    Namespace,
    /// Dropping capabilities.
    #[error("dropping capabilities")]
    Capabilities,
    /// Locking the secure bits.
    #[error("locking the secure bits")]
    SecureBits,
    /// Becoming the user.
    #[error("changing groups and user")]
    Identity,
    /// Opening the new root.
    #[error("opening the jail")]
    OpenRoot,
    /// Changing the root.
    #[error("changing the root")]
    Chroot,
    /// Setting resource limits.
    #[error("setting resource limits")]
    Limits,
    /// Giving up new privileges.
    #[error("setting no_new_privs")]
    NoNewPrivileges,
    /// Restricting files by Landlock.
    #[error("restricting files by Landlock")]
    Landlock,
    /// Arming the leash.
    #[error("arming the leash")]
    Leash,
    /// Filtering system calls.
    #[error("filtering system calls")]
    Seccomp,
}

impl Step {
    /// This step failed with that error.
    pub fn failed(self, error: impl Into<io::Error>) -> CageError {
        CageError::Failed(self, error.into())
    }
}

/// Why a cage could not be entered.
#[derive(Debug, thiserror::Error)]
pub enum CageError {
    /// A step failed.
    #[error("{0}: {1}")]
    Failed(Step, io::Error),
    /// The kernel can't do it, and the configuration requires it.
    #[error("{0}: this kernel can't do it, and server.isolation requires it")]
    Missing(Step),
    /// Power that was given up could be taken back.
    #[error("the proof failed: {0}")]
    Proof(&'static str),
    /// The broker let go before the leash was armed.
    #[error("the broker is gone")]
    BrokerGone,
}
