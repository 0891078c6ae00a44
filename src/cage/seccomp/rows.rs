//! The rows: system call, arguments, why. One screen a role; a call that no row names ends the process.

use super::Argument::{Is, Lacks, NotLeash, Null};
use super::Row;

macro_rules! row {
    ($name:ident, [$($argument:expr),*], $why:literal) => {
        Row { call: libc::$name, name: stringify!($name), arguments: &[$($argument),*], why: $why }
    };
}

const PROT_EXEC: u32 = libc::PROT_EXEC.cast_unsigned();
const MSG_FASTOPEN: u32 = libc::MSG_FASTOPEN.cast_unsigned();
/// Urgent data comes in line (SO_OOBINLINE), and nobody sends any: the kernel's own ways for it are for nobody here.
const MSG_OOB: u32 = libc::MSG_OOB.cast_unsigned();
/// S_ISUID and S_ISGID.
const SET_ID: u32 = 0o6000;
const NO_FOLLOW: u32 = libc::AT_SYMLINK_NOFOLLOW.cast_unsigned();
/// What chown(2) takes for "as it is".
const UNCHANGED: u32 = u32::MAX;
const F_GETFD: u32 = libc::F_GETFD.cast_unsigned();
const F_SETFD: u32 = libc::F_SETFD.cast_unsigned();
const F_GETFL: u32 = libc::F_GETFL.cast_unsigned();

/// Every caged process: its streams, its memory, its end.
pub(super) const WORKER: &[Row] = &[
    row!(SYS_read, [], "streams and files that were handed over"),
    row!(SYS_write, [], "the same"),
    row!(SYS_recvfrom, [Null(4), Lacks(3, MSG_OOB)], "streams; no address is asked for"),
    row!(
        SYS_sendto,
        [Null(4), Lacks(3, MSG_FASTOPEN | MSG_OOB)],
        "streams; an address or FASTOPEN would connect"
    ),
    row!(SYS_recvmsg, [Lacks(2, MSG_OOB)], "messages and descriptors from the other process"),
    row!(SYS_fstat, [], "what an open descriptor is"),
    row!(SYS_newfstatat, [], "the same, as the C library asks it; what a name is"),
    row!(SYS_shutdown, [], "the end of a data stream"),
    row!(SYS_close, [NotLeash(0)], "everything but the leash"),
    row!(
        SYS_fcntl,
        [Is(1, F_GETFD)],
        "the standard library looks before it closes, in debug builds"
    ),
    #[cfg(target_arch = "x86_64")]
    row!(SYS_poll, [], "waiting"),
    row!(SYS_ppoll, [], "waiting"),
    row!(SYS_restart_syscall, [], "waiting on after a stop"),
    row!(SYS_clock_gettime, [], "time-outs, where the vDSO does not tell"),
    row!(SYS_brk, [], "memory"),
    row!(SYS_mmap, [Lacks(2, PROT_EXEC)], "memory, never executable"),
    row!(SYS_mremap, [], "memory"),
    row!(SYS_munmap, [], "memory"),
    row!(SYS_madvise, [], "memory given back"),
    row!(SYS_getrandom, [], "keys of hash tables, names of temporaries"),
    row!(SYS_rt_sigreturn, [], "coming back from a signal's handler"),
    row!(SYS_exit_group, [], "the end"),
];

/// Answering a peer at once in a handshake.
pub(super) const RELAY: &[Row] =
    &[row!(SYS_setsockopt, [Is(1, IPPROTO_TCP), Is(2, QUICKACK)], "acknowledgements at once")];

/// Handing a descriptor to the other process.
pub(super) const HAND_OVER: &[Row] =
    &[row!(SYS_sendmsg, [Lacks(2, MSG_FASTOPEN | MSG_OOB)], "a descriptor for the other process")];

/// Looking at the files of a jail.
pub(super) const FILES: &[Row] = &[
    row!(SYS_openat2, [], "opening below the root"),
    row!(SYS_openat, [Lacks(3, SET_ID)], "opening a name in a directory that was opened so"),
    row!(SYS_statx, [], "the same"),
    row!(SYS_faccessat2, [], "whether a directory may be written, before 150"),
    row!(SYS_readlinkat, [], "where a link points, for listings and rights"),
    row!(SYS_getdents64, [], "listings"),
    row!(SYS_lseek, [], "listings and offsets"),
    row!(SYS_pread64, [], "files at an offset"),
    row!(SYS_sendfile, [], "downloads"),
    row!(SYS_fcntl, [Is(1, F_GETFL)], "the C library opens a directory stream so"),
    row!(SYS_fcntl, [Is(1, F_SETFD)], "the same; nothing is executed here anyway"),
    row!(SYS_fstatfs, [], "how much space is left"),
    row!(SYS_quotactl_fd, [Is(1, sys::file::USER_QUOTA)], "the user's own quota, to be read"),
    row!(SYS_getgroups, [], "an honest perm fact in listings"),
    row!(SYS_geteuid, [], "the same"),
    row!(SYS_getegid, [], "the same"),
];

/// Writing files.
pub(super) const WRITE: &[Row] = &[
    row!(SYS_ftruncate, [], "uploads in place"),
    row!(SYS_copy_file_range, [Null(1), Null(3)], "copies, by the kernel"),
    row!(SYS_flock, [], "temporaries are locked while they live"),
    row!(SYS_fdatasync, [], "226 means that it is on the disk"),
    row!(SYS_fsync, [], "the same, for the directory"),
    row!(SYS_fgetxattr, [], "an overwritten file keeps its ACL"),
];

/// Removing names.
pub(super) const UNLINK: &[Row] =
    &[row!(SYS_unlinkat, [], "removing files, directories, temporaries")];

/// Renaming.
pub(super) const RENAME: &[Row] = &[
    row!(SYS_renameat2, [], "renaming; a temporary gets its name"),
    row!(SYS_renameat, [], "the same, where the C library has no flags to pass on"),
];

/// Making directories.
pub(super) const MAKE_DIRECTORY: &[Row] =
    &[row!(SYS_mkdirat, [Lacks(2, SET_ID)], "making directories")];

/// Changing modes.
pub(super) const CHANGE_MODE: &[Row] = &[row!(
    SYS_fchmod,
    [Lacks(1, SET_ID)],
    "an overwritten file keeps its mode, never a set-id bit"
)];

/// Changing the mode and the group of what has a name.
pub(super) const CHANGE_ATTRIBUTES: &[Row] = &[
    Row {
        call: sys::file::SYS_FCHMODAT2,
        name: "fchmodat2",
        arguments: &[Lacks(2, SET_ID), Is(3, NO_FOLLOW)],
        why: "SITE CHMOD, MFF; never a set-id bit",
    },
    row!(SYS_fchownat, [Is(2, UNCHANGED), Is(4, NO_FOLLOW)], "SITE CHGRP; never the owner"),
];

/// Setting times.
pub(super) const SET_TIME: &[Row] =
    &[row!(SYS_utimensat, [Is(3, NO_FOLLOW)], "MFMT, MFF, MDTM with a time, SITE UTIME")];

/// Making symbolic links.
pub(super) const MAKE_LINK: &[Row] = &[row!(SYS_symlinkat, [], "SITE SYMLINK")];

/// The shrunk broker: data connections and children.
pub(super) const BROKER: &[Row] = &[
    row!(SYS_socket, [Is(0, INET), Is(1, TCP), Is(2, 0)], "data connections"),
    row!(SYS_socket, [Is(0, INET6), Is(1, TCP), Is(2, 0)], "data connections"),
    row!(SYS_socket, [Is(0, UNIX), Is(2, 0)], "the log again, after its restart"),
    row!(SYS_socketpair, [Is(0, UNIX), Is(1, TCP), Is(2, 0)], "the plain side of a protected one"),
    row!(SYS_ioctl, [Is(1, FIONBIO)], "the same, never to wait for it"),
    row!(SYS_bind, [], "data connections"),
    row!(SYS_listen, [], "passive data connections"),
    row!(SYS_accept4, [], "passive data connections"),
    row!(SYS_connect, [], "active data connections"),
    row!(
        SYS_setsockopt,
        [Is(1, SOL_SOCKET), Is(2, REUSEADDR)],
        "ports that were used a moment ago"
    ),
    row!(SYS_getsockopt, [Is(1, SOL_SOCKET), Is(2, SO_ERROR)], "whether a connection came about"),
    row!(SYS_getsockname, [], "which port it is"),
    row!(SYS_getpeername, [], "who came"),
    row!(SYS_waitid, [], "how a child ended"),
];

const INET: u32 = libc::AF_INET.cast_unsigned();
const INET6: u32 = libc::AF_INET6.cast_unsigned();
const UNIX: u32 = libc::AF_UNIX.cast_unsigned();
/// As the broker makes its stream sockets, and in no other way.
const TCP: u32 = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK).cast_unsigned();
/// The low half: requests are 32 bits wide.
const FIONBIO: u32 = libc::FIONBIO as u32;
const IPPROTO_TCP: u32 = libc::IPPROTO_TCP.cast_unsigned();
const QUICKACK: u32 = libc::TCP_QUICKACK.cast_unsigned();
const SOL_SOCKET: u32 = libc::SOL_SOCKET.cast_unsigned();
const REUSEADDR: u32 = libc::SO_REUSEADDR.cast_unsigned();
const SO_ERROR: u32 = libc::SO_ERROR.cast_unsigned();

/// What neither the broker before login nor a PAM stack has any business with.
pub(super) const NEVER: &[Row] = &[
    row!(SYS_ptrace, [], "other processes' memory"),
    row!(SYS_process_vm_readv, [], "other processes' memory"),
    row!(SYS_process_vm_writev, [], "other processes' memory"),
    row!(SYS_pidfd_getfd, [], "other processes' descriptors"),
    row!(SYS_kcmp, [], "other processes' kernel objects"),
    row!(SYS_init_module, [], "the kernel's code"),
    row!(SYS_finit_module, [], "the kernel's code"),
    row!(SYS_delete_module, [], "the kernel's code"),
    row!(SYS_kexec_load, [], "the kernel's code"),
    row!(SYS_kexec_file_load, [], "the kernel's code"),
    row!(SYS_bpf, [], "the kernel's code"),
    row!(SYS_perf_event_open, [], "large attack surface"),
    row!(SYS_userfaultfd, [], "large attack surface"),
    row!(SYS_io_uring_setup, [], "large attack surface"),
    row!(SYS_open_by_handle_at, [], "files outside any root"),
    row!(SYS_pivot_root, [], "mounts"),
    row!(SYS_setns, [], "other processes' namespaces"),
    row!(SYS_reboot, [], "the machine"),
    row!(SYS_swapon, [], "the machine"),
    row!(SYS_swapoff, [], "the machine"),
    row!(SYS_settimeofday, [], "the machine's clock"),
    row!(SYS_clock_settime, [], "the machine's clock"),
    row!(SYS_acct, [], "the machine's accounting"),
    #[cfg(target_arch = "x86_64")]
    row!(SYS_iopl, [], "the machine's ports"),
    #[cfg(target_arch = "x86_64")]
    row!(SYS_ioperm, [], "the machine's ports"),
];
