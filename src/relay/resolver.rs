//! Which certificate a client is shown. Relay; the host name is the client's word, and decides about no more than this.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::certificate::covers;

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
        let fits =
            |names: &[String]| host.is_some_and(|host| names.iter().any(|name| covers(name, host)));
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
