//! TLS, as the broker sees it: two more children, and a client that is the relay's plain side from then on. Root for the
//! start; shrunk, for data connections. No record, certificate or key is looked at here; neither child is trusted.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use nix::sys::socket::{Shutdown, shutdown};
use nix::unistd::Pid;
use sys::watch;

use super::child::{Ended, GRACE, Held, Split};
use super::{Broker, Failure, Root, Shrunk, While, login, session};
use crate::config::Settings;
use crate::exit::Exit;
use crate::wire::event::{End, Note};
use crate::wire::login::Answer;
use crate::wire::relay::{Id, Order, Report, Rules, WorkerEnd};
use crate::wire::{key, session::Answer as Delivery};

/// The relay, held.
pub type Relay = Held<Order, Report>;
/// The key process, held.
pub type Key = Held<key::Nothing, key::Report>;

/// How long the two may take to enter their cages and to read their files.
const ENTRY: Duration = Duration::from_secs(10);
/// How long the relay may take to say what is still to be said, when the session is over.
const FAREWELL: Duration = Duration::from_secs(5);

/// What lies between the children: each takes its ends at its fork, and the broker closes its copies.
#[derive(Debug)]
pub struct Between {
    /// The relay's side of the client.
    pub plain: OwnedFd,
    /// Where the relay asks for signatures.
    pub signatures: key::RelayEnd,
    /// Where the key process is asked.
    pub questions: key::KeyEnd,
    /// What the broker and its workers have for a client from then on.
    pub client: OwnedFd,
}

/// TLS, running.
#[derive(Debug)]
pub(super) struct Tls {
    relay: Relay,
    key: Key,
    /// The name of the next data connection.
    next: Id,
    /// The host that the client has named in its handshake.
    host: Option<Vec<u8>>,
    /// The subject of the certificate that it has shown there.
    subject: Option<Vec<u8>>,
}

/// What became of the wish for TLS.
pub enum Started {
    /// TLS is spoken: another login worker goes on.
    Spoken,
    /// There is none; the worker that asked was told so, and goes on.
    Unavailable(login::Worker),
    /// The client is gone, or does not speak it.
    Ended(Exit),
}

impl Broker<Root> {
    /// What the two children need between them.
    pub fn between(&self) -> Result<Between, Failure> {
        let (client, plain) = UnixStream::pair().while_doing("making the relay's stream")?;
        let (signatures, questions) =
            key::RelayEnd::pair().while_doing("making the key's channel")?;
        Ok(Between { plain: plain.into(), signatures, questions, client: client.into() })
    }

    /// Splits off the key process.
    pub fn split_key(&self) -> Result<Split<key::Nothing, key::Report>, Failure> {
        self.split("key")
    }

    /// Splits off the relay.
    pub fn split_relay(&self) -> Result<Split<Order, Report>, Failure> {
        self.split("tls")
    }

    /// Has the relay take the client over, if it has what it needs, and waits for the handshake. From then on nothing in
    /// this process, and in none that is forked later, leads to the client but through it.
    pub fn start_tls(
        &mut self,
        asking: Option<login::Worker>,
        (relay, key): (Relay, Key),
        between: Between,
    ) -> Result<Started, Failure> {
        let client = between.client;
        drop((between.plain, between.signatures, between.questions));
        self.tls = Some(Tls { relay, key, next: 0, host: None, subject: None });
        let ready = self.await_report(asking.as_ref().map(Held::end), Instant::now() + ENTRY)?;
        if !matches!(ready, Some(Report::Ready)) {
            self.tell_of_tls(ready);
            // The client is still ours.
            self.reap_tls(Duration::ZERO)?;
            let Some(worker) = asking else { return Ok(Started::Ended(Exit::Config)) };
            worker.tell(&Answer::NoTls)?;
            return Ok(Started::Unavailable(worker));
        }
        if let Some(mut worker) = asking {
            worker.tell(&Answer::TlsReady)?;
            // 234 is its last word, and nobody else may speak before.
            let ended = worker.finish(GRACE).while_doing("ending the login worker")?;
            if ended != Ended::Exited(0) {
                return Ok(Started::Ended(self.judge(ended, "login", false)));
            }
        }
        self.setup.client.go_through(client).while_doing("swapping the client")?;
        self.shake_hands()
    }

    fn shake_hands(&mut self) -> Result<Started, Failure> {
        if let Some(tls) = &self.tls {
            tls.relay.tell(&Order::Begin)?;
        }
        let deadline = self.power.since + self.setup.settings.limits.login;
        let report = self.await_report(None, deadline)?;
        let Some(Report::Established(established)) = &report else {
            // Where there is none yet, the relay tells why when it is ended.
            self.tell_of_tls(report);
            self.setup.book.note(&Note::End(End::Protocol));
            self.end_tls()?;
            return Ok(Started::Ended(Exit::Clean));
        };
        let named = established.host.as_ref().map(|host| host.to_vec());
        let subject = established.certificate.as_ref().map(|subject| subject.to_vec());
        let served = named.clone().filter(|host| self.setup.config.serves_host(host));
        self.setup.tls = true;
        let asked = self.setup.host.take();
        self.choose_settings(served.or(asked));
        if let Some(tls) = &mut self.tls {
            (tls.host, tls.subject) = (named, subject);
        }
        self.tell_of_tls(report);
        Ok(Started::Spoken)
    }

    /// The next thing that the relay says; nothing if it is gone, late, or the session is to end.
    fn await_report(
        &mut self,
        asking: Option<BorrowedFd>,
        deadline: Instant,
    ) -> Result<Option<Report>, Failure> {
        let Some(tls) = &mut self.tls else { return Ok(None) };
        let ends = [Some(self.signals.as_fd()), asking].into_iter().flatten();
        let mut sources = vec![(true, tls.relay.channel.as_fd(), PollFlags::POLLIN)];
        sources.extend(ends.map(|fd| (false, fd, PollFlags::POLLIN)));
        match watch::next(&sources, Some(deadline)).while_doing("waiting for the relay")? {
            Some(true) => tls.relay.hear(self.signals.as_fd()),
            _ => Ok(None),
        }
    }

    /// The channel between a session worker and the relay, which is told what a data connection has to prove: the
    /// worker's end.
    pub(super) fn introduce(&self, settings: &Settings) -> Result<Option<WorkerEnd>, Failure> {
        let Some(tls) = &self.tls else { return Ok(None) };
        let (worker, relay) = WorkerEnd::pair().while_doing("making the worker's channel")?;
        let rules = Rules {
            require_reuse: settings.tls.require_reuse,
            ccc: settings.tls.ccc,
            data_connect: settings.limits.data_connect,
        };
        tls.relay.tell_with(&Order::Worker(rules), relay.as_fd())?;
        Ok(Some(worker))
    }
}

impl Broker<Shrunk> {
    /// Hands a data connection to the relay, and the plain side of it to the worker. False where that can't be had.
    pub(super) fn hand_over_protected(
        &mut self,
        worker: &session::Worker,
        stream: BorrowedFd,
    ) -> Result<bool, Failure> {
        let Some(tls) = &mut self.tls else { return Ok(false) };
        let Ok((ours, theirs)) = sys::socket::pair() else { return Ok(false) };
        let id = tls.next;
        tls.next = id.wrapping_add(1);
        let relay = &tls.relay;
        Ok(relay.hand_over(&Order::Data(id), stream)?
            && relay.hand_over(&Order::Plain(id), theirs.as_fd())?
            && worker.hand_over(&Delivery::Data(Some(id)), ours.as_fd())?)
    }
}

impl<Power> Broker<Power> {
    /// Where the relay and the key process may say something.
    pub(super) fn tls_voices(&self) -> [Option<BorrowedFd<'_>>; 2] {
        let tls = self.tls.as_ref();
        [tls.and_then(|tls| tls.relay.voice()), tls.and_then(|tls| tls.key.voice())]
    }

    /// Hears what the relay says.
    pub(super) fn hear_relay(&mut self) -> Result<(), Failure> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        let report = tls.relay.hear(self.signals.as_fd())?;
        self.tell_of_tls(report);
        Ok(())
    }

    /// Hears the last word of the key process.
    pub(super) fn hear_key(&mut self) -> Result<(), Failure> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        let last_word = tls.key.hear(self.signals.as_fd())?;
        last_word.into_iter().for_each(|word| self.record("key", word));
        Ok(())
    }

    /// Who must outlive a login attempt.
    pub(super) fn tls_processes(&self) -> impl Iterator<Item = Pid> {
        self.tls.iter().flat_map(|tls| [tls.relay.pid(), tls.key.pid()])
    }

    /// Whether a host goes with the one that the client has named in its handshake (RFC 7151 §3.2.2).
    pub(super) fn fits_handshake(&self, name: &[u8]) -> bool {
        let named = self.tls.as_ref().and_then(|tls| tls.host.as_deref());
        named.is_none_or(|host| host == name)
    }

    /// The subject of the client's certificate.
    pub(super) fn subject(&self) -> Option<&[u8]> {
        self.tls.as_ref().and_then(|tls| tls.subject.as_deref())
    }

    /// Lets the relay say what is still to be said, and ends both.
    pub(super) fn end_tls(&mut self) -> Result<(), Failure> {
        if self.tls.is_some() {
            // All others that could say something are gone: the relay sees the end of it.
            let _ = shutdown(self.setup.client.output.as_raw_fd(), Shutdown::Write);
        }
        self.reap_tls(FAREWELL)
    }

    fn reap_tls(&mut self, patience: Duration) -> Result<(), Failure> {
        let Some(mut tls) = self.tls.take() else { return Ok(()) };
        let relay = tls.relay.finish(patience).while_doing("ending the relay")?;
        while relay != Ended::Stuck
            && let Some(report) = tls.relay.hear(self.signals.as_fd())?
        {
            self.tell_of_tls(Some(report));
        }
        let key = tls.key.finish(patience).while_doing("ending the key process")?;
        while key != Ended::Stuck
            && let Some(last_word) = tls.key.hear(self.signals.as_fd())?
        {
            self.record("key", last_word);
        }
        for (role, ended) in [("relay", relay), ("key", key)] {
            // Who could not enter its cage, or had no good files, has said so in a line of its own.
            let was_told = [0, Exit::System.status().into()].map(Ended::Exited).contains(&ended);
            if !was_told && !patience.is_zero() {
                self.setup.book.died("worker-died", role, "cause", ended.to_string().as_bytes());
            }
        }
        Ok(())
    }

    fn tell_of_tls(&mut self, report: Option<Report>) {
        match report {
            Some(Report::Established(established)) => self.setup.book.established(&established),
            Some(Report::Failed { of, cause }) => self.setup.book.handshake_failed(of, &cause),
            Some(other) => self.record("relay", other),
            None => (),
        }
    }
}
