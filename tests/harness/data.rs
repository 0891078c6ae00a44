//! Data connections, from the client's side.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use rustls::{ClientConnection, HandshakeKind, Stream};

use super::patience::{PATIENCE, eventually};
use super::tls::Tls;

/// A connected data connection.
#[derive(Debug)]
pub struct Data(TcpStream, Option<Box<ClientConnection>>);

impl Data {
    /// Connects to a passive port.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Data {
        let stream = TcpStream::connect_timeout(&address, PATIENCE);
        Data::from(stream.unwrap_or_else(|error| panic!("cannot connect to {address}: {error}")))
    }

    /// The connection itself, with this for a limit of each wait.
    pub fn waiting(&mut self, patience: Duration) -> &mut TcpStream {
        self.0.set_read_timeout(Some(patience)).expect("it is a socket");
        self.0.set_write_timeout(Some(patience)).expect("it is a socket");
        &mut self.0
    }

    /// The same connection, behind TLS if any is given: the handshake comes with the first byte either way.
    pub fn protected(self, tls: Option<&Tls>) -> Data {
        Data(self.0, tls.map(|tls| Box::new(tls.connection())))
    }

    /// Shakes hands now; how that went.
    pub fn shakes_hands(&mut self) -> io::Result<HandshakeKind> {
        let Data(stream, Some(tls)) = self else { panic!("the connection is in clear") };
        while tls.is_handshaking() {
            tls.complete_io(stream)?;
        }
        Ok(tls.handshake_kind().expect("it is over"))
    }

    /// Whether it may send data with its very first message (0-RTT).
    pub fn may_send_early(&mut self) -> bool {
        let tls = self.1.as_mut().expect("the connection is protected");
        tls.early_data().is_some()
    }

    /// Closes as one that has sent all, and hears that the server does.
    #[track_caller]
    pub fn closes(mut self) {
        if self.1.is_none() {
            return;
        }
        self.shakes_hands().expect("a handshake");
        self.ends();
        assert_eq!(self.all(), b"", "an upload hears nothing");
    }

    /// Says that all is sent (close_notify), and goes on listening.
    #[track_caller]
    pub fn ends(&mut self) {
        let Data(stream, tls) = self;
        if let Some(tls) = tls {
            tls.send_close_notify();
            while tls.wants_write() {
                tls.write_tls(stream).expect("the server takes it");
            }
        }
        let _ = stream.shutdown(Shutdown::Write);
    }

    /// The records that these bytes and the end of TLS are, in the order of the wire. None of them is sent.
    pub fn seals(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let tls = self.1.as_mut().expect("the connection is protected");
        tls.set_buffer_limit(None);
        tls.writer().write_all(bytes).expect("there is no limit");
        tls.send_close_notify();
        let mut wire = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut wire).expect("memory takes it");
        }
        let mut records = Vec::new();
        while let [_, _, _, high, low, ..] = wire[..] {
            let length = 5 + usize::from(u16::from_be_bytes([high, low]));
            records.push(wire.drain(..length).collect());
        }
        records
    }

    /// All that comes until the server closes; an end by reset, or of TLS without close_notify, is not one.
    #[track_caller]
    pub fn all(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.read_to_end(&mut bytes) {
            Ok(_) => bytes,
            Err(error) => panic!("the data connection broke after {} bytes: {error}", bytes.len()),
        }
    }

    /// All that comes until the server closes, if that has happened by now.
    pub fn all_by_now(mut self) -> Option<Vec<u8>> {
        self.0.set_nonblocking(true).expect("it is a socket");
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).ok().map(|_| bytes)
    }

    /// All that comes until the connection ends in whatever way.
    pub fn rest(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.read_to_end(&mut bytes);
        bytes
    }

    /// The next bytes, exactly this many.
    #[track_caller]
    pub fn takes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.read_exact(&mut bytes).expect("as many bytes as that come");
        bytes
    }

    /// Sends bytes and goes on.
    #[track_caller]
    pub fn gives(&mut self, bytes: &[u8]) {
        self.write_all(bytes).expect("the server takes the data");
    }

    /// Sends as much as fits without being read, in clear.
    pub fn fills(&mut self, bytes: &[u8]) -> usize {
        self.0.set_nonblocking(true).expect("it is a socket");
        let mut sent = 0;
        while sent < bytes.len() {
            match self.0.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the server broke the data connection: {error}"),
            }
        }
        self.0.set_nonblocking(false).expect("it is a socket");
        sent
    }

    /// Whether the server has closed it, without having sent a byte.
    pub fn is_refused(&mut self) -> bool {
        let mut byte = [0];
        !matches!(self.read(&mut byte), Ok(count) if count > 0)
    }

    /// Waits until the server has it, and has read what was sent: what ends before that was never there.
    pub fn settles(&self) {
        eventually("the server's reading", || self.is_read().then_some(()));
    }

    /// Closes with a reset.
    pub fn resets(self) {
        let now = libc::linger { l_onoff: 1, l_linger: 0 };
        setsockopt(&self.0, sockopt::Linger, &now).expect("it is a TCP socket");
    }

    /// Whether a process has the server's end and nothing is left in its queue: a connection that still waits for
    /// accept(2) has no inode.
    fn is_read(&self) -> bool {
        let ours = self.0.local_addr().expect("it is connected").port();
        let theirs = self.peer().port();
        let held = |line: &str| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let ends_in =
                |field: usize, port: u16| fields[field].ends_with(&format!(":{port:04X}"));
            let is_drained = fields[4].ends_with(":00000000");
            ends_in(1, theirs) && ends_in(2, ours) && fields[9] != "0" && is_drained
        };
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
            .map(|path| fs::read_to_string(path).unwrap_or_default());
        tables.iter().flat_map(|table| table.lines().skip(1)).any(held)
    }

    /// Where the server's end is.
    pub fn peer(&self) -> SocketAddr {
        self.0.peer_addr().expect("it is connected")
    }
}

impl From<TcpStream> for Data {
    fn from(stream: TcpStream) -> Data {
        stream.set_read_timeout(Some(PATIENCE)).expect("it is a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("it is a socket");
        Data(stream, None)
    }
}

impl Read for Data {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Data(stream, None) => stream.read(buffer),
            Data(stream, Some(tls)) => Stream::new(tls.as_mut(), stream).read(buffer),
        }
    }
}

impl Write for Data {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Data(stream, None) => stream.write(bytes),
            Data(stream, Some(tls)) => Stream::new(tls.as_mut(), stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Data(stream, None) => stream.flush(),
            Data(stream, Some(tls)) => Stream::new(tls.as_mut(), stream).flush(),
        }
    }
}

/// A port of the client's own, for active mode.
#[derive(Debug)]
pub struct Door(TcpListener);

impl Door {
    /// Listens on a free port of this address.
    pub fn on(address: IpAddr) -> Door {
        let listener = TcpListener::bind((address, 0)).expect("loopback has free ports");
        listener.set_nonblocking(true).expect("it is a socket");
        Door(listener)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("it is bound")
    }

    /// The command that names this port.
    pub fn command(&self) -> String {
        match self.address().ip() {
            IpAddr::V4(_) => format!("PORT {}", self.six_numbers()),
            address @ IpAddr::V6(_) => format!("EPRT {}", self.extended(address)),
        }
    }

    /// As PORT wants it.
    pub fn six_numbers(&self) -> String {
        let [high, low] = self.address().port().to_be_bytes();
        format!("{},{high},{low}", self.address().ip().to_string().replace('.', ","))
    }

    /// As EPRT wants it, with this address.
    pub fn extended(&self, address: IpAddr) -> String {
        let family = if address.is_ipv4() { 1 } else { 2 };
        format!("|{family}|{address}|{}|", self.address().port())
    }

    /// The server's connection.
    #[track_caller]
    pub fn opens(&self) -> Data {
        eventually("the server's connection to the client's port", || self.knock())
    }

    /// The server's connection, if it is there.
    pub fn knock(&self) -> Option<Data> {
        let (stream, _) = self.0.accept().ok()?;
        stream.set_nonblocking(false).expect("it is a socket");
        Some(Data::from(stream))
    }
}
