//! Waiting for descriptors, with a deadline. Both workers; no signals, no threads.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};

/// Waits until one of `fds` has something to say; false if `deadline` comes first.
pub fn wait(fds: &mut [PollFd], deadline: Instant) -> nix::Result<bool> {
    loop {
        match nix::poll::poll(fds, until(deadline)) {
            Ok(0) if Instant::now() >= deadline => return Ok(false),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(errno) => return Err(errno),
        }
    }
}

/// Whether poll said anything of it: what it was asked for, or that it is broken.
pub fn ready(fd: &PollFd) -> bool {
    fd.revents().is_some_and(|events| !events.is_empty())
}

/// Waits for one descriptor alone.
pub fn wait_for(
    fd: &impl std::os::fd::AsFd,
    for_: PollFlags,
    deadline: Instant,
) -> nix::Result<bool> {
    wait(&mut [PollFd::new(fd.as_fd(), for_)], deadline)
}

/// Rounded up, so that a wake-up is never early; a day is as good as for ever.
fn until(deadline: Instant) -> PollTimeout {
    let left = deadline.saturating_duration_since(Instant::now());
    let millis = left.min(DAY).as_micros().div_ceil(1000);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
