//! Whatever a PAM module forks ends with the attempt. Runs as root before anything is heard, so without a stranger's
//! byte in memory; nothing but the kernel is trusted.
//!
//! The attempt is made in a PID namespace of its own, by its second process. The first runs no foreign code, so that no
//! module clears its parent-death signal by a change of ids; when it ends, the kernel kills all that is left in there.

use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::{ForkResult, Pid, fork, pipe2};

/// Runs `work` in the namespace and returns its status in each of the three processes; only one has run it. Where the
/// kernel refuses a namespace (containers), `work` is run here: the leash holds this process, and the broker, a
/// subreaper, sweeps up after it.
pub fn run(work: impl FnOnce() -> ExitCode) -> Result<ExitCode, Errno> {
    if unshare(CloneFlags::CLONE_NEWPID).is_err() {
        return Ok(work());
    }
    let (watch, alive) = pipe2(OFlag::O_CLOEXEC)?;
    match split()? {
        ForkResult::Parent { child } => {
            drop((work, watch));
            let status = wait_for(child);
            drop(alive);
            status
        }
        ForkResult::Child => {
            drop(alive);
            first(work, watch)
        }
    }
}

/// The namespace's first process: the parent of every orphan in it.
fn first(work: impl FnOnce() -> ExitCode, watch: OwnedFd) -> Result<ExitCode, Errno> {
    // The parent is root as we are, and from its namespace this signal kills even the first process of ours.
    set_pdeathsig(Signal::SIGKILL)?;
    // getppid(2) says 0 in here, dead or alive; the pipe knows whether the parent went before the line above.
    let mut fds = [PollFd::new(watch.as_fd(), PollFlags::empty())];
    if poll(&mut fds, PollTimeout::ZERO)? != 0 {
        return Err(Errno::ESRCH);
    }
    drop(watch);
    match split()? {
        ForkResult::Parent { child } => {
            drop(work);
            wait_for(child)
        }
        ForkResult::Child => Ok(work()),
    }
}

fn split() -> Result<ForkResult, Errno> {
    // SAFETY: this program never has a second thread, so the child may do all that the parent may.
    unsafe { fork() }
}

/// Waits for this child, and on the way for orphans. A child that was killed is an error: it has not answered.
fn wait_for(child: Pid) -> Result<ExitCode, Errno> {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(pid, status)) if pid == child => {
                return u8::try_from(status).map(ExitCode::from).map_err(|_| Errno::EINVAL);
            }
            Ok(WaitStatus::Signaled(pid, ..)) if pid == child => return Err(Errno::EINTR),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}
