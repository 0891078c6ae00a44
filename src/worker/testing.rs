//! A client, a broker and a temporary directory for the tests of sessions: no root, no cage, no network but the
//! loopback. Each test has its own of everything.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ftp::path::VirtualPath;
use nix::poll::{PollFd, PollFlags, PollTimeout};

use super::Place;
use super::machine::Machine;
use super::session::{Session, Start};
use crate::config::{Class, Rights, RightsTable, Settings, Source, from_sources};
use crate::wire::event::{End, Event, Outcome, Transfer};
use crate::wire::session::{Answer, Ask, BrokerEnd, Stop, Unavailable, WorkerEnd};

/// A table of rights.
pub fn rights(rows: &[(&str, Rights)]) -> RightsTable {
    let row = |(path, rights): &(&str, Rights)| {
        let words: Vec<String> = rights.words().map(|word| format!("{word:?}")).collect();
        format!("{path:?} = [{}]\n", words.join(", "))
    };
    let text = format!("[rights]\n{}", rows.iter().map(row).collect::<String>());
    from_sources(vec![Source::new("test.toml", text)]).unwrap().settings.rights
}

/// A session to be.
pub struct Site {
    pub dir: tempfile::TempDir,
    settings: Settings,
    rights: RightsTable,
    unread: Vec<u8>,
    machine: Machine,
    place: IpAddr,
}

/// The client of a session that is running.
pub struct Ftp {
    pub dir: tempfile::TempDir,
    control: BufReader<UnixStream>,
    asks: Receiver<Ask>,
    heard: VecDeque<Ask>,
    tell: Sender<Answer>,
    session: Option<JoinHandle<End>>,
}

/// A site with nothing in it, on which everything is allowed.
pub fn site() -> Site {
    let mut settings = Settings::default();
    settings.network.active_loopback = true;
    Site {
        dir: tempfile::tempdir().unwrap(),
        settings,
        rights: rights(&[("/", Rights::ALL)]),
        unread: vec![],
        machine: Machine::default(),
        place: Ipv4Addr::LOCALHOST.into(),
    }
}

impl Site {
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub fn dir(self, name: &str) -> Self {
        std::fs::create_dir_all(self.dir.path().join(name)).unwrap();
        self
    }

    pub fn link(self, name: &str, target: &str) -> Self {
        std::os::unix::fs::symlink(target, self.dir.path().join(name)).unwrap();
        self
    }

    pub fn rights(mut self, rows: &[(&str, Rights)]) -> Self {
        self.rights = rights(rows);
        self
    }

    pub fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.settings);
        self
    }

    pub fn unread(mut self, unread: &str) -> Self {
        self.unread = unread.into();
        self
    }

    pub fn machine(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }

    pub fn at(mut self, place: &str) -> Self {
        self.place = place.parse().unwrap();
        self
    }

    /// Logs in.
    pub fn start(self) -> Ftp {
        let mut ftp = self.start_silently();
        ftp.expect("230 ");
        ftp
    }

    pub fn start_silently(self) -> Ftp {
        let (mut ftp, start) = self.prepared();
        ftp.session = Some(std::thread::spawn(move || Session::new(start).serve()));
        ftp
    }

    /// A session that does nothing by itself, and its client.
    pub fn unstarted(self) -> (Ftp, Session) {
        let (ftp, start) = self.prepared();
        (ftp, Session::new(start))
    }

    fn prepared(self) -> (Ftp, Start) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let (worker, broker) = WorkerEnd::pair().unwrap();
        let (asks_in, asks) = mpsc::channel();
        let (tell, answers) = mpsc::channel();
        std::thread::spawn(move || {
            Broker { end: broker, asks: asks_in, answers, listener: None }.serve()
        });
        let start = Start {
            input: theirs.try_clone().unwrap().into(),
            output: theirs.into(),
            broker: worker,
            settings: self.settings,
            rights: self.rights,
            place: Place { peer: self.place, local: self.place },
            class: Class::Local,
            user: b"alice".to_vec(),
            root: std::fs::File::open(self.dir.path()).unwrap().into(),
            cwd: VirtualPath::root(),
            unread: self.unread,
            protection: None,
            certified: false,
            relay: None,
            machine: self.machine,
            ready: "tested".to_owned(),
        };
        let ftp = Ftp {
            dir: self.dir,
            control: BufReader::new(ours),
            asks,
            heard: VecDeque::new(),
            tell,
            session: None,
        };
        (ftp, start)
    }
}

impl Ftp {
    /// Sends a line and expects what the reply begins with; the whole reply.
    pub fn say(&mut self, line: &str, reply: &str) -> String {
        self.send(line);
        self.expect(reply)
    }

    pub fn send(&mut self, line: &str) {
        self.send_raw(format!("{line}\r\n").as_bytes());
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.control.get_mut().write_all(bytes).unwrap();
    }

    pub fn expect(&mut self, beginning: &str) -> String {
        let reply = self.reply();
        assert!(reply.starts_with(beginning), "expected {beginning}, got {reply}");
        reply
    }

    /// A line of a reply, as it came.
    pub fn line(&mut self) -> Vec<u8> {
        let mut line = vec![];
        self.control.read_until(b'\n', &mut line).unwrap();
        line
    }

    fn reply(&mut self) -> String {
        let mut text = String::new();
        loop {
            let line = self.line();
            text += &String::from_utf8_lossy(&line);
            let last = line.get(3) == Some(&b' ') && line.iter().take(3).all(u8::is_ascii_digit);
            if last || line.is_empty() {
                return text;
            }
        }
    }

    /// Arranges a data connection, and connects.
    pub fn passive(&mut self) -> TcpStream {
        let reply = self.say("EPSV", "229 ");
        let port = reply.split('|').nth(3).unwrap().parse().unwrap();
        let data = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        data.set_read_timeout(Some(PATIENCE)).unwrap();
        data
    }

    /// What a command sends over the data connection.
    pub fn get(&mut self, command: &str) -> Vec<u8> {
        let mut data = self.passive();
        self.say(command, "150 ");
        let mut content = vec![];
        data.read_to_end(&mut content).unwrap();
        self.expect("226 ");
        content
    }

    pub fn get_text(&mut self, command: &str) -> String {
        String::from_utf8(self.get(command)).unwrap()
    }

    /// Sends content over the data connection of a command, and expects the last reply.
    pub fn put(&mut self, command: &str, content: impl AsRef<[u8]>, reply: &str) -> String {
        let mut data = self.passive();
        self.say(command, "150 ");
        data.write_all(content.as_ref()).unwrap();
        drop(data);
        self.expect(reply)
    }

    /// Begins an upload that will not come to its end.
    pub fn begin(&mut self, command: &str, content: &[u8]) -> TcpStream {
        let mut data = self.passive();
        self.say(command, "150 ");
        data.write_all(content).unwrap();
        // It has been written when STAT counts it.
        while !self.say("STAT", "211").contains(&format!("{} bytes", content.len())) {}
        data
    }

    /// As the broker, asks the session to end.
    pub fn stop(&self) {
        self.tell.send(Answer::Stop(Stop::Shutdown)).unwrap();
    }

    /// What a file of the site holds.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.dir.path().join(name)).ok()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The names in the root of the site, hidden ones too.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The next thing of a kind that the broker was told.
    pub fn asked<T>(&mut self, pick: impl Fn(&Ask) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(ask) = self.heard.pop_front() {
                if let Some(found) = pick(&ask) {
                    return found;
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.heard.push_back(self.asks.recv_timeout(left).expect("the broker was not told"));
        }
    }

    pub fn transfer(&mut self) -> Transfer {
        self.asked(|ask| match ask {
            Ask::Event(Event::Transfer(transfer)) => Some(transfer.clone()),
            _ => None,
        })
    }

    pub fn outcome(&mut self) -> Outcome {
        self.transfer().outcome
    }

    /// Closes the client's direction of the control connection.
    pub fn close_output(&mut self) {
        self.control.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Closes the control connection.
    pub fn hang_up(&mut self) -> End {
        self.control.get_mut().shutdown(std::net::Shutdown::Both).unwrap();
        self.end()
    }

    /// How the session ended.
    pub fn end(&mut self) -> End {
        self.session.take().unwrap().join().unwrap()
    }

    pub fn quit(&mut self) {
        self.say("QUIT", "221 ");
        assert_eq!(self.end(), End::Quit);
    }
}

/// Does what the real one does, without asking whether it may.
struct Broker {
    end: BrokerEnd,
    asks: Sender<Ask>,
    answers: Receiver<Answer>,
    listener: Option<TcpListener>,
}

impl Broker {
    fn serve(mut self) {
        loop {
            let mut fds = vec![PollFd::new(self.end.as_fd(), PollFlags::POLLIN)];
            fds.extend(
                self.listener
                    .as_ref()
                    .map(|listener| PollFd::new(listener.as_fd(), PollFlags::POLLIN)),
            );
            nix::poll::poll(&mut fds, PollTimeout::from(20u8)).unwrap();
            let ready: Vec<bool> = fds.iter().map(|fd| fd.any() == Some(true)).collect();
            for answer in self.answers.try_iter() {
                let _ = self.end.tell(&answer);
            }
            if ready.get(1) == Some(&true) {
                let (stream, _) = self.listener.take().unwrap().accept().unwrap();
                stream.set_nonblocking(true).unwrap();
                let _ = self.end.tell_with(&Answer::Data(None), stream.as_fd());
            }
            if ready[0] && !self.hear() {
                return;
            }
        }
    }

    fn hear(&mut self) -> bool {
        let Ok((ask, _)) = self.end.hear() else {
            return false;
        };
        match &ask {
            Ask::Listen(..) => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                let port = listener.local_addr().unwrap().port();
                self.listener = Some(listener);
                let _ = self.end.tell(&Answer::Listening(port));
            }
            Ask::Connect(address, _) => self.connect(*address),
            Ask::Forget => {
                self.listener = None;
                let _ = self.end.tell(&Answer::Forgotten);
            }
            Ask::Ready(_) => {
                let _ = self.end.tell(&Answer::Begin);
            }
            _ => {}
        }
        let _ = self.asks.send(ask);
        true
    }

    fn connect(&self, address: SocketAddr) {
        let _ = match TcpStream::connect(address) {
            Ok(stream) => {
                stream.set_nonblocking(true).unwrap();
                self.end.tell_with(&Answer::Data(None), stream.as_fd())
            }
            Err(_) => self.end.tell(&Answer::Unavailable(Unavailable::Unreachable)),
        };
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
