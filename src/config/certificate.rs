//! The certificates of TLS: `[[tls.certificate]]`.
//!
//! Run by whoever loads the configuration; pure: the files that are named are opened later, by the processes that need
//! them. Host names to look up come from the client and are only compared.

use std::path::PathBuf;

use toml::Spanned;
use toml::de::DeValue;

use super::read::{Key, Reader, Said, write};
use super::source::Span;
use super::spelling;
use super::value::{Value, Wrong, text};

/// The key of the list within `[tls]`.
pub(super) const CERTIFICATE: &str = "certificate";

/// The keys of one certificate.
const KEYS: &[&str] = &["chain", "key", "ocsp", "names"];

/// One `[[tls.certificate]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The file of the chain: PEM, the server's own first.
    pub chain: PathBuf,
    /// The file of its key: PEM.
    pub key: PathBuf,
    /// The file of a signed answer that it is not revoked: DER.
    pub ocsp: Option<PathBuf>,
    /// The hosts that it is for, in small letters, `*.` before some. Without any it is shown only
    /// if it is the first, to who asks for no other.
    pub names: Vec<String>,
    /// The index into [`super::Config::files`].
    pub file: usize,
    /// Where it stands there.
    pub span: Span,
}

/// Whether a name of a certificate is this host's, in whatever letters and with a dot at its end or without. `*` stands for one
/// label, the first (RFC 9525 §6.3).
pub fn covers(name: &str, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    match name.strip_prefix("*.") {
        None => name.eq_ignore_ascii_case(host),
        Some(domain) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
    }
}

/// Whether it is the name of a host, or `*.` and the name of a domain.
pub fn is_host_name(said: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    let host = said.strip_prefix("*.").unwrap_or(said);
    said.len() <= 253 && host.split('.').all(is_label)
}

/// What was read of one so far.
#[derive(Default)]
struct Draft {
    chain: Option<PathBuf>,
    key: Option<PathBuf>,
    ocsp: Option<PathBuf>,
    names: Vec<String>,
}

impl Reader<'_> {
    /// The list of certificates.
    pub(super) fn certificates(&mut self, key: &Key<'_>, value: &Said<'_>) -> Vec<Certificate> {
        let DeValue::Array(list) = value.get_ref() else {
            let wrong = Wrong::because("certificates are a list of tables");
            self.wrong(key, wrong.cured_by(write("[[tls.certificate]]")));
            return Vec::new();
        };
        list.iter().filter_map(|one| self.one_certificate(one)).collect()
    }

    fn one_certificate(&mut self, said: &Said<'_>) -> Option<Certificate> {
        let DeValue::Table(keys) = said.get_ref() else {
            let wrong = Wrong::because("a certificate is a table");
            self.wrong(said, wrong.cured_by(write("[[tls.certificate]]")));
            return None;
        };
        let mut draft = Draft::default();
        for (key, value) in keys {
            match key.get_ref().as_ref() {
                "chain" => draft.chain = self.value(value),
                "key" => draft.key = self.value(value),
                "ocsp" => draft.ocsp = self.value(value).flatten(),
                "names" => draft.names = self.list(value, host_name),
                name => {
                    let wrong = Wrong::because(format!("a certificate has no key `{name}`"));
                    self.wrong(key, wrong.cured_by(spelling::hint(name, KEYS.iter().copied())));
                }
            }
        }
        for name in ["chain", "key"].into_iter().filter(|name| !keys.contains_key(*name)) {
            let wrong = Wrong::because(format!("a certificate needs `{name}`"));
            self.wrong(said, wrong.cured_by(write(&format!("{name} = \"/etc/...\""))));
        }
        let Draft { chain, key, ocsp, names } = draft;
        let (file, span) = (self.file, said.span().into());
        Some(Certificate { chain: chain?, key: key?, ocsp, names, file, span })
    }

    /// One value; what is wrong with it is noted.
    fn value<T: Value>(&mut self, said: &Spanned<DeValue<'_>>) -> Option<T> {
        T::read(said.get_ref()).map_err(|wrong| self.wrong(said, wrong)).ok()
    }
}

/// The name of a host, which may be `*.` and the name of a domain.
fn host_name(value: &DeValue<'_>) -> Result<String, Wrong> {
    let expected = "expected the name of a host such as \"ftp.example.org\" or \"*.example.org\"";
    let said = text(value).ok_or_else(|| Wrong::because(expected))?;
    match is_host_name(said) {
        true => Ok(said.to_ascii_lowercase()),
        false if !said.is_ascii() => {
            Err(Wrong::because(expected)
                .cured_by("write it as clients ask for it, xn--...".to_owned()))
        }
        false => Err(Wrong::because(expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cover_hosts() {
        for (name, host, expected) in [
            ("ftp.example.org", "ftp.example.org", true),
            ("FTP.example.org", "ftp.Example.ORG", true),
            ("ftp.example.org", "ftp.example.org.", true),
            ("ftp.example.org", "example.org", false),
            ("*.example.org", "ftp.example.org", true),
            ("*.Example.org", "FTP.eXample.org.", true),
            ("*.example.org", "*.example.org", true),
            ("*.example.org", "a.ftp.example.org", false),
            ("*.example.org", "example.org", false),
            ("*.example.org", ".example.org", false),
            ("ftp.example.org", "*.example.org", false),
            ("*", "example.org", false),
        ] {
            assert_eq!(covers(name, host), expected, "{name} {host}");
        }
    }
}
