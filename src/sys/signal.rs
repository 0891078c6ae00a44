//! What signals mean to us. Launch once, and each child at its start.

use std::io;

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Deaths by default that are errors of a system call where they are ignored.
const ERRORS: [Signal; 2] = [Signal::SIGPIPE, Signal::SIGXFSZ];

/// A write to a closed connection and a file past its limit are errors to be answered, not deaths; and how children end is
/// asked, whatever the launcher thought of it.
pub fn settle() -> io::Result<()> {
    // SAFETY: SIG_DFL installs no code.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    for number in ERRORS {
        // SAFETY: SIG_IGN installs no code.
        unsafe { signal(number, SigHandler::SigIgn) }?;
    }
    Ok(())
}

/// Restores the dispositions and the mask that a program expects when it starts.
pub fn restore_defaults() -> io::Result<()> {
    for number in ERRORS {
        // SAFETY: SIG_DFL installs no code.
        unsafe { signal(number, SigHandler::SigDfl) }?;
    }
    unblock()
}

/// From now on these signals are read from the descriptor returned.
pub fn watch(signals: &[Signal]) -> io::Result<SignalFd> {
    let set: SigSet = signals.iter().copied().collect();
    set.thread_block()?;
    Ok(SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?)
}

/// Lets every signal through again.
pub fn unblock() -> io::Result<()> {
    Ok(SigSet::all().thread_unblock()?)
}
