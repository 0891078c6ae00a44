//! A child of the broker: its channel, its leash, its end. Privileged.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use sys::leash::Leash;
use sys::process::{Child, Fork};
use sys::watch;

use super::permit::{Ledger, Request};
use super::{Failure, While};
use crate::wire::{Channel, Fault, Message};

/// How long a worker may take to exit when it has been told to, before its leash is let go.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// A process that the broker made, and holds by its leash.
#[derive(Debug)]
pub struct Held<S, R> {
    /// What is said to it and what it says.
    pub channel: Channel<S, R>,
    child: Child,
    leash: Option<OwnedFd>,
    /// What it has asked or told so far.
    ledger: Ledger,
    /// Whether it may say something yet.
    open: bool,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this status.
    Exited(i32),
    /// A signal killed it; its name.
    Killed(&'static str),
    /// It is killed, and stuck in the kernel until a device answers.
    Stuck,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Ended::Exited(status) => write!(f, "exit status {status}"),
            Ended::Killed(signal) => write!(f, "killed by {signal}"),
            Ended::Stuck => f.write_str("killed, and stuck in the kernel"),
        }
    }
}

/// What a child is born with: its end of the channel and its end of the leash.
#[derive(Debug)]
pub struct Birth<S, R> {
    /// The mirror of [`Held::channel`].
    pub channel: Channel<R, S>,
    /// To be armed at once, and again after the last change of credentials.
    pub leash: Leash,
}

/// Which side of a split this process is.
#[derive(Debug)]
pub enum Split<S, R> {
    /// The broker, which holds the other.
    Broker(Held<S, R>),
    /// The child.
    Child(Birth<S, R>),
}

/// Splits off a child. It has a copy of every descriptor until it calls [`Birth::close_others`], and ends by exit: what
/// owns them in the broker must not run again in it.
pub(super) fn split<S: Message, R: Message>() -> io::Result<Split<S, R>> {
    let (channel, far) = Channel::<S, R>::pair()?;
    let (theirs, ours) = sys::leash::pair()?;
    Ok(match sys::process::fork()? {
        Fork::Parent(child) => Split::Broker(Held {
            channel,
            child,
            leash: Some(ours),
            ledger: Ledger::default(),
            open: true,
        }),
        Fork::Child => Split::Child(Birth { channel: far, leash: theirs.into() }),
    })
}

impl<S, R> Birth<S, R> {
    /// Closes every descriptor but `keep`, 0 to 2 and its own, above all the other children's leashes; and takes signals
    /// again, which the broker reads from a descriptor.
    pub fn close_others(&self, keep: &[BorrowedFd]) -> io::Result<()> {
        let mut open: Vec<_> = keep.iter().map(AsRawFd::as_raw_fd).collect();
        open.extend([0, 1, 2, self.channel.as_fd().as_raw_fd(), self.leash.as_fd().as_raw_fd()]);
        sys::fd::close_all_except(&open)?;
        sys::signal::unblock()
    }
}

/// What is waited for besides a child and the signals.
#[derive(Default)]
pub(super) struct Besides<'a> {
    /// The data connection.
    pub data: Option<(BorrowedFd<'a>, PollFlags)>,
    /// The client's end.
    pub client: Option<BorrowedFd<'a>>,
    /// The relay, and the key process.
    pub tls: [Option<BorrowedFd<'a>>; 2],
}

/// What a wait for a child has brought.
pub enum Next<R> {
    /// It asks for something; counted and permitted.
    Asks(R),
    /// A signal for the broker.
    Signal,
    /// The data connection that was waited for besides.
    Data,
    /// The client is gone for good.
    Hung,
    /// The relay has something to say.
    Relay,
    /// The key process has.
    Key,
    /// Nothing, until the deadline.
    Late,
    /// Its end, or the end of what it has to say.
    Gone,
}

impl<S: Message, R: Request> Held<S, R> {
    /// Answers. A worker that is gone does not hear it, which its end will tell; one that does not read is ended.
    pub(super) fn tell(&self, answer: &S) -> Result<(), Failure> {
        heard(self.channel.tell(answer))
    }

    /// The same, with a descriptor.
    pub(super) fn tell_with(&self, answer: &S, fd: BorrowedFd) -> Result<(), Failure> {
        heard(self.channel.tell_with(answer, fd))
    }

    /// Hands a stream over; false where too many descriptors are on their way already.
    pub(super) fn hand_over(&self, answer: &S, fd: BorrowedFd) -> Result<bool, Failure> {
        match self.channel.tell_with(answer, fd) {
            Err(Fault::System(Errno::ETOOMANYREFS)) => Ok(false),
            told => heard(told).map(|()| true),
        }
    }

    /// Where it may say something yet.
    pub(super) fn voice(&self) -> Option<BorrowedFd<'_>> {
        self.open.then(|| self.channel.as_fd())
    }

    /// Hears one thing, counted, permitted, and taken no sooner than its row wants it; nothing where there will be none.
    pub(super) fn hear(&mut self, signals: BorrowedFd) -> Result<Option<R>, Failure> {
        let (said, fd) = match self.channel.hear() {
            Ok(heard) => heard,
            Err(Fault::Closed) => {
                self.open = false;
                return Ok(None);
            }
            Err(fault) => return Err(fault.into()),
        };
        let pause = self.ledger.enter(&said, fd.is_some())?;
        if !pause.is_zero() {
            // A signal does not wait.
            let sources = [((), signals, PollFlags::POLLIN)];
            let _ = watch::next(&sources, Some(Instant::now() + pause));
        }
        Ok(Some(said))
    }

    /// Waits for a request, for a signal, for a data connection, or for the end.
    pub(super) fn next(
        &mut self,
        signals: BorrowedFd,
        besides: Besides,
        deadline: Option<Instant>,
    ) -> Result<Next<R>, Failure> {
        #[derive(Clone, Copy)]
        enum Wake {
            Signal,
            Message,
            End,
            Data,
            Hung,
            Relay,
            Key,
        }
        let mut sources = vec![
            (Wake::Signal, signals, PollFlags::POLLIN),
            (Wake::Message, self.channel.as_fd(), PollFlags::POLLIN),
            (Wake::End, self.end(), PollFlags::POLLIN),
        ];
        sources.extend(besides.data.map(|(fd, flags)| (Wake::Data, fd, flags)));
        // Asked for nothing, poll tells of the end of both directions alone: half a close may be a script's.
        sources.extend(besides.client.map(|fd| (Wake::Hung, fd, PollFlags::empty())));
        let [relay, key] = besides.tls;
        sources.extend(relay.map(|fd| (Wake::Relay, fd, PollFlags::POLLIN)));
        sources.extend(key.map(|fd| (Wake::Key, fd, PollFlags::POLLIN)));
        match watch::next(&sources, deadline).while_doing("waiting for a worker")? {
            None => Ok(Next::Late),
            Some(Wake::Signal) => Ok(Next::Signal),
            Some(Wake::End) => Ok(Next::Gone),
            Some(Wake::Data) => Ok(Next::Data),
            Some(Wake::Hung) => Ok(Next::Hung),
            Some(Wake::Relay) => Ok(Next::Relay),
            Some(Wake::Key) => Ok(Next::Key),
            Some(Wake::Message) => Ok(self.hear(signals)?.map_or(Next::Gone, Next::Asks)),
        }
    }
}

fn heard(told: Result<(), Fault>) -> Result<(), Failure> {
    match told {
        Ok(()) | Err(Fault::Closed) => Ok(()),
        Err(fault) => Err(Failure::Untold(fault)),
    }
}

impl<S, R> Held<S, R> {
    /// Its process id.
    pub(super) fn pid(&self) -> Pid {
        self.child.pid
    }

    /// Readable when it has ended.
    pub(super) fn end(&self) -> BorrowedFd<'_> {
        self.child.pidfd.as_fd()
    }

    /// Waits for the end until `patience` is over, then lets go of the leash, which kills it whatever its uid is.
    pub(super) fn finish(&mut self, patience: Duration) -> io::Result<Ended> {
        if !self.ends_within(patience)? {
            self.leash = None;
            // The kernel's kill is a matter of scheduling; a process in an uninterruptible wait is left to it.
            if !self.ends_within(Duration::from_secs(5))? {
                return Ok(Ended::Stuck);
            }
        }
        let status = waitid(Id::PIDFd(self.child.pidfd.as_fd()), WaitPidFlag::WEXITED)?;
        Ok(match status {
            WaitStatus::Exited(_, status) => Ended::Exited(status),
            WaitStatus::Signaled(_, signal, _) => Ended::Killed(signal.as_str()),
            _ => Ended::Killed("unknown"),
        })
    }

    fn ends_within(&self, patience: Duration) -> io::Result<bool> {
        let sources = [((), self.end(), PollFlags::POLLIN)];
        Ok(watch::next(&sources, Some(Instant::now() + patience))?.is_some())
    }
}
