//! What nix lacks for files. Session worker; it runs as the user and sees only the user's jail.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::FlockArg;

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

/// More entries than anyone has.
const ACL_MAX: usize = 4096;
