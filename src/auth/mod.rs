//! Who may log in, and as whom: one backend a file, one row a backend. The broker picks; what reads a password runs in a
//! process of its own.

pub mod accounts;
pub mod admission;
mod anonymous;
mod pam;

use std::io;
use std::os::fd::BorrowedFd;

use crate::config::{Class, Settings};
use crate::wire::auth::{AuthEnd, Verdict};

/// A way to log in.
#[derive(Debug)]
pub struct Backend {
    /// The class of its users.
    pub class: Class,
    /// Whether it is for this name, under these settings.
    pub serves: fn(&Settings, &[u8]) -> bool,
    /// How it comes to a verdict.
    pub decides: Decides,
}

/// Where a verdict is come to.
#[derive(Debug, Clone, Copy)]
pub enum Decides {
    /// In the broker: no password is needed.
    Here(fn(&Settings) -> Verdict),
    /// In a process of its own, which becomes something else and answers on its channel; it comes back only in failure.
    Apart(Become),
}

/// In the auth process, with its channel and its leash: becomes what answers. Comes back only in failure.
pub type Become = fn(&AuthEnd, BorrowedFd) -> io::Error;

/// The first that serves a name decides.
const BACKENDS: &[Backend] = &[anonymous::BACKEND, pam::BACKEND];

/// The backend for a name; `None` if nobody of that kind may log in here.
pub fn backend_for(settings: &Settings, user: &[u8]) -> Option<&'static Backend> {
    BACKENDS.iter().find(|backend| (backend.serves)(settings, user))
}

/// Whether any login needs the whole power of root in a process of its own.
pub fn needs_root(settings: &Settings) -> bool {
    settings.local.enabled
}

/// The program of [`pam`], found before anyone has spoken; the error names the places that were looked at.
pub fn find_program() -> Result<(), String> {
    pam::find_program()
}
