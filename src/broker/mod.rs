//! The broker: the only process with power, and less of it at every step. It listens to its worker, never to the client.
//!
//! Its life, as launch::split tells it: shed what no step to come needs, hold a login worker until someone has logged in,
//! fork the session worker, shrink to an account that owns nothing, hold the session to its end.

mod attempt;
mod child;
mod login;
mod permit;
mod ports;
mod session;
mod shrink;
mod tls;

use std::os::fd::OwnedFd;
use std::time::Instant;

use nix::sys::signalfd::SignalFd;

use self::attempt::Attempts;
pub use self::child::{Birth, Split};
use self::child::{Ended, GRACE, Held};
pub use self::login::{Grant, Outcome, Worker as LoginWorker};
use self::permit::{Record, Request};
use self::tls::Tls;
pub use self::tls::{Between, Started};
use crate::cage::seccomp;
use crate::exit::Exit;
use crate::setup::Setup;
use crate::wire::event::End;
use crate::wire::{Fault, Message};

/// The broker before login: root, or the ordinary user who started it.
#[derive(Debug)]
pub struct Root {
    /// The empty directory in which it and the login worker will stand: a descriptor outside their roots, so it is part
    /// of the power that goes.
    empty: OwnedFd,
    /// Where the login worker writes the next password. The broker makes this pipe, so that the worker, which shares its
    /// account with every other, has no descriptor to send; it has only the writing end, for the child to take.
    password: Option<OwnedFd>,
    /// Where the auth process reads it. Gone when there is to be no further attempt.
    unread: Option<OwnedFd>,
    /// When the client came. Neither that nor the number of failed attempts begins anew with TLS.
    since: Instant,
    attempts: Attempts,
}

impl Root {
    /// What is every child's: the empty directory.
    pub fn for_child(self) -> OwnedFd {
        self.empty
    }

    /// What is the login worker's: the empty directory, and where the password goes. The rest is closed.
    pub fn for_login(self) -> (OwnedFd, Option<OwnedFd>) {
        (self.empty, self.password)
    }
}

/// The broker after login: an account that owns nothing, in an empty directory.
#[derive(Debug)]
pub struct Shrunk(());

/// The broker with a certain power left. Only [`Broker::shed`] and [`Broker::shrink`] make one.
#[derive(Debug)]
pub struct Broker<Power> {
    /// What launch has found out and opened.
    pub setup: Setup,
    signals: SignalFd,
    tls: Option<Tls>,
    /// What it may still do.
    pub power: Power,
}

/// Why the broker can't go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The system refused.
    #[error("{0}: {1}")]
    System(&'static str, std::io::Error),
    /// Power could not be given up.
    #[error(transparent)]
    Cage(#[from] crate::cage::CageError),
    /// The worker could not be told.
    #[error("the worker could not be told: {0}")]
    Untold(Fault),
    /// The worker sent what it may not send.
    #[error("the worker sent {0}")]
    Breach(String),
}

impl<Power> Broker<Power> {
    /// Ends a session that can't be served. The reply goes the way of all others.
    pub fn refuse(mut self, failure: &Failure) -> Exit {
        self.setup.client.say_unavailable();
        // What goes wrong now is no news any more.
        let _ = self.end_tls(false);
        fail(self.setup, failure)
    }
}

/// Ends a session that can't be served, and says so in the three languages: a reply, a line, a status.
pub fn refuse(setup: Setup, failure: &Failure) -> Exit {
    setup.client.say_unavailable();
    fail(setup, failure)
}

fn fail(mut setup: Setup, failure: &Failure) -> Exit {
    setup.book.fault("failure", failure);
    setup.book.close();
    match failure {
        Failure::Breach(_) | Failure::Untold(_) => Exit::Software,
        Failure::System(..) | Failure::Cage(_) => Exit::System,
    }
}

impl<Power> Broker<Power> {
    /// The last line of the book.
    pub fn close(mut self, exit: Exit) -> Exit {
        self.setup.book.close();
        exit
    }

    /// Tells the service manager what the session is doing.
    fn show(&self, doing: &str) {
        if let Some(socket) = &self.setup.status {
            let text = format!(
                "STATUS={} from {}: {doing}",
                self.setup.book.user(),
                self.setup.client.place.peer
            );
            let _ = nix::unistd::write(socket, text.replace('\n', "?").as_bytes());
        }
    }

    fn title(&self, what: &str) {
        if let Some(title) = &self.setup.title {
            title.set(&format!("cellftpd: {} [{what}]", self.setup.client.place.peer));
        }
    }

    /// Splits off a worker; `name` is what stands in its title.
    fn split<S: Message, R: Message>(&self, name: &str) -> Result<Split<S, R>, Failure> {
        self.title(name);
        let split = child::split().while_doing("starting a worker")?;
        if let Split::Broker(_) = &split {
            self.title("broker");
        }
        Ok(split)
    }

    /// Ends a worker, telling it `stop` if the broker wants it so; hears its last words, and judges its end.
    fn end<S: Message, R: Request>(
        &mut self,
        mut worker: Held<S, R>,
        role: &str,
        stop: Option<S>,
    ) -> Result<Exit, Failure> {
        if let Some(stop) = &stop {
            // A worker that can't be told is ended all the same.
            let _ = worker.channel.tell(stop);
        }
        let ended = self.finish(&mut worker, role)?;
        let exit = self.judge(ended, role, stop.is_some());
        self.end_tls(false)?;
        Ok(exit)
    }

    /// Waits for the end of a worker, and hears its last words.
    fn finish<S: Message, R: Request>(
        &mut self,
        worker: &mut Held<S, R>,
        role: &str,
    ) -> Result<Ended, Failure> {
        let ended = worker.finish(GRACE).while_doing("ending a worker")?;
        while ended != Ended::Stuck
            && let Ok((ask, _)) = worker.channel.hear()
        {
            self.record(role, ask);
        }
        Ok(ended)
    }

    /// Writes how a worker ended, if that was not of its own will; says 421 in its place then.
    fn judge(&mut self, ended: Ended, role: &str, stopped: bool) -> Exit {
        // A worker that ends of its own will has told the client why, unless it failed.
        let told = match self.setup.book.end() {
            Some(end) => end != End::Failed,
            None => ended == Ended::Exited(0),
        };
        if !told {
            self.setup.client.say_unavailable();
        }
        if ended == Ended::Exited(0) {
            return Exit::Clean;
        }
        // Who could not enter its cage has said so in a line of its own.
        if ended == Ended::Exited(Exit::System.status().into()) {
            return Exit::System;
        }
        self.setup.book.died("worker-died", role, "cause", ended.to_string().as_bytes());
        match ended {
            _ if stopped => Exit::Clean,
            Ended::Exited(_) => Exit::Software,
            Ended::Killed(_) | Ended::Stuck => Exit::System,
        }
    }

    /// Enters what a worker says without asking for anything.
    fn record(&mut self, role: &str, ask: impl Request) {
        let book = &mut self.setup.book;
        match ask.record() {
            None => (),
            Some(Record::Note(note)) => book.note(&note),
            Some(Record::Event(event)) => book.event(&event),
            Some(Record::Uncaged(cause)) => book.died("uncaged", role, "cause", &cause),
            Some(Record::Unfit(cause)) => book.died("tls-unavailable", role, "cause", &cause),
            Some(Record::Panicked(cause)) => book.died("panic", role, "cause", &cause),
            Some(Record::Violation(violation)) => {
                let number = i32::from_ne_bytes(violation.0);
                let name = seccomp::name_of(number.into()).map(str::to_owned);
                let call = name.unwrap_or_else(|| number.to_string());
                book.died("violation", role, "system-call", call.as_bytes());
            }
        }
    }
}

/// Says what was being done when the system refused.
trait While<T> {
    fn while_doing(self, what: &'static str) -> Result<T, Failure>;
}

impl<T, E: Into<std::io::Error>> While<T> for Result<T, E> {
    fn while_doing(self, what: &'static str) -> Result<T, Failure> {
        self.map_err(|error| Failure::System(what, error.into()))
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::Breach(fault.to_string())
    }
}

impl From<permit::Breach> for Failure {
    fn from(breach: permit::Breach) -> Failure {
        Failure::Breach(breach.to_string())
    }
}
