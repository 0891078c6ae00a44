//! `cellftpd check`: what the authority has answered about a certificate (OCSP, RFC 6960 §4.2.1), and whether clients can believe it.
//! The file is the administrator's. Its signature is not looked at: clients do that.

use std::time::{SystemTime, UNIX_EPOCH};

use der::asn1::{Any, GeneralizedTime, Int, ObjectIdentifier, OctetString};
use der::{Decode, Encode, Enumerated, Sequence, Tagged};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::config::x509::day;

/// What is wrong with an answer about this certificate (DER) at this time; nothing, if it is one that clients are helped by.
pub(super) fn wrong(response: &[u8], certificate: &[u8], now: SystemTime) -> Option<String> {
    judge(response, certificate, now).err()
}

fn judge(response: &[u8], certificate: &[u8], now: SystemTime) -> Result<(), String> {
    let said = Response::from_der(response)
        .map_err(|error| format!("is no OCSP response: DER is expected ({error})"))?;
    let (Status::Successful, Some(bytes)) = (said.status, said.bytes) else {
        return Err(format!("is no answer: the authority has said {:?}", said.status));
    };
    if bytes.kind != BASIC {
        return Err(format!("is an OCSP response of an unknown kind ({})", bytes.kind));
    }
    let basic = Basic::from_der(bytes.response.as_bytes())
        .map_err(|error| format!("is an OCSP response that can't be read: {error}"))?;
    let own = Own::of(certificate).map_err(|error| error.to_string())?;
    let about = basic.data.responses.iter().find(|one| own.is_meant(&one.id));
    let about = about.ok_or("is about another certificate than the first of the chain")?;
    about.judge(now)
}

impl Single {
    fn judge(&self, now: SystemTime) -> Result<(), String> {
        let moment = |time: GeneralizedTime| UNIX_EPOCH + time.to_unix_duration();
        let (from, until) = (moment(self.this_update), self.next_update.map(moment));
        match self.status.tag().number().value() {
            0 => {}
            1 => return Err("says that the certificate is revoked".to_owned()),
            _ => return Err("says that the authority does not know the certificate".to_owned()),
        }
        match until {
            Some(until) if until < now => Err(format!("has expired on {}", day(until))),
            _ if now < from => Err(format!("is not valid before {}", day(from))),
            _ => Ok(()),
        }
    }
}

/// What tells a certificate from others.
struct Own {
    serial: Vec<u8>,
    /// The name of who has signed it, DER.
    issuer: Vec<u8>,
}

impl Own {
    fn of(certificate: &[u8]) -> der::Result<Own> {
        let certificate = CertificateInner::<Raw>::from_der(certificate)?;
        let said = certificate.tbs_certificate();
        let serial = said.serial_number().as_bytes().to_vec();
        Ok(Own { serial, issuer: said.issuer().to_der()? })
    }

    fn is_meant(&self, id: &CertId) -> bool {
        let hash = match id.hash.oid {
            SHA_1 => Sha1::digest(&self.issuer).to_vec(),
            SHA_256 => Sha256::digest(&self.issuer).to_vec(),
            _ => return false,
        };
        id.serial.as_bytes() == self.serial && id.issuer_name.as_bytes() == hash
    }
}

const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

#[derive(Sequence)]
struct Response {
    status: Status,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    bytes: Option<Bytes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[asn1(type = "ENUMERATED")]
#[repr(u8)]
enum Status {
    Successful = 0,
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

#[derive(Sequence)]
struct Bytes {
    kind: ObjectIdentifier,
    response: OctetString,
}

#[derive(Sequence)]
struct Basic {
    data: Data,
    algorithm: AlgorithmIdentifierOwned,
    signature: Any,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certificates: Option<Any>,
}

#[derive(Sequence)]
struct Data {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    version: Option<u8>,
    responder: Any,
    produced: GeneralizedTime,
    responses: Vec<Single>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Any>,
}

#[derive(Sequence)]
struct Single {
    id: CertId,
    /// Which it is stands in its tag.
    status: Any,
    this_update: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Any>,
}

#[derive(Sequence)]
struct CertId {
    hash: AlgorithmIdentifierOwned,
    issuer_name: OctetString,
    issuer_key: OctetString,
    serial: Int,
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SerialNumber,
    };

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// An authority that answers for a day, by the hand of openssl.
    struct Authority {
        directory: tempfile::TempDir,
        issuer: CertifiedIssuer<'static, KeyPair>,
    }

    impl Authority {
        fn new() -> Authority {
            let mut parameters = CertificateParams::new(vec![]).unwrap();
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            parameters.distinguished_name.push(DnType::CommonName, "authority");
            let key = KeyPair::generate().unwrap();
            let issuer = CertifiedIssuer::self_signed(parameters, key).unwrap();
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
            std::fs::write(directory.path().join("ca.key"), issuer.key().serialize_pem()).unwrap();
            Authority { directory, issuer }
        }

        /// A certificate of this serial number, DER.
        fn signs(&self, serial: &[u8]) -> Vec<u8> {
            let mut parameters = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
            parameters.serial_number = Some(SerialNumber::from_slice(serial));
            let key = KeyPair::generate().unwrap();
            let made = parameters.signed_by(&key, &self.issuer).unwrap();
            std::fs::write(self.directory.path().join("own.pem"), made.pem()).unwrap();
            made.der().to_vec()
        }

        /// What it answers about the last one, if this stands in its books.
        fn answers(&self, books: &str, more: &[&str]) -> Vec<u8> {
            std::fs::write(self.directory.path().join("index"), books).unwrap();
            let made = Command::new("openssl")
                .current_dir(&self.directory)
                .args(["ocsp", "-index", "index", "-rsigner", "ca.pem", "-rkey", "ca.key"])
                .args(["-CA", "ca.pem", "-issuer", "ca.pem"])
                .args(more)
                .args(["-cert", "own.pem", "-ndays", "1", "-noverify", "-respout", "answer"])
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
            std::fs::read(self.directory.path().join("answer")).unwrap()
        }
    }

    const GOOD: &str = "V\t491231235959Z\t\t8234\tunknown\t/CN=x\n";
    const REVOKED: &str = "R\t491231235959Z\t260101000000Z,keyCompromise\t8234\tunknown\t/CN=x\n";

    #[test]
    fn what_the_authority_says_is_believed() {
        let authority = Authority::new();
        // Above 0x7f: as a number it has a zero before it.
        let own = authority.signs(&[0x82, 0x34]);
        for more in [&[][..], &["-sha256"], &["-resp_no_certs", "-resp_key_id"], &["-no_nonce"]] {
            let answer = authority.answers(GOOD, more);
            assert_eq!(wrong(&answer, &own, SystemTime::now()), None, "{more:?}");
        }
        let good = authority.answers(GOOD, &[]);
        let now = SystemTime::now();
        let told = |books| wrong(&authority.answers(books, &[]), &own, now).unwrap();
        assert_eq!(told(REVOKED), "says that the certificate is revoked");
        assert_eq!(told(""), "says that the authority does not know the certificate");
        let told = |when| wrong(&good, &own, when).unwrap();
        assert!(told(now + 2 * DAY).starts_with("has expired on 20"));
        assert!(told(now - DAY).starts_with("is not valid before 20"));
    }

    #[test]
    fn answers_to_something_else_are_told() {
        let (authority, now) = (Authority::new(), SystemTime::now());
        let own = authority.signs(&[0x82, 0x34]);
        let good = authority.answers(GOOD, &[]);
        let foreign = "is about another certificate than the first of the chain";
        for other in [authority.signs(&[0x02, 0x34]), authority.signs(&[0x34])] {
            assert_eq!(wrong(&good, &other, now).unwrap(), foreign);
        }
        let mut namesake = CertificateParams::new(vec![]).unwrap();
        namesake.serial_number = Some(SerialNumber::from_slice(&[0x82, 0x34]));
        let namesake = namesake.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(wrong(&good, namesake.der(), now).unwrap(), foreign);
        let later = wrong(&[0x30, 3, 0x0a, 1, 3], &own, now).unwrap();
        assert_eq!(later, "is no answer: the authority has said TryLater");
        let halves = [&good[..good.len() / 2], &[&good[..], b"\n"].concat()].map(<[u8]>::to_vec);
        for garbage in [vec![], b"<html>".to_vec(), own.clone()].into_iter().chain(halves) {
            let told = wrong(&garbage, &own, now).unwrap();
            assert!(told.starts_with("is no OCSP response: DER is expected ("), "{told}");
        }
        for at in 0..good.len() {
            let mut bent = good.clone();
            bent[at] ^= 0x20;
            // Whatever is said of it, it is said.
            let _ = wrong(&bent, &own, now);
        }
    }
}
