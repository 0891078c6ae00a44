//! What a certificate, or a list of those that are revoked, says of itself. It is told, never judged: rustls does that.
//!
//! For `cellftpd check`, which reads the administrator's files, and for the process that has checked a client's certificate:
//! a parser of what strangers send is no work for root.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::crl::CertificateList;
use x509_cert::der::{DateTime, Decode, Encode, Tag, Tagged};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::name::{Name, RelativeDistinguishedName};
use x509_cert::time::Time;

/// The keywords of RFC 4514 §3, and of addresses. (The crate's own table of all there are takes 184 kB of the program.)
const KEYWORDS: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

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
        subject: written(said.subject()),
        issuer: written(said.issuer()),
        names: names.collect(),
        is_authority: basic.is_some_and(|(_, basic)| basic.ca),
        from: moment(said.validity().not_before),
        until: moment(said.validity().not_after),
    })
}

/// What is to know of a list of revoked certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Whose certificates it is about.
    pub issuer: String,
    /// When it was made.
    pub since: SystemTime,
    /// When the next one is there at the latest, if it says so.
    pub until: Option<SystemTime>,
}

/// Reads such a list, DER.
pub fn read_revoked(der: &[u8]) -> Result<Revoked, String> {
    let list = CertificateList::<Raw>::from_der(der).map_err(|error| error.to_string())?;
    let said = list.tbs_cert_list;
    let (since, until) = (moment(said.this_update), said.next_update.map(moment));
    Ok(Revoked { issuer: written(&said.issuer), since, until })
}

/// A name as RFC 4514 writes it: the last part first.
fn written(name: &Name) -> String {
    let mut parts: Vec<String> = name.iter_rdn().map(part).collect();
    parts.reverse();
    parts.join(",")
}

fn part(part: &RelativeDistinguishedName) -> String {
    let attributes: Vec<String> = part.iter().map(attribute).collect();
    attributes.join("+")
}

/// `CN=ftp.example.org`; by its number and in hex what has no keyword or is no text of a usual kind.
fn attribute(said: &AttributeTypeAndValue) -> String {
    let oid = said.oid.to_string();
    let keyword = KEYWORDS.iter().find(|(number, _)| *number == oid).map(|(_, keyword)| keyword);
    let is_text =
        matches!(said.value.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String);
    let text = str::from_utf8(said.value.value()).ok().filter(|_| is_text);
    match (keyword, text) {
        (Some(keyword), Some(text)) => format!("{keyword}={}", escaped(text)),
        _ => {
            let der = said.value.to_der().unwrap_or_default();
            let hex: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{oid}=#{hex}")
        }
    }
}

/// RFC 4514 §2.4, and control characters too.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(text.len());
    for (index, character) in text.chars().enumerate() {
        match character {
            control if control.is_control() => {
                let mut bytes = [0; 4];
                let bytes = control.encode_utf8(&mut bytes).bytes();
                out.extend(bytes.map(|byte| format!("\\{byte:02x}")));
                continue;
            }
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.push('\\'),
            '#' if index == 0 => out.push('\\'),
            ' ' if index == 0 || index == last => out.push('\\'),
            _ => {}
        }
        out.push(character);
    }
    out
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
            (
                DnValue::Utf8String("Zo\u{eb} \u{85};<> ".to_owned()),
                "CN=Zo\u{eb} \\c2\\85\\;\\<\\>\\ ",
            ),
            (DnValue::PrintableString("a".try_into().unwrap()), "CN=a"),
            (DnValue::BmpString("ab".try_into().unwrap()), "2.5.4.3=#1e0400610062"),
        ] {
            let mut name = DistinguishedName::new();
            name.push(DnType::CommonName, value);
            assert_eq!(subject(&made(name, &[])), expected);
        }
        let mut name = DistinguishedName::new();
        name.push(DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]), "a@b.example");
        name.push(DnType::CustomDnType(vec![1, 2, 3]), "x");
        assert_eq!(subject(&made(name, &[])), "1.2.3=#0c0178,emailAddress=a@b.example");
        assert_eq!(subject(&made(DistinguishedName::new(), &[])), "");
        assert_eq!(subject(b"no DER"), "unreadable");
        assert_eq!(subject(&[]), "unreadable");
    }
}
