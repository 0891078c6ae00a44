//! What a client offers, in words for the log: why a handshake fails is seldom to be told without. Relay; every byte is
//! a stranger's.

use std::fmt::Debug;

use rustls::server::ClientHello;
use rustls::{CipherSuite, ProtocolVersion};

/// A ClientHello in words.
pub fn offered(hello: &ClientHello, versions: &[u16]) -> String {
    let mut words = vec![];
    if !versions.is_empty() {
        words.push(offered_versions(versions));
    }
    if let Some(name) = hello.server_name() {
        words.push(format!("name {name}"));
    }
    if let Some(protocols) = hello.alpn() {
        words.push(list("protocols", protocols.map(|name| name.escape_ascii().to_string())));
    }
    words.push(list("suites", hello.cipher_suites()));
    words.push(list("groups", hello.named_groups().unwrap_or_default()));
    words.push(list("signatures", hello.signature_schemes()));
    words.join(", ")
}

fn offered_versions(versions: &[u16]) -> String {
    list("versions", versions.iter().map(|&one| ProtocolVersion::from(one)))
}

fn list(what: &str, items: impl IntoIterator<Item = impl Debug>) -> String {
    let mut items = items.into_iter();
    let shown: Vec<String> = items.by_ref().take(SHOWN).map(|item| format!("{item:?}")).collect();
    let more = match items.count() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    format!("{what} {}{more}", shown.join(" "))
}

/// What rustls keeps to itself of a ClientHello. Nothing, if it does not lie in one record whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The versions that it offers.
    pub versions: Vec<u16>,
    /// The suites.
    suites: Vec<u16>,
    /// The groups.
    groups: Vec<u16>,
    /// The kinds of its extensions, in order.
    pub extensions: Vec<u16>,
}

impl Hello {
    /// Finds out.
    pub fn read(record: &[u8]) -> Hello {
        parse(record).unwrap_or_default()
    }

    /// In words, where TLS itself does not get that far; none of what is no hello.
    pub fn offered(&self) -> String {
        match self.versions.as_slice() {
            [] => String::new(),
            versions => {
                let suites = self.suites.iter().map(|&one| CipherSuite::from(one));
                format!("{}, {}", offered_versions(versions), list("suites", suites))
            }
        }
    }

    /// Whether it is curl of 7.78 or later: it reads before it closes a connection, and takes each ticket of TLS 1.3 once. curl with
    /// OpenSSL allows authentication after the handshake and has switched the tickets of TLS 1.2 off. Its older versions, which
    /// do not read, come with OpenSSL 1, that knows no ffdhe2048, or from Red Hat, whose suites have CCM.
    pub fn is_curl(&self) -> bool {
        let has = |kind: &u16| self.extensions.contains(kind);
        has(&POST_HANDSHAKE_AUTH)
            && !has(&SESSION_TICKET)
            && self.groups.contains(&FFDHE2048)
            && !self.suites.contains(&AES_128_CCM)
    }
}

fn parse(record: &[u8]) -> Option<Hello> {
    let mut hello = Bytes(record);
    // Of the record, of the handshake message (RFC 8446 §5.1, §4).
    let [HANDSHAKE, _, _, _, _, CLIENT_HELLO, ..] = hello.take(5 + 4)? else { return None };
    let legacy = hello.number()?;
    hello.take(32)?;
    hello.short_vector()?;
    let suites = Bytes(hello.vector()?).numbers();
    hello.short_vector()?;
    let mut found = Hello { versions: vec![legacy], suites, ..Hello::default() };
    let mut extensions = Bytes(hello.vector().unwrap_or_default());
    while let Some(kind) = extensions.number() {
        let content = extensions.vector()?;
        found.extensions.push(kind);
        match kind {
            SUPPORTED_VERSIONS => found.versions = Bytes(Bytes(content).short_vector()?).numbers(),
            SUPPORTED_GROUPS => found.groups = Bytes(Bytes(content).vector()?).numbers(),
            _ => {}
        }
    }
    Some(found)
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn numbers(mut self) -> Vec<u16> {
        std::iter::from_fn(|| self.number()).collect()
    }

    fn vector(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length.into())
    }

    fn short_vector(&mut self) -> Option<&'a [u8]> {
        let length = *self.take(1)?.first()?;
        self.take(length.into())
    }
}

/// As many of each are named.
const SHOWN: usize = 5;
/// RFC 8446 §5.1, §4.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// RFC 8446 §4.2.
const SUPPORTED_GROUPS: u16 = 10;
const SUPPORTED_VERSIONS: u16 = 43;
const POST_HANDSHAKE_AUTH: u16 = 49;
/// RFC 5077 §3.2.
const SESSION_TICKET: u16 = 35;

/// RFC 7919 §7, RFC 8446 §B.4.
const FFDHE2048: u16 = 0x0100;
const AES_128_CCM: u16 = 0x1304;

#[cfg(test)]
mod tests {
    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use super::*;

    fn hello() -> Vec<u8> {
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let name = "localhost".try_into().unwrap();
        let mut hello = vec![];
        ClientConnection::new(config.into(), name).unwrap().write_tls(&mut hello).unwrap();
        hello
    }

    fn versions(record: &[u8]) -> Vec<u16> {
        Hello::read(record).versions
    }

    #[test]
    fn curl_is_known_by_what_it_has_and_what_it_lacks() {
        let hello = |extensions: &[u16], group, suite| Hello {
            extensions: extensions.into(),
            groups: vec![29, group],
            suites: vec![0x1302, suite],
            ..Hello::default()
        };
        assert!(hello(&[0, 49, 43], FFDHE2048, 0x1301).is_curl());
        for other in [&[0, 35, 43][..], &[0, 35, 49, 43], &[0, 43], &[]] {
            assert!(!hello(other, FFDHE2048, 0x1301).is_curl(), "{other:?}");
        }
        assert!(!hello(&[0, 49, 43], 23, 0x1301).is_curl(), "OpenSSL 1");
        assert!(!hello(&[0, 49, 43], FFDHE2048, AES_128_CCM).is_curl(), "Red Hat");
    }

    #[test]
    fn versions_are_found() {
        let mut hello = hello();
        assert_eq!(versions(&hello), [0x0304, 0x0303]);
        assert!(!Hello::read(&hello).is_curl());
        hello[5] = 2;
        assert_eq!(versions(&hello), [], "no ClientHello");
        // As old clients do: no extensions at all.
        let old = [&[22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1][..], &[7; 32], &[0, 0, 2, 0, 47, 1, 0]];
        assert_eq!(versions(&old.concat()), [0x0301]);
    }

    #[test]
    fn what_is_cut_short_is_no_reason_to_stop() {
        let whole = hello();
        for length in 0..whole.len() {
            let found = versions(&whole[..length]);
            assert!(found.len() <= 2, "{length}: {found:?}");
        }
    }
}
