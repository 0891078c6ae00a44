//! Before login: the login worker is held, its attempts are judged, its time is counted. The broker, still root.

use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::OFlag;

use super::attempt::Admitted;
use super::child::{Besides, Ended, Held, Next, Split};
use super::{Broker, Failure, Root, While};
use crate::auth;
use crate::config::{Class, Login, Settings};
use crate::exit::Exit;
use crate::setup::Setup;
use crate::wire::auth::Account;
use crate::wire::login::{Answer, Ask};
use crate::wire::session::{Protection, Stop};
use crate::wire::{Bounded, Fault, relay};

/// The login worker, held.
pub type Worker = Held<Answer, Ask>;

/// How the time before login ended.
pub enum Outcome {
    /// Someone has logged in.
    Granted(Box<Grant>),
    /// The client wants TLS; this worker waits for it.
    TlsAsked(Worker),
    /// Nobody has.
    Ended(Exit),
}

/// Somebody who may have a session.
pub struct Grant {
    /// As whom.
    pub account: Account,
    /// Of which class.
    pub class: Class,
    /// The settings for this user.
    pub settings: Settings,
    /// What the client has already sent behind PASS.
    pub unread: Vec<u8>,
    /// What PROT has chosen, once PBSZ was said.
    pub protection: Option<Protection>,
    /// Whether a certificate stood for the password.
    pub certified: bool,
    /// The way to the relay, if there is one, for the session worker to take.
    pub relay: Option<relay::WorkerEnd>,
}

impl Broker<Root> {
    /// Splits off the login worker.
    pub fn split_login(&mut self) -> Result<Split<Answer, Ask>, Failure> {
        self.power.password = Some(self.password_pipe()?);
        let split = self.split("login")?;
        if let Split::Broker(_) = &split {
            // Or the auth process would never see the end of the password.
            self.power.password = None;
        }
        Ok(split)
    }

    /// Holds a login worker until someone has logged in, or until it ends.
    pub fn login(&mut self, mut worker: Worker) -> Result<Outcome, Failure> {
        let stop = loop {
            let deadline = Some(self.power.since + self.setup.settings.limits.login);
            let besides = Besides { tls: self.tls_voices(), ..Besides::default() };
            match worker.next(self.signals.as_fd(), besides, deadline)? {
                Next::Gone => break None,
                Next::Late => break Some(Stop::LoginTimeout),
                Next::Signal => break Some(Stop::Shutdown),
                // The worker sees for itself whether its client is gone.
                Next::Relay => drop(self.hear_relay()?),
                Next::Key => self.hear_key()?,
                Next::Data | Next::Hung => (),
                Next::Asks(Ask::StartTls) if self.setup.tls => {
                    return Err(Failure::Breach("a wish for TLS over TLS".into()));
                }
                Next::Asks(Ask::StartTls) if !self.setup.settings.tls.enabled => {
                    worker.tell(&Answer::NoTls)?;
                }
                Next::Asks(Ask::StartTls) => return Ok(Outcome::TlsAsked(worker)),
                Next::Asks(Ask::Name(name)) => worker.tell(&self.welcome(&name))?,
                Next::Asks(Ask::Login { user, unread, protection }) => {
                    let Some(admitted) = self.attempt(&worker, &user)? else {
                        if !self.is_ending(&worker) {
                            self.refuse_attempt(&worker)?;
                        }
                        continue;
                    };
                    worker.tell(&Answer::Granted)?;
                    // It has to be gone before another process reads the client.
                    let ended = self.finish(&mut worker, "login")?;
                    if ended == Ended::Stuck {
                        return Err(Failure::Untold(Fault::Full));
                    }
                    if ended != Ended::Exited(0) {
                        self.setup.book.died("worker-died", "login", "cause", b"after its login");
                    }
                    self.setup.book.goes_on();
                    let grant = self.grant(admitted, unread.into_bytes(), protection)?;
                    return Ok(Outcome::Granted(Box::new(grant)));
                }
                Next::Asks(Ask::Host(name)) => worker.tell(&self.choose_host(&name))?,
                Next::Asks(ask) => self.record("login", ask),
            }
        };
        Ok(Outcome::Ended(self.end(worker, "login", stop.map(Answer::Stop))?))
    }

    /// Another attempt needs another pipe; after the last one there is none, and to ask again is a breach.
    fn refuse_attempt(&mut self, worker: &Worker) -> Result<(), Failure> {
        if self.power.attempts.are_over(&self.setup.settings) {
            return worker.tell(&Answer::RefusedLast);
        }
        let password = self.password_pipe()?;
        worker.tell_with(&Answer::Refused, password.as_fd())
    }

    /// From now on the settings of this host hold, if it is one of ours (RFC 7151 §3).
    fn choose_host(&mut self, name: &[u8]) -> Answer {
        let named = !name.is_empty();
        if named && !(self.setup.config.serves_host(name) && self.fits_handshake(name)) {
            return Answer::NoSuchHost;
        }
        self.choose_settings(named.then(|| name.to_vec()));
        let Settings { login, tls, .. } = &self.setup.settings;
        Answer::Host { banner: Bounded::cut(login.banner.as_bytes()), tls: tls.enabled }
    }

    /// What holds before login, for this host, with or without TLS.
    pub(super) fn choose_settings(&mut self, host: Option<Vec<u8>>) {
        let setup = &mut self.setup;
        let peer = setup.client.place.peer;
        setup.settings = setup.config.at_connect(peer, host.as_deref(), setup.tls);
        setup.host = host;
    }

    /// Whether a name may go on to its password, as far as TLS matters. Groups are not known yet: a match for a group is
    /// for the attempt itself to judge.
    fn welcome(&self, name: &[u8]) -> Answer {
        let Some(backend) = auth::backend_for(&self.setup.settings, name) else {
            return Answer::Welcome;
        };
        let login = Login { class: backend.class, user: name, groups: &[] };
        let tls = self.setup.tls;
        match self.settings_at(login).tls.admits_login(backend.class, tls) {
            true if self.is_certified(name) => Answer::Certified,
            true => Answer::Welcome,
            false if self.setup.config.asks_groups_about_tls() => Answer::Welcome,
            false if tls => Answer::WithoutTls,
            false => Answer::NeedsTls,
        }
    }

    /// Whether the client has shown the certificate of this user.
    pub(super) fn is_certified(&self, name: &[u8]) -> bool {
        let login = Login { class: Class::Local, user: name, groups: &[] };
        let subject = self.subject();
        subject.is_some_and(|subject| {
            let own = self.settings_at(login).tls.certificate_login;
            !own.is_empty() && own.as_bytes() == subject
        })
    }

    /// What holds for somebody who has logged in.
    pub(super) fn settings_at(&self, login: Login) -> Settings {
        let Setup { client, config, host, tls, .. } = &self.setup;
        config.at_login(client.place.peer, host.as_deref(), *tls, login)
    }

    /// A new pipe: the writing end; the other is kept for the auth process.
    fn password_pipe(&mut self) -> Result<OwnedFd, Failure> {
        let (unread, password) =
            nix::unistd::pipe2(OFlag::O_CLOEXEC).while_doing("making a pipe for a password")?;
        self.power.unread = Some(unread);
        Ok(password)
    }

    fn grant(
        &mut self,
        (class, account, settings): Admitted,
        unread: Vec<u8>,
        protection: Option<Protection>,
    ) -> Result<Grant, Failure> {
        self.setup.book.name_user(&account.name);
        // What was chosen before the login is judged by what holds for this one.
        let protection = protection.map(|chosen| match settings.tls.admits_data(true) {
            true => chosen,
            false => Protection::Clear,
        });
        let relay = self.introduce(&settings)?;
        let certified = class == Class::Local && self.is_certified(&account.name);
        Ok(Grant { account, class, settings, unread, protection, relay, certified })
    }
}
