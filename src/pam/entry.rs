//! What this program was started with, and how it makes itself at home. Runs first, as root; the starter is the broker
//! or somebody who typed the program's name at a terminal.

use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use cellftpd::wire::auth::AuthEnd;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::socket::{SockType, UnixAddr, getsockname, getsockopt, sockopt};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{chdir, setsid};
use sys::fd::close_all_except;

/// The two descriptors that the broker gives, moved out of the way of modules that print on 0 to 2 and close low ones.
pub struct Entry {
    channel: OwnedFd,
    leash: OwnedFd,
}

/// Takes the descriptors, and closes all others but 0, 1 and 2. None if they are not what the broker gives, or if
/// the broker is gone already.
pub fn take() -> Option<Entry> {
    close_all_except(&[0, 1, 2, CHANNEL, LEASH]).ok()?;
    let entry = Entry { channel: raise(CHANNEL)?, leash: raise(LEASH)? };
    close_all_except(&[0, 1, 2, entry.channel.as_raw_fd(), entry.leash.as_raw_fd()]).ok()?;
    (entry.has_channel() && entry.has_leash()).then_some(entry)
}

/// Tells a person at a terminal, and nobody else, that this is not for people.
pub fn complain() {
    let mut out = io::stderr();
    if out.is_terminal() {
        let text = "cellftpd-pam is started by cellftpd, once for each login; there is nothing to run by hand.";
        // A terminal that does not take the line can't be told about that either.
        writeln!(out, "{text}").unwrap_or_default();
    }
}

impl Entry {
    /// Before anything is heard: no core with a password in it, nothing inherited that modules could trip over.
    pub fn harden(&self) -> Result<(), Errno> {
        set_dumpable(false)?;
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
        SigSet::empty().thread_set_mask()?;
        // SAFETY: no handler is installed; an ignored SIGCHLD would take away children's statuses.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
        // A module that signals "its" process group must not mean the broker's. Fails for a group's leader: as good.
        setsid().ok();
        chdir("/")?;
        // SAFETY: this program has one thread, so nobody reads the environment meanwhile.
        unsafe { libc::clearenv() };
        // SAFETY: as above.
        unsafe { std::env::set_var("PATH", PATH) };
        Ok(())
    }

    /// The channel to the broker, and the leash to be kept open.
    pub fn into_parts(self) -> (AuthEnd, OwnedFd) {
        (AuthEnd::from(self.channel), self.leash)
    }

    fn has_channel(&self) -> bool {
        getsockopt(&self.channel, sockopt::SockType) == Ok(SockType::SeqPacket)
            && getsockname::<UnixAddr>(self.channel.as_raw_fd()).is_ok()
    }

    /// A pipe whose other end is still held.
    fn has_leash(&self) -> bool {
        let kind = fstat(&self.leash).map(|stat| SFlag::from_bits_truncate(stat.st_mode));
        let mut fds = [PollFd::new(self.leash.as_fd(), PollFlags::empty())];
        kind.is_ok_and(|kind| kind & SFlag::S_IFMT == SFlag::S_IFIFO)
            && poll(&mut fds, PollTimeout::ZERO) == Ok(0)
    }
}

/// The same open file at a number of [`HIGH`] or more, close-on-exec. The leash stays armed: that is the file's.
fn raise(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: fcntl with these numbers touches no memory and takes any descriptor, open or not.
    let fd = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, HIGH) };
    // SAFETY: the kernel has just made this descriptor for us and nobody else owns it.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

const CHANNEL: RawFd = 3;
const LEASH: RawFd = 4;
/// Above what a module would take for its own.
const HIGH: RawFd = 10;
/// For modules that run programs.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
