//! Descriptors that were inherited by number, and descriptors that must not be. Launch and every child at its start.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::checked;

static ADOPTED: AtomicBool = AtomicBool::new(false);

/// The descriptors 0 to 3 that the launcher left us, those that are open. `None` from the second call on.
pub fn adopt() -> Option<[Option<OwnedFd>; 4]> {
    let first = !ADOPTED.swap(true, Ordering::Relaxed);
    first.then(|| [0, 1, 2, 3].map(|number| is_open(number).then(|| owned(number))))
}

fn owned(number: RawFd) -> OwnedFd {
    // SAFETY: only `adopt` calls this, once per number and per process, and the number is open.
    unsafe { OwnedFd::from_raw_fd(number) }
}

fn is_open(number: RawFd) -> bool {
    // SAFETY: F_GETFD reads a number and touches no memory.
    unsafe { libc::fcntl(number, libc::F_GETFD) >= 0 }
}

/// Makes `number` a copy of `fd`, open across exec. Whatever `number` was before is closed.
///
/// For the moment before an exec, and for launch: no owner of `number` may run again.
pub fn install(fd: BorrowedFd, number: RawFd) -> io::Result<()> {
    if fd.as_raw_fd() == number {
        // SAFETY: F_SETFD takes an integer and touches no memory.
        return checked(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }).map(drop);
    }
    // SAFETY: dup2 takes two integers and touches no memory.
    checked(unsafe { libc::dup2(fd.as_raw_fd(), number) }).map(drop)
}

/// A copy of `fd` with a number of at least `floor`, close-on-exec.
pub fn duplicate_above(fd: BorrowedFd, floor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes an integer and touches no memory.
    let number = checked(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, floor) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Points 0, 1 and 2 at /dev/null, so that nothing printed by accident reaches a client.
pub fn silence_standard_streams() -> io::Result<()> {
    let null = OwnedFd::from(File::options().read(true).write(true).open("/dev/null")?);
    (0..3).try_for_each(|number| install(null.as_fd(), number))?;
    if null.as_raw_fd() < 3 {
        // It is one of them, and stays.
        std::mem::forget(null);
    }
    Ok(())
}

/// Closes every descriptor but those kept, with one system call for each gap (close_range, Linux 5.9).
///
/// Owners of what is closed must not run again: for a child that has just been forked, for launch and the auth program.
pub fn close_all_except(keep: &[RawFd]) -> io::Result<()> {
    let mut keep: Vec<libc::c_uint> = keep.iter().filter_map(|fd| (*fd).try_into().ok()).collect();
    keep.sort_unstable();
    let mut first = 0;
    for fd in keep {
        if fd > first {
            close_range(first, fd - 1)?;
        }
        first = fd.saturating_add(1);
    }
    close_range(first, libc::c_uint::MAX)
}

fn close_range(first: libc::c_uint, last: libc::c_uint) -> io::Result<()> {
    // SAFETY: close_range takes three integers; the caller has said that no owner of these numbers runs again.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
