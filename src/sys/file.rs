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

/// What an account uses of a file system, and how much it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Space.
    pub bytes: Share,
    /// Files, directories and all else that has an inode.
    pub files: Share,
}

/// What is used of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// What is used.
    pub used: u64,
    /// The most that may be, if there is a limit.
    pub most: Option<u64>,
}

impl Share {
    /// What may still be used, if there is a limit.
    pub fn left(&self) -> Option<u64> {
        self.most.map(|most| most.saturating_sub(self.used))
    }
}

/// The quota of a user, which may be asked by that user, on the file system of an open file; `None` if it keeps none.
pub fn quota(file: BorrowedFd, uid: u32) -> nix::Result<Option<Quota>> {
    let mut block = Block::default();
    let address: *mut Block = &raw mut block;
    // SAFETY: for Q_GETQUOTA the address is that of a `struct if_dqblk`, as `Block` is, and the kernel writes it only.
    let result =
        unsafe { libc::syscall(libc::SYS_quotactl_fd, file.as_raw_fd(), USER_QUOTA, uid, address) };
    match Errno::result(result) {
        Ok(_) => Ok(Some(block.quota())),
        Err(Errno::ESRCH | Errno::ENOSYS | Errno::EOPNOTSUPP | Errno::EINVAL) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The kernel's `struct if_dqblk` (quotactl(2)); limits of space are in KiB, and 0 is no limit.
#[repr(C)]
#[derive(Default)]
struct Block {
    hard_kib: u64,
    soft_kib: u64,
    bytes: u64,
    hard_files: u64,
    soft_files: u64,
    files: u64,
    until: [u64; 2],
    valid: u32,
}

impl Block {
    fn quota(&self) -> Quota {
        // A soft limit may be passed for a while only.
        let least = |hard, soft| [hard, soft].into_iter().filter(|&limit| limit != 0).min();
        let bytes = least(self.hard_kib, self.soft_kib).map(|kib| kib.saturating_mul(1024));
        Quota {
            bytes: Share { used: self.bytes, most: bytes },
            files: Share { used: self.files, most: least(self.hard_files, self.soft_files) },
        }
    }
}

/// QCMD(Q_GETQUOTA, USRQUOTA).
pub const USER_QUOTA: u32 = 0x80_0007 << 8;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_told_in_bytes_by_its_lower_limit() {
        assert_eq!(size_of::<Block>(), size_of::<libc::dqblk>());
        let kept = Block { hard_kib: 3, soft_kib: 2, bytes: 100, files: 7, ..Block::default() };
        let quota = kept.quota();
        assert_eq!(quota.bytes, Share { used: 100, most: Some(2048) });
        assert_eq!((quota.bytes.left(), quota.files.left()), (Some(1948), None));
        let over = Share { used: 9, most: Some(7) };
        assert_eq!(over.left(), Some(0));
    }
}
