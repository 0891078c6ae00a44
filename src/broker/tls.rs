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
use super::permit::Handshakes;
use super::{Broker, Failure, Root, Shrunk, While, login, session};
use crate::config::Settings;
use crate::exit::Exit;
use crate::wire::event::{End, Note};
use crate::wire::login::Answer;
use crate::wire::relay::{Established, Id, Of, Order, Report, Rules, WorkerEnd};
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
    plain: OwnedFd,
    /// Where the relay asks for signatures.
    signatures: key::RelayEnd,
    /// Where the key process is asked.
    questions: key::KeyEnd,
    client: OwnedFd,
}

impl Between {
    /// What is the key process's. The rest is closed.
    pub fn for_key(self) -> key::KeyEnd {
        self.questions
    }

    /// What is the relay's. The rest is closed.
    pub fn for_relay(self) -> (OwnedFd, key::RelayEnd) {
        (self.plain, self.signatures)
    }
}

/// TLS, running.
#[derive(Debug)]
pub(super) struct Tls {
    relay: Relay,
    /// Gone when it is not needed any more.
    key: Option<Key>,
    /// Whether a data connection has to resume the session; known when somebody has logged in.
    require_reuse: bool,
    /// What the relay may yet tell.
    handshakes: Handshakes,
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
        self.split("relay")
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
        self.tls = Some(Tls {
            relay,
            key: Some(key),
            require_reuse: true,
            handshakes: Handshakes::default(),
            next: 0,
            host: None,
            subject: None,
        });
        let ready = self.await_report(asking.as_ref().map(Held::end), Instant::now() + ENTRY)?;
        if !matches!(ready, Ok(Report::Ready)) {
            return self.go_without(asking, ready);
        }
        if let Some(mut worker) = asking {
            worker.tell(&Answer::TlsReady)?;
            // 234 is its last word, and nobody else may speak before.
            let ended = self.finish(&mut worker, "login")?;
            if ended != Ended::Exited(0) {
                return Ok(Started::Ended(self.judge(ended, "login", false)));
            }
            self.setup.book.goes_on();
        }
        self.setup.client.go_through(client).while_doing("swapping the client")?;
        self.shake_hands()
    }

    /// There is no TLS, and the client is still ours. Where the relay has said why, what else they say comes of that.
    fn go_without(
        &mut self,
        asking: Option<login::Worker>,
        why: Result<Report, End>,
    ) -> Result<Started, Failure> {
        let (is_told, end) = (why.is_ok(), why.as_ref().err().copied());
        // A relay that is gone without a word has lost the key process, whose end tells why.
        let patience = if end == Some(End::Failed) { GRACE } else { Duration::ZERO };
        match why {
            Ok(report) => self.tell_of_tls(report),
            Err(End::LoginTimeout) => {
                self.setup.book.died("tls-unavailable", "relay", "cause", b"not ready in time");
            }
            Err(_) => (),
        }
        self.reap_tls(patience, is_told)?;
        let Some(worker) = asking else {
            let (end, exit) = match end {
                Some(End::Stopped) => (End::Stopped, Exit::Clean),
                _ => (End::Failed, Exit::Config),
            };
            self.setup.book.note(&Note::End(end));
            return Ok(Started::Ended(exit));
        };
        worker.tell(&Answer::NoTls)?;
        Ok(Started::Unavailable(worker))
    }

    fn shake_hands(&mut self) -> Result<Started, Failure> {
        if let Some(tls) = &mut self.tls {
            tls.handshakes.begin(Of::Control);
            tls.relay.tell(&Order::Begin)?;
        }
        let deadline = self.power.since + self.setup.settings.limits.login;
        let stopped = match self.await_report(None, deadline)? {
            Ok(Report::Established(established)) => return Ok(self.spoken(established)),
            Ok(Report::Gone) => {
                self.setup.book.note(&Note::End(End::Closed));
                true
            }
            Ok(report) => {
                self.tell_of_tls(report);
                false
            }
            // The relay tells the client when it is ended, and us why, unless it is of our own will.
            Err(end) => {
                self.setup.book.note(&Note::End(end));
                end == End::Stopped
            }
        };
        self.end_tls(stopped)?;
        Ok(Started::Ended(Exit::Clean))
    }

    /// TLS is spoken; the host that it is for, and the settings.
    fn spoken(&mut self, established: Established) -> Started {
        let named = established.host.as_ref().map(|host| host.to_vec());
        let subject = established.certificate.as_ref().map(|subject| subject.to_vec());
        let served = named.clone().filter(|host| self.setup.config.serves_host(host));
        self.setup.tls = true;
        let asked = self.setup.host.take();
        self.choose_settings(served.or(asked));
        if let Some(tls) = &mut self.tls {
            (tls.host, tls.subject) = (named, subject);
        }
        self.tell_of_tls(Report::Established(established));
        Started::Spoken
    }

    /// The next thing that the relay says; or why the session, or the wait, is over.
    fn await_report(
        &mut self,
        asking: Option<BorrowedFd>,
        deadline: Instant,
    ) -> Result<Result<Report, End>, Failure> {
        let Some(tls) = &mut self.tls else { return Ok(Err(End::Failed)) };
        let sources = [
            Some((None, tls.relay.channel.as_fd())),
            Some((Some(End::Stopped), self.signals.as_fd())),
            asking.map(|fd| (Some(End::Closed), fd)),
        ];
        let sources: Vec<_> =
            sources.into_iter().flatten().map(|(end, fd)| (end, fd, PollFlags::POLLIN)).collect();
        match watch::next(&sources, Some(deadline)).while_doing("waiting for the relay")? {
            None => Ok(Err(End::LoginTimeout)),
            Some(Some(end)) => Ok(Err(end)),
            Some(None) => Ok(tls.hear(self.signals.as_fd())?.ok_or(End::Failed)),
        }
    }

    /// The channel between a session worker and the relay, which is told what a data connection has to prove: the
    /// worker's end.
    pub(super) fn introduce(&mut self, settings: &Settings) -> Result<Option<WorkerEnd>, Failure> {
        let Some(tls) = &mut self.tls else { return Ok(None) };
        tls.require_reuse = settings.tls.require_reuse;
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
        tls.handshakes.begin(Of::Data);
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
        let key = tls.and_then(|tls| tls.key.as_ref());
        [tls.and_then(|tls| tls.relay.voice()), key.and_then(Held::voice)]
    }

    /// Hears what the relay says; true if that is that the client is gone.
    pub(super) fn hear_relay(&mut self) -> Result<bool, Failure> {
        let Some(tls) = &mut self.tls else { return Ok(false) };
        let report = tls.hear(self.signals.as_fd())?;
        let is_gone = matches!(report, Some(Report::Gone));
        report.into_iter().for_each(|report| self.tell_of_tls(report));
        Ok(is_gone)
    }

    /// Hears the last word of the key process, or sees its end.
    pub(super) fn hear_key(&mut self) -> Result<(), Failure> {
        let key = self.tls.as_mut().and_then(|tls| tls.key.as_mut());
        let Some(key) = key else { return Ok(()) };
        match key.hear(self.signals.as_fd())? {
            Some(last_word) => self.heed_key(last_word),
            None => self.reap_key(GRACE, false),
        }
    }

    /// A relay that sends what ours does not is ended with its session, whoever notices.
    fn heed_key(&mut self, last_word: key::Report) -> Result<(), Failure> {
        if let key::Report::Breach(what) = last_word {
            return Err(Failure::Breach(String::from_utf8_lossy(&what).into()));
        }
        self.record("key", last_word);
        Ok(())
    }

    /// Who must outlive a login attempt.
    pub(super) fn tls_processes(&self) -> impl Iterator<Item = Pid> {
        let key = |tls: &Tls| tls.key.as_ref().map(Held::pid);
        self.tls.iter().flat_map(move |tls| key(tls).into_iter().chain([tls.relay.pid()]))
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

    /// Lets the relay say what is still to be said to the client, and ends both.
    pub(super) fn end_tls(&mut self, is_told: bool) -> Result<(), Failure> {
        if self.tls.is_some() {
            // All others that could say something are gone: the relay sees the end of it.
            let _ = shutdown(self.setup.client.output.as_raw_fd(), Shutdown::Write);
        }
        self.reap_tls(FAREWELL, is_told)
    }

    /// Ends both. Where it `is_told` why, that handshakes and files have failed comes of it, and is no news.
    fn reap_tls(&mut self, patience: Duration, is_told: bool) -> Result<(), Failure> {
        if let Some(tls) = &mut self.tls {
            let relay = tls.relay.finish(patience).while_doing("ending the relay")?;
            while relay != Ended::Stuck
                && let Some(tls) = &mut self.tls
                && let Some(report) = tls.hear(self.signals.as_fd())?
            {
                if !(is_told && matches!(report, Report::Failed { .. } | Report::Unfit(_))) {
                    self.tell_of_tls(report);
                }
            }
            self.died_of("relay", relay, patience);
        }
        self.reap_key(patience, is_told)?;
        self.tls = None;
        Ok(())
    }

    fn reap_key(&mut self, patience: Duration, is_told: bool) -> Result<(), Failure> {
        let key = self.tls.as_mut().and_then(|tls| tls.key.take());
        let Some(mut key) = key else { return Ok(()) };
        let ended = key.finish(patience).while_doing("ending the key process")?;
        while ended != Ended::Stuck
            && let Some(last_word) = key.hear(self.signals.as_fd())?
        {
            if !(is_told && matches!(last_word, key::Report::Unfit(_))) {
                self.heed_key(last_word)?;
            }
        }
        self.died_of("key", ended, patience);
        Ok(())
    }

    /// An end that was not ours to make, and that nothing has told of: those who are given no time are killed.
    fn died_of(&mut self, role: &str, ended: Ended, patience: Duration) {
        // Who could not enter its cage, or had no good files, has said so in a line of its own.
        let was_told = [0, Exit::System.status().into()].map(Ended::Exited).contains(&ended);
        if !was_told && !patience.is_zero() {
            self.setup.book.died("worker-died", role, "cause", ended.to_string().as_bytes());
        }
    }

    fn tell_of_tls(&mut self, report: Report) {
        match report {
            Report::Established(established) => {
                let reuse = self.tls.as_ref().is_none_or(|tls| tls.require_reuse);
                self.setup.book.established(&established, reuse);
            }
            Report::Failed { of, cause } => self.setup.book.handshake_failed(of, &cause),
            other => self.record("relay", other),
        }
    }
}

impl Tls {
    /// The next thing that the relay says, if it can be true; nothing where there will be none.
    fn hear(&mut self, signals: BorrowedFd) -> Result<Option<Report>, Failure> {
        let report = self.relay.hear(signals)?;
        if let Some(Report::Established(Established { of, .. }) | Report::Failed { of, .. }) =
            &report
        {
            self.handshakes.end(*of)?;
        }
        Ok(report)
    }
}
