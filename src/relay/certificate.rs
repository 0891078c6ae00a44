//! Certificates as they come from files: parsed here, where a parser's mistake costs least. Relay, before it is ready; the
//! files are the administrator's.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;

use super::remote::RemoteKey;

/// What one key is shown with.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The name of its chain's file, for the log.
    pub path: String,
    /// The file of the chain: PEM, the server's own certificate first. Whatever else is in it is passed over.
    pub chain: Vec<u8>,
    /// What the authority says of its validity, DER, if there is a file of that.
    pub ocsp: Option<Vec<u8>>,
    /// The host names that it is shown for, `*.example.org` too; from the configuration, not from the certificate.
    pub names: Vec<String>,
}

impl Certificate {
    /// Puts it together with its key, which it has to fit.
    pub(super) fn certify(&self, key: RemoteKey) -> Result<Arc<CertifiedKey>, String> {
        let mut certified = CertifiedKey::new(read_chain(&self.chain)?, Arc::new(key));
        certified.keys_match().map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => "does not fit its key".to_owned(),
            error => format!("its first certificate is no good: {error}"),
        })?;
        certified.ocsp = self.ocsp.clone();
        Ok(Arc::new(certified))
    }
}

/// The certificates in a file; or what is wrong with it.
pub fn read_chain(file: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(file).collect();
    let chain = chain.map_err(|error| format!("is no PEM: {error}"))?;
    match chain.is_empty() {
        true => Err("holds no certificate: PEM is expected".to_owned()),
        false => Ok(chain),
    }
}
