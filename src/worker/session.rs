//! The session worker: serves one user, as that user, in that user's jail. What is beyond files and streams that
//! it was handed, it asks of the broker. Trusts neither client nor file tree.

use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use flate2::Compression;
use ftp::listing::Facts;
use ftp::path::VirtualPath;
use ftp::reply::Reply;
use nix::libc::mode_t;
use nix::poll::{PollFd, PollFlags};
use nix::sys::stat;

use super::Place;
use super::ask::Peer;
use super::control::{Control, Said};
use super::failure::{Failure, Refusal};
use super::machine::Machine;
use super::names::Names;
use super::relay::Relay;
use super::tree::Tree;
use super::wait::{ready, wait};
use super::zone::Zone;
use crate::cage::Caged;
use crate::config::{Class, RightsTable, Settings};
use crate::transfer::data::{DataStream, Plan};
use crate::transfer::digest::{self, Algorithm};
use crate::transfer::sweep::Visited;
use crate::transfer::{Progress, Span};
use crate::verb::{self, Client};
use crate::wire::Bounded;
use crate::wire::event::{Change, End, Event, Note};
use crate::wire::relay;
use crate::wire::session::{Answer, Ask, Protection, WorkerEnd};

/// What a session worker is given.
#[derive(Debug)]
pub struct Start {
    /// What the client says.
    pub input: OwnedFd,
    /// What the client hears: often the same socket.
    pub output: OwnedFd,
    /// The broker.
    pub broker: WorkerEnd,
    /// The settings for this user.
    pub settings: Settings,
    /// What this user may do where.
    pub rights: RightsTable,
    /// The two ends of the control connection.
    pub place: Place,
    /// What kind of user it is.
    pub class: Class,
    /// The name, as PAM ended with it.
    pub user: Vec<u8>,
    /// The root directory of the jail: the only directory descriptor there is.
    pub root: OwnedFd,
    /// Where the session begins.
    pub cwd: VirtualPath,
    /// What the client has said behind PASS.
    pub unread: Vec<u8>,
    /// What PROT has chosen, once PBSZ was said.
    pub protection: Option<Protection>,
    /// Whether a certificate stood for the password.
    pub certified: bool,
    /// The relay, if the client speaks TLS.
    pub relay: Option<relay::WorkerEnd>,
    /// What was read before the cage.
    pub machine: Machine,
    /// What the cage obtained, in words.
    pub ready: String,
}

/// Serves a user until the end.
pub fn run(_: &Caged, start: Start) -> End {
    Session::new(start).serve()
}

/// A logged-in user's session.
#[derive(Debug)]
pub struct Session {
    pub(crate) control: Control,
    pub(crate) broker: Peer<Ask, Answer>,
    /// The relay, with TLS.
    pub(crate) relay: Option<Relay>,
    pub(crate) settings: Settings,
    pub(crate) place: Place,
    pub(crate) class: Class,
    pub(crate) user: Vec<u8>,
    pub(crate) tree: Tree,
    /// TYPE.
    pub(crate) representation: Type,
    /// MODE.
    pub(crate) mode: Mode,
    /// OPTS MODE Z LEVEL.
    pub(crate) level: Compression,
    /// OPTS HASH.
    pub(crate) algorithm: &'static Algorithm,
    /// REST or RANG, for the next transfer.
    pub(crate) span: Span,
    /// Where the next data connection comes from.
    pub(crate) plan: Plan,
    /// What PROT has chosen, once PBSZ was said.
    pub(crate) protection: Option<Protection>,
    /// The control connection is to be plain when the next reply is sent (CCC).
    pub(crate) clears: bool,
    /// A data connection that was refused: to be closed when the client has been told why, and not before.
    pub(crate) refused: Option<DataStream>,
    /// EPSV ALL was said (RFC 2428 §4).
    pub(crate) epsv_only: bool,
    /// RNFR, and which command it was.
    pub(crate) renaming: Option<(u64, verb::Target)>,
    /// What SITE CPFR has named, and with which command.
    pub(crate) copying: Option<(u64, verb::Target)>,
    /// Facts that OPTS MLST has chosen.
    pub(crate) facts: Facts,
    /// The transfer that is going on.
    pub(crate) progress: Option<Progress>,
    /// Names of users and groups, where listings show them.
    pub(crate) names: Rc<Names>,
    /// The time zone of LIST.
    pub(crate) zone: Rc<Zone>,
    /// Directories that were swept.
    pub(crate) visited: Visited,
    /// The client has said what it is.
    pub(crate) introduced: bool,
    /// SITE UMASK: the permissions that what is made does not get.
    pub(crate) umask: mode_t,
    /// SITE IDLE: how long the client may be silent.
    pub(crate) idle: Duration,
    /// Commands so far.
    pub(crate) count: u64,
    ready: String,
    certified: bool,
    /// What the log should know of the settings.
    trouble: Option<String>,
    heard: Instant,
}

/// How files are represented on a data connection (RFC 959 §3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A, the default: lines end with CR LF on the way.
    Ascii,
    /// I, or L 8.
    Image,
}

/// How data is sent (RFC 959 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// S, the default: as it is.
    Stream,
    /// Z: as one zlib stream (draft-preston-ftpext-deflate).
    Deflate,
}

impl Mode {
    /// Its letter.
    pub fn letter(self) -> char {
        match self {
            Mode::Stream => 'S',
            Mode::Deflate => 'Z',
        }
    }
}

impl Session {
    /// A session, before its first word.
    pub fn new(start: Start) -> Self {
        let patience = start.settings.limits.idle;
        let umask = start.settings.transfer.umask.0;
        let (zone, trouble) = start.machine.zone(&start.settings);
        let control = Control::new(start.input, start.output, UNREAD_MAX, patience);
        Session {
            control: control.with_unread(&start.unread),
            broker: Peer::new(start.broker),
            relay: start.relay.map(Relay::new),
            settings: start.settings,
            place: start.place,
            class: start.class,
            user: start.user,
            tree: Tree::new(start.root, start.rights, start.cwd),
            representation: Type::Ascii,
            mode: Mode::Stream,
            level: Compression::fast(),
            algorithm: &digest::SHA_256,
            span: Span::default(),
            plan: Plan::None,
            protection: start.protection,
            clears: false,
            refused: None,
            epsv_only: false,
            renaming: None,
            copying: None,
            facts: Facts::default(),
            progress: None,
            names: start.machine.names(),
            zone,
            visited: Visited::default(),
            introduced: false,
            umask,
            idle: patience,
            count: 0,
            ready: start.ready,
            certified: start.certified,
            trouble,
            heard: Instant::now(),
        }
    }

    /// Reports to the broker, greets the user, and obeys until the end.
    pub fn serve(mut self) -> End {
        let end = match self.converse() {
            Ok(end) | Err(Failure::Over(end)) => end,
            Err(Failure::Refused(_)) => End::Failed,
        };
        // The broker may be gone; there is nobody left to tell.
        let _ = self.note(Note::End(end));
        end
    }

    /// Tells the log something.
    pub fn note(&self, note: Note) -> Result<(), Failure> {
        self.broker.tell(&Ask::Note(note))
    }

    /// Tells the log that a name or an attribute was changed, and to what.
    pub fn changed(
        &self,
        change: Change,
        path: &VirtualPath,
        to: Option<&[u8]>,
    ) -> Result<(), Failure> {
        let path = Bounded::cut(path.as_bytes());
        let to = to.map(Bounded::cut);
        self.broker.tell(&Ask::Event(Event::Change { change, path, to }))
    }

    /// The mode of something new, of which `most` is what it could have.
    pub fn mode_of_new(&self, most: mode_t) -> stat::Mode {
        stat::Mode::from_bits_truncate(most & !self.umask)
    }

    /// Tells the service manager what the session is doing.
    pub fn status(&self, text: &[u8]) -> Result<(), Failure> {
        self.broker.tell(&Ask::Status(Bounded::cut(text)))
    }

    /// Takes what the broker says unasked.
    pub fn take_answer(&mut self, answer: Answer, fd: Option<OwnedFd>) -> Result<(), Failure> {
        match answer {
            Answer::Stop(stop) => return Err(self.control.stopped(stop)),
            Answer::Data(id) => self.plan.arrived(fd.map(|fd| DataStream { fd, id })),
            Answer::NobodyCame => self.plan.nobody_came(),
            // Late answers to a question that is no longer asked.
            Answer::Listening(_) | Answer::Unavailable(_) | Answer::Begin | Answer::Forgotten => {}
        }
        Ok(())
    }

    fn converse(&mut self) -> Result<End, Failure> {
        self.broker.tell(&Ask::Ready(Bounded::cut(self.ready.as_bytes())))?;
        self.await_begin()?;
        if let Some(trouble) = self.trouble.take() {
            self.note(Note::Trouble(Bounded::cut(trouble.as_bytes())))?;
        }
        // To USER, where the certificate has said the rest (RFC 4217 §12.2).
        let code = if self.certified { 232 } else { 230 };
        self.control.send(&Reply::new(code, "Login successful."))?;
        self.sweep_here();
        loop {
            let Some(said) = self.control.hear()? else {
                self.listen()?;
                continue;
            };
            let reply = self.answer(&said)?;
            self.control.send(&reply)?;
            self.follow_reply()?;
            self.heard = Instant::now();
            if reply.code() == verb::GOODBYE {
                return Ok(End::Quit);
            }
        }
    }

    /// What waits for the client to have its reply.
    fn follow_reply(&mut self) -> Result<(), Failure> {
        self.refused = None;
        match std::mem::take(&mut self.clears) {
            true => self.clear(),
            false => Ok(()),
        }
    }

    /// The broker has power until it says this; nobody is spoken to before.
    fn await_begin(&mut self) -> Result<(), Failure> {
        loop {
            match self.broker.hear()?.0 {
                Answer::Begin => return Ok(()),
                Answer::Stop(stop) => return Err(self.control.stopped(stop)),
                _ => {}
            }
        }
    }

    fn answer(&mut self, said: &Said) -> Result<Reply, Failure> {
        self.count += 1;
        let answer = match said {
            Said::Line(line) => verb::obey(&mut Client::User(self), line),
            Said::TooLong => Err(Failure::new(500, "Line too long.").because("a line too long")),
        };
        match answer {
            Err(Failure::Refused(refusal)) => self.refused(said, refusal),
            other => other,
        }
    }

    /// Gives the log its half of a refusal, and the client's half back.
    pub(crate) fn refused(&self, said: &Said, refusal: Refusal) -> Result<Reply, Failure> {
        if let Some(cause) = refusal.cause {
            let (verb, argument) = verb::spelled(said);
            self.note(Note::Refused {
                verb: Bounded::cut(verb.as_bytes()),
                path: Bounded::cut(argument),
                cause: Bounded::cut(cause.as_bytes()),
            })?;
        }
        Ok(refusal.reply)
    }

    /// The first who has something to say; nobody, if the deadline comes first.
    fn watch_idle(&self, deadline: Instant) -> Result<Option<Source>, Failure> {
        let sources = [
            Some((Source::Broker, self.broker.as_fd())),
            self.relay.as_ref().map(|relay| (Source::Relay, relay.as_fd())),
            self.control.input().map(|fd| (Source::Client, fd)),
        ];
        let sources: Vec<_> = sources.into_iter().flatten().collect();
        let mut fds: Vec<_> =
            sources.iter().map(|(_, fd)| PollFd::new(*fd, PollFlags::POLLIN)).collect();
        if !wait(&mut fds, deadline)? {
            return Ok(None);
        }
        let first = fds.iter().position(ready);
        Ok(first.and_then(|at| sources.get(at)).map(|(source, _)| *source))
    }

    /// Waits for a command; meanwhile the broker may bring a data connection.
    fn listen(&mut self) -> Result<(), Failure> {
        let deadline = self.heard + self.idle;
        match self.watch_idle(deadline)? {
            None => Err(self.control.farewell("Timeout.", End::Idle)),
            Some(Source::Broker) => {
                let (answer, fd) = self.broker.hear()?;
                self.take_answer(answer, fd)
            }
            Some(Source::Relay) => self.take_word(),
            Some(Source::Client) => self.control.fill(),
        }
    }
}

/// Who may have something to say between two commands.
#[derive(Debug, Clone, Copy)]
enum Source {
    Broker,
    Relay,
    Client,
}

/// Command bytes that may stand unread.
const UNREAD_MAX: usize = 64 * 1024;
