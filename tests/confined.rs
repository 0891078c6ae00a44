//! What an attacker who owns a process of the server can do with it: system calls, made from inside
//! real processes. Each role has a table of what must be refused; all rows are tried, and all that
//! were not held are told at once.
#![cfg(test)]

mod harness;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use harness::account::{PASSWORD, User};
use harness::inject::{Arg, Inject, Outcome, channel_of, control_of, leash_of};
use harness::{PATIENCE, Process, Session, Site, Tls, Words};
use nix::errno::Errno;

/// One attempt: what it is, the call with its arguments, and what must come of it.
struct Row {
    what: &'static str,
    call: libc::c_long,
    arguments: Vec<Arg>,
    must: Must,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    /// The filter has no row for it.
    BeRefused,
    /// The kernel says no.
    Fail(Errno),
    /// It is made: what is granted is to be had, or the refusals beside it would mean little.
    Succeed,
}

/// The numbers of system calls; one is not named by libc for every machine.
mod call {
    pub use libc::*;

    #[allow(non_upper_case_globals)]
    pub const SYS_fchmodat2: c_long = 452;
}

macro_rules! row {
    ($must:expr, $what:literal, $call:ident $(, $argument:expr)*) => {
        Row {
            what: $what,
            call: call::$call,
            arguments: vec![$(Arg::from($argument)),*],
            must: $must,
        }
    };
}

macro_rules! refused {
    ($($row:tt)*) => { row!(Must::BeRefused, $($row)*) };
}

macro_rules! fails {
    ($errno:ident, $($row:tt)*) => { row!(Must::Fail(Errno::$errno), $($row)*) };
}

fn path(path: &str) -> Arg {
    Arg::path(path)
}

fn room(count: usize) -> Arg {
    Arg::room(count)
}

const HERE: i32 = libc::AT_FDCWD;

/// struct open_how.
fn how(flags: i32, resolve: u64) -> Arg {
    let words = [u64::from(flags.cast_unsigned()), 0, resolve];
    Arg::Bytes(words.iter().flat_map(|word| word.to_ne_bytes()).collect())
}

/// struct sockaddr_in.
fn address(family: i32, port: u16) -> Arg {
    let family = u16::try_from(family).expect("families are small");
    let bytes = [family.to_ne_bytes(), port.to_be_bytes(), [127, 0], [0, 1]];
    Arg::Bytes([bytes.concat(), vec![0; 8]].concat())
}

/// Tries every row, from inside; tells each that did not go as it must.
#[track_caller]
fn holds(role: &str, process: Process, rows: Vec<Row>) {
    let mut inside = Inject::into(process);
    // What is permitted is made, or all that follows would mean nothing.
    let clock = inside.call(libc::SYS_clock_gettime, &[0.into(), room(16)]);
    assert_eq!(clock, Outcome::Returned(0), "{role}: asking for the time");
    let mut broken = Vec::new();
    for row in rows {
        let outcome = inside.call(row.call, &row.arguments);
        let held = match row.must {
            Must::BeRefused => outcome == Outcome::Refused,
            Must::Fail(errno) => outcome.error() == Some(errno),
            Must::Succeed => outcome.value().is_some(),
        };
        if !held {
            broken.push(format!("{role}: {}: must {:?}, was {outcome:?}", row.what, row.must));
        }
        if outcome == Outcome::Ended {
            break;
        }
    }
    assert!(broken.is_empty(), "{} not held\n{}", broken.len(), broken.join("\n"));
}

/// Making processes, and reaching others.
fn processes(other: Process) -> Vec<Row> {
    let (other, child) = (other.pid, libc::SIGCHLD);
    vec![
        refused!("clone as fork does", SYS_clone, child, 0, 0, 0, 0),
        refused!("clone a thread", SYS_clone, libc::CLONE_VM | libc::CLONE_THREAD, 0, 0, 0, 0),
        refused!("clone3", SYS_clone3, room(88), 88),
        refused!("execve", SYS_execve, path("/bin/sh"), 0, 0),
        refused!("execveat", SYS_execveat, HERE, path("/bin/sh"), 0, 0, 0),
        refused!("kill", SYS_kill, other, 0),
        refused!("kill everyone", SYS_kill, -1, 0),
        refused!("tkill", SYS_tkill, other, 0),
        refused!("tgkill", SYS_tgkill, other, other, 0),
        refused!("rt_sigqueueinfo", SYS_rt_sigqueueinfo, other, 0, room(128)),
        refused!("pidfd_open", SYS_pidfd_open, other, 0),
        refused!("pidfd_send_signal", SYS_pidfd_send_signal, 0, 0, 0, 0),
        refused!("pidfd_getfd", SYS_pidfd_getfd, 0, 0, 0),
        refused!("prlimit64 of another", SYS_prlimit64, other, libc::RLIMIT_CPU, room(16), 0),
        refused!("prlimit64 of itself", SYS_prlimit64, 0, libc::RLIMIT_NOFILE, room(16), 0),
        refused!("setrlimit", SYS_setrlimit, libc::RLIMIT_NOFILE, room(16)),
        refused!("sched_setaffinity", SYS_sched_setaffinity, other, 8, room(8)),
        refused!("setpriority", SYS_setpriority, libc::PRIO_PROCESS, other, 19),
        refused!("ptrace", SYS_ptrace, libc::PTRACE_ATTACH, other, 0, 0),
        refused!("process_vm_readv", SYS_process_vm_readv, other, room(16), 1, room(16), 1, 0),
        refused!("process_vm_writev", SYS_process_vm_writev, other, room(16), 1, room(16), 1, 0),
        refused!("kcmp", SYS_kcmp, other, other, 0, 0, 0),
        refused!("waiting for another", SYS_wait4, -1, 0, libc::WNOHANG, 0),
        refused!("setsid", SYS_setsid),
        refused!("setpgid", SYS_setpgid, 0, 0),
    ]
}

/// What could take the leash off, or have signals sent by way of a descriptor.
fn the_leash(leash: i32) -> Vec<Row> {
    let (async_on, owner) = (libc::FIOASYNC.cast_signed(), 0x8901);
    vec![
        refused!("F_SETOWN", SYS_fcntl, leash, libc::F_SETOWN, 0),
        refused!("F_SETOWN_EX", SYS_fcntl, leash, 15, room(8)),
        refused!("F_SETSIG", SYS_fcntl, leash, 10, 0),
        refused!("F_SETFL", SYS_fcntl, leash, libc::F_SETFL, 0),
        refused!("F_DUPFD", SYS_fcntl, leash, libc::F_DUPFD, 0),
        refused!("F_DUPFD_CLOEXEC", SYS_fcntl, leash, libc::F_DUPFD_CLOEXEC, 0),
        refused!("F_NOTIFY", SYS_fcntl, leash, 1026, 0),
        refused!("F_SETPIPE_SZ", SYS_fcntl, leash, libc::F_SETPIPE_SZ, 1 << 20),
        refused!("FIOASYNC", SYS_ioctl, leash, async_on, room(4)),
        refused!("FIOSETOWN", SYS_ioctl, leash, owner, room(4)),
        refused!("SIOCSPGRP", SYS_ioctl, leash, 0x8902, room(4)),
        refused!("TIOCSTI", SYS_ioctl, 0, libc::TIOCSTI.cast_signed(), room(1)),
        refused!("dup", SYS_dup, leash),
        refused!("dup3 onto it", SYS_dup3, 0, leash, 0),
        refused!("close_range", SYS_close_range, leash, leash, 0),
        refused!("vmsplice", SYS_vmsplice, leash, room(16), 1, 0),
        refused!("tee", SYS_tee, leash, leash, 1, 0),
        refused!("handler of SIGSYS", SYS_rt_sigaction, libc::SIGSYS, room(32), 0, 8),
        refused!("mask of signals", SYS_rt_sigprocmask, libc::SIG_BLOCK, room(8), 0, 8),
        refused!("PR_SET_PDEATHSIG", SYS_prctl, libc::PR_SET_PDEATHSIG, 0, 0, 0, 0),
        refused!("PR_SET_DUMPABLE", SYS_prctl, libc::PR_SET_DUMPABLE, 1, 0, 0, 0),
        refused!("PR_SET_SECCOMP", SYS_prctl, libc::PR_SET_SECCOMP, 2, room(16), 0, 0),
        refused!("PR_SET_PTRACER", SYS_prctl, libc::PR_SET_PTRACER, -1, 0, 0, 0),
        refused!("another filter", SYS_seccomp, 1, 0, room(16)),
    ]
}

/// Who it is, and what it sees.
fn identity() -> Vec<Row> {
    let namespaces = libc::CLONE_NEWUSER | libc::CLONE_NEWNS;
    vec![
        refused!("setuid", SYS_setuid, 0),
        refused!("setreuid", SYS_setreuid, 0, 0),
        refused!("setresuid", SYS_setresuid, 0, 0, 0),
        refused!("setfsuid", SYS_setfsuid, 0),
        refused!("setgid", SYS_setgid, 0),
        refused!("setresgid", SYS_setresgid, 0, 0, 0),
        refused!("setgroups", SYS_setgroups, 0, 0),
        refused!("capset", SYS_capset, room(8), room(24)),
        refused!("chroot", SYS_chroot, path("/")),
        refused!("chdir", SYS_chdir, path("/")),
        refused!("fchdir", SYS_fchdir, 0),
        refused!("pivot_root", SYS_pivot_root, path("/"), path("/")),
        refused!("unshare", SYS_unshare, namespaces),
        refused!("setns", SYS_setns, 0, 0),
        refused!("mount", SYS_mount, path("none"), path("/"), path("tmpfs"), 0, 0),
        refused!("umount2", SYS_umount2, path("/"), libc::MNT_DETACH),
        refused!("open_tree", SYS_open_tree, HERE, path("/"), 1),
        refused!("move_mount", SYS_move_mount, HERE, path("/"), HERE, path("/"), 0),
        refused!("fsopen", SYS_fsopen, path("tmpfs"), 0),
        refused!("umask", SYS_umask, 0),
        refused!("personality", SYS_personality, 0x0040_0000),
        refused!("a rule of Landlock", SYS_landlock_restrict_self, 0, 0),
    ]
}

/// The kernel's larger doors.
fn kernel() -> Vec<Row> {
    let executable = libc::PROT_READ | libc::PROT_EXEC;
    let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    vec![
        refused!("executable memory", SYS_mmap, 0, 4096, executable, anonymous, -1, 0),
        refused!("mprotect", SYS_mprotect, 0, 4096, executable),
        refused!("pkey_mprotect", SYS_pkey_mprotect, 0, 4096, executable, -1),
        refused!("memfd_create", SYS_memfd_create, path("x"), 0),
        refused!("memfd_secret", SYS_memfd_secret, 0),
        refused!("io_uring_setup", SYS_io_uring_setup, 1, room(120)),
        refused!("io_setup", SYS_io_setup, 1, room(8)),
        refused!("bpf", SYS_bpf, 0, room(128), 128),
        refused!("perf_event_open", SYS_perf_event_open, room(128), 0, -1, -1, 0),
        refused!("userfaultfd", SYS_userfaultfd, 1),
        refused!("keyctl", SYS_keyctl, 0, 0, 0, 0, 0),
        refused!("add_key", SYS_add_key, path("user"), path("x"), path("x"), 1, -3),
        refused!("semget", SYS_semget, 1, 1, 0),
        refused!("semop", SYS_semop, 0, room(6), 1),
        refused!("shmget", SYS_shmget, 0, 4096, 0o1600),
        refused!("msgget", SYS_msgget, 0, 0o1600),
        refused!("mq_open", SYS_mq_open, path("x"), 0, 0, 0),
        refused!("inotify_init1", SYS_inotify_init1, 0),
        refused!("fanotify_init", SYS_fanotify_init, 0, 0),
        refused!("timer_create", SYS_timer_create, 0, 0, room(8)),
        refused!("timerfd_create", SYS_timerfd_create, 0, 0),
        refused!("eventfd2", SYS_eventfd2, 0, 0),
        refused!("signalfd4", SYS_signalfd4, -1, room(8), 8, 0),
        refused!("epoll_create1", SYS_epoll_create1, 0),
        refused!("init_module", SYS_init_module, 0, 0, path("")),
        refused!("kexec_load", SYS_kexec_load, 0, 0, 0, 0),
        refused!("reboot", SYS_reboot, 0, 0, 0, 0),
        refused!("sethostname", SYS_sethostname, path("x"), 1),
        refused!("clock_settime", SYS_clock_settime, 0, room(16)),
        refused!("quotactl", SYS_quotactl, 0, 0, 0, 0),
        refused!("quotactl_fd, to set a limit", SYS_quotactl_fd, 0, 0x8000_0800_i64, 0, room(72)),
        refused!("quotactl_fd, for a group", SYS_quotactl_fd, 0, 0x8000_0701_i64, 0, room(72)),
        refused!(
            "quotactl_fd, for the next user",
            SYS_quotactl_fd,
            0,
            0x8000_0900_i64,
            0,
            room(72)
        ),
        refused!("syslog", SYS_syslog, 10, 0, 0),
    ]
}

/// Names and files that nobody may make or reach, whatever the rights are.
fn never_files() -> Vec<Row> {
    vec![
        refused!(
            "name_to_handle_at",
            SYS_name_to_handle_at,
            HERE,
            path("/"),
            room(136),
            room(4),
            0
        ),
        refused!("open_by_handle_at", SYS_open_by_handle_at, HERE, room(136), 0),
        refused!("mknodat", SYS_mknodat, HERE, path("/x"), 0o010_666, 0),
        refused!("linkat", SYS_linkat, HERE, path("/welcome.txt"), HERE, path("/x"), 0),
        refused!("fchmodat", SYS_fchmodat, HERE, path("/welcome.txt"), 0o666),
        refused!("fchmodat2", SYS_fchmodat2, HERE, path("/welcome.txt"), 0o666, 0),
        refused!("fchownat", SYS_fchownat, HERE, path("/welcome.txt"), 0, 0, 0),
        refused!("utimensat", SYS_utimensat, HERE, path("/welcome.txt"), 0, 0),
        refused!("utimensat of a descriptor", SYS_utimensat, 0, 0, room(32), 0),
        refused!("truncate", SYS_truncate, path("/welcome.txt"), 0),
        refused!("setxattr", SYS_setxattr, path("/welcome.txt"), path("user.x"), path("x"), 1, 0),
        refused!("a record lock", SYS_fcntl, 0, libc::F_SETLK, room(32)),
        refused!("an OFD lock", SYS_fcntl, 0, libc::F_OFD_SETLK, room(32)),
        refused!("looking for an OFD lock", SYS_fcntl, 0, libc::F_OFD_GETLK, room(32)),
        refused!("a lease", SYS_fcntl, 0, libc::F_SETLEASE, libc::F_WRLCK),
    ]
}

const NO_FOLLOW: i32 = libc::AT_SYMLINK_NOFOLLOW;

/// Changing the mode and the group of a file, as the server does where `chmod` is given.
fn changing_attributes(must: Must) -> Vec<Row> {
    let file = || path("/welcome.txt");
    vec![
        row!(must, "the mode", SYS_fchmodat2, HERE, file(), 0o666, NO_FOLLOW),
        row!(must, "the group", SYS_fchownat, HERE, file(), -1, -1, NO_FOLLOW),
    ]
}

/// Setting a time, as the server does where `set-time` is given.
fn setting_times(must: Must) -> Vec<Row> {
    vec![row!(must, "the time", SYS_utimensat, HERE, path("/welcome.txt"), room(32), NO_FOLLOW)]
}

/// Making a symbolic link, as the server does where `link` is given.
fn making_links(must: Must) -> Vec<Row> {
    vec![row!(must, "a link", SYS_symlinkat, path("/etc"), HERE, path("/made-link"))]
}

/// All three, where none is given.
fn not_granted() -> impl Iterator<Item = Row> {
    let refused = [changing_attributes, setting_times, making_links].map(|of| of(Must::BeRefused));
    refused.into_iter().flatten()
}

/// What a worker that may change attributes may not: set-id bits, owners, and what a link leads to.
fn other_attributes(own: u32) -> Vec<Row> {
    let (file, empty) = (|| path("/welcome.txt"), libc::AT_EMPTY_PATH);
    vec![
        refused!("set-uid", SYS_fchmodat2, HERE, file(), 0o4755, NO_FOLLOW),
        refused!("set-gid", SYS_fchmodat2, HERE, file(), 0o2755, NO_FOLLOW),
        refused!("set-id of a descriptor", SYS_fchmod, 0, 0o6755),
        refused!("the mode behind a link", SYS_fchmodat2, HERE, file(), 0o666, 0),
        refused!("the mode of a descriptor", SYS_fchmodat2, 0, path(""), 0o666, empty),
        refused!("the owner", SYS_fchownat, HERE, file(), 0, -1, NO_FOLLOW),
        refused!("the owner, to itself", SYS_fchownat, HERE, file(), own, -1, NO_FOLLOW),
        refused!(
            "the owner by a wider number",
            SYS_fchownat,
            HERE,
            file(),
            1i64 << 32,
            -1,
            NO_FOLLOW
        ),
        refused!("the group behind a link", SYS_fchownat, HERE, file(), -1, -1, 0),
        refused!("the group of a descriptor", SYS_fchownat, 0, path(""), -1, -1, empty),
        refused!("fchown", SYS_fchown, 0, -1, -1),
        refused!("the time behind a link", SYS_utimensat, HERE, file(), room(32), 0),
        fails!(EPERM, "a stranger's group", SYS_fchownat, HERE, file(), -1, 0, NO_FOLLOW),
    ]
}

/// The calls that only this machine has: the ancestors of those above, and the doors of other ABIs.
#[cfg(target_arch = "x86_64")]
fn of_this_machine(leash: i32) -> Vec<Row> {
    const X32: libc::c_long = 0x4000_0000;
    let mut rows = vec![
        refused!("fork", SYS_fork),
        refused!("vfork", SYS_vfork),
        refused!("open", SYS_open, path("/etc/passwd"), 0),
        refused!("creat", SYS_creat, path("/x"), 0o666),
        refused!("dup2 onto it", SYS_dup2, 0, leash),
        refused!("pipe", SYS_pipe, room(8)),
        refused!("mkdir", SYS_mkdir, path("/x"), 0o777),
        refused!("rmdir", SYS_rmdir, path("/incoming")),
        refused!("unlink", SYS_unlink, path("/welcome.txt")),
        refused!("rename", SYS_rename, path("/welcome.txt"), path("/x")),
        refused!("link", SYS_link, path("/welcome.txt"), path("/x")),
        refused!("symlink", SYS_symlink, path("/etc"), path("/x")),
        refused!("mknod", SYS_mknod, path("/x"), 0o010_666, 0),
        refused!("chmod", SYS_chmod, path("/welcome.txt"), 0o666),
        refused!("chown", SYS_chown, path("/welcome.txt"), 0, 0),
        refused!("utimes", SYS_utimes, path("/welcome.txt"), 0),
        refused!("inotify_init", SYS_inotify_init),
        refused!("epoll_create", SYS_epoll_create, 1),
        refused!("arch_prctl", SYS_arch_prctl, 0x1002, 0),
        refused!("modify_ldt", SYS_modify_ldt, 0, room(16), 16),
        refused!("iopl", SYS_iopl, 3),
        refused!("ioperm", SYS_ioperm, 0, 1, 1),
    ];
    // A permitted call by its number in the x32 ABI, and a forbidden one.
    let doors = [("read by x32", X32), ("open by x32", X32 | 2)];
    rows.extend(doors.map(|(what, call)| {
        let arguments = vec![path("/etc/passwd"), 0.into()];
        Row { what, call, arguments, must: Must::BeRefused }
    }));
    rows
}

#[cfg(not(target_arch = "x86_64"))]
fn of_this_machine(_: i32) -> Vec<Row> {
    Vec::new()
}

/// What every caged process is refused, the broker too.
fn everyone(other: Process, leash: i32) -> Vec<Row> {
    let groups = [processes(other), the_leash(leash), identity(), kernel(), never_files()];
    let mut rows: Vec<Row> = groups.into_iter().flatten().collect();
    rows.extend(of_this_machine(leash));
    rows
}

/// Urgent data beside the stream, for which nobody has a use and the kernel much code.
fn urgent(socket: i32) -> Vec<Row> {
    let (oob, more) = (libc::MSG_OOB, libc::MSG_OOB | libc::MSG_DONTWAIT);
    vec![
        refused!("sendto, MSG_OOB", SYS_sendto, socket, path("x"), 1, oob, 0, 0),
        refused!("recvfrom, MSG_OOB", SYS_recvfrom, socket, room(1), 1, oob, 0, 0),
        refused!("recvfrom, MSG_OOB and more", SYS_recvfrom, socket, room(1), 1, more, 0, 0),
        refused!("sendmsg, MSG_OOB", SYS_sendmsg, socket, room(56), oob),
        refused!("recvmsg, MSG_OOB", SYS_recvmsg, socket, room(56), more),
    ]
}

/// Sockets: a worker makes none, and leaves those that it was handed as they are.
fn network(control: i32, leash: i32) -> Vec<Row> {
    let unspecified = || address(libc::AF_UNSPEC, 0);
    let elsewhere = || address(libc::AF_INET, 2121);
    let (stream, fast) = (libc::SOCK_STREAM, libc::MSG_FASTOPEN);
    let mut rows = urgent(control);
    rows.extend([
        refused!("close of the leash", SYS_close, leash),
        refused!("close of the leash by a wider number", SYS_close, i64::from(leash) | 1 << 32),
        refused!("socket", SYS_socket, libc::AF_INET, stream, 0),
        refused!("a socket of Unix", SYS_socket, libc::AF_UNIX, stream, 0),
        refused!("a raw socket", SYS_socket, libc::AF_INET, libc::SOCK_RAW, 1),
        refused!("netlink", SYS_socket, libc::AF_NETLINK, libc::SOCK_RAW, 0),
        refused!("socketpair", SYS_socketpair, libc::AF_UNIX, stream, 0, room(8)),
        refused!("connect to nowhere", SYS_connect, control, unspecified(), 16),
        refused!("connect", SYS_connect, control, elsewhere(), 16),
        refused!("sendto elsewhere", SYS_sendto, control, path("x"), 1, 0, elsewhere(), 16),
        refused!("sendto nowhere", SYS_sendto, control, path("x"), 1, 0, unspecified(), 16),
        refused!("MSG_FASTOPEN", SYS_sendto, control, path("x"), 1, fast, elsewhere(), 16),
        refused!("MSG_FASTOPEN to nobody", SYS_sendto, control, path("x"), 1, fast, 0, 0),
        refused!("FIONBIO", SYS_ioctl, leash, libc::FIONBIO.cast_signed(), room(4)),
        refused!("sendmsg, MSG_FASTOPEN", SYS_sendmsg, control, room(56), fast),
        refused!("sendmmsg", SYS_sendmmsg, control, room(64), 1, 0),
        refused!("recvmmsg", SYS_recvmmsg, control, room(64), 1, 0, 0),
        refused!("recvfrom somebody", SYS_recvfrom, control, room(1), 1, 0x40, room(16), room(4)),
        refused!("bind", SYS_bind, control, elsewhere(), 16),
        refused!("listen", SYS_listen, control, 1),
        refused!("accept", SYS_accept, control, 0, 0),
        refused!("accept4", SYS_accept4, control, 0, 0, 0),
        refused!("setsockopt", SYS_setsockopt, control, libc::SOL_SOCKET, 26, room(16), 16),
        refused!("getsockopt", SYS_getsockopt, control, libc::SOL_SOCKET, 4, room(4), room(4)),
        refused!("getpeername", SYS_getpeername, control, room(16), room(4)),
    ]);
    rows
}

/// What the login worker, who has no files, is refused besides.
fn no_files() -> Vec<Row> {
    vec![
        refused!("openat", SYS_openat, HERE, path("/etc/passwd"), 0),
        refused!("openat2", SYS_openat2, HERE, path("/etc/passwd"), how(0, 0), 24),
        refused!("open the root", SYS_openat, HERE, path("/"), libc::O_PATH),
        refused!("statx", SYS_statx, HERE, path("/"), 0, 0x7ff, room(256)),
        refused!("readlinkat", SYS_readlinkat, HERE, path("/x"), room(64), 64),
        refused!("getdents64", SYS_getdents64, 0, room(64), 64),
        refused!("sendfile", SYS_sendfile, 0, 0, 0, 1),
        refused!("splice", SYS_splice, 0, 0, 0, 0, 1, 0),
    ]
}

/// Ways out of a jail. `outside` exists, right beside it.
fn ways_out(outside: &Path) -> Vec<Row> {
    let name = outside.file_name().and_then(|name| name.to_str()).expect("a plain name");
    let outside = outside.to_str().expect("temporary directories have plain names");
    let parent = format!("../{name}");
    let (beneath, in_root) = (libc::RESOLVE_BENEATH, libc::RESOLVE_IN_ROOT);
    let (climb, dots) = ("../../../../../../../../../etc/passwd", "/../../../../etc/passwd");
    vec![
        fails!(ENOENT, "an absolute path", SYS_openat, HERE, path(outside), 0),
        fails!(ENOENT, "a file of the system", SYS_openat, HERE, path("/etc/passwd"), 0),
        fails!(ENOENT, "the parent", SYS_openat, HERE, path(&parent), 0),
        fails!(ENOENT, "climbing", SYS_openat, HERE, path(climb), 0),
        fails!(ENOENT, "climbing from the root", SYS_openat, HERE, path(dots), 0),
        fails!(ENOENT, "a link to a file outside", SYS_openat, HERE, path("/way-out"), 0),
        fails!(ENOENT, "a link that climbs", SYS_openat, HERE, path("/way-up"), 0),
        fails!(ENOENT, "below a link", SYS_openat, HERE, path("/way-to-etc/passwd"), 0),
        fails!(ENOENT, "openat2", SYS_openat2, HERE, path(outside), how(0, 0), 24),
        fails!(ENOENT, "openat2, climbing", SYS_openat2, HERE, path(climb), how(0, 0), 24),
        fails!(ENOENT, "openat2, in root", SYS_openat2, HERE, path(climb), how(0, in_root), 24),
        fails!(EXDEV, "openat2, beneath", SYS_openat2, HERE, path(climb), how(0, beneath), 24),
        fails!(ENOENT, "/proc", SYS_openat, HERE, path("/proc/self/root"), 0),
        fails!(ENOENT, "/dev", SYS_openat, HERE, path("/dev/null"), 0),
        fails!(ENOENT, "stat", SYS_newfstatat, HERE, path(outside), room(256), 0),
        fails!(ENOENT, "statx", SYS_statx, HERE, path(outside), 0, 0x7ff, room(256)),
        fails!(ENOENT, "readlinkat", SYS_readlinkat, HERE, path("/proc/self/exe"), room(64), 64),
        fails!(ENOENT, "faccessat2", SYS_faccessat2, HERE, path(outside), 0, 0),
        fails!(ENOENT, "writing", SYS_openat, HERE, path(&parent), libc::O_WRONLY),
    ]
}

/// Changing a site in which nobody may: what needs a call of its own is refused, what an open would
/// do fails. The files may be written by everyone, so that nothing but the cage is in the way.
fn changes() -> Vec<Row> {
    let (file, new) = (|| path("/welcome.txt"), || path("/incoming/x"));
    let (write, make) = (libc::O_WRONLY, libc::O_CREAT | libc::O_WRONLY);
    let (cut, unnamed) = (libc::O_TRUNC, libc::O_TMPFILE | libc::O_RDWR);
    vec![
        fails!(EACCES, "open to write", SYS_openat, HERE, file(), write),
        fails!(EACCES, "open to read and write", SYS_openat, HERE, file(), libc::O_RDWR),
        fails!(EACCES, "open to append", SYS_openat, HERE, file(), write | libc::O_APPEND),
        fails!(EACCES, "open to truncate", SYS_openat, HERE, file(), write | cut),
        fails!(EACCES, "open to read and truncate", SYS_openat, HERE, file(), cut),
        fails!(EACCES, "openat2 to write", SYS_openat2, HERE, file(), how(write, 0), 24),
        fails!(EACCES, "make a file", SYS_openat, HERE, new(), make, 0o666),
        fails!(EACCES, "make a file to read", SYS_openat, HERE, new(), libc::O_CREAT, 0o666),
        fails!(EACCES, "make an unnamed file", SYS_openat, HERE, path("/incoming"), unnamed, 0o666),
        refused!("mkdirat", SYS_mkdirat, HERE, new(), 0o777),
        refused!("unlinkat", SYS_unlinkat, HERE, file(), 0),
        refused!("unlinkat of a directory", SYS_unlinkat, HERE, path("/incoming"), 0x200),
        refused!("renameat", SYS_renameat, HERE, file(), HERE, new()),
        refused!("renameat2", SYS_renameat2, HERE, file(), HERE, new(), 0),
        refused!("exchange", SYS_renameat2, HERE, file(), HERE, path("/pub/empty"), 2),
        refused!("fchmod", SYS_fchmod, 0, 0o666),
        refused!("fchown", SYS_fchown, 0, 0, 0),
        refused!("ftruncate", SYS_ftruncate, 0, 0),
        refused!("fallocate", SYS_fallocate, 0, 0, 0, 1),
        refused!("pwrite64", SYS_pwrite64, 0, path("x"), 1, 0),
        refused!("fsetxattr", SYS_fsetxattr, 0, path("user.x"), path("x"), 1, 0),
        refused!("flock", SYS_flock, 0, libc::LOCK_EX),
        refused!("fsync", SYS_fsync, 0),
        refused!("copy_file_range", SYS_copy_file_range, 0, 0, 0, 0, 1, 0),
    ]
}

/// What the shrunk broker, who makes sockets, may not make of them.
fn privileged_sockets() -> Vec<Row> {
    let (raw, every) = (libc::SOCK_RAW, 0x0300);
    vec![
        refused!("a raw socket", SYS_socket, libc::AF_INET, raw, 1),
        refused!("a packet socket", SYS_socket, libc::AF_PACKET, raw, every),
        refused!("a netlink socket", SYS_socket, libc::AF_NETLINK, raw, 0),
        refused!("a datagram socket", SYS_socket, libc::AF_INET, libc::SOCK_DGRAM, 0),
        refused!("a vsock socket", SYS_socket, libc::AF_VSOCK, libc::SOCK_STREAM, 0),
        refused!("MPTCP", SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 262),
        refused!("SO_ATTACH_FILTER", SYS_setsockopt, 0, libc::SOL_SOCKET, 26, room(16), 16),
        refused!("socketpair", SYS_socketpair, libc::AF_UNIX, libc::SOCK_STREAM, 0, room(8)),
        refused!("sendmmsg", SYS_sendmmsg, 0, room(64), 1, 0),
        refused!("mkdirat", SYS_mkdirat, HERE, path("/x"), 0o777),
        refused!("unlinkat", SYS_unlinkat, HERE, path("/x"), 0),
        refused!("renameat2", SYS_renameat2, HERE, path("/x"), HERE, path("/y"), 0),
        refused!("flock", SYS_flock, 0, libc::LOCK_EX),
        refused!("fchown", SYS_fchown, 0, 0, 0),
    ]
}

/// What the broker may not do even while it is root, nor a PAM stack that inherits its filter.
fn never(other: Process) -> Vec<Row> {
    let other = other.pid;
    vec![
        fails!(EPERM, "ptrace", SYS_ptrace, libc::PTRACE_ATTACH, other, 0, 0),
        fails!(EPERM, "process_vm_readv", SYS_process_vm_readv, other, room(16), 1, room(16), 1, 0),
        fails!(EPERM, "process_vm_writev", SYS_process_vm_writev, other, room(16), 1, 0, 0, 0),
        fails!(EPERM, "pidfd_getfd", SYS_pidfd_getfd, 0, 0, 0),
        fails!(EPERM, "bpf", SYS_bpf, 0, room(128), 128),
        fails!(EPERM, "perf_event_open", SYS_perf_event_open, room(128), 0, -1, -1, 0),
        fails!(EPERM, "io_uring_setup", SYS_io_uring_setup, 1, room(120)),
        fails!(EPERM, "userfaultfd", SYS_userfaultfd, 1),
        fails!(EPERM, "open_by_handle_at", SYS_open_by_handle_at, HERE, room(136), 0),
        fails!(EPERM, "setns", SYS_setns, 0, 0),
        fails!(EPERM, "init_module", SYS_init_module, 0, 0, path("")),
        fails!(EPERM, "kexec_load", SYS_kexec_load, 0, 0, 0, 0),
        fails!(EPERM, "clock_settime", SYS_clock_settime, 0, room(16)),
        fails!(EPERM, "mount, without CAP_SYS_ADMIN", SYS_mount, 0, path("/"), 0, 0, 0),
    ]
}

/// The process of a session that is not its broker.
#[track_caller]
fn worker_of(session: &Session) -> Process {
    let processes = session.settled(2);
    *processes.iter().find(|one| **one != session.broker()).expect("there are two")
}

/// Writable by everyone, with links that lead outside.
fn open_to_all(root: &Path) {
    let everyone = |name: &str, mode| {
        fs::set_permissions(root.join(name), Permissions::from_mode(mode)).expect("it is ours");
    };
    everyone("welcome.txt", 0o666);
    everyone("incoming", 0o777);
    everyone("", 0o777);
    let links =
        [("way-out", "/etc/passwd"), ("way-up", "../cellftpd.toml"), ("way-to-etc", "/etc")];
    for (name, target) in links {
        symlink(target, root.join(name)).expect("it is ours");
    }
}

#[test]
fn a_login_worker_can_do_nothing_but_talk() {
    let site = Site::readonly();
    let mut session = site.connect();
    session.hears("220");
    let worker = worker_of(&session);
    let (leash, control) = (leash_of(worker), control_of(worker));
    let mut rows = everyone(session.broker(), leash);
    rows.extend(network(control, leash).into_iter().chain(no_files()).chain(changes_are_refused()));
    rows.extend(not_granted());
    holds("login worker", worker, rows);
    session.logs_in();
    session.quits();
}

#[test]
fn the_relay_and_the_key_process_can_do_nothing_but_talk() {
    let site = Site::readonly().with_tls();
    let mut session = site.connect();
    session.hears("220");
    session.starts_tls(&Tls::new());
    session.logs_in();
    for role in ["[relay]", "[key]"] {
        let family = session.settled(4);
        let process = *family.iter().find(|one| one.title().ends_with(role)).expect("it is there");
        let (leash, socket) = (leash_of(process), channel_of(process));
        let mut rows = everyone(session.broker(), leash);
        rows.extend(network(socket, leash).into_iter().chain(hands_over_nothing(process)));
        rows.extend(no_files().into_iter().chain(changes_are_refused()).chain(not_granted()));
        holds(role, process, rows);
    }
    session.protects();
    assert_eq!(session.gets("/welcome.txt"), b"Welcome.\r\n");
    session.quits();
}

/// The same changes, where not even an open is to be had.
fn changes_are_refused() -> impl Iterator<Item = Row> {
    changes().into_iter().map(|row| Row { must: Must::BeRefused, ..row })
}

#[test]
fn a_worker_of_a_read_only_site_changes_nothing() {
    let site = Site::readonly().prepared(open_to_all);
    let mut session = site.connect().logged_in();
    let worker = worker_of(&session);
    let (leash, control) = (leash_of(worker), control_of(worker));
    let mut rows = everyone(session.broker(), leash);
    rows.extend(network(control, leash).into_iter().chain(hands_over_nothing(worker)));
    rows.extend(ways_out(&site.beside("cellftpd.toml")).into_iter().chain(changes()));
    rows.extend(not_granted());
    holds("read-only session worker", worker, rows);
    session.asks("NOOP", "200");
    assert_eq!(session.gets("/welcome.txt"), b"Welcome.\r\n");
    session.quits();
}

#[test]
fn a_worker_of_a_writable_site_stays_in_it() {
    let site = Site::writable().prepared(open_to_all);
    let mut session = site.connect().logged_in();
    let worker = worker_of(&session);
    let (leash, control) = (leash_of(worker), control_of(worker));
    let mut rows = everyone(session.broker(), leash);
    rows.extend(network(control, leash).into_iter().chain(hands_over_nothing(worker)));
    rows.extend(ways_out(&site.beside("cellftpd.toml")).into_iter().chain(not_granted()));
    rows.push(refused!("fchmod, set-id", SYS_fchmod, control, 0o6755));
    rows.push(refused!("mkdirat, set-id", SYS_mkdirat, HERE, path("/x"), 0o2777));
    rows.push(refused!("openat, set-id", SYS_openat, HERE, path("/x"), libc::O_CREAT, 0o4777));
    holds("writing session worker", worker, rows);
    session.puts("/incoming/new", b"content");
    session.quits();
}

#[test]
fn a_worker_that_may_change_attributes_changes_no_owner_and_no_set_id_bit() {
    let words = Words(&["list", "read", "chmod", "set-time"]);
    let site = Site::writable().rights("/", words).prepared(open_to_all);
    let mut session = site.connect().logged_in();
    let worker = worker_of(&session);
    let (leash, control) = (leash_of(worker), control_of(worker));
    let mut rows = everyone(session.broker(), leash);
    rows.extend(network(control, leash).into_iter().chain(hands_over_nothing(worker)));
    rows.extend(ways_out(&site.beside("cellftpd.toml")));
    rows.extend(other_attributes(site.owner().0).into_iter().chain(making_links(Must::BeRefused)));
    rows.extend([changing_attributes, setting_times].into_iter().flat_map(|of| of(Must::Succeed)));
    holds("attribute-changing session worker", worker, rows);
    session.asks("SITE CHMOD 600 /welcome.txt", "200");
    session.quits();
}

#[test]
fn a_worker_that_may_make_links_makes_no_other_kind_of_name() {
    let words = Words(&["list", "read", "link"]);
    let site = Site::writable().rights("/", words).prepared(open_to_all);
    let mut session = site.connect().logged_in();
    let worker = worker_of(&session);
    let leash = leash_of(worker);
    let mut rows = everyone(session.broker(), leash);
    rows.extend(ways_out(&site.beside("cellftpd.toml")).into_iter().chain(changes()));
    let refused = [changing_attributes, setting_times].into_iter();
    rows.extend(refused.flat_map(|of| of(Must::BeRefused)).chain(making_links(Must::Succeed)));
    holds("link-making session worker", worker, rows);
    session.asks("SITE SYMLINK a b", "200");
    session.quits();
}

/// A session worker has no descriptor to give.
fn hands_over_nothing(worker: Process) -> Vec<Row> {
    vec![refused!("sendmsg", SYS_sendmsg, channel_of(worker), room(56), 0)]
}

#[test]
fn the_shrunk_broker_makes_sockets_and_nothing_else() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    let worker = worker_of(&session);
    let mut rows = everyone(worker, control_of(session.broker()));
    rows.extend(no_files().into_iter().chain(privileged_sockets()).chain(not_granted()));
    rows.extend(urgent(control_of(session.broker())));
    holds("shrunk broker", session.broker(), rows);
    assert_eq!(session.gets("/welcome.txt"), b"Welcome.\r\n");
    session.quits();
}

#[test]
fn the_broker_has_its_limits_while_it_is_root() {
    let site = Site::readonly();
    let mut session = site.connect();
    session.hears("220");
    holds("broker before login", session.broker(), never(worker_of(&session)));
    session.logs_in();
    session.quits();
}

#[test]
fn who_breaks_the_rules_of_tls_dies_and_is_named() {
    for (title, role) in [("[relay]", "relay"), ("[key]", "key")] {
        let site = Site::readonly().with_tls();
        let mut session = site.connect();
        session.hears("220");
        session.starts_tls(&Tls::new());
        let family = session.settled(4);
        let process = *family.iter().find(|one| one.title().ends_with(title)).expect("it is there");
        Inject::into(process).commits(libc::SYS_socket, &[]);
        site.log().tells(&format!("violation *process={role} system-call=socket"));
        session.hangs_up();
        session.is_over_within(PATIENCE);
    }
}

#[test]
fn who_breaks_the_rules_dies_and_is_named() {
    let cases = [
        ("login", libc::SYS_socket, "socket".to_owned()),
        ("login", libc::SYS_execve, libc::SYS_execve.to_string()),
        ("session", libc::SYS_connect, "connect".to_owned()),
        ("session", libc::SYS_unlinkat, "unlinkat".to_owned()),
        ("session", libc::SYS_fchownat, "fchownat".to_owned()),
    ];
    for (role, call, name) in cases {
        let site = Site::readonly();
        let mut session = site.connect();
        session.hears("220");
        if role == "session" {
            session.logs_in();
        }
        Inject::into(worker_of(&session)).commits(call, &[]);
        session.hears("421");
        session.hears_the_end();
        session.is_over_within(PATIENCE);
        site.log().tells(&format!("violation *process={role} system-call={name}"));
    }
}

/// A filter that looks at numbers alone would take the 32-bit `execve`, which is 11, for `munmap`.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_32_bit_door_is_shut() {
    const READ: libc::c_long = 3;
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    let outcome = Inject::into(worker_of(&session)).by_the_32_bit_door(READ);
    assert_eq!(outcome, Outcome::Ended);
    session.hears("421");
    session.hears_the_end();
    session.is_over_within(PATIENCE);
    site.log().tells("worker-died *process=session cause=\"killed by SIGSYS");
}

#[test]
fn a_shrunk_broker_that_breaks_the_rules_takes_all_with_it() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    worker_of(&session);
    Inject::into(session.broker()).commits(libc::SYS_execve, &[]);
    session.hears_the_end();
    session.is_over_within(PATIENCE);
}

/// A home whose owner has put a link in its place, or in the place of a directory on the way there.
#[test]
fn a_jail_behind_a_link_of_its_owner_is_not_entered() {
    for (link, home) in [("theirs/home", "theirs/home"), ("theirs/way", "theirs/way/cellftpd-home")]
    {
        let site = Site::bare().set("local.enabled", "true");
        fs::create_dir_all(site.beside(home)).expect("our own directory");
        let user = User::with_home(&site.beside(home));
        std::os::unix::fs::chown(site.beside("theirs"), Some(user.uid), Some(user.gid)).unwrap();
        fs::remove_dir_all(site.beside(link)).expect("our own directory");
        let target = if link == home { "/etc".into() } else { site.beside("elsewhere") };
        fs::create_dir_all(site.beside("elsewhere/cellftpd-home")).expect("our own directory");
        symlink(target, site.beside(link)).expect("our own directory");

        let mut session = site.connect();
        session.hears("220");
        session.asks(&format!("USER {}", user.name), "331");
        session.asks(&format!("PASS {PASSWORD}"), "421");
        session.hears_the_end();
        session.is_over_within(PATIENCE);
        site.log()
            .tells(&format!("user={} process=session cause=\"opening the jail: *", user.name));
    }
}
