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

/// The versions that a ClientHello offers, which rustls keeps to itself. None if it does not lie in one record whole.
pub fn versions(record: &[u8]) -> Vec<u16> {
    parse(record).unwrap_or_default()
}

fn parse(record: &[u8]) -> Option<Vec<u16>> {
    let mut hello = Bytes(record);
    // Of the record, of the handshake message (RFC 8446 §5.1, §4).
    let [HANDSHAKE, _, _, _, _, CLIENT_HELLO, ..] = hello.take(5 + 4)? else { return None };
    let legacy = hello.number()?;
    hello.take(32)?;
    hello.short_vector()?;
    hello.vector()?;
    hello.short_vector()?;
    let mut extensions = Bytes(hello.vector().unwrap_or_default());
    while let Some(kind) = extensions.number() {
        let content = extensions.vector()?;
        if kind == SUPPORTED_VERSIONS {
            let mut versions = Bytes(Bytes(content).short_vector()?);
            return Some(std::iter::from_fn(|| versions.number()).collect());
        }
    }
    Some(vec![legacy])
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
/// RFC 8446 §4.2.1.
const SUPPORTED_VERSIONS: u16 = 43;
