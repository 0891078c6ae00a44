//! A client, a worker, a broker and a key process around one relay, for its tests: each in threads, without cages. The
//! data connections are of TCP, on the loopback.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ml_kem::{Decapsulate, KeyExport};
use nix::poll::PollFlags;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, Tls12Resumption};
use rustls::crypto::ring::kx_group::X25519;
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, NamedGroup, RootCertStore,
    SignatureScheme, StreamOwned, SupportedCipherSuite,
};

use super::key::{self, KeyFile, KeyStart};
use super::{Certificate, Policy, Start, service};
use crate::wire;
use crate::wire::event::Direction;
use crate::wire::relay::{BrokerEnd, Established, Id, Order, Report, Rules, Wish, Word, WorkerEnd};
use crate::worker::wait::wait_for;

/// A certificate that trusts itself, and its key.
#[derive(Clone)]
pub struct Pair {
    pub chain: String,
    pub key: String,
    pub names: Vec<String>,
}

/// A fresh one for these names.
pub fn pair(names: &[&str]) -> Pair {
    of_kind(names, &rcgen::PKCS_ECDSA_P256_SHA256)
}

pub fn of_kind(names: &[&str], kind: &'static rcgen::SignatureAlgorithm) -> Pair {
    let key = rcgen::KeyPair::generate_for(kind).unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let certificate = rcgen::CertificateParams::new(names.clone()).unwrap().self_signed(&key);
    Pair { chain: certificate.unwrap().pem(), key: key.serialize_pem(), names }
}

/// An authority, two certificates of clients that it has signed, and its lists, of which the second and newer one says that
/// the second of them is good no more.
pub fn authority() -> (String, Pair, Pair, String) {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, key);
    let sign = |name: &str, serial: u64| {
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.serial_number = Some(serial.into());
        let key = rcgen::KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &issuer).unwrap().pem();
        Pair { chain, key: key.serialize_pem(), names: vec![] }
    };
    let revoked = rcgen::RevokedCertParams {
        serial_number: 2.into(),
        revocation_time: rcgen::date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let list = |year, revoked_certs| rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(year, 1, 1),
        next_update: rcgen::date_time_ymd(4000, 1, 1),
        crl_number: 1.into(),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    // As a file is that new ones are added to.
    let lists = [list(2019, vec![]), list(2020, vec![revoked])];
    let list = lists.map(|list| list.signed_by(&issuer).unwrap().pem().unwrap()).concat();
    (certificate, sign("alice", 1), sign("bob", 2), list)
}

/// ring makes no RSA keys, and only one form of each of the others.
pub fn openssl(arguments: &[&str]) -> String {
    let made = Command::new("openssl").args(arguments).stderr(Stdio::null()).output().unwrap();
    assert!(made.status.success(), "openssl {arguments:?}");
    String::from_utf8(made.stdout).unwrap()
}

/// A relay to be.
pub struct Site {
    pub pairs: Vec<Pair>,
    pub policy: Policy,
    pub host: Option<Vec<u8>>,
    pub at_most: Option<u32>,
    pub patience: Duration,
    pub rules: Rules,
}

/// One with one certificate, for `localhost`.
pub fn site() -> Site {
    Site {
        pairs: vec![pair(&["localhost"])],
        policy: Policy::default(),
        host: None,
        at_most: None,
        patience: PATIENCE,
        rules: Rules { require_reuse: true, ccc: true, data_connect: PATIENCE },
    }
}

impl Site {
    /// What trusts its certificates.
    pub fn client(&self) -> Client {
        let mut roots = RootCertStore::empty();
        for pair in &self.pairs {
            roots.add(CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap()).unwrap();
        }
        Client {
            roots,
            tls12: false,
            name: "localhost",
            protocols: vec![],
            ids_only: false,
            identity: None,
            trusting: false,
            hybrid: false,
            suites: vec![],
        }
    }

    /// A session whose client has logged in; how that connects, and its control connection.
    pub fn logged_in(self) -> (Session, Connector, Tls<UnixStream>) {
        let connector = self.client().connector();
        let mut session = self.start();
        let control = session.logged_in(&connector);
        (session, connector, control)
    }

    pub fn start(self) -> Session {
        let (client, input) = UnixStream::pair().unwrap();
        let output = input.try_clone().unwrap();
        self.start_on(client, input.into(), output.into())
    }

    pub fn start_on(self, client: UnixStream, input: OwnedFd, output: OwnedFd) -> Session {
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let (plain, far) = UnixStream::pair().unwrap();
        plain.set_read_timeout(Some(PATIENCE)).unwrap();
        let (broker, relay_broker) = BrokerEnd::pair().unwrap();
        let (key_relay, relay_key) = wire::key::KeyEnd::pair().unwrap();
        let (key_broker, key_report) = wire::key::BrokerEnd::pair().unwrap();
        let certificate = |pair: &Pair| Certificate {
            path: "chain".to_owned(),
            chain: pair.chain.clone().into_bytes(),
            ocsp: None,
            names: pair.names.clone(),
        };
        let start = Start {
            input,
            output,
            plain: far.into(),
            broker: relay_broker,
            key: relay_key,
            certificates: self.pairs.iter().map(certificate).collect(),
            policy: self.policy.clone(),
            host: self.host.clone(),
            patience: self.patience,
        };
        let file = |pair: &Pair| KeyFile {
            path: "key".to_owned(),
            content: pair.key.clone().into_bytes().into(),
        };
        let key_start = KeyStart {
            relay: key_relay,
            broker: key_report,
            keys: self.pairs.iter().map(file).collect(),
            at_most: self.at_most,
            tls13_only: self.policy.tls13_only,
        };
        let key = std::thread::spawn(move || key::serve(key_start));
        let relay = std::thread::spawn(move || {
            // Who sends garbage is the test.
            let _ = service::serve(start);
        });
        Session {
            control: Some(client),
            plain: Some(plain),
            broker,
            worker: None,
            _key_broker: key_broker,
            key: Some(key),
            relay: Some(relay),
            rules: self.rules,
            next: 0,
        }
    }
}

/// What sort of client it is.
#[derive(Clone)]
pub struct Client {
    roots: RootCertStore,
    pub tls12: bool,
    pub name: &'static str,
    pub protocols: Vec<Vec<u8>>,
    /// Resumes by session id only, without tickets (TLS 1.2).
    pub ids_only: bool,
    pub identity: Option<Pair>,
    /// Takes any certificate, to see which it is.
    pub trusting: bool,
    /// Agrees on keys by X25519MLKEM768, or not at all.
    pub hybrid: bool,
    /// What it offers, in its order; all if there is none.
    pub suites: Vec<SupportedCipherSuite>,
}

/// A client, with the sessions that it remembers.
pub struct Connector {
    config: Arc<ClientConfig>,
    name: &'static str,
}

impl Client {
    pub fn tls12(mut self) -> Self {
        self.tls12 = true;
        self
    }

    pub fn connector(&self) -> Connector {
        let mut provider = rustls::crypto::ring::default_provider();
        if self.hybrid {
            provider.kx_groups = vec![&HybridClient];
        }
        if !self.suites.is_empty() {
            provider.cipher_suites.clone_from(&self.suites);
        }
        let provider = Arc::new(provider);
        let versions = if self.tls12 { [&TLS12] } else { [&TLS13] };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .unwrap()
            .with_root_certificates(self.roots.clone());
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(pair) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap()],
                    PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap(),
                )
                .unwrap(),
        };
        config.alpn_protocols.clone_from(&self.protocols);
        if self.trusting {
            config.dangerous().set_certificate_verifier(Arc::new(Trusting));
        }
        if self.ids_only {
            config.resumption =
                Resumption::in_memory_sessions(32).tls12_resumption(Tls12Resumption::SessionIdOnly);
        }
        Connector { config: Arc::new(config), name: self.name }
    }
}

/// The other side of `Hybrid`.
#[derive(Debug)]
struct HybridClient;

struct HybridKeys {
    lattice: ml_kem::ml_kem_768::DecapsulationKey,
    curve: Box<dyn ActiveKeyExchange>,
    share: Vec<u8>,
}

impl SupportedKxGroup for HybridClient {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let lattice = ml_kem::ml_kem_768::DecapsulationKey::from_seed([7; 64].into());
        let curve = X25519.start()?;
        let share = [&lattice.encapsulation_key().to_bytes()[..], curve.pub_key()].concat();
        Ok(Box::new(HybridKeys { lattice, curve, share }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}

impl ActiveKeyExchange for HybridKeys {
    fn complete(self: Box<Self>, answer: &[u8]) -> Result<SharedSecret, Error> {
        let (cipher, point) = answer.split_at(1088);
        let secret = self.lattice.decapsulate_slice(cipher).unwrap();
        let curve = self.curve.complete(point)?;
        Ok([&secret[..], curve.secret_bytes()].concat().into())
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}

#[derive(Debug)]
struct Trusting;

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer,
        _: &[CertificateDer],
        _: &ServerName,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ED25519,
            SignatureScheme::RSA_PSS_SHA256,
        ]
    }
}

pub type Tls<S> = StreamOwned<ClientConnection, S>;

impl Connector {
    /// Begins TLS; nothing is sent yet.
    pub fn over<S: Read + Write>(&self, socket: S) -> Tls<S> {
        let name = ServerName::try_from(self.name).unwrap();
        StreamOwned::new(ClientConnection::new(self.config.clone(), name).unwrap(), socket)
    }
}

/// Ends the handshake.
pub fn shake<S: Read + Write>(tls: &mut Tls<S>) -> io::Result<()> {
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    Ok(())
}

/// Sends close_notify.
pub fn close<S: Read + Write>(tls: &mut Tls<S>) {
    tls.conn.send_close_notify();
    tls.flush().unwrap();
}

/// A relay that runs, with the broker's and the worker's ends of it.
pub struct Session {
    pub control: Option<UnixStream>,
    /// The worker's end of the control connection.
    pub plain: Option<UnixStream>,
    pub broker: BrokerEnd,
    worker: Option<WorkerEnd>,
    _key_broker: wire::key::BrokerEnd,
    key: Option<JoinHandle<()>>,
    relay: Option<JoinHandle<()>>,
    rules: Rules,
    next: Id,
}

/// A data connection: the worker's end of it.
pub struct Data {
    pub id: Id,
    pub plain: UnixStream,
}

impl Session {
    pub fn report(&self) -> Report {
        assert!(wait_for(&self.broker.as_fd(), PollFlags::POLLIN, soon()).unwrap(), "no report");
        self.broker.hear().unwrap().0
    }

    pub fn begin(&self) {
        assert!(matches!(self.report(), Report::Ready));
        self.broker.tell(&Order::Begin).unwrap();
    }

    pub fn established(&self) -> Established {
        match self.report() {
            Report::Established(established) => established,
            report => panic!("{report:?}"),
        }
    }

    pub fn cause(&self) -> String {
        match self.report() {
            Report::Failed { cause, .. } | Report::Unfit(cause) => {
                String::from_utf8(cause.into_bytes()).unwrap()
            }
            report => panic!("{report:?}"),
        }
    }

    /// The client's handshake, up to where the worker would greet.
    pub fn secure(&mut self, connector: &Connector) -> Tls<UnixStream> {
        self.begin();
        let mut tls = connector.over(self.control.take().unwrap());
        shake(&mut tls).unwrap();
        tls
    }

    /// Says a line to the client, and hears one from it.
    pub fn exchange(&mut self, tls: &mut Tls<UnixStream>) {
        let plain = self.plain.as_mut().unwrap();
        plain.write_all(b"220 Hello.\r\n").unwrap();
        assert_eq!(take(tls, 12), b"220 Hello.\r\n");
        tls.write_all(b"NOOP\r\n").unwrap();
        assert_eq!(take(plain, 6), b"NOOP\r\n");
    }

    /// Somebody has logged in.
    pub fn log_in(&mut self) {
        let (worker, far) = WorkerEnd::pair().unwrap();
        self.broker.tell_with(&Order::Worker(self.rules), far.as_fd()).unwrap();
        self.worker = Some(worker);
    }

    /// A control connection in use, and its client logged in.
    pub fn logged_in(&mut self, connector: &Connector) -> Tls<UnixStream> {
        let mut tls = self.secure(connector);
        self.exchange(&mut tls);
        assert!(!self.established().resumed);
        self.log_in();
        tls
    }

    /// A data connection, connected.
    pub fn data(&mut self) -> (Data, TcpStream) {
        let (client, server) = tcp();
        (self.data_over(&server), client)
    }

    /// The broker's part of that, with a client of another kind.
    pub fn data_over(&mut self, server: &impl AsFd) -> Data {
        self.next += 1;
        let id = self.next;
        let (plain, far) = UnixStream::pair().unwrap();
        plain.set_read_timeout(Some(PATIENCE)).unwrap();
        self.broker.tell_with(&Order::Data(id), server.as_fd()).unwrap();
        self.broker.tell_with(&Order::Plain(id), far.as_fd()).unwrap();
        Data { id, plain }
    }

    /// The same, with the handshake done and accepted.
    pub fn proven(&mut self, connector: &Connector) -> (Data, Tls<TcpStream>) {
        let (data, client) = self.data();
        let mut tls = connector.over(client);
        shake(&mut tls).unwrap();
        assert_eq!(self.word(), Word::Proven(data.id));
        (data, tls)
    }

    /// What the worker hears next, but for beginnings.
    pub fn word(&self) -> Word {
        loop {
            match self.any_word() {
                Word::Silent(_) | Word::Begun(_) | Word::Flowing => {}
                word => return word,
            }
        }
    }

    /// Whether the worker hears something in this time.
    pub fn has_word(&self, time: Duration) -> bool {
        let worker = self.worker.as_ref().unwrap();
        wait_for(&worker.as_fd(), PollFlags::POLLIN, Instant::now() + time).unwrap()
    }

    pub fn any_word(&self) -> Word {
        let worker = self.worker.as_ref().unwrap();
        assert!(wait_for(&worker.as_fd(), PollFlags::POLLIN, soon()).unwrap(), "no word");
        worker.hear().unwrap().0
    }

    pub fn wish(&self, wish: Wish) {
        self.worker.as_ref().unwrap().tell(&wish).unwrap();
    }

    pub fn go(&self, data: &Data, direction: Direction) {
        self.wish(Wish::Go(data.id, direction));
    }

    /// Whether the key process has ended of its own accord.
    pub fn key_ends(&mut self) {
        self.key.take().unwrap().join().unwrap();
    }

    pub fn lose_broker(&mut self) {
        self.broker = BrokerEnd::pair().unwrap().0;
    }

    /// The worker closes its side, the client its own, which is the control connection; the relay ends.
    pub fn end<C>(mut self, control: C) {
        self.plain = None;
        drop(control);
        self.join();
    }

    pub fn join(&mut self) {
        let relay = self.relay.take().unwrap();
        let deadline = soon();
        while !relay.is_finished() {
            assert!(Instant::now() < deadline, "the relay does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
        relay.join().unwrap();
    }
}

/// Both ends of a connection, the second one as the broker makes it.
pub fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    (client, listener.accept().unwrap().0)
}

pub fn take(from: &mut impl Read, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).unwrap();
    bytes
}

pub fn take_all(from: &mut impl Read) -> Vec<u8> {
    let mut bytes = vec![];
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

pub fn no_more(socket: &TcpStream) {
    socket.shutdown(Shutdown::Write).unwrap();
}

pub fn soon() -> Instant {
    Instant::now() + PATIENCE
}

pub const PATIENCE: Duration = Duration::from_secs(20);
