//! TLS itself, on one connection: records in, plain bytes out, and back. Relay; every record is a stranger's.

use std::io::{self, BufRead, ErrorKind, Write};
use std::sync::Arc;

use rustls::server::{Accepted, AcceptedAlert, Acceptor};
use rustls::{Error, ProtocolVersion, ServerConfig, ServerConnection};

use super::buffer::Buffer;
use super::hello::{self, Hello};
use super::raw::Raw;
use super::ticket::mark;
use crate::wire::relay::Of;

/// One TLS connection, from the first byte on.
#[derive(Debug)]
pub struct Engine {
    config: Arc<ServerConfig>,
    of: Of,
    stage: Stage,
    /// What the client offered, for the log.
    offer: String,
    /// See [`Hello::is_curl`].
    is_curl: bool,
    closed: bool,
    peer_closed: bool,
}

enum Stage {
    /// The ClientHello is awaited; what came of it.
    Greeting(Box<Acceptor>, Vec<u8>),
    /// Negotiated, or about to be.
    Speaking(Box<ServerConnection>),
    /// The ClientHello was no good; what is still to be told about that.
    Failed(Option<AcceptedAlert>),
}

impl Engine {
    pub fn new(config: Arc<ServerConfig>, of: Of) -> Self {
        let stage = Stage::Greeting(Box::default(), vec![]);
        Engine {
            config,
            of,
            stage,
            offer: String::new(),
            is_curl: false,
            closed: false,
            peer_closed: false,
        }
    }

    /// Takes records from the client, whole or in pieces; the plain bytes are appended to `out`. After an error there is
    /// perhaps an alert to be flushed.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Buffer) -> Result<(), Error> {
        while !bytes.is_empty() && !self.peer_closed {
            // rustls takes 4 KiB at a time.
            let taken = match &mut self.stage {
                Stage::Greeting(acceptor, greeting) => {
                    let before = bytes;
                    let taken = acceptor.read_tls(&mut bytes).unwrap_or(0);
                    greeting.extend_from_slice(before.get(..taken).unwrap_or_default());
                    taken
                }
                Stage::Speaking(connection) => connection.read_tls(&mut bytes).unwrap_or(0),
                Stage::Failed(_) => 0,
            };
            if taken == 0 {
                return Err(Error::General("more than TLS allows at once".to_owned()));
            }
            self.process(out)?;
        }
        Ok(())
    }

    fn process(&mut self, out: &mut Buffer) -> Result<(), Error> {
        if let Stage::Greeting(acceptor, greeting) = &mut self.stage {
            match acceptor.accept() {
                Ok(None) => return Ok(()),
                Ok(Some(accepted)) => self.answer(accepted)?,
                Err((error, alert)) => {
                    self.offer = hello::offered_versions(&Hello::read(greeting).versions);
                    return Err(self.failed(error, alert));
                }
            }
        }
        if let Stage::Speaking(connection) = &mut self.stage {
            let state = connection.process_new_packets();
            if connection.is_handshaking() {
                mark(connection, self.of);
            }
            let mut reader = connection.reader();
            while let Ok(bytes @ [_, ..]) = reader.fill_buf() {
                out.push(bytes);
                let length = bytes.len();
                reader.consume(length);
            }
            self.peer_closed |= state?.peer_has_closed();
        }
        Ok(())
    }

    fn answer(&mut self, accepted: Accepted) -> Result<(), Error> {
        if let Stage::Greeting(_, greeting) = &self.stage {
            let hello = Hello::read(greeting);
            self.is_curl = hello.is_curl();
            self.offer = hello::offered(&accepted.client_hello(), &hello.versions);
        }
        match accepted.into_connection(self.config.clone()) {
            Ok(mut connection) => {
                // Bounded by whoever writes: no more is written before the last is flushed.
                connection.set_buffer_limit(None);
                mark(&mut connection, self.of);
                self.stage = Stage::Speaking(Box::new(connection));
                Ok(())
            }
            Err((error, alert)) => Err(self.failed(error, alert)),
        }
    }

    fn failed(&mut self, error: Error, alert: AcceptedAlert) -> Error {
        self.stage = Stage::Failed(Some(alert));
        error
    }

    /// Encrypts bytes for the client.
    pub fn write(&mut self, bytes: &[u8]) {
        if let Stage::Speaking(connection) = &mut self.stage {
            // It has no limit, and so takes all.
            let _ = connection.writer().write_all(bytes);
        }
    }

    /// Tells the client that this was all (close_notify). Once.
    pub fn close(&mut self) {
        let was_closed = std::mem::replace(&mut self.closed, true);
        if let (Stage::Speaking(connection), false) = (&mut self.stage, was_closed) {
            connection.send_close_notify();
        }
    }

    /// Whether the client has been told, or is about to be.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether its client reads once before it closes, and needs a ticket of each connection for the next.
    pub fn is_curl(&self) -> bool {
        self.is_curl
    }

    /// Whether there is something to be flushed.
    pub fn wants_write(&self) -> bool {
        match &self.stage {
            Stage::Greeting(..) | Stage::Failed(None) => false,
            Stage::Speaking(connection) => connection.wants_write(),
            Stage::Failed(Some(_)) => true,
        }
    }

    /// Sends what fits.
    pub fn flush(&mut self, mut raw: &Raw) -> io::Result<()> {
        loop {
            let sent = match &mut self.stage {
                Stage::Speaking(connection) if connection.wants_write() => {
                    connection.write_tls(&mut raw)
                }
                Stage::Failed(Some(alert)) => alert.write(&mut raw),
                _ => return Ok(()),
            };
            match sent {
                Ok(0) => {
                    if let Stage::Failed(alert) = &mut self.stage {
                        *alert = None;
                    }
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The connection, when its handshake has ended.
    pub fn established(&self) -> Option<&ServerConnection> {
        match &self.stage {
            Stage::Speaking(connection) if !connection.is_handshaking() => Some(connection),
            _ => None,
        }
    }

    pub fn version(&self) -> Option<ProtocolVersion> {
        self.established()?.protocol_version()
    }

    /// Whether the client has said that it sends no more (close_notify).
    pub fn peer_has_closed(&self) -> bool {
        self.peer_closed
    }

    /// Why a handshake failed, with what the client offered.
    pub fn explain(&self, cause: &str) -> String {
        match self.offer.as_str() {
            "" => cause.to_owned(),
            offer => format!("{cause}; the client offered {offer}"),
        }
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Stage::Greeting(..) => "Greeting",
            Stage::Speaking(_) => "Speaking",
            Stage::Failed(_) => "Failed",
        })
    }
}
