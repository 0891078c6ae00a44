//! Playing a dialogue against any server, and writing down what it does instead of judging it.
//!
//! The script says what to send and how many replies to wait for. Where a server does something else (no transfer
//! where the script has one, a transfer where it has none, no answer before a transfer's end) the play goes along
//! with it, so that one difference stays one.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::harness::client::{Client, Reply, Silence, shown};
use crate::harness::data::Data;
use crate::harness::launch::dial;
use crate::harness::play::{Channel, Scene, filled};
use crate::harness::script::{Script, Step};
use crate::harness::session::address;
use crate::harness::superserver::{Kind, ServerProgram, SuperServer};
use crate::harness::{within, zlib};

use super::outcome::{self, Exchange, cut};
use super::tree;
use super::vsftpd::{self, Vsftpd};

/// What a client has seen of a server in one dialogue.
#[derive(Debug)]
pub struct Observed {
    pub exchanges: Vec<Exchange>,
    /// The site's tree afterwards.
    pub tree: BTreeMap<String, String>,
}

/// Whom a dialogue is played against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Vsftpd,
    Cellftpd,
}

/// Plays it on a fresh site, waiting for each answer no longer than this.
pub fn observe(script: &Script, server: Server, patience: Duration) -> Observed {
    let scene = Scene::of(script).unwrap_or_else(|error| panic!("{error}"));
    let host = scene.line.host();
    // It keeps its PAM service as long as it lives.
    let other = (server == Server::Vsftpd).then(|| Vsftpd::serving(script, &scene.site));
    let under_test = ServerProgram::under_test(&scene.site);
    let program = other.as_ref().map_or(&under_test, |vsftpd| &vsftpd.program);
    let running = SuperServer::start_program(Kind::Systemd, host, &scene.site, program);
    let stream = dial(None, SocketAddr::new(host, running.port)).expect("it listens");
    stream.set_nodelay(true).expect("it is a TCP socket");
    let again = stream.try_clone().expect("sockets can be doubled");
    let mut observer = Observer {
        client: Client::new(stream.into(), again.into()).waiting(patience),
        login: scene.site.login(),
        gid: scene.site.owner().1,
        host,
        patience,
        stays_away: scene.stays_away,
        data: Channel::None,
        verb: String::new(),
        exchanges: vec![Exchange { said: "(connects)".to_owned(), ..Exchange::default() }],
        phase: Phase::Idle,
        owed: 0,
        is_silent: false,
        is_sending: false,
        is_over: false,
        is_mute: false,
    };
    observer.plays(script);
    let exchanges = observer.exchanges;
    running.ends_its_sessions(Duration::from_secs(1));
    vsftpd::ends_orphans(Duration::from_secs(1));
    Observed { exchanges, tree: tree::of(&scene.site.path("/")) }
}

/// A client that takes what comes.
struct Observer {
    client: Client,
    login: (String, String),
    gid: u32,
    host: IpAddr,
    patience: Duration,
    stays_away: bool,
    data: Channel,
    /// The last one that was said.
    verb: String,
    exchanges: Vec<Exchange>,
    phase: Phase,
    /// Replies that did not come in time.
    owed: usize,
    /// Nothing was done since the last one of these: the next one is not waited for either.
    is_silent: bool,
    /// Whether the last step sent something: what is said in several pieces is one exchange.
    is_sending: bool,
    is_over: bool,
    /// It has closed its sending side.
    is_mute: bool,
}

/// How it stands with transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    /// A preliminary reply has come.
    Transferring,
    /// The script has a transfer here, and the server has not: its data and its last reply are passed over.
    Refused,
}

impl Observer {
    fn plays(&mut self, script: &Script) {
        for (line, step) in &script.steps {
            if self.is_over {
                return;
            }
            self.step(*line, step);
        }
        if !self.is_over && !self.is_mute {
            let last = script.steps.last().map_or(0, |(line, _)| *line);
            self.says(last, "QUIT (at the end)", b"QUIT\r\n");
            self.data = Channel::None;
            self.hears_all();
        }
    }

    fn step(&mut self, line: usize, step: &Step) {
        match step {
            Step::Login { .. } => self.logs_in(line),
            Step::Say(bytes) => {
                let (user, password) = self.login.clone();
                let (filled, door) = filled(bytes, (user, password, self.gid), self.host);
                let text = shown(bytes);
                self.says(line, &text, &filled);
                if let Some(door) = door {
                    self.data = Channel::Door(door);
                }
            }
            Step::Raw(bytes) => self.says(line, &shown(bytes), bytes),
            Step::Spell(bytes) => {
                self.begins(line, &shown(bytes), bytes);
                for byte in [bytes.as_slice(), b"\r\n"].concat() {
                    let _ = self.client.offers(&[byte]);
                }
            }
            Step::Urge(bytes) => {
                self.begins(line, &shown(bytes), bytes);
                self.client.urges(bytes);
            }
            Step::HalfClose => {
                self.client.stops_sending();
                self.is_mute = true;
            }
            Step::Hear(wanted) => self.hears(wanted),
            Step::HearRaw(wanted) => {
                self.is_sending = false;
                let are_there = self.client.takes(wanted);
                self.notes(if are_there { shown(wanted) } else { format!("no {}", shown(wanted)) });
            }
            Step::HearEnd => self.hears_all(),
            Step::DiskIs(..) | Step::DiskState(..) | Step::Log(_) => {}
            Step::Handshake(_) | Step::Clear | Step::Forget | Step::Plain => {
                unreachable!("its scene has TLS")
            }
            data => self.data_step(data),
        }
    }

    fn logs_in(&mut self, line: usize) {
        let (user, password) = self.login.clone();
        self.hears(&[b"220".to_vec()]);
        self.says(line, "USER", format!("USER {user}\r\n").as_bytes());
        self.hears(&[b"331".to_vec()]);
        self.says(line, "PASS", format!("PASS {password}\r\n").as_bytes());
        self.hears(&[b"230".to_vec()]);
    }

    /// Sends bytes; a server that has hung up is noticed when it is listened to.
    fn says(&mut self, line: usize, text: &str, bytes: &[u8]) {
        self.begins(line, text, bytes);
        let _ = self.client.offers(bytes);
    }

    /// Begins an exchange, or goes on with one that is still being said.
    fn begins(&mut self, line: usize, text: &str, bytes: &[u8]) {
        if !self.is_sending {
            self.settles();
            self.phase = if self.phase == Phase::Refused { Phase::Idle } else { self.phase };
            self.exchanges.push(Exchange { line, ..Exchange::default() });
        }
        self.is_sending = true;
        self.is_silent = false;
        let exchange = self.exchange();
        exchange.said = cut(&format!("{}{text}", exchange.said));
        if let Some(verb) = last_verb(bytes) {
            self.verb = verb;
        }
    }

    /// Hears now what did not come in time; within a transfer it may not come yet.
    fn settles(&mut self) {
        while self.owed > 0 && self.phase != Phase::Transferring {
            self.owed -= 1;
            match self.client.reply() {
                Ok(reply) => self.takes(&reply),
                Err(_) => self.owed = 0,
            }
        }
    }

    fn hears(&mut self, wanted: &[Vec<u8>]) {
        self.is_sending = false;
        if self.phase == Phase::Refused {
            return;
        }
        if self.is_silent {
            return self.misses(&Silence::Late(String::new()));
        }
        let is_preliminary = wanted[0].starts_with(b"1");
        match self.client.reply() {
            Ok(reply) => {
                self.takes(&reply);
                match (is_preliminary, reply.code / 100 == 1) {
                    (true, false) => self.phase = Phase::Refused,
                    (false, true) => self.transfers(),
                    _ => {}
                }
            }
            Err(silence) => self.misses(&silence),
        }
    }

    fn takes(&mut self, reply: &Reply) {
        let text = outcome::normal(reply, self.host);
        self.notes(text);
        self.phase = if reply.code / 100 == 1 { Phase::Transferring } else { Phase::Idle };
        if let Some(lines) = outcome::lines(reply, &self.verb) {
            self.exchange().lines = Some(lines);
        }
        if matches!(reply.code, 227 | 229) {
            self.data = Channel::None;
            let there = address(&reply.text(), self.host).filter(|_| !self.stays_away);
            let stream = there.and_then(|there| dial(None, there).ok());
            self.data = stream.map_or(Channel::None, |stream| Channel::Open(stream.into()));
        }
    }

    fn misses(&mut self, silence: &Silence) {
        match silence {
            Silence::End => {
                self.is_over = true;
                self.notes("end".to_owned());
            }
            Silence::Late(rest) if rest.is_empty() => {
                self.owed += 1;
                self.is_silent = true;
                self.notes("silence".to_owned());
            }
            other => self.notes(other.to_string()),
        }
    }

    /// A transfer that the script has not: nothing goes up, everything comes down.
    fn transfers(&mut self) {
        match self.verb.as_str() {
            "STOR" | "APPE" | "STOU" => self.data = Channel::None,
            _ => self.data_step(&Step::DataIs(Vec::new())),
        }
        self.hears(&[b"2".to_vec()]);
    }

    /// Every reply until the server hangs up or has no more to say.
    fn hears_all(&mut self) {
        self.is_sending = false;
        self.settles();
        loop {
            match self.client.reply() {
                Ok(reply) => self.takes(&reply),
                Err(silence) => return self.misses(&silence),
            }
        }
    }

    fn data_step(&mut self, step: &Step) {
        self.is_sending = false;
        self.is_silent = false;
        if self.phase == Phase::Refused {
            return;
        }
        let data = match std::mem::replace(&mut self.data, Channel::None) {
            Channel::Open(data) => Some(data),
            Channel::Door(door) => within(self.patience, || door.knock()),
            Channel::None => None,
        };
        let Some(mut data) = data else {
            return self.notes("no data connection".to_owned());
        };
        let stream = data.waiting(self.patience);
        match step {
            Step::DataTakes(count) => {
                let mut bytes = vec![0; *count];
                let result = stream.read_exact(&mut bytes);
                self.notes_failure(result.err());
            }
            Step::Give(bytes) => {
                let result = stream.write_all(bytes);
                self.notes_failure(result.err());
            }
            Step::Deflate(bytes) => {
                let result = stream.write_all(&zlib::deflated(bytes));
                self.notes_failure(result.err());
            }
            _ => return self.ends(step, data),
        }
        self.data = Channel::Open(data);
    }

    /// A step with which the data connection is over.
    fn ends(&mut self, step: &Step, mut data: Data) {
        let mut bytes = Vec::new();
        match step {
            Step::Close => drop(data),
            Step::Reset => {
                data.settles();
                data.resets();
            }
            Step::DataBreaks => {
                // In whatever way, and with how many bytes, is a matter of luck.
                let _ = data.waiting(self.patience).read_to_end(&mut bytes);
            }
            _ => {
                let result = data.waiting(self.patience).read_to_end(&mut bytes);
                let verb = self.verb_of_transfer();
                let (text, lines) = outcome::data(&bytes, &verb);
                self.notes(text);
                self.exchange().lines = lines;
                self.notes_failure(result.err());
            }
        }
        self.phase = Phase::Idle;
    }

    /// The verb that the data connection is for: NOOP, STAT and the like may have been said meanwhile.
    fn verb_of_transfer(&self) -> String {
        let verbs =
            self.exchanges.iter().rev().filter_map(|exchange| last_verb(exchange.said.as_bytes()));
        let is_transfer = |verb: &String| ["RETR", "LIST", "NLST", "MLSD"].contains(&verb.as_str());
        verbs.into_iter().find(is_transfer).unwrap_or_default()
    }

    fn notes_failure(&mut self, error: Option<std::io::Error>) {
        if let Some(error) = error {
            self.notes(format!("data connection: {}", error.kind()));
        }
    }

    fn notes(&mut self, event: String) {
        self.exchange().events.push(event);
    }

    fn exchange(&mut self) -> &mut Exchange {
        self.exchanges.last_mut().expect("there is the greeting's")
    }
}

/// The first word of the last line.
fn last_verb(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes).trim_end().to_owned();
    let word = text.lines().last()?.split(' ').next()?.to_uppercase();
    (!word.is_empty()).then_some(word)
}
