//! What nix lacks for files. Session worker; it runs as the user and sees only the user's jail.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::NixPath;
use nix::errno::Errno;
use nix::fcntl::FlockArg;
use nix::sys::stat::Mode;

/// The POSIX access ACL of an open file, as the kernel encodes it; `None` if it has none beyond its mode.
pub fn acl(file: BorrowedFd) -> nix::Result<Option<Vec<u8>>> {
    const NAME: &CStr = c"system.posix_acl_access";
    let mut value = vec![0u8; ACL_MAX];
    // SAFETY: the name ends with NUL, and the value has room for as many bytes as the call is told.
    let length = unsafe {
        libc::fgetxattr(file.as_raw_fd(), NAME.as_ptr(), value.as_mut_ptr().cast(), value.len())
    };
    match Errno::result(length) {
        Ok(length) => {
            value.truncate(length.unsigned_abs());
            Ok(Some(value))
        }
        Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Changes the mode of a name in a directory, and not of what a link of that name leads to; ENOSYS before Linux 6.6.
///
/// The C library's fchmodat would look for /proc where the kernel is older, and there is none in a jail.
pub fn change_mode(directory: BorrowedFd, name: &[u8], mode: Mode) -> nix::Result<()> {
    let (flags, mode) = (libc::AT_SYMLINK_NOFOLLOW, mode.bits());
    let changed = name.with_nix_path(|name| {
        // SAFETY: the name ends with NUL; nothing is written to.
        unsafe { libc::syscall(SYS_FCHMODAT2, directory.as_raw_fd(), name.as_ptr(), mode, flags) }
    })?;
    Errno::result(changed).map(drop)
}

/// Takes the exclusive lock of an open file, without waiting; false if another process has it.
///
/// It lasts as long as the descriptor: nix's own guard would unlock first and close later.
pub fn try_lock(file: impl AsFd) -> nix::Result<bool> {
    #[allow(deprecated)]
    let locked = nix::fcntl::flock(file.as_fd().as_raw_fd(), FlockArg::LockExclusiveNonblock);
    match locked {
        Ok(()) => Ok(true),
        Err(Errno::EWOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// libc does not name it for every machine; the number is the same on all.
pub const SYS_FCHMODAT2: libc::c_long = 452;
/// More entries than anyone has.
const ACL_MAX: usize = 4096;
