//! The argument of HOST: RFC 7151 §3.1. Login worker; trusts no one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which host a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// By its name, in small letters and without a dot at its end.
    Name(Vec<u8>),
    /// By the address that it believes to have reached.
    Address(IpAddr),
}

/// Reads a host name, an IPv4 address, or an IPv6 address in brackets; nothing else, so no port.
pub fn parse_host(said: &[u8]) -> Option<Host> {
    let text = std::str::from_utf8(said).ok()?;
    if let Some(literal) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return literal.parse::<Ipv6Addr>().ok().map(|ip| Host::Address(ip.into()));
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Some(Host::Address(ip.into()));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_name = name.len() <= NAME_MAX && name.split('.').all(is_label);
    // What ends in digits alone would be an address, and is none (RFC 1123 §2.1).
    let is_number = name.rsplit('.').next()?.bytes().all(|byte| byte.is_ascii_digit());
    (is_name && !is_number).then(|| Host::Name(name.into_bytes()))
}

fn is_label(label: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LABEL_MAX).contains(&label.len())
        && label.bytes().all(letter)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

// RFC 1123 §2.1
const NAME_MAX: usize = 255;
const LABEL_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart_and_ports_refused() {
        let name = |text: &str| Some(Host::Name(text.into()));
        let address = |text: &str| Some(Host::Address(text.parse().unwrap()));
        for (said, host) in [
            ("FTP.Example.com", name("ftp.example.com")),
            ("ftp.example.com.", name("ftp.example.com")),
            ("intern_1", name("intern_1")),
            ("3com.example", name("3com.example")),
            ("192.0.2.1", address("192.0.2.1")),
            ("[2001:db8::1]", address("2001:db8::1")),
            ("2001:db8::1", None),
            ("[192.0.2.1]", None),
            ("192.0.2.256", None),
            ("ftp.example.com:21", None),
            ("[2001:db8::1]:21", None),
            ("a..b", None),
            ("-a.b", None),
            ("a-.b", None),
            ("a b", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(parse_host(said.as_bytes()), host, "{said}");
        }
        assert_eq!(parse_host(b"\xff.example"), None);
        assert_eq!(parse_host("a".repeat(64).as_bytes()), None);
        assert_eq!(parse_host("a.".repeat(130).as_bytes()), None);
    }
}
