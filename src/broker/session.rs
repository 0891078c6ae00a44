//! From login to the end: the session worker is held, and has its data connections made. The broker, shrunk.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::child::{Besides, Held, Next, Split};
use super::login::Grant;
use super::ports::{Arrival, Pending, Ports};
use super::{Broker, Failure, Root, Shrunk, While};
use crate::config::{Class, Level};
use crate::exit::Exit;
use crate::wire::session::{Answer, Ask, Protection, Stop, Unavailable};

/// The session worker, held.
pub type Worker = Held<Answer, Ask>;

/// How many strangers at one listener are told in the log.
const STRANGERS_TOLD: u32 = 3;

/// How long a worker may take to enter its cage.
const ENTRY: Duration = Duration::from_secs(10);

impl Broker<Root> {
    /// Splits off the session worker: the last fork.
    pub fn split_session(&mut self, grant: &Grant) -> Result<Split<Answer, Ask>, Failure> {
        self.split(&String::from_utf8_lossy(&grant.account.name))
    }
}

impl Broker<Shrunk> {
    /// Holds the session worker to its end.
    pub fn session(&mut self, mut worker: Worker, grant: &Grant) -> Result<Exit, Failure> {
        let mut serving = Serving {
            ports: Ports::new(self.setup.client.place, &grant.settings),
            pending: Pending::None,
            protection: Protection::Clear,
            forced: self.setup.tls && !grant.settings.tls.admits_data(false),
            may_protect: self.setup.tls && grant.settings.tls.admits_data(true),
            class: grant.class,
            strangers: 0,
            leave: None,
            entry: Some(Instant::now() + ENTRY),
        };
        let stop = loop {
            let client = serving.leave.is_none().then(|| self.setup.client.output.as_fd());
            let (besides, deadline) = (
                Besides { data: serving.data(), client, tls: self.tls_voices() },
                serving.deadline(),
            );
            match worker.next(self.signals.as_fd(), besides, deadline)? {
                Next::Gone => break None,
                Next::Signal => break Some(Answer::Stop(Stop::Shutdown)),
                Next::Data => self.data(&worker, &mut serving)?,
                Next::Key => self.hear_key()?,
                Next::Relay => {
                    if self.hear_relay()? {
                        serving.client_gone(grant);
                    }
                }
                Next::Hung => serving.client_gone(grant),
                Next::Late if serving.is_to_leave() => break None,
                Next::Late => self.overdue(&worker, &mut serving)?,
                Next::Asks(ask) => self.answer(&worker, &mut serving, ask)?,
            }
        };
        self.end(worker, "session", stop)
    }

    fn answer(&mut self, worker: &Worker, serving: &mut Serving, ask: Ask) -> Result<(), Failure> {
        match ask {
            Ask::Ready(obtained) => self.begin(worker, serving, &obtained),
            Ask::Listen(..) | Ask::Connect(..) if serving.entry.is_some() => {
                Err(Failure::Breach("a request before it was ready".into()))
            }
            Ask::Listen(_, Protection::Private) if !serving.may_protect => {
                self.unprotected(worker, serving, "passive")
            }
            Ask::Connect(_, Protection::Private) if !serving.may_protect => {
                self.unprotected(worker, serving, "active")
            }
            Ask::Listen(family, protection) => {
                serving.protection = protection;
                // The earlier listener is closed before the answer goes out: what comes later is of the new one.
                serving.pending = Pending::None;
                serving.strangers = 0;
                match serving.ports.listen(family) {
                    Ok((pending, port)) => {
                        serving.pending = pending;
                        worker.tell(&Answer::Listening(port))
                    }
                    Err(why) => self.unavailable(worker, why, "passive", None),
                }
            }
            Ask::Connect(to, protection) => {
                serving.protection = protection;
                serving.pending = Pending::None;
                match serving.ports.connect(to) {
                    Ok(pending) => serving.pending = pending,
                    Err(why) => self.unavailable(worker, why, "active", Some(to))?,
                }
                Ok(())
            }
            Ask::Forget => {
                serving.pending = Pending::None;
                worker.tell(&Answer::Forgotten)
            }
            Ask::Status(doing) => {
                self.show(&String::from_utf8_lossy(&doing));
                Ok(())
            }
            other => {
                self.record("session", other);
                Ok(())
            }
        }
    }

    fn begin(
        &mut self,
        worker: &Worker,
        serving: &mut Serving,
        obtained: &[u8],
    ) -> Result<(), Failure> {
        serving.entry = None;
        let line = self.setup.book.line("login").with("class", serving.class.word());
        let line = line.with_bytes("worker", obtained);
        self.setup.book.write(Level::Info, &line);
        self.show("logged in");
        worker.tell(&Answer::Begin)
    }

    /// What was asked for before is given up, as by any other wish.
    fn unprotected(
        &mut self,
        worker: &Worker,
        serving: &mut Serving,
        mode: &str,
    ) -> Result<(), Failure> {
        serving.pending = Pending::None;
        self.unavailable(worker, Unavailable::Forbidden, mode, None)
    }

    fn unavailable(
        &mut self,
        worker: &Worker,
        why: Unavailable,
        mode: &str,
        to: Option<SocketAddr>,
    ) -> Result<(), Failure> {
        let cause = match why {
            Unavailable::Forbidden => "refused by the configuration",
            Unavailable::Resources => "no port or no address of that family to be had",
            Unavailable::Unreachable => "the client's port does not answer",
        };
        let line = self
            .setup
            .book
            .line("data-refused")
            .with("mode", mode)
            .with_some("to", to)
            .with("cause", cause);
        self.setup.book.write(Level::Notice, &line);
        worker.tell(&Answer::Unavailable(why))
    }

    /// Somebody is at the passive port, or our own connection has arrived or failed.
    fn data(&mut self, worker: &Worker, serving: &mut Serving) -> Result<(), Failure> {
        match std::mem::replace(&mut serving.pending, Pending::None) {
            Pending::None => Ok(()),
            Pending::Active(stream, _) if sys::socket::arrived(stream.as_fd()) => {
                self.hand_over(worker, serving, &stream, "active")
            }
            Pending::Active(..) => {
                self.unavailable(worker, Unavailable::Unreachable, "active", None)
            }
            Pending::Passive(listener, deadline) => {
                let arrival = serving.ports.accept(listener.as_fd());
                match arrival.while_doing("accepting a data connection")? {
                    Arrival::Client(stream) => {
                        return self.hand_over(worker, serving, &stream, "passive");
                    }
                    Arrival::Nobody => (),
                    Arrival::Stranger(who) => self.stranger(serving, who),
                }
                // The client may still come.
                serving.pending = Pending::Passive(listener, deadline);
                Ok(())
            }
        }
    }

    /// A stream that is to be protected, or has to be, goes to the relay: the worker gets the plain side of it alone.
    fn hand_over(
        &mut self,
        worker: &Worker,
        serving: &Serving,
        stream: &OwnedFd,
        mode: &str,
    ) -> Result<(), Failure> {
        let handed = match serving.is_protected() {
            true => self.hand_over_protected(worker, stream.as_fd())?,
            false => worker.hand_over(&Answer::Data(None), stream.as_fd())?,
        };
        match handed {
            true => Ok(()),
            false => self.unavailable(worker, Unavailable::Resources, mode, None),
        }
    }

    /// Told a few times a listener: whoever knocks does not fill the log.
    fn stranger(&mut self, serving: &mut Serving, who: IpAddr) {
        serving.strangers += 1;
        if serving.strangers <= STRANGERS_TOLD {
            let line = self.setup.book.line("stranger").with("address", who);
            self.setup.book.write(Level::Notice, &line);
        }
    }

    /// A deadline has passed: of the data connection, or of the worker's way into its cage.
    fn overdue(&mut self, worker: &Worker, serving: &mut Serving) -> Result<(), Failure> {
        if serving.entry.is_some() {
            return Err(Failure::Breach("nothing while it should have entered its cage".into()));
        }
        match std::mem::replace(&mut serving.pending, Pending::None) {
            Pending::None => Ok(()),
            Pending::Active(..) => {
                self.unavailable(worker, Unavailable::Unreachable, "active", None)
            }
            Pending::Passive(..) => worker.tell(&Answer::NobodyCame),
        }
    }
}

/// What the broker holds for its worker.
struct Serving {
    ports: Ports,
    pending: Pending,
    /// What the worker wants data connections protected by.
    protection: Protection,
    /// Whether they are, whatever it wants.
    forced: bool,
    /// Whether they may be.
    may_protect: bool,
    class: Class,
    /// How many have knocked at this listener who were not the client.
    strangers: u32,
    /// Until when it may stay without its client.
    leave: Option<Instant>,
    /// Until when it has to have entered its cage; none when it has.
    entry: Option<Instant>,
}

impl Serving {
    /// The worker sees it too, and has time to end what it does; one that was stopped does not.
    fn client_gone(&mut self, grant: &Grant) {
        self.leave = Some(Instant::now() + grant.settings.limits.stalled);
    }

    fn is_protected(&self) -> bool {
        self.forced || self.protection == Protection::Private
    }

    fn data(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        match &self.pending {
            Pending::None => None,
            Pending::Passive(socket, _) => Some((socket.as_fd(), PollFlags::POLLIN)),
            Pending::Active(socket, _) => Some((socket.as_fd(), PollFlags::POLLOUT)),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let data = match &self.pending {
            Pending::None => None,
            Pending::Passive(_, deadline) | Pending::Active(_, deadline) => Some(*deadline),
        };
        [self.entry.or(data), self.leave].into_iter().flatten().min()
    }

    fn is_to_leave(&self) -> bool {
        self.leave.is_some_and(|leave| leave <= Instant::now())
    }
}
