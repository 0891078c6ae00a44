//! `cellftpd tls new`: a certificate to try TLS with. Nobody has signed it but its own key, so clients ask their users whether
//! to trust it. A person at a terminal, root or not.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions, Permissions, remove_file};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::config::certificate::is_host_name;
use crate::config::x509::calendar;
use crate::exit::Exit;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// As long as the certificates of the usual free authorities: long enough to try everything, short enough that whoever goes
/// on to serve has to think of renewing before a year is over.
const DAYS: u32 = 90;

/// Why there is no certificate, and the status to end with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unmade {
    pub cause: String,
    pub exit: Exit,
}

impl From<String> for Unmade {
    /// What is not the words' fault is the system's.
    fn from(cause: String) -> Self {
        Unmade { cause, exit: Exit::System }
    }
}

/// Makes a key and a certificate for these names; what to do with them.
pub(super) fn make(names: &str, directory: &Path) -> Result<String, Unmade> {
    let names: Vec<String> =
        names.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    if let Some(bad) = names.iter().find(|name| !is_host_name(name) && !is_address(name)) {
        let cause = format!("{bad:?} is neither the name of a host nor an address");
        return Err(Unmade { cause, exit: Exit::Usage });
    }
    let directory = directory.canonicalize().map_err(|error| told(directory, &error))?;
    let stem = names.first().map(|name| name.replace('*', "_")).unwrap_or_default();
    let path = |extension: &str| directory.join(format!("{stem}.{extension}"));
    let (chain, key) = (path("pem"), path("key"));
    let made = Made::new(&names).map_err(|error| format!("the certificate: {error}"))?;
    write(&key, 0o600, made.key.as_bytes())?;
    // A key without its certificate is of no use, and would stand in the way of the next attempt.
    write(&chain, 0o644, made.chain.as_bytes()).inspect_err(|_| drop(remove_file(&key)))?;
    Ok(advice(&names, &chain, &key, &made.fingerprint))
}

/// Both sides, PEM, and what clients show of the certificate.
struct Made {
    chain: String,
    key: Zeroizing<String>,
    fingerprint: String,
}

impl Made {
    fn new(names: &[String]) -> Result<Made, rcgen::Error> {
        let mut parameters = CertificateParams::new(names)?;
        parameters.distinguished_name = DistinguishedName::new();
        let name = names.first().map(String::as_str).unwrap_or_default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Clocks differ: it is good since yesterday.
        let now = SystemTime::now();
        let day = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
        parameters.not_before = day(calendar(now - DAY));
        parameters.not_after = day(calendar(now + DAY * DAYS));
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let certificate = parameters.self_signed(&key)?;
        let digest = Sha256::digest(certificate.der());
        let fingerprint: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        Ok(Made {
            chain: certificate.pem(),
            key: Zeroizing::new(key.serialize_pem()),
            fingerprint: fingerprint.join(":"),
        })
    }
}

/// Writes a file that was not there.
fn write(path: &PathBuf, mode: u32, bytes: &[u8]) -> Result<(), String> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|error| told(path, &error))?;
    let fill = |file: &mut File| {
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    fill(&mut file).map_err(|error| {
        drop(remove_file(path));
        told(path, &error)
    })
}

/// What stands in the configuration then.
fn advice(names: &[String], chain: &Path, key: &Path, fingerprint: &str) -> String {
    let mut text = format!(
        "A certificate for {}, good for {DAYS} days. Nobody has signed it: clients will ask whether to trust it.\n\
         SHA-256 {fingerprint}\n\n\
         For the configuration:\n\n[tls]\nenabled = true\n\n[[tls.certificate]]\nchain = {chain:?}\nkey = {key:?}\n",
        names.join(", ")
    );
    let hosts: Vec<_> = names.iter().filter(|name| !is_address(name)).collect();
    if !hosts.is_empty() {
        // Writing to a String can't fail.
        let _ = writeln!(text, "names = {hosts:?}");
    }
    text
}

fn is_address(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
}

fn told(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, from_sources};

    #[test]
    fn what_is_made_can_be_used_at_once() {
        let directory = tempfile::tempdir().unwrap();
        for (names, stem) in [
            ("FTP.example.org, *.example.org", "ftp.example.org"),
            ("*.x.example", "_.x.example"),
            ("::1", "::1"),
        ] {
            let text = make(names, directory.path()).unwrap();
            let (_, toml) = text.split_once("\n\n[tls]").unwrap();
            let config = from_sources(vec![Source::new("c.toml", format!("[tls]{toml}"))]).unwrap();
            let one = &config.certificates[0];
            assert!(one.chain.ends_with(format!("{stem}.pem")), "{text}");
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
            assert_eq!((mode(&one.chain), mode(&one.key)), (0o644, 0o600));
            let findings = super::super::certificates::look(&config);
            let said: Vec<_> = findings.problems.iter().map(|one| one.problem.one_line()).collect();
            let nameless =
                format!("{}: names no host: hardly a client will take it", one.chain.display());
            assert_eq!(said, if one.names.is_empty() { vec![nameless] } else { Vec::new() });
        }
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let exists = |name: &str| {
            Unmade::from(format!("{}: File exists (os error 17)", path(name).display()))
        };
        std::fs::write(path("a.pem"), "mine").unwrap();
        assert_eq!(make("a", directory.path()), Err(exists("a.pem")));
        assert!(!path("a.key").exists());
        std::fs::write(path("b.key"), "mine").unwrap();
        assert_eq!(make("b", directory.path()), Err(exists("b.key")));
        assert!(!path("b.pem").exists());
        for mine in ["a.pem", "b.key"] {
            assert_eq!(std::fs::read_to_string(path(mine)).unwrap(), "mine");
        }
    }

    #[test]
    fn names_are_names_of_hosts() {
        let directory = tempfile::tempdir().unwrap();
        for names in ["", "a,,b", "../a", "a b", "a/b", "*"] {
            let Unmade { cause, exit } = make(names, directory.path()).unwrap_err();
            let said = "is neither the name of a host nor an address";
            assert!(cause.ends_with(said) && exit == Exit::Usage, "{names}: {cause}");
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
