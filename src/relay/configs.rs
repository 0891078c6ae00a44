//! How TLS is spoken, on the control connection and on data connections. Relay, before it is ready; the files are the
//! administrator's.

use std::cmp::Reverse;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::Ticketer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::provider::provider;
use super::resolver::Resolver;
use super::ticket::{TakeOnly, TakeOnlyStorage};
use crate::config::x509;

/// What the settings demand of a client.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// TLS 1.2 is refused.
    pub tls13_only: bool,
    /// Whether clients are asked for a certificate.
    pub clients: Clients,
}

/// Certificates of clients.
#[derive(Debug, Clone, Default)]
pub enum Clients {
    /// None is asked for.
    #[default]
    None,
    /// They are asked; one that is shown has to be good.
    Asked {
        /// Who may have signed them: PEM.
        authorities: Vec<u8>,
        /// Those that are good no more: lists in PEM. With any, each certificate of a chain has to be on the books of one. A
        /// file without a list is an error: it may be what a fetch that failed has left.
        revoked: Option<Vec<u8>>,
        /// Whether one has to be shown.
        required: bool,
    },
}

/// The same certificates, suites and tickets for all connections: else no session could be resumed.
#[derive(Debug)]
pub struct Configs {
    pub control: Arc<ServerConfig>,
    data: Arc<ServerConfig>,
    data_tls12: Arc<ServerConfig>,
}

impl Configs {
    pub fn new(resolver: Resolver, policy: &Policy) -> Result<Self, String> {
        let provider = Arc::new(provider());
        let verifier = policy.clients.verifier(provider.clone())?;
        let resolver = Arc::new(resolver);
        let config =
            |versions: &[&'static SupportedProtocolVersion]| -> Result<ServerConfig, String> {
                let builder = ServerConfig::builder_with_provider(provider.clone())
                    .with_protocol_versions(versions)
                    .map_err(|error| error.to_string())?;
                let builder = builder.with_client_cert_verifier(verifier.clone());
                let mut config = builder.with_cert_resolver(resolver.clone());
                config.ignore_client_order = true;
                config.max_early_data_size = 0;
                Ok(config)
            };
        let versions = [&TLS13, &TLS12];
        let mut control = config(if policy.tls13_only { &versions[..1] } else { &versions })?;
        control.ticketer = Ticketer::new().map_err(|error| error.to_string())?;
        // For clients of TLS 1.2 that know no tickets.
        control.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        control.alpn_protocols = vec![b"ftp".to_vec()];
        // Clients that use a ticket once, and never read on an upload, live on these for a while.
        control.send_tls13_tickets = 10;

        let for_data = |version, ticketer| {
            let mut data = config(&[version])?;
            data.ticketer = ticketer;
            // Sessions of data connections are none to be resumed, and must not push the control connection's out.
            data.session_storage = Arc::new(TakeOnlyStorage(control.session_storage.clone()));
            data.alpn_protocols = vec![b"ftp-data".to_vec(), b"ftp".to_vec()];
            data.send_tls13_tickets = 2;
            Ok::<_, String>(data)
        };
        let data = for_data(&TLS13, control.ticketer.clone())?;
        let data_tls12 = for_data(&TLS12, Arc::new(TakeOnly(control.ticketer.clone())))?;
        Ok(Configs {
            control: Arc::new(control),
            data: Arc::new(data),
            data_tls12: Arc::new(data_tls12),
        })
    }

    /// For a data connection, beside a control connection of this version: only under the same can it be resumed.
    pub fn data(&self, control: Option<ProtocolVersion>) -> Arc<ServerConfig> {
        match control {
            Some(ProtocolVersion::TLSv1_2) => self.data_tls12.clone(),
            _ => self.data.clone(),
        }
    }
}

impl Clients {
    /// Why their certificates can't be judged, if they can't: of the files.
    pub fn wrong(&self) -> Option<String> {
        self.verifier(Arc::new(provider())).err()
    }

    fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, String> {
        let Clients::Asked { authorities, revoked, required } = self else {
            return Ok(WebPkiClientVerifier::no_client_auth());
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities) {
            let certificate = certificate.map_err(|error| format!("the authorities: {error}"))?;
            roots.add(certificate).map_err(|error| format!("an authority: {error}"))?;
        }
        let lists = revoked.as_deref().map_or(Ok(vec![]), newest_first)?;
        if lists.is_empty() && revoked.is_some() {
            return Err("there is no revocation list in its file".to_owned());
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .with_crls(lists)
            .enforce_revocation_expiration();
        if !required {
            builder = builder.allow_unauthenticated();
        }
        builder.build().map_err(|error| format!("certificates of clients: {error}"))
    }
}

/// Of several lists of one authority the first decides.
fn newest_first(file: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("the revocation lists: {error}");
    let mut lists = vec![];
    for list in CertificateRevocationListDer::pem_slice_iter(file) {
        let list = list.map_err(|error| wrong(&error))?;
        let since = x509::read_revoked(&list).map_err(|error| wrong(&error))?.since;
        lists.push((Reverse(since), list));
    }
    lists.sort_by_key(|(since, _)| *since);
    Ok(lists.into_iter().map(|(_, list)| list).collect())
}

/// Sessions without tickets that are remembered.
const SESSIONS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_tls12_data_connections_give_no_tickets() {
        let configs = Configs::new(Resolver::new(vec![], None), &Policy::default()).unwrap();
        let ticket = configs.control.ticketer.encrypt(b"session").unwrap();
        for (version, gives) in [
            (Some(ProtocolVersion::TLSv1_2), false),
            (Some(ProtocolVersion::TLSv1_3), true),
            (None, true),
        ] {
            let ticketer = &configs.data(version).ticketer;
            assert_eq!(ticketer.encrypt(b"session").is_some(), gives, "{version:?}");
            assert_eq!(ticketer.decrypt(&ticket).as_deref(), Some(&b"session"[..]), "{version:?}");
            assert_eq!(ticketer.enabled(), gives, "{version:?}");
            assert_eq!(ticketer.lifetime(), configs.control.ticketer.lifetime());
        }
    }
}
