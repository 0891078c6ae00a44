//! Which certificate a client is shown. Relay; the host name is the client's word, and decides about no more than this.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The certificates with their names, in the order of the configuration.
#[derive(Debug)]
pub struct Resolver {
    certificates: Vec<(Vec<String>, Arc<CertifiedKey>)>,
    /// What HOST named, for clients that send no name, or none that is known.
    host: Option<String>,
}

impl Resolver {
    pub fn new(certificates: Vec<(Vec<String>, Arc<CertifiedKey>)>, host: Option<Vec<u8>>) -> Self {
        let host = host.map(|host| String::from_utf8_lossy(&host).into_owned());
        Resolver { certificates, host }
    }

    fn named(&self, host: Option<&str>) -> Vec<&Arc<CertifiedKey>> {
        let fits = |names: &[String]| {
            host.is_some_and(|host| names.iter().any(|name| is_named(name, host)))
        };
        let all = self.certificates.iter();
        all.filter(|(names, _)| fits(names)).map(|(_, certified)| certified).collect()
    }
}

impl ResolvesServerCert for Resolver {
    /// Of the certificates that fit the name, the first with a key that the client understands: a name may have one
    /// of each kind.
    fn resolve(&self, hello: ClientHello) -> Option<Arc<CertifiedKey>> {
        let mut candidates = self.named(hello.server_name());
        if candidates.is_empty() {
            candidates = self.named(self.host.as_deref());
        }
        if candidates.is_empty() {
            candidates = self.certificates.iter().map(|(_, certified)| certified).collect();
        }
        let offered = hello.signature_schemes();
        let usable =
            |certified: &&Arc<CertifiedKey>| certified.key.choose_scheme(offered).is_some();
        candidates.iter().copied().find(usable).or(candidates.first().copied()).cloned()
    }
}

/// Whether a name of the configuration is this host's. `*` stands for one label, the first (RFC 9525 §6.3).
fn is_named(name: &str, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    match name.strip_prefix("*.") {
        None => name.eq_ignore_ascii_case(host),
        Some(domain) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_hosts() {
        for (name, host, fits) in [
            ("ftp.example.org", "ftp.example.org", true),
            ("FTP.example.org", "ftp.Example.ORG", true),
            ("ftp.example.org", "ftp.example.org.", true),
            ("ftp.example.org", "example.org", false),
            ("*.example.org", "ftp.example.org", true),
            ("*.example.org", "a.ftp.example.org", false),
            ("*.example.org", "example.org", false),
            ("*.example.org", ".example.org", false),
            ("*", "example.org", false),
            ("", "", true),
        ] {
            assert_eq!(is_named(name, host), fits, "{name} {host}");
        }
    }
}
