//! One session: a client, and the processes that serve it.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use super::client::{Client, Reply};
use super::data::{Data, Door};
use super::patience::{PATIENCE, eventually, within};
use super::process::Process;
use super::tls::Tls;

/// A control connection to a server of its own. Dropping it leaves no process behind.
#[derive(Debug)]
pub struct Session {
    client: Client,
    broker: Process,
    /// Every process of this session that was ever looked at: an orphan is found no other way.
    seen: RefCell<Vec<Process>>,
    host: IpAddr,
    user: String,
    password: String,
    /// How its client speaks TLS, if it does.
    tls: Option<Tls>,
    /// Whether data connections are protected (PROT P).
    pub private: bool,
}

impl Session {
    pub fn new(client: Client, broker: Process, host: IpAddr, login: (String, String)) -> Session {
        let (user, password) = login;
        let (seen, tls) = (RefCell::default(), None);
        Session { client, broker, seen, host, user, password, tls, private: false }
    }

    /// Hears the greeting and logs in as the one whom this site is for.
    #[track_caller]
    pub fn logged_in(mut self) -> Session {
        self.hears("220");
        self.logs_in();
        self
    }

    /// USER and PASS.
    #[track_caller]
    pub fn logs_in(&mut self) {
        let (user, password) = (format!("USER {}", self.user), format!("PASS {}", self.password));
        self.asks(&user, "331");
        self.asks(&password, "230");
    }

    /// AUTH TLS, and the handshake.
    #[track_caller]
    pub fn starts_tls(&mut self, tls: &Tls) {
        self.asks("AUTH TLS", "234");
        self.shakes_hands(tls);
    }

    /// The handshake.
    #[track_caller]
    pub fn shakes_hands(&mut self, tls: &Tls) {
        if let Err(error) = self.client.shakes_hands(tls) {
            self.fails(&format!("the handshake failed: {error}"));
        }
        self.tls = Some(tls.clone());
        self.private = false;
    }

    /// Logs in over TLS, and has data connections protected.
    #[track_caller]
    pub fn protected(mut self, tls: &Tls) -> Session {
        self.hears("220");
        self.starts_tls(tls);
        self.logs_in();
        self.protects();
        self
    }

    /// PBSZ and PROT P.
    #[track_caller]
    pub fn protects(&mut self) {
        self.asks("PBSZ 0", "200");
        self.asks("PROT P", "200");
        self.private = true;
    }

    /// How data connections are protected now.
    pub fn data_tls(&self) -> Option<&Tls> {
        self.tls.as_ref().filter(|_| self.private)
    }

    /// Asks for a passive port and connects to it.
    #[track_caller]
    pub fn passive(&mut self) -> Data {
        let reply = self.asks("EPSV", "229 *(|||*|)*");
        Data::connect(self.address_in(&reply)).protected(self.data_tls())
    }

    /// Names a port of ours for active mode.
    #[track_caller]
    pub fn active(&mut self) -> Door {
        let door = Door::on(self.host);
        self.asks(&door.command(), "200");
        door
    }

    /// Downloads a file and hears that it is whole.
    #[track_caller]
    pub fn gets(&mut self, path: &str) -> Vec<u8> {
        let data = self.passive();
        self.asks(&format!("RETR {path}"), "1*");
        let bytes = data.all();
        self.hears("226");
        bytes
    }

    /// Uploads a file and hears that it is whole.
    #[track_caller]
    pub fn puts(&mut self, path: &str, bytes: &[u8]) {
        let mut data = self.passive();
        self.asks(&format!("STOR {path}"), "1*");
        data.gives(bytes);
        data.closes();
        self.hears("226");
    }

    /// The names that NLST shows in a directory.
    #[track_caller]
    pub fn lists(&mut self, path: &str) -> Vec<String> {
        let data = self.passive();
        self.asks(&format!("NLST {path}"), "1*");
        let text = String::from_utf8_lossy(&data.all()).into_owned();
        self.hears("226");
        text.lines().map(str::to_owned).collect()
    }

    /// The address that a reply to PASV or EPSV names.
    #[track_caller]
    pub fn address_in(&self, reply: &Reply) -> SocketAddr {
        address(&reply.text(), self.host)
            .unwrap_or_else(|| self.fails(&format!("no port in {}", reply.text())))
    }

    /// The end that the client says, and hears, and that leaves no process behind.
    #[track_caller]
    pub fn quits(mut self) {
        self.asks("QUIT", "221");
        self.hears_the_end();
        if self.client.tls().is_some() {
            // Unread bytes of a client that has not closed yet are waited for.
            self.hangs_up();
        }
        self.is_over_within(PATIENCE);
    }

    /// Expects that no process of this session is left, not even a zombie.
    #[track_caller]
    pub fn is_over_within(&self, limit: Duration) {
        let left =
            || -> Vec<_> { self.processes().into_iter().filter(|one| !one.is_gone()).collect() };
        if within(limit, || left().is_empty().then_some(())).is_none() {
            let titles: Vec<_> =
                left().iter().map(|one| format!("{} {}", one.pid, one.title())).collect();
            self.fails(&format!("still there after {limit:?}: {titles:?}"));
        }
    }

    /// The exit status that the super-server gets; nothing for a death by signal.
    #[track_caller]
    pub fn exit_status(&self) -> Option<i32> {
        match eventually("the broker's end", || self.broker.reap()) {
            WaitStatus::Exited(_, status) => Some(status),
            _ => None,
        }
    }

    /// The process that the super-server started.
    pub fn broker(&self) -> Process {
        self.broker
    }

    /// Every process of this session, also those that a dead broker has left.
    pub fn processes(&self) -> Vec<Process> {
        let mut seen = self.seen.borrow_mut();
        let roots: Vec<_> = std::iter::once(self.broker).chain(seen.iter().copied()).collect();
        for process in roots.iter().filter(|one| one.is_alive()).flat_map(Process::family) {
            if !seen.contains(&process) {
                seen.push(process);
            }
        }
        if !seen.contains(&self.broker) {
            seen.push(self.broker);
        }
        seen.clone()
    }

    /// The processes of this session that run now, once there are this many: the ones between may come and go.
    #[track_caller]
    pub fn settled(&self, count: usize) -> Vec<Process> {
        let alive =
            || -> Vec<_> { self.processes().into_iter().filter(Process::is_alive).collect() };
        eventually(&format!("{count} processes of this session"), || {
            let now = alive();
            (now.len() == count).then_some(now)
        })
    }

    /// Where the server is.
    pub fn host(&self) -> IpAddr {
        self.host
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let family = self.processes();
        self.client.hangs_up();
        if within(Duration::from_secs(1), || family.iter().all(Process::is_gone).then_some(()))
            .is_none()
        {
            self.processes().iter().for_each(|one| one.signal(Signal::SIGKILL));
            within(Duration::from_secs(1), || family.iter().all(Process::is_gone).then_some(()));
        }
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

/// The address in a reply: `(h1,h2,h3,h4,p1,p2)` or `(|||port|)`.
pub fn address(text: &str, host: IpAddr) -> Option<SocketAddr> {
    let inside = text.rsplit_once('(')?.1.split_once(')')?.0;
    if let Some(port) = inside.strip_prefix("|||") {
        return Some(SocketAddr::new(host, port.strip_suffix('|')?.parse().ok()?));
    }
    let numbers: Vec<u8> = inside.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [a, b, c, d, high, low] = numbers[..] else {
        return None;
    };
    Some(SocketAddr::new([a, b, c, d].into(), u16::from_be_bytes([high, low])))
}
