//! Waiting for the first of several descriptors. The broker; nothing is read here.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Waits until one of `sources` is ready, the first of them if several are, or until `deadline`: then `None`.
///
/// Each source is what to answer, the descriptor, and what to wait for.
pub fn next<W: Copy>(
    sources: &[(W, BorrowedFd, PollFlags)],
    deadline: Option<Instant>,
) -> io::Result<Option<W>> {
    let mut fds: Vec<_> = sources.iter().map(|(_, fd, flags)| PollFd::new(*fd, *flags)).collect();
    let is_over = || deadline.is_some_and(|deadline| deadline <= Instant::now());
    loop {
        let ready = match poll(&mut fds, timeout_until(deadline)) {
            Ok(ready) => ready,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        };
        // A busy descriptor does not put a deadline off.
        if is_over() {
            return Ok(None);
        }
        if ready > 0 {
            let first = fds.iter().position(|fd| fd.any().unwrap_or(false));
            return Ok(first.and_then(|at| sources.get(at)).map(|source| source.0));
        }
    }
}

fn timeout_until(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else {
        return PollTimeout::NONE;
    };
    let left = deadline.saturating_duration_since(Instant::now()).as_millis();
    // Rounded up, or the last millisecond would be spent awake.
    PollTimeout::try_from(left.saturating_add(1)).unwrap_or(PollTimeout::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::time::Duration;

    use super::*;

    fn soon() -> Option<Instant> {
        Some(Instant::now() + Duration::from_millis(5))
    }

    #[test]
    fn the_first_that_is_ready_is_told() {
        let (quiet, _open) = nix::unistd::pipe().unwrap();
        let (reading, writing) = nix::unistd::pipe().unwrap();
        nix::unistd::write(&writing, b"x").unwrap();
        let sources = [
            ('a', quiet.as_fd(), PollFlags::POLLIN),
            ('b', reading.as_fd(), PollFlags::POLLIN),
            ('c', writing.as_fd(), PollFlags::POLLOUT),
        ];
        assert_eq!(next(&sources, None).unwrap(), Some('b'));
        assert_eq!(next(&sources[..1], soon()).unwrap(), None);
    }

    #[test]
    fn what_is_always_ready_does_not_put_a_deadline_off() {
        let (_reading, writing) = nix::unistd::pipe().unwrap();
        let sources = [((), writing.as_fd(), PollFlags::POLLOUT)];
        assert_eq!(next(&sources, Some(Instant::now())).unwrap(), None);
    }
}
