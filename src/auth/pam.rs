//! Local accounts, through PAM and NSS. Both are loaded by `cellftpd-pam`, a program of its own: this file finds it and,
//! in the auth process, becomes it. Root; the client's bytes are not looked at.

use std::convert::Infallible;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{Backend, Decides};
use crate::config::{Class, Settings};
use crate::wire::auth::AuthEnd;

pub(super) const BACKEND: Backend =
    Backend { class: Class::Local, serves, decides: Decides::Apart(become_it) };

/// Where the program is installed, if it does not stand beside this one.
const INSTALLED: &str = match option_env!("CELLFTPD_LIBEXECDIR") {
    Some(directory) => directory,
    None => "/usr/libexec/cellftpd",
};
const NAME: &str = "cellftpd-pam";

/// The descriptors that the program expects.
const CHANNEL: i32 = 3;
const LEASH: i32 = 4;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

fn serves(settings: &Settings, _: &[u8]) -> bool {
    settings.local.enabled && nix::unistd::geteuid().is_root()
}

pub(super) fn find_program() -> Result<(), String> {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(NAME)));
    let places: Vec<_> = beside.into_iter().chain([Path::new(INSTALLED).join(NAME)]).collect();
    let found = places.iter().find(|place| place.exists());
    let found = found.ok_or_else(|| format!("{NAME} is neither of {places:?}"))?;
    let trusted = std::fs::metadata(found).is_ok_and(|m| m.uid() == 0 && m.mode() & 0o022 == 0);
    if !trusted {
        return Err(format!("{} may be written by others than root", found.display()));
    }
    PROGRAM.get_or_init(|| found.clone());
    Ok(())
}

/// In the auth process: arms the leash, puts the two descriptors where they are expected, and becomes the program.
fn become_it(channel: &AuthEnd, leash: BorrowedFd) -> io::Error {
    let run = || -> io::Result<Infallible> {
        // Root stays root, and the pipe's settings outlive the exec.
        if !sys::leash::arm(leash)? {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // Out of the way first: either may stand where the other has to go.
        let channel = sys::fd::duplicate_above(channel.as_fd(), 10)?;
        let leash = sys::fd::duplicate_above(leash, 10)?;
        sys::fd::install(channel.as_fd(), CHANNEL)?;
        sys::fd::install(leash.as_fd(), LEASH)?;
        sys::signal::restore_defaults()?;
        let program = PROGRAM.get().ok_or(io::ErrorKind::NotFound)?;
        let path = CString::new(program.as_os_str().as_bytes())?;
        let title = c"cellftpd-pam: auth";
        let environment: [&std::ffi::CStr; 0] = [];
        Ok(nix::unistd::execve(&path, &[title], &environment)?)
    };
    match run() {
        Ok(never) => match never {},
        Err(error) => error,
    }
}
