//! Making, watching and ending processes. The broker; nobody else forks.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::unistd::{ForkResult, Pid};

/// A child of this process.
#[derive(Debug)]
pub struct Child {
    /// Its number.
    pub pid: Pid,
    /// Readable when it has exited; for waitid.
    pub pidfd: OwnedFd,
}

/// Which of the two processes this is, after a fork.
#[derive(Debug)]
pub enum Fork {
    /// The one that was there before.
    Parent(Child),
    /// The new one.
    Child,
}

/// Forks. Both processes come back, each with a copy of everything.
///
/// Our processes have one thread each, so the child may do whatever the parent might.
pub fn fork() -> io::Result<Fork> {
    // SAFETY: no process of ours has a second thread, so no lock is held by a thread that the child lacks.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Child => Ok(Fork::Child),
        ForkResult::Parent { child } => {
            Ok(Fork::Parent(Child { pid: child, pidfd: pidfd_open(child)? }))
        }
    }
}

fn pidfd_open(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes two integers and touches no memory.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = RawFd::try_from(fd).map_err(|_| io::ErrorKind::InvalidData)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The children of this process, those included that were left to it as the reaper of orphans.
pub fn children() -> Vec<Pid> {
    let own = Pid::this();
    let list = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
}

/// Ends this process at once: nothing is flushed, no destructor runs.
pub fn exit(status: u8) -> ! {
    // SAFETY: _exit never returns and needs nothing of the process.
    unsafe { libc::_exit(status.into()) }
}

/// Forgets the environment. What was wanted from it has been read; [`crate::title`] writes over its memory.
pub fn clear_environment() {
    // SAFETY: our processes have one thread, and nobody keeps pointers into the environment.
    unsafe { libc::clearenv() };
}

/// Fills `buffer` with random bytes of the kernel.
pub fn random(buffer: &mut [u8]) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of one live slice.
    let filled = unsafe { libc::getrandom(buffer.as_mut_ptr().cast(), buffer.len(), 0) };
    // Up to 256 bytes are never cut short (getrandom(2)).
    if filled == buffer.len().cast_signed() { Ok(()) } else { Err(io::Error::last_os_error()) }
}
