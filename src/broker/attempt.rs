//! One login attempt, from the worker's request to a verdict. The broker, before login. The password goes past it unread.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use sys::watch;

use super::child::{Held, Split, split};
use super::login::Worker;
use super::{Broker, Failure, Root, While};
use crate::auth::{self, Decides};
use crate::config::{Class, Level, Login, Settings};
use crate::wire::auth::{Account, Attempt, USER_MAX, Verdict};
use crate::wire::{Bounded, Fault};

/// How long a PAM stack may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who may have a session; or why not, for the log.
type Decision = Result<(Class, Account), String>;

/// Who has one, and the settings for it.
pub(super) type Admitted = (Class, Account, Settings);

/// How many attempts have failed.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    failed: u32,
}

impl Attempts {
    /// Whether the last one has failed.
    pub(super) fn are_over(&self, settings: &Settings) -> bool {
        self.failed >= settings.login.max_failures
    }
}

impl Broker<Root> {
    /// Judges an attempt. Refused ones are logged with their cause, and cost the client some time.
    pub(super) fn attempt(
        &mut self,
        worker: &Worker,
        user: &Bounded<USER_MAX>,
    ) -> Result<Option<Admitted>, Failure> {
        let Some(password) = self.power.unread.take() else {
            return Err(Failure::Breach("a login after the last attempt".into()));
        };
        let start = Instant::now();
        self.setup.book.name_user(user);
        let decision = self.decide(worker, user, password)?;
        // A guesser who hangs up before the verdict is told like any other.
        let gone = || Err("the session ended before the verdict".to_owned());
        let decision = decision.unwrap_or_else(gone);
        let admitted = decision.and_then(|(class, account)| {
            let login = Login { class, user: &account.name, groups: &account.group_names };
            let settings = self.settings_at(login);
            let admitted = auth::admission::admit(class, &account, &settings, self.setup.tls);
            admitted.map(|()| (class, account, settings))
        });
        let refused = match admitted {
            Ok(admitted) => return Ok(Some(admitted)),
            Err(cause) => cause,
        };
        self.power.attempts.failed += 1;
        let count = self.power.attempts.failed;
        let line = self.setup.book.line("login-refused").with("attempt", count);
        self.setup.book.write(Level::Notice, &line.with_bytes("cause", refused.as_bytes()));
        // Counted from the password on: how soon PAM knew is not to be told by the clock.
        let until = start + self.setup.settings.login.failure_delay;
        let _ = watch::next(&self.endings(worker, None), Some(until));
        Ok(None)
    }

    /// A verdict: an account, or why not; nothing if the session ends meanwhile.
    fn decide(
        &mut self,
        worker: &Worker,
        user: &Bounded<USER_MAX>,
        password: OwnedFd,
    ) -> Result<Option<Decision>, Failure> {
        let Some(backend) = auth::backend_for(&self.setup.settings, user) else {
            return Ok(Some(Err("nobody of that name may log in here".into())));
        };
        let verdict = match backend.decides {
            Decides::Here(decide) => Some(decide(&self.setup.settings)),
            Decides::Apart(become_it) => self.ask_apart(become_it, worker, user, password)?,
        };
        Ok(verdict.map(|verdict| match verdict {
            Verdict::Granted(account) => Ok((backend.class, account)),
            Verdict::Refused(cause) => Err(String::from_utf8_lossy(&cause).into_owned()),
        }))
    }

    /// Forks the auth process and waits for its verdict: one attempt, and it is gone.
    fn ask_apart(
        &mut self,
        become_it: auth::Become,
        worker: &Worker,
        user: &Bounded<USER_MAX>,
        password: OwnedFd,
    ) -> Result<Option<Verdict>, Failure> {
        let split = split::<Attempt, Verdict>().while_doing("starting the auth process")?;
        let mut auth = match split {
            Split::Broker(held) => held,
            Split::Child(birth) => {
                // Its copy of the log is closed with the rest.
                drop(std::panic::take_hook());
                let error = match birth.close_others(&[]) {
                    Ok(()) => become_it(&birth.channel, birth.leash.as_fd()),
                    Err(error) => error,
                };
                let text = Bounded::cut(format!("cellftpd-pam: {error}").as_bytes());
                let _ = birth.channel.tell(&Verdict::Refused(text));
                sys::process::exit(crate::exit::Exit::System.status());
            }
        };
        let attempt = Attempt {
            service: self.setup.settings.local.pam_service.clone(),
            user: user.clone(),
            from: self.setup.client.place.peer.to_string(),
            certified: self.is_certified(user),
        };
        let verdict = match auth.channel.tell_with(&attempt, password.as_fd()) {
            Ok(()) => self.hear_verdict(&auth, worker),
            Err(fault) => Some(refused(&format!("the auth process could not be asked: {fault}"))),
        };
        // Whatever it still does is of no interest: its leash is let go, and what a module forked goes with it.
        let _ = auth.finish(Duration::from_millis(100));
        drop(auth);
        let spared: Vec<_> = self.tls_processes().chain([worker.pid()]).collect();
        sweep(&spared, Instant::now() + Duration::from_secs(1));
        Ok(verdict)
    }

    /// One message, taken only while it is awaited. A stack that hangs costs its attempt; the end of the session ends it.
    fn hear_verdict(&mut self, auth: &Held<Attempt, Verdict>, worker: &Worker) -> Option<Verdict> {
        let deadline = Some(Instant::now() + PATIENCE);
        Some(match watch::next(&self.endings(worker, Some(auth.channel.as_fd())), deadline) {
            Ok(Some(Wake::End)) => return None,
            Ok(Some(Wake::Verdict)) => match auth.channel.hear() {
                Ok((verdict, None)) => verdict,
                Ok((_, Some(_))) => refused("the verdict came with a descriptor"),
                Err(Fault::Closed) => refused("the auth process died without a verdict"),
                Err(fault) => refused(&format!("the verdict is {fault}")),
            },
            Ok(None) => refused("the auth process gave no verdict in time"),
            Err(error) => refused(&format!("waiting for the verdict: {error}")),
        })
    }

    /// Whether the session is to end; the loop that holds the worker sees why.
    pub(super) fn is_ending(&self, worker: &Worker) -> bool {
        let at_once = Some(Instant::now() + Duration::from_millis(1));
        matches!(watch::next(&self.endings(worker, None), at_once), Ok(Some(_)))
    }

    /// What an attempt must not outlast: a signal, the worker's life; and the verdict, where one is awaited.
    fn endings<'a>(
        &'a self,
        worker: &'a Worker,
        verdict: Option<BorrowedFd<'a>>,
    ) -> Vec<(Wake, BorrowedFd<'a>, PollFlags)> {
        let verdict = verdict.map(|fd| (Wake::Verdict, fd, PollFlags::POLLIN));
        let ends =
            [self.signals.as_fd(), worker.end()].map(|fd| (Wake::End, fd, PollFlags::POLLIN));
        verdict.into_iter().chain(ends).collect()
    }
}

#[derive(Debug, Clone, Copy)]
enum Wake {
    Verdict,
    End,
}

fn refused(cause: &str) -> Verdict {
    Verdict::Refused(Bounded::cut(cause.as_bytes()))
}

/// Kills and reaps what a PAM module has left behind: as a subreaper we are the parent of all that lost theirs. `spared` are
/// the login worker and, with TLS, the relay and the key process.
fn sweep(spared: &[Pid], deadline: Instant) {
    while Instant::now() < deadline {
        let left: Vec<_> =
            sys::process::children().into_iter().filter(|child| !spared.contains(child)).collect();
        if left.is_empty() {
            return;
        }
        for child in left {
            let _ = kill(child, Signal::SIGKILL);
            let _ = waitpid(child, Some(WaitPidFlag::WNOHANG));
        }
        // A killed process is a zombie within microseconds; this keeps the loop from spinning until then.
        let _ = watch::next::<()>(&[], Some(Instant::now() + Duration::from_millis(1)));
    }
}
