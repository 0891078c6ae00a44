//! The login worker: greets a stranger and serves what may be served before login. It can read and write the
//! control stream and ask the broker, no more; who may log in is not decided here.

use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use ftp::reply::Reply;
use nix::poll::{PollFd, PollFlags};
use zeroize::Zeroizing;

use super::ask::Peer;
use super::control::{Control, Said};
use super::failure::Failure;
use super::wait::{ready, wait};
use crate::cage::Caged;
use crate::config::{self, Settings};
use crate::verb::{self, Client};
use crate::wire::auth::{PASSWORD_MAX, USER_MAX};
use crate::wire::event::{End, Note};
use crate::wire::login::{Answer, Ask, UNREAD_MAX, WorkerEnd};
use crate::wire::session::{Protection, Stop};
use crate::wire::{Bounded, auth};

/// What a login worker is given.
#[derive(Debug)]
pub struct Start {
    /// What the client says.
    pub input: OwnedFd,
    /// What the client hears: often the same socket.
    pub output: OwnedFd,
    /// The broker.
    pub broker: WorkerEnd,
    /// The writing end of a pipe, for the first password; auth reads the other.
    pub password: OwnedFd,
    /// The settings for this client before login.
    pub settings: Settings,
    /// Whether the configuration names hosts.
    pub hosts: bool,
    /// Our end of the control connection.
    pub local: IpAddr,
    /// Whether the client speaks TLS, to a relay.
    pub tls: bool,
    /// Whether the client waits for a greeting: it has heard one where it has asked for TLS.
    pub greets: bool,
}

/// Serves a stranger until someone has logged in or the connection ends.
///
/// After a granted login it returns without another word: the session worker goes on.
pub fn run(_: &Caged, start: Start) -> End {
    Login::new(start).serve()
}

/// A connection on which nobody has logged in.
#[derive(Debug)]
pub struct Login {
    pub(crate) control: Control,
    pub(crate) settings: Settings,
    /// Whether the configuration names hosts.
    pub(crate) hosts: bool,
    /// Our end of the control connection.
    pub(crate) local: IpAddr,
    /// The client speaks TLS.
    pub(crate) tls: bool,
    /// What PROT has chosen, once PBSZ was said.
    pub(crate) protection: Option<Protection>,
    /// The broker has said that there is no TLS to be had, whatever the settings say.
    tls_is_unavailable: bool,
    greets: bool,
    /// The client has said what it is.
    pub(crate) introduced: bool,
    /// Whom USER named.
    pub(crate) user: Option<Bounded<USER_MAX>>,
    /// Where the next password goes.
    password: Option<OwnedFd>,
    broker: Peer<Ask, Answer>,
    /// Somebody has logged in: another process says the rest.
    granted: bool,
    refusals: u32,
}

impl Login {
    /// A connection, not yet greeted.
    pub fn new(start: Start) -> Self {
        let patience = start.settings.limits.login;
        Login {
            control: Control::new(start.input, start.output, UNREAD_MAX, patience),
            settings: start.settings,
            hosts: start.hosts,
            local: start.local.to_canonical(),
            tls: start.tls,
            protection: None,
            tls_is_unavailable: false,
            greets: start.greets,
            introduced: false,
            user: None,
            password: Some(start.password),
            broker: Peer::new(start.broker),
            granted: false,
            refusals: 0,
        }
    }

    /// Greets, and obeys until the end.
    pub fn serve(mut self) -> End {
        let end = match self.converse() {
            Ok(end) | Err(Failure::Over(end)) => end,
            Err(Failure::Refused(_)) => End::Failed,
        };
        if !self.granted {
            // The broker may be gone; there is nobody left to tell.
            let _ = self.note(Note::End(end));
        }
        end
    }

    /// Asks the broker to log the user in, with what the client has said since.
    pub fn try_password(&mut self, password: &[u8]) -> Result<Reply, Failure> {
        let Some(user) = self.user.take() else {
            return Err(Failure::new(503, "Say USER first."));
        };
        if password.len() > PASSWORD_MAX {
            return Ok(incorrect());
        }
        let Some(pipe) = self.password.take() else {
            return Err(Failure::Over(End::Failed));
        };
        // Shorter than PIPE_BUF: one write, which does not block. Auth reads to the end, so the pipe is closed.
        nix::unistd::write(&pipe, password)?;
        drop(pipe);
        let unread = Bounded::try_from(self.control.unread().as_slice()).unwrap_or_default();
        let protection = self.protection;
        self.broker.tell(&Ask::Login { user, unread, protection })?;
        match self.await_answer()? {
            (Answer::Granted, _) => {
                self.granted = true;
                Err(Failure::Over(End::Stopped))
            }
            (Answer::Refused, pipe) => {
                self.password = pipe;
                Ok(incorrect())
            }
            (Answer::RefusedLast, _) => {
                Err(self.control.farewell("Too many failed logins.", End::Failures))
            }
            (Answer::Stop(stop), _) => Err(self.control.stopped(stop)),
            _ => Err(Failure::Over(End::Failed)),
        }
    }

    /// Whether a name goes on without a password. Refused, if it must not be said over this connection as it is.
    pub fn is_certified(&mut self, name: &Bounded<USER_MAX>) -> Result<bool, Failure> {
        let tls = &self.settings.tls;
        if !tls.enabled && tls.login != config::Protection::Require {
            return Ok(false);
        }
        self.broker.tell(&Ask::Name(name.clone()))?;
        match self.await_answer()?.0 {
            Answer::Welcome => Ok(false),
            Answer::Certified => Ok(true),
            Answer::NeedsTls => Err(Failure::new(530, "TLS is needed here: AUTH TLS first.")),
            Answer::WithoutTls => Err(Failure::new(530, "This login is served without TLS.")),
            Answer::Stop(stop) => Err(self.control.stopped(stop)),
            _ => Err(Failure::Over(End::Failed)),
        }
    }

    /// Has a relay take the client over. What was said in clear behind AUTH could be anybody's, so that it is not only
    /// left unread: the session ends (CVE-2011-0411). What has not been read yet is no record of TLS, and ends it too.
    pub fn start_tls(&mut self) -> Result<Reply, Failure> {
        if !self.control.unread().is_empty() {
            self.note(Note::Protocol(Bounded::cut(b"commands in clear behind AUTH")))?;
            return Err(self.control.farewell("Commands behind AUTH.", End::Protocol));
        }
        if self.tls_is_unavailable {
            return Err(no_tls());
        }
        self.broker.tell(&Ask::StartTls)?;
        match self.await_answer()?.0 {
            Answer::TlsReady => {
                self.control.send(&Reply::new(234, "TLS from here on."))?;
                self.granted = true;
                Err(Failure::Over(End::Stopped))
            }
            Answer::NoTls => {
                self.tls_is_unavailable = true;
                Err(no_tls())
            }
            Answer::Stop(stop) => Err(self.control.stopped(stop)),
            _ => Err(Failure::Over(End::Failed)),
        }
    }

    /// Asks the broker for the settings of a host; an empty name is the one that is served to all. USER starts anew.
    pub fn choose_host(&mut self, name: &[u8]) -> Result<Reply, Failure> {
        let name = Bounded::try_from(name).map_err(|_| Failure::new(501, "Name too long."))?;
        self.user = None;
        // The broker answers so many and no more; who changes hosts for ever is no client.
        self.refusals += 1;
        self.broker.tell(&Ask::Host(name))?;
        match self.await_answer()?.0 {
            Answer::Host { banner, tls } => {
                self.settings.tls.enabled = tls;
                Ok(greeting(&String::from_utf8_lossy(&banner)))
            }
            Answer::NoSuchHost => Err(Failure::new(504, "No such host here.")),
            Answer::Stop(stop) => Err(self.control.stopped(stop)),
            _ => Err(Failure::Over(End::Failed)),
        }
    }

    /// PAM may take long. A client that is gone for good meanwhile is not waited for; one that has only closed its own
    /// direction may be a script.
    fn await_answer(&mut self) -> Result<(Answer, Option<OwnedFd>), Failure> {
        loop {
            let mut fds = [
                PollFd::new(self.broker.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.control.client(), PollFlags::empty()),
            ];
            let answered = wait(&mut fds, Instant::now() + self.settings.limits.login)?;
            match fds.each_ref().map(ready) {
                [true, _] => return self.broker.hear(),
                [false, true] => return Err(Failure::Over(End::Closed)),
                [false, false] if answered => return Err(Failure::Over(End::Failed)),
                [false, false] => (),
            }
        }
    }

    /// Tells the log something.
    pub fn note(&self, note: Note) -> Result<(), Failure> {
        self.broker.tell(&Ask::Note(note))
    }

    fn converse(&mut self) -> Result<End, Failure> {
        if self.greets {
            let banner = greeting(&self.settings.login.banner);
            self.control.send(&banner)?;
        }
        loop {
            let Some(said) = self.control.hear()? else {
                self.listen()?;
                continue;
            };
            let reply = self.answer(&said)?;
            self.control.send(&reply)?;
            if reply.code() == verb::GOODBYE {
                return Ok(End::Quit);
            }
        }
    }

    fn answer(&mut self, said: &Said) -> Result<Reply, Failure> {
        let answer = match said {
            Said::Line(line) if speaks_another_protocol(line) => {
                self.note(Note::Protocol(Bounded::cut(b"not FTP")))?;
                Err(Failure::Over(End::Protocol))
            }
            Said::Line(line) => verb::obey(&mut Client::Stranger(self), line),
            Said::TooLong => Ok(Reply::new(500, "Line too long.")),
        };
        let reply = match answer {
            Err(Failure::Refused(refusal)) => refusal.reply,
            other => other?,
        };
        self.refusals += u32::from(reply.code() >= 500);
        match self.refusals {
            REFUSALS_MAX.. => Err(self.control.farewell("Too many errors.", End::Protocol)),
            _ => Ok(reply),
        }
    }

    /// Waits for the client, or for the broker to stop it all.
    fn listen(&mut self) -> Result<(), Failure> {
        let mut fds = vec![PollFd::new(self.broker.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.control.input().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        // The broker keeps the time of a login; this is for a broker that forgets.
        wait(&mut fds, Instant::now() + self.settings.limits.login * 2)?;
        let [broker, client] = [fds.first().is_some_and(ready), fds.get(1).is_some_and(ready)];
        match (broker, client) {
            (true, _) => match self.broker.hear()?.0 {
                Answer::Stop(stop) => Err(self.control.stopped(stop)),
                _ => Err(Failure::Over(End::Failed)),
            },
            (false, true) => self.control.fill(),
            (false, false) => Err(self.control.stopped(Stop::LoginTimeout)),
        }
    }
}

/// The one text for every kind of failed login (RFC 2577 §7).
fn incorrect() -> Reply {
    Reply::new(530, "Login incorrect.")
}

fn no_tls() -> Failure {
    Failure::new(431, "TLS is not to be had now.")
}

/// 220 with the lines of the banner.
fn greeting(banner: &str) -> Reply {
    let mut lines: Vec<Vec<u8>> = banner.lines().map(|line| line.as_bytes().to_vec()).collect();
    let last = lines.pop().unwrap_or_default();
    match lines.is_empty() {
        true => Reply::new(220, last),
        false => Reply::lines(220, lines.remove(0), lines, last),
    }
}

/// A browser that was sent here to speak FTP without knowing (ALPACA, CVE-2021-3618) sends a request line and
/// headers. No reply: it would be shown as the answer of a web server.
fn speaks_another_protocol(line: &Zeroizing<Vec<u8>>) -> bool {
    let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    FOREIGN.iter().any(|foreign| word.eq_ignore_ascii_case(foreign))
}

const FOREIGN: [&[u8]; 14] = [
    b"CONNECT",
    b"DELETE",
    b"EHLO",
    b"GET",
    b"HEAD",
    b"HELO",
    b"HOST:",
    b"OPTIONS",
    b"PATCH",
    b"POST",
    b"PRI",
    b"PROPFIND",
    b"PUT",
    b"TRACE",
];
const REFUSALS_MAX: u32 = 20;
const _: () = assert!(auth::PASSWORD_MAX <= 4096, "a password is written to a pipe at once");

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::*;
    use crate::wire::login::BrokerEnd;

    /// What a client hears that says all this at once, how it ends, and what the broker was asked.
    fn converse(said: &[u8], answers: &[Answer]) -> (String, End, Vec<Attempt>) {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let (worker, broker) = WorkerEnd::pair().unwrap();
        let input = theirs.try_clone().unwrap().into();
        let (reading, password) = nix::unistd::pipe().unwrap();
        let start = Start {
            input,
            output: theirs.into(),
            broker: worker,
            password,
            settings: Settings::default(),
            hosts: false,
            local: std::net::Ipv4Addr::LOCALHOST.into(),
            tls: false,
            greets: true,
        };
        let session = std::thread::spawn(move || Login::new(start).serve());
        let answers = answers.to_vec();
        let broker = std::thread::spawn(move || answer(&broker, reading, answers));
        ours.write_all(said).unwrap();
        let mut heard = String::new();
        ours.read_to_string(&mut heard).unwrap();
        (heard, session.join().unwrap(), broker.join().unwrap())
    }

    #[derive(Debug, PartialEq)]
    struct Attempt {
        user: String,
        password: String,
        unread: String,
    }

    fn answer(broker: &BrokerEnd, mut reading: OwnedFd, answers: Vec<Answer>) -> Vec<Attempt> {
        let (mut attempts, mut answers) = (vec![], answers.into_iter());
        while let Ok((ask, None)) = broker.hear() {
            let Ask::Login { user, unread, .. } = ask else {
                continue;
            };
            let mut password = String::new();
            std::fs::File::from(reading).read_to_string(&mut password).unwrap();
            let (next, writing) = nix::unistd::pipe().unwrap();
            reading = next;
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            attempts.push(Attempt {
                user: text(user.into_bytes()),
                password,
                unread: text(unread.into_bytes()),
            });
            broker.tell_with(&answers.next().unwrap(), writing.as_fd()).unwrap();
        }
        attempts
    }

    fn codes(heard: &str) -> Vec<&str> {
        heard
            .lines()
            .filter(|line| line.as_bytes().get(3) == Some(&b' '))
            .map(|line| &line[..3])
            .collect()
    }

    #[test]
    fn a_granted_login_hands_over_without_a_word() {
        let said = b"USER alice\r\nPASS  a b \r\nSYST\r\nPW";
        let (heard, end, attempts) = converse(said, &[Answer::Granted]);
        assert_eq!((codes(&heard), end), (vec!["220", "331"], End::Stopped));
        let [user, password, unread] = ["alice", " a b ", "SYST\r\nPW"].map(str::to_owned);
        assert_eq!(attempts, [Attempt { user, password, unread }]);
    }

    #[test]
    fn a_refused_login_may_be_tried_again_until_the_broker_says_otherwise() {
        let said = b"PASS x\r\nUSER a\r\nPASS x\r\nPASS y\r\nUSER a\r\nPASS z\r\nNOOP\r\n";
        let (heard, end, attempts) = converse(said, &[Answer::Refused, Answer::RefusedLast]);
        assert_eq!(codes(&heard), ["220", "503", "331", "530", "503", "331", "421"]);
        assert_eq!((end, attempts.len()), (End::Failures, 2));
    }

    #[test]
    fn some_verbs_are_served_to_strangers_the_others_need_a_login() {
        let said = b"FEAT\r\nHELP\r\nSYST\r\nNOOP\r\nOPTS UTF8 ON\r\nAUTH TLS\r\nRETR x\r\nXYZZY\r\nQUIT\r\n";
        let (heard, end, _) = converse(said, &[]);
        let expected = ["220", "211", "214", "215", "200", "200", "502", "530", "530", "221"];
        assert_eq!((codes(&heard), end), (expected.to_vec(), End::Quit));
    }

    #[test]
    fn an_overlong_password_is_wrong_without_asking() {
        let said = [b"USER a\r\nPASS ", "x".repeat(513).as_bytes(), b"\r\nQUIT\r\n"].concat();
        let (heard, _, attempts) = converse(&said, &[]);
        assert_eq!((codes(&heard), attempts.len()), (vec!["220", "331", "530", "221"], 0));
    }

    #[test]
    fn browsers_are_not_answered() {
        for said in ["GET / HTTP/1.1\r\n", "post x\r\n", "Host: example.com\r\n"] {
            let (heard, end, _) = converse(said.as_bytes(), &[]);
            assert_eq!((codes(&heard), end), (vec!["220"], End::Protocol));
        }
    }

    #[test]
    fn garbage_is_borne_for_a_while() {
        let (heard, end, _) = converse("x y\r\n".repeat(30).as_bytes(), &[]);
        assert_eq!(
            (codes(&heard).len(), codes(&heard).last(), end),
            (21, Some(&"421"), End::Protocol)
        );
    }

    #[test]
    fn a_banner_may_have_lines() {
        let mut out = vec![];
        greeting("one\ntwo\nthree").write_to(&mut out);
        assert_eq!(out, b"220-one\r\n two\r\n220 three\r\n");
    }

    #[test]
    fn the_broker_stops_it_at_any_time() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let (worker, broker) = WorkerEnd::pair().unwrap();
        let input = theirs.try_clone().unwrap().into();
        let (_reading, password) = nix::unistd::pipe().unwrap();
        let settings = Settings::default();
        let (hosts, local) = (false, std::net::Ipv4Addr::LOCALHOST.into());
        let output = theirs.into();
        let (tls, greets) = (false, true);
        let start =
            Start { input, output, broker: worker, password, settings, hosts, local, tls, greets };
        broker.tell(&Answer::Stop(Stop::LoginTimeout)).unwrap();
        assert_eq!(Login::new(start).serve(), End::LoginTimeout);
        let mut heard = String::new();
        ours.read_to_string(&mut heard).unwrap();
        assert_eq!(codes(&heard), ["220", "421"]);
    }
}
