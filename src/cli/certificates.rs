//! `cellftpd check`: what clients would think of the certificates, and whether the files can be used. A person at a terminal,
//! or a script; the files are the administrator's.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use nix::unistd::geteuid;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SigningKey};

use super::ocsp;
use crate::config::certificate::covers;
use crate::config::secret::{read_chain, read_key};
use crate::config::x509::{self, Facts, day};
use crate::config::{Certificate, Config, Problem, RunAs, Unread};
use crate::relay::key::parse;
use crate::relay::read_chain as read_chain_of;

/// A certificate should be replaced before it has no more than this.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Something that is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Whether clients are turned away by it.
    pub is_error: bool,
    /// What it is.
    pub problem: Problem,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What is wrong.
    pub problems: Vec<Finding>,
    /// A line for each certificate.
    pub certificates: String,
    /// Whether this user need not be able to read everything: it is not the one who serves.
    is_onlooker: bool,
}

/// Looks at all files of TLS, where it is on.
pub(super) fn look(config: &Config) -> Findings {
    let serves_itself = config.settings.server.user == RunAs::Launcher;
    let is_onlooker = !geteuid().is_root() && !serves_itself;
    let mut findings = Findings { is_onlooker, ..Findings::default() };
    if config.offers_tls() {
        let now = SystemTime::now();
        config.certificates.iter().for_each(|one| findings.certificate(one, now));
        let others = config.certificates.iter().skip(1);
        others.filter(|one| one.names.is_empty()).for_each(|one| findings.never_shown(one));
        findings.clients(config, now);
    }
    findings
}

impl Findings {
    fn certificate(&mut self, one: &Certificate, now: SystemTime) {
        let key = self.key(&one.key);
        let chain = self.chain(&one.chain);
        if let (Some(key), false) = (&key, chain.is_empty()) {
            self.pair(one, chain.clone(), Arc::clone(key));
        }
        if let Some(path) = &one.ocsp {
            self.response(path, chain.first(), now);
        }
        let facts: Vec<_> = chain.iter().map_while(|der| self.facts(&one.chain, der)).collect();
        for (index, facts) in facts.iter().enumerate() {
            self.dates(&one.chain, index, facts, now);
        }
        self.order(&one.chain, &facts);
        if let Some(first) = facts.first() {
            self.names(one, first);
            let Facts { subject, issuer, names, until, .. } = first;
            let kind = key.map_or_else(String::new, |key| format!(", {:?} key", key.algorithm()));
            let (chain, names, until) = (one.chain.display(), names.join(" "), day(*until));
            self.certificates += &format!(
                "{chain}: {subject}, signed by {issuer}, until {until}{kind}; hosts: {names}\n"
            );
        }
    }

    fn key(&mut self, path: &Path) -> Option<Arc<dyn SigningKey>> {
        let bytes = self.file(path, read_key(path))?;
        parse(&bytes).map_err(|cause| self.error(path, &cause)).ok()
    }

    pub(super) fn chain(&mut self, path: &Path) -> Vec<CertificateDer<'static>> {
        let Some(bytes) = self.file(path, read_chain(path)) else { return Vec::new() };
        read_chain_of(&bytes).map_err(|cause| self.error(path, &cause)).unwrap_or_default()
    }

    /// Whether the key is that of the first certificate.
    fn pair(
        &mut self,
        one: &Certificate,
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn SigningKey>,
    ) {
        match CertifiedKey::new(chain, key).keys_match() {
            Ok(()) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                let cause = "is not the key of the first certificate in";
                self.error(&one.key, &format!("{cause} {}", one.chain.display()));
            }
            Err(error) => self.error(&one.chain, &format!("can't be shown to clients: {error}")),
        }
    }

    /// What the authority has said of it.
    fn response(&mut self, path: &Path, leaf: Option<&CertificateDer<'_>>, now: SystemTime) {
        let said = self.file(path, read_chain(path));
        let wrong = said.zip(leaf).and_then(|(said, leaf)| ocsp::wrong(&said, leaf, now));
        if let Some(cause) = wrong {
            self.error(path, &cause);
        }
    }

    fn facts(&mut self, path: &Path, der: &[u8]) -> Option<Facts> {
        let facts = x509::read(der);
        if let Err(error) = &facts {
            self.warning(path, &format!("can't be understood: {error}"));
        }
        facts.ok()
    }

    fn dates(&mut self, path: &Path, index: usize, facts: &Facts, now: SystemTime) {
        let Facts { subject, from, until, .. } = facts;
        let whose = if index == 0 { String::new() } else { format!(" ({subject})") };
        if *until < now {
            self.error(path, &format!("has expired on {}{whose}", day(*until)));
        } else if now < *from {
            self.error(path, &format!("is not valid before {}{whose}", day(*from)));
        } else if *until < now + SOON {
            self.warning(path, &format!("expires on {}{whose}", day(*until)));
        }
    }

    /// The server's own first, then each signer of the one before.
    fn order(&mut self, path: &Path, facts: &[Facts]) {
        if let [first, _, ..] = facts
            && first.is_authority
        {
            self.warning(
                path,
                "begins with the certificate of an authority: the server's is first",
            );
        }
        for (one, next) in facts.iter().zip(facts.iter().skip(1)) {
            if one.issuer != next.subject {
                let (one, next) = (&one.subject, &next.subject);
                self.warning(path, &format!("is out of order: {next} has not signed {one}"));
            }
        }
    }

    fn names(&mut self, one: &Certificate, first: &Facts) {
        if first.names.is_empty() {
            self.warning(&one.chain, "names no host: hardly a client will take it");
        }
        let is_held = |name: &&String| first.names.iter().any(|own| covers(own, name));
        for name in one.names.iter().filter(|name| !is_held(name) && !first.names.is_empty()) {
            self.warning(&one.chain, &format!("is not for {name}, for which it is shown"));
        }
    }

    fn never_shown(&mut self, one: &Certificate) {
        self.warning(&one.chain, "is never shown: only the first certificate needs no names");
    }

    /// What was read, or a finding.
    pub(super) fn file<T>(&mut self, path: &Path, read: Result<T, Unread>) -> Option<T> {
        match read {
            Ok(bytes) => Some(bytes),
            Err(unread) => {
                let is_denied = unread.is_denied() && self.is_onlooker;
                let problem = unread.problem(path);
                let cure = is_denied.then(|| "run this as root".to_owned());
                let problem = if is_denied { problem.cured_by(cure) } else { problem };
                self.found(Finding { is_error: !is_denied, problem });
                None
            }
        }
    }

    pub(super) fn error(&mut self, path: &Path, cause: &str) {
        self.found(Finding { is_error: true, problem: Problem::of_file(path, cause) });
    }

    pub(super) fn warning(&mut self, path: &Path, cause: &str) {
        self.found(Finding { is_error: false, problem: Problem::of_file(path, cause) });
    }

    /// A file may be named more than once.
    fn found(&mut self, finding: Finding) {
        if !self.problems.contains(&finding) {
            self.problems.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa,
        KeyPair, date_time_ymd,
    };

    use super::*;

    /// A directory with a chain and a key.
    struct Pair {
        directory: tempfile::TempDir,
        one: Certificate,
    }

    impl Pair {
        fn new(chain: &str, key: &str) -> Pair {
            let directory = tempfile::tempdir().unwrap();
            let path = |name: &str| directory.path().join(name);
            for (name, text) in [("chain", chain), ("key", key)] {
                std::fs::write(path(name), text).unwrap();
                std::fs::set_permissions(path(name), PermissionsExt::from_mode(0o600)).unwrap();
            }
            let config = crate::config::from_sources(vec![crate::config::Source::new(
                "c.toml",
                format!(
                    "[[tls.certificate]]\nchain = {:?}\nkey = {:?}\nnames = ['a.example', 'B.example']\n",
                    path("chain"),
                    path("key")
                ),
            )]);
            Pair { one: config.unwrap().certificates.remove(0), directory }
        }

        /// What is found at the end of November 2026, without the directory's name.
        fn said(&self) -> Vec<String> {
            let mut findings = Findings::default();
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
            findings.certificate(&self.one, now);
            let said = findings.problems.iter().map(|Finding { is_error, problem }| {
                let line = problem.one_line();
                let place = format!("{}/", self.directory.path().display());
                format!(
                    "{}: {}",
                    if *is_error { "error" } else { "warning" },
                    line.replace(&place, "")
                )
            });
            said.collect()
        }
    }

    fn parameters(name: &str, hosts: &[&str]) -> CertificateParams {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut parameters = CertificateParams::new(hosts).unwrap();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.not_before = date_time_ymd(2026, 1, 1);
        parameters.not_after = date_time_ymd(2027, 1, 1);
        parameters
    }

    fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut parameters = parameters(name, &[]);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
    }

    /// Its hosts, what else is changed, and what is said of it.
    type Row<'a> = (&'a [&'a str], &'a dyn Fn(&mut CertificateParams), &'a [&'a str]);

    const HOSTS: &[&str] = &["a.example", "*.example"];

    #[test]
    fn dates_and_names_are_told() {
        let from = |year, month| {
            move |one: &mut CertificateParams| one.not_before = date_time_ymd(year, month, 1)
        };
        let until = |year, month| {
            move |one: &mut CertificateParams| one.not_after = date_time_ymd(year, month, 1)
        };
        let rows: [Row<'_>; 6] = [
            (HOSTS, &|_| (), &[]),
            (HOSTS, &until(2026, 11), &["error: chain: has expired on 2026-11-01"]),
            (HOSTS, &from(2026, 12), &["error: chain: is not valid before 2026-12-01"]),
            (HOSTS, &until(2026, 12), &["warning: chain: expires on 2026-12-01"]),
            (
                &["a.example"],
                &|_| (),
                &["warning: chain: is not for b.example, for which it is shown"],
            ),
            (&[], &|_| (), &["warning: chain: names no host: hardly a client will take it"]),
        ];
        for (hosts, change, expected) in rows {
            let mut parameters = parameters("x", hosts);
            change(&mut parameters);
            let key = KeyPair::generate().unwrap();
            let chain = parameters.self_signed(&key).unwrap().pem();
            assert_eq!(Pair::new(&chain, &key.serialize_pem()).said(), expected);
        }
    }

    #[test]
    fn chains_and_keys_that_do_not_fit_are_told() {
        let key = KeyPair::generate().unwrap();
        let signer = authority("signer");
        let own = parameters("own", HOSTS).signed_by(&key, &signer).unwrap().pem();
        let (signer, other) = (signer.pem(), authority("other").pem());
        let another = KeyPair::generate().unwrap().serialize_pem();
        let key = key.serialize_pem();
        let mismatch = "error: key: is not the key of the first certificate in chain";
        let begins =
            "warning: chain: begins with the certificate of an authority: the server's is first";
        for (chain, key, expected) in [
            (own.clone() + &signer, &key, &[][..]),
            (
                own.clone() + &other,
                &key,
                &["warning: chain: is out of order: CN=other has not signed CN=own"],
            ),
            (
                signer + &own,
                &key,
                &[
                    mismatch,
                    begins,
                    "warning: chain: is out of order: CN=own has not signed CN=signer",
                    "warning: chain: names no host: hardly a client will take it",
                ],
            ),
            (own.clone(), &another, &[mismatch]),
            (own.clone(), &own, &["error: key: holds no private key: PEM is expected"]),
            ("text".to_owned(), &key, &["error: chain: holds no certificate: PEM is expected"]),
        ] {
            assert_eq!(Pair::new(&chain, key).said(), expected);
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_told() {
        let key = KeyPair::generate().unwrap();
        let chain = parameters("x", HOSTS).self_signed(&key).unwrap().pem();
        let mut pair = Pair::new(&chain, &key.serialize_pem());
        std::fs::set_permissions(&pair.one.key, PermissionsExt::from_mode(0o644)).unwrap();
        assert_eq!(
            pair.said(),
            ["error: key: may be used by others (mode 644) (chmod g-w,o= key)"]
        );
        std::fs::set_permissions(&pair.one.key, PermissionsExt::from_mode(0o600)).unwrap();
        pair.one.ocsp = Some(pair.directory.path().join("ocsp"));
        assert_eq!(
            pair.said(),
            ["error: ocsp: can't be read: No such file or directory (os error 2)"]
        );
    }
}
