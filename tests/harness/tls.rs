//! The client's side of TLS: how it is spoken, and what lies between a client and its wire.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use nix::poll::PollFlags;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, Stream,
    SupportedProtocolVersion, version,
};

use super::client::ready;
use super::patience::PATIENCE;

/// How a client speaks TLS. Connections of the same one resume each other's sessions; a clone is the same one.
#[derive(Debug, Clone)]
pub struct Tls {
    config: ClientConfig,
    host: ServerName<'static>,
    stapled: Stapled,
}

/// What the server has shown with its certificate the last time: an OCSP response, or nothing.
type Stapled = Arc<Mutex<Vec<u8>>>;

impl Tls {
    /// Both versions, and no name of a host.
    pub fn new() -> Tls {
        Tls::of(&[&version::TLS13, &version::TLS12])
    }

    /// TLS 1.2 alone.
    pub fn old() -> Tls {
        Tls::of(&[&version::TLS12])
    }

    fn of(versions: &[&'static SupportedProtocolVersion]) -> Tls {
        let stapled = Stapled::default();
        let mut config = Tls::builder(versions, &stapled).with_no_client_auth();
        // It would, if it were let.
        config.enable_early_data = true;
        let host = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
        Tls { config, host, stapled }
    }

    /// The certificate that it shows.
    pub fn certified(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Tls {
        let any = Tls::new();
        let builder = Tls::builder(&[&version::TLS13, &version::TLS12], &any.stapled);
        let config = builder.with_client_auth_cert(chain, key).expect("they fit");
        Tls { config, ..any }
    }

    fn builder(
        versions: &[&'static SupportedProtocolVersion],
        stapled: &Stapled,
    ) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("the provider has them")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone {
                provider: ring::default_provider(),
                stapled: stapled.clone(),
            }))
    }

    /// It asks for this host.
    pub fn named(mut self, host: &str) -> Tls {
        self.host = ServerName::try_from(host.to_owned()).expect("the name of a host");
        self
    }

    /// It offers these application protocols.
    pub fn offering(mut self, protocols: &[&str]) -> Tls {
        self.config.alpn_protocols = protocols.iter().map(|one| one.as_bytes().to_vec()).collect();
        self
    }

    /// The same client with nothing to resume, ever.
    pub fn forgetful(mut self) -> Tls {
        self.config.resumption = Resumption::disabled();
        self
    }

    /// The OCSP response of the last certificate that it was shown; nothing if there was none.
    pub fn stapled(&self) -> Vec<u8> {
        self.stapled.lock().expect("nobody panics here").clone()
    }

    /// A connection that has not begun.
    pub fn connection(&self) -> ClientConnection {
        ClientConnection::new(Arc::new(self.config.clone()), self.host.clone())
            .expect("the host has a name")
    }
}

/// A pair of descriptors, read and written no later than this.
pub struct Wire<'a> {
    pub input: &'a OwnedFd,
    pub output: &'a OwnedFd,
    pub deadline: Instant,
}

impl Wire<'_> {
    /// What speaks TLS over it.
    pub fn under<'b>(
        &'b mut self,
        tls: &'b mut ClientConnection,
    ) -> Stream<'b, ClientConnection, Self> {
        Stream::new(tls, self)
    }

    /// Reads one record, and not a byte of what is behind it.
    pub fn record_for(&mut self, tls: &mut ClientConnection) -> io::Result<()> {
        let mut record = vec![0; 5];
        self.read_exact(&mut record)?;
        let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
        record.resize(5 + length, 0);
        self.read_exact(&mut record[5..])?;
        let mut rest = &record[..];
        while !rest.is_empty() {
            tls.read_tls(&mut rest)?;
        }
        Ok(())
    }
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        in_time(ready(self.input, PollFlags::POLLIN, self.deadline)?)?;
        Ok(nix::unistd::read(self.input, buffer)?)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        in_time(ready(self.output, PollFlags::POLLOUT, Instant::now() + PATIENCE)?)?;
        Ok(nix::unistd::write(self.output, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn in_time(is: bool) -> io::Result<()> {
    is.then_some(()).ok_or(io::Error::from(ErrorKind::TimedOut))
}

/// Believes every certificate, but not every signature.
#[derive(Debug)]
struct Anyone {
    provider: CryptoProvider,
    stapled: Stapled,
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer,
        _: &[CertificateDer],
        _: &ServerName,
        ocsp_response: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.stapled.lock().expect("nobody panics here") = ocsp_response.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
