//! What a client offers, in words for the log: why a handshake fails is seldom to be told without. Relay; every byte is
//! a stranger's.

use std::fmt::Debug;

use rustls::ProtocolVersion;
use rustls::server::ClientHello;

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

/// As much of one as is known where TLS itself does not get that far; nothing of what is none.
pub fn offered_versions(versions: &[u16]) -> String {
    match versions {
        [] => String::new(),
        _ => list("versions", versions.iter().map(|&one| ProtocolVersion::from(one))),
    }
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
    /// The kinds of its extensions, in order.
    pub extensions: Vec<u16>,
}

impl Hello {
    /// Finds out.
    pub fn read(record: &[u8]) -> Hello {
        parse(record).unwrap_or_default()
    }

    /// Whether it is curl with OpenSSL: it allows authentication after the handshake and has switched the tickets of TLS 1.2
    /// off. It takes the tickets of TLS 1.3 all the same, each once, and reads before it closes a connection.
    pub fn is_curl(&self) -> bool {
        self.extensions.contains(&POST_HANDSHAKE_AUTH) && !self.extensions.contains(&SESSION_TICKET)
    }
}

fn parse(record: &[u8]) -> Option<Hello> {
    let mut hello = Bytes(record);
    // Of the record, of the handshake message (RFC 8446 §5.1, §4).
    let [HANDSHAKE, _, _, _, _, CLIENT_HELLO, ..] = hello.take(5 + 4)? else { return None };
    let legacy = hello.number()?;
    hello.take(32)?;
    hello.short_vector()?;
    hello.vector()?;
    hello.short_vector()?;
    let mut found = Hello { versions: vec![legacy], extensions: vec![] };
    let mut extensions = Bytes(hello.vector().unwrap_or_default());
    while let Some(kind) = extensions.number() {
        let content = extensions.vector()?;
        found.extensions.push(kind);
        if kind == SUPPORTED_VERSIONS {
            let mut versions = Bytes(Bytes(content).short_vector()?);
            found.versions = std::iter::from_fn(|| versions.number()).collect();
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
const SUPPORTED_VERSIONS: u16 = 43;
const POST_HANDSHAKE_AUTH: u16 = 49;
/// RFC 5077 §3.2.
const SESSION_TICKET: u16 = 35;

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
        let hello = |extensions: &[u16]| Hello { versions: vec![], extensions: extensions.into() };
        assert!(hello(&[0, 49, 43]).is_curl());
        for other in [&[0, 35, 43][..], &[0, 35, 49, 43], &[0, 43], &[]] {
            assert!(!hello(other).is_curl(), "{other:?}");
        }
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
