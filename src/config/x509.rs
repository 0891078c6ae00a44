//! What a certificate says of itself. It is told, never judged: rustls does that.
//!
//! For `cellftpd check`, which reads the administrator's files, and for the process that has checked a client's certificate:
//! a parser of what strangers send is no work for root.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::{DateTime, Decode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::time::Time;

/// What is to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whose it is (RFC 4514).
    pub subject: String,
    /// Who has signed it.
    pub issuer: String,
    /// The hosts that it is for, in small letters.
    pub names: Vec<String>,
    /// Whether it may sign others.
    pub is_authority: bool,
    /// From when on it is good.
    pub from: SystemTime,
    /// Until when it is.
    pub until: SystemTime,
}

/// Whose certificate it is, on one line, as RFC 4514 writes names; `unreadable` if it can't be made out.
pub fn subject(der: &[u8]) -> String {
    read(der).map_or_else(|_| "unreadable".to_owned(), |facts| facts.subject)
}

/// Reads a certificate, DER.
pub fn read(der: &[u8]) -> Result<Facts, String> {
    let certificate = CertificateInner::<Raw>::from_der(der).map_err(|error| error.to_string())?;
    let said = certificate.tbs_certificate();
    let hosts = said.get_extension::<SubjectAltName>().map_err(|error| error.to_string())?;
    let basic = said.get_extension::<BasicConstraints>().map_err(|error| error.to_string())?;
    let names = hosts.iter().flat_map(|(_, SubjectAltName(names))| names.iter().filter_map(host));
    Ok(Facts {
        subject: said.subject().to_string(),
        issuer: said.issuer().to_string(),
        names: names.collect(),
        is_authority: basic.is_some_and(|(_, basic)| basic.ca),
        from: moment(said.validity().not_before),
        until: moment(said.validity().not_after),
    })
}

/// The day of a moment, UTC: `2026-11-23`.
pub fn day(time: SystemTime) -> String {
    let (year, month, day) = calendar(time);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Year, month and day of a moment, UTC; the last day that a certificate can name for later ones.
pub fn calendar(time: SystemTime) -> (i32, u8, u8) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let time = DateTime::from_unix_duration(since).unwrap_or(DateTime::INFINITY);
    (time.year().into(), time.month(), time.day())
}

fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        _ => None,
    }
}

fn moment(time: Time) -> SystemTime {
    UNIX_EPOCH + time.to_unix_duration()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    use super::*;

    fn made(name: DistinguishedName, hosts: &[&str]) -> Vec<u8> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut parameters = CertificateParams::new(hosts).unwrap();
        parameters.distinguished_name = name;
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 2);
        parameters.not_after = rcgen::date_time_ymd(2050, 12, 31);
        parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn what_it_says_is_told() {
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, "A, B");
        name.push(DnType::CommonName, "ftp");
        let facts = read(&made(name, &["FTP.example.org", "192.0.2.1", "*.example.net"])).unwrap();
        assert_eq!(facts.subject, "CN=ftp,O=A\\, B");
        assert_eq!(facts.issuer, facts.subject);
        assert_eq!(facts.names, ["ftp.example.org", "*.example.net"]);
        assert!(!facts.is_authority);
        assert_eq!([facts.from, facts.until].map(day), ["2026-01-02", "2050-12-31"]);
    }

    #[test]
    fn a_subject_is_one_line_whatever_it_holds() {
        for (value, expected) in [
            (DnValue::Utf8String("a\nb\0 c".to_owned()), "CN=a\\0ab\\00 c"),
            (DnValue::Utf8String(" #x+y=\"z\"".to_owned()), "CN=\\ #x\\+y=\\\"z\\\""),
            (DnValue::BmpString("ab".try_into().unwrap()), "2.5.4.3=#1e0400610062"),
        ] {
            let mut name = DistinguishedName::new();
            name.push(DnType::CommonName, value);
            assert_eq!(subject(&made(name, &[])), expected);
        }
        assert_eq!(subject(b"no DER"), "unreadable");
        assert_eq!(subject(&[]), "unreadable");
    }
}
