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
use super::ask::Broker;
use super::control::{Control, Said};
use super::failure::{Failure, Refusal};
use super::machine::Machine;
use super::names::Names;
use super::tree::Tree;
use super::wait::{ready, wait};
use super::zone::Zone;
use crate::cage::Caged;
use crate::config::{Class, RightsTable, Settings};
use crate::transfer::data::Plan;
use crate::transfer::digest::{self, Algorithm};
use crate::transfer::sweep::Visited;
use crate::transfer::{Progress, Span};
use crate::verb::{self, Client};
use crate::wire::Bounded;
use crate::wire::event::{Change, End, Event, Note};
use crate::wire::session::{Answer, Ask, WorkerEnd};

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
    pub(crate) broker: Broker<Ask, Answer>,
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
            broker: Broker::new(start.broker),
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
            Answer::Data => self.plan.arrived(fd),
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
        self.control.send(&Reply::new(230, "Login successful."))?;
        self.sweep_here();
        loop {
            let Some(said) = self.control.hear()? else {
                self.listen()?;
                continue;
            };
            let reply = self.answer(&said)?;
            self.control.send(&reply)?;
            self.heard = Instant::now();
            if reply.code() == verb::GOODBYE {
                return Ok(End::Quit);
            }
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

    /// Waits for a command; meanwhile the broker may bring a data connection.
    fn listen(&mut self) -> Result<(), Failure> {
        let deadline = self.heard + self.idle;
        let mut fds = vec![PollFd::new(self.broker.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.control.input().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        if !wait(&mut fds, deadline)? {
            return Err(self.control.farewell("Timeout.", End::Idle));
        }
        let [broker, client] = [fds.first().is_some_and(ready), fds.get(1).is_some_and(ready)];
        if broker {
            let (answer, fd) = self.broker.hear()?;
            self.take_answer(answer, fd)?;
        }
        if client { self.control.fill() } else { Ok(()) }
    }
}

/// Command bytes that may stand unread.
const UNREAD_MAX: usize = 64 * 1024;
