//! Before login: the login worker is held, its attempts are judged, its time is counted. The broker, still root.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use nix::fcntl::OFlag;

use super::attempt::Attempts;
use super::child::{Besides, Ended, GRACE, Held, Next, Split};
use super::permit::Ledger;
use super::{Broker, Failure, Root, While};
use crate::config::{Class, Login, Settings};
use crate::exit::Exit;
use crate::setup::Setup;
use crate::wire::auth::Account;
use crate::wire::login::{Answer, Ask};
use crate::wire::session::Stop;
use crate::wire::{Bounded, Fault};

/// The login worker, held.
pub type Worker = Held<Answer, Ask>;

/// How the time before login ended.
pub enum Outcome {
    /// Someone has logged in.
    Granted(Box<Grant>),
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
        let start = Instant::now();
        let mut ledger = Ledger::new();
        let mut attempts = Attempts::default();
        let stop = loop {
            let deadline = Some(start + self.setup.settings.limits.login);
            match worker.next(self.signals.as_fd(), Besides::default(), deadline, &mut ledger)? {
                Next::Gone => break None,
                Next::Late => break Some(Stop::LoginTimeout),
                Next::Signal => break Some(Stop::Shutdown),
                Next::Data | Next::Hung => (),
                Next::Asks(Ask::Login { user, unread }) => {
                    let Some((class, account)) = self.attempt(&worker, &mut attempts, &user)?
                    else {
                        if !self.is_ending(&worker) {
                            self.refuse_attempt(&worker, &attempts)?;
                        }
                        continue;
                    };
                    worker.tell(&Answer::Granted)?;
                    // It has to be gone before another process reads the client.
                    let ended = worker.finish(GRACE).while_doing("ending the login worker")?;
                    if ended == Ended::Stuck {
                        return Err(Failure::Untold(Fault::Full));
                    }
                    if ended != Ended::Exited(0) {
                        self.setup.book.died("worker-died", "login", "cause", b"after its login");
                    }
                    let grant = self.grant(class, account, unread.into_bytes());
                    return Ok(Outcome::Granted(Box::new(grant)));
                }
                Next::Asks(Ask::Host(name)) => worker.tell(&self.choose_host(&name))?,
                Next::Asks(ask) => self.record("login", ask),
            }
        };
        Ok(Outcome::Ended(self.end(worker, "login", stop.map(Answer::Stop))?))
    }

    /// Another attempt needs another pipe; after the last one there is none, and to ask again is a breach.
    fn refuse_attempt(&mut self, worker: &Worker, attempts: &Attempts) -> Result<(), Failure> {
        if attempts.are_over(&self.setup.settings) {
            return worker.tell(&Answer::RefusedLast);
        }
        let password = self.password_pipe()?;
        worker.tell_with(&Answer::Refused, password.as_fd())
    }

    /// From now on the settings of this host hold, if it is one of ours (RFC 7151 §3).
    fn choose_host(&mut self, name: &[u8]) -> Answer {
        let setup = &mut self.setup;
        if !name.is_empty() && !setup.config.serves_host(name) {
            return Answer::NoSuchHost;
        }
        setup.host = (!name.is_empty()).then(|| name.to_vec());
        let from = setup.client.place.peer;
        setup.settings = setup.config.at_connect(from, setup.host.as_deref(), false);
        Answer::Host(Bounded::cut(setup.settings.login.banner.as_bytes()))
    }

    /// A new pipe: the writing end; the other is kept for the auth process.
    fn password_pipe(&mut self) -> Result<OwnedFd, Failure> {
        let (unread, password) =
            nix::unistd::pipe2(OFlag::O_CLOEXEC).while_doing("making a pipe for a password")?;
        self.power.unread = Some(unread);
        Ok(password)
    }

    fn grant(&mut self, class: Class, account: Account, unread: Vec<u8>) -> Grant {
        let Setup { client, config, host, .. } = &self.setup;
        let login = Login { class, user: &account.name, groups: &account.group_names };
        let settings = config.at_login(client.place.peer, host.as_deref(), false, login);
        self.setup.book.name_user(&account.name);
        Grant { account, class, settings, unread }
    }
}
