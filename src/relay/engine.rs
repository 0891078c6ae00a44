//! TLS itself, on one connection: records in, plain bytes out, and back. Relay; every record is a stranger's.

use std::io::{self, BufRead, ErrorKind, Write};
use std::sync::Arc;

use rustls::server::{Accepted, AcceptedAlert, Acceptor};
use rustls::{Error, ProtocolVersion, ServerConfig, ServerConnection, SupportedCipherSuite};

use super::buffer::Buffer;
use super::hello::{self, Hello};
use super::raw::Raw;
use super::record::Progress;
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
    /// Where the client's records are.
    progress: Progress,
    /// How many records were written since the handshake, at least as many.
    written: u64,
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
            progress: Progress::default(),
            written: 0,
            closed: false,
            peer_closed: false,
        }
    }

    /// Takes records from the client, whole or in pieces; the plain bytes are appended to `out`. After an error there is
    /// perhaps an alert to be flushed.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Buffer) -> Result<(), Error> {
        self.progress.note(bytes);
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
                    self.offer = Hello::read(greeting).offered();
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

    /// Encrypts bytes for the client, once TLS is spoken. False, and none of them is on its way, if its key has protected as much as it may: rustls
    /// would end TLS there as if all had been said, and drop the rest.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        let Stage::Speaking(connection) = &mut self.stage else { return true };
        self.written = self.written.saturating_add(bytes.len().div_ceil(FRAGMENT) as u64);
        if connection.negotiated_cipher_suite().is_some_and(|suite| self.written > most(suite)) {
            return false;
        }
        // It has no limit of its own, and so takes all.
        connection.writer().write_all(bytes).is_ok()
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

    /// Whether the client has begun a record and not ended it.
    pub fn is_inside_record(&self) -> bool {
        self.progress.is_inside()
    }

    /// Why a handshake failed, with what the client offered.
    pub fn explain(&self, cause: &str) -> String {
        match self.offer.as_str() {
            "" => cause.to_owned(),
            offer => format!("{cause}; the client offered {offer}"),
        }
    }
}

/// How many records may be written with the key of a suite. TLS 1.3 changes its keys in time.
fn most(suite: SupportedCipherSuite) -> u64 {
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            suite.common.confidentiality_limit.saturating_sub(OTHERS)
        }
        SupportedCipherSuite::Tls13(_) => u64::MAX,
    }
}

/// What a record holds at most (RFC 8446 §5.1).
const FRAGMENT: usize = 1 << 14;
/// Records that are none of data: of the handshake, alerts.
const OTHERS: u64 = 16;

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Stage::Greeting(..) => "Greeting",
            Stage::Speaking(_) => "Speaking",
            Stage::Failed(_) => "Failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::version::{TLS12, TLS13};

    use super::*;
    use crate::relay::provider::provider;
    use crate::relay::testing::{shake, site};

    #[test]
    fn a_key_of_tls12_protects_so_much_and_no_more() {
        const GCM: u64 = 1 << 24;
        for tls12 in [true, false] {
            let site = site();
            let pair = &site.pairs[0];
            let chain = CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
            let versions = [if tls12 { &TLS12 } else { &TLS13 }];
            let config = ServerConfig::builder_with_provider(Arc::new(provider()))
                .with_protocol_versions(&versions)
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![chain], key)
                .unwrap();
            let mut connector = site.client();
            connector.tls12 = tls12;
            let (near, far) = UnixStream::pair().unwrap();
            let client = std::thread::spawn(move || {
                let mut tls = connector.connector().over(near);
                shake(&mut tls).unwrap();
                let mut read = vec![];
                let _ = tls.read_to_end(&mut read);
                read
            });
            let raw = Raw::socket(far.try_clone().unwrap().into());
            let mut engine = Engine::new(Arc::new(config), Of::Data);
            let mut room = [0; 4096];
            while engine.established().is_none() {
                let length = (&far).read(&mut room).unwrap();
                engine.feed(&room[..length], &mut Buffer::default()).unwrap();
                engine.flush(&raw).unwrap();
            }
            engine.written = GCM - OTHERS - 3;
            assert!(engine.write(b"one"));
            assert!(engine.write(&[b'2'; FRAGMENT + 1]));
            assert_eq!(engine.write(b"four"), !tls12);
            engine.flush(&raw).unwrap();
            (&far).flush().unwrap();
            drop((raw, far));
            let read = client.join().unwrap();
            assert_eq!(read.len(), 3 + FRAGMENT + 1 + if tls12 { 0 } else { 4 });
        }
    }
}
