//! `cellftpd check`: whether certificates of clients can be judged, and whether some of them ever can be good. A person at a
//! terminal, or a script; the files are the administrator's.

use std::path::Path;
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::certificates::Findings;
use crate::config::Config;
use crate::config::secret::{read_chain, read_revoked};
use crate::config::x509::{self, Revoked, day};
use crate::relay::Clients;

impl Findings {
    /// What the certificates of clients are checked with.
    pub(super) fn clients(&mut self, config: &Config, now: SystemTime) {
        let tables = config.variants().map(|settings| settings.tls);
        let mut files: Vec<_> = tables
            .filter_map(|tls| Some((tls.client_ca.clone()?, tls.client_crl.clone())))
            .collect();
        files.sort();
        files.dedup();
        for (authorities, revoked) in files {
            let roots = self.chain(&authorities);
            let are_read = revoked.as_ref().is_none_or(|path| self.lists(path, &roots, now));
            // What is told already is not told again in other words.
            if are_read && !roots.is_empty() {
                self.verifier(&authorities, revoked.as_deref());
            }
        }
    }

    /// Whether there are lists that can be read. Each authority needs one, and a fresh one: the relay takes no certificate on
    /// the word of an old list.
    fn lists(&mut self, path: &Path, roots: &[CertificateDer<'_>], now: SystemTime) -> bool {
        let Some(bytes) = self.file(path, read_revoked(path)) else { return false };
        let lists: Result<Vec<_>, _> =
            CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
        let lists = match lists {
            Ok(lists) if !lists.is_empty() => lists,
            _ => {
                self.error(path, "holds no list of revoked certificates: PEM is expected");
                return false;
            }
        };
        let mut issuers = Vec::new();
        for (index, list) in lists.iter().enumerate() {
            let Revoked { issuer, until, .. } = match x509::read_revoked(list) {
                Ok(revoked) => revoked,
                Err(error) => {
                    self.error(path, &format!("list {} can't be understood: {error}", index + 1));
                    return false;
                }
            };
            if let Some(until) = until.filter(|until| *until < now) {
                let until = day(until);
                self.error(path, &format!("holds a list of {issuer} that has expired on {until}"));
            }
            if issuers.contains(&issuer) {
                self.warning(path, &format!("holds several lists of {issuer}: the newest decides"));
            }
            issuers.push(issuer);
        }
        let facts = roots.iter().filter_map(|root| x509::read(root).ok());
        for root in facts.filter(|root| !issuers.contains(&root.subject)) {
            let root = root.subject;
            self.warning(
                path,
                &format!("has no list of {root}: none of its certificates is taken"),
            );
        }
        true
    }

    /// The relay's own opinion.
    fn verifier(&mut self, authorities: &Path, revoked: Option<&Path>) {
        let Ok(bytes) = read_chain(authorities) else { return };
        let revoked = revoked.and_then(|path| read_revoked(path).ok());
        let clients = Clients::Asked { authorities: bytes, revoked, required: true };
        if let Some(cause) = clients.wrong() {
            self.error(authorities, &format!("can't be used: {cause}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
        DnType, IsCa, KeyIdMethod, KeyPair, SerialNumber, date_time_ymd,
    };

    use super::*;
    use crate::config::{Source, from_sources};

    struct Authority(CertifiedIssuer<'static, KeyPair>);

    impl Authority {
        fn new(name: &str) -> Authority {
            let mut parameters = CertificateParams::new(vec![]).unwrap();
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            parameters.distinguished_name = rcgen::DistinguishedName::new();
            parameters.distinguished_name.push(DnType::CommonName, name);
            let key = KeyPair::generate().unwrap();
            Authority(CertifiedIssuer::self_signed(parameters, key).unwrap())
        }

        /// A list that is good for the November of this year.
        fn list(&self, year: i32) -> String {
            let parameters = CertificateRevocationListParams {
                this_update: date_time_ymd(year, 11, 1),
                next_update: date_time_ymd(year, 12, 1),
                crl_number: SerialNumber::from(1),
                issuing_distribution_point: None,
                revoked_certs: Vec::new(),
                key_identifier_method: KeyIdMethod::Sha256,
            };
            parameters.signed_by(&self.0).unwrap().pem().unwrap()
        }
    }

    /// What is found at the end of November 2026 in these two files.
    fn said(authorities: &str, lists: Option<&str>) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("ca"), authorities).unwrap();
        let mut text = format!("client_certificate = 'require'\nclient_ca = {:?}\n", path("ca"));
        if let Some(lists) = lists {
            std::fs::write(path("crl"), lists).unwrap();
            text += &format!("client_crl = {:?}\n", path("crl"));
        }
        // Said in a match too, so that each file is named twice.
        let text = format!(
            "[tls]\n{text}\n[[match]]\nfrom = ['192.0.2.1']\ntls.client_certificate = 'request'\n"
        );
        let config = from_sources(vec![Source::new("c.toml", text)]).unwrap();
        let mut findings = Findings::default();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        findings.clients(&config, now);
        let place = format!("{}/", directory.path().display());
        let said = findings.problems.iter().map(|one| {
            let kind = if one.is_error { "error" } else { "warning" };
            format!("{kind}: {}", one.problem.one_line().replace(&place, ""))
        });
        said.collect()
    }

    #[test]
    fn every_list_of_a_file_counts() {
        let (a, b) = (Authority::new("a"), Authority::new("b"));
        let both = a.0.pem() + &b.0.pem();
        let old = "error: crl: holds a list of CN=b that has expired on 2025-12-01";
        let none = "error: crl: holds no list of revoked certificates: PEM is expected";
        let garbage = "-----BEGIN X509 CRL-----\nMAMCAQE=\n-----END X509 CRL-----\n";
        for (lists, expected) in [
            (None, vec![]),
            (Some(a.list(2026) + &b.list(2026)), vec![]),
            (Some(a.list(2026) + &b.list(2025)), vec![old]),
            (
                Some(a.list(2026)),
                vec!["warning: crl: has no list of CN=b: none of its certificates is taken"],
            ),
            (Some(String::new()), vec![none]),
            (Some(a.0.pem()), vec![none]),
            (Some(a.list(2026) + "-----BEGIN X509 CRL-----\nMAMC"), vec![none]),
        ] {
            assert_eq!(said(&both, lists.as_deref()), expected, "{lists:?}");
        }
        let told = said(&a.0.pem(), Some(&(a.list(2026) + garbage)));
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("error: crl: list 2 can't be understood: "), "{told:?}");
    }

    #[test]
    fn authorities_that_the_relay_can_not_use_are_told() {
        let none = "error: ca: holds no certificate: PEM is expected";
        assert_eq!(said("text", None), [none]);
        let garbage = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
        let told = said(garbage, None);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("error: ca: can't be used: an authority: "), "{told:?}");
    }
}
