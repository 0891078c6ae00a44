//! What the key process signs, and what it refuses.

use std::ops::Range;
use std::thread::JoinHandle;

use rustls::SignatureScheme as Scheme;

use super::shape::Shape;
use super::*;
use crate::relay::testing::{Pair, of_kind, openssl, pair};
use crate::wire::key::{BrokerEnd, INPUT_MAX, Public, RelayEnd};

struct Keys {
    relay: RelayEnd,
    broker: BrokerEnd,
    process: JoinHandle<()>,
}

/// Whether TLS 1.2 is spoken, and how many signatures there are.
fn start(key: &str, tls13_only: bool, at_most: Option<u32>) -> Keys {
    let (relay, far) = RelayEnd::pair().unwrap();
    let (broker, report) = BrokerEnd::pair().unwrap();
    let content = key.as_bytes().to_vec().into();
    let keys = vec![KeyFile { path: "key".to_owned(), content }];
    let start = KeyStart { relay: far, broker: report, keys, at_most, tls13_only };
    Keys { relay, broker, process: std::thread::spawn(move || serve(start)) }
}

impl Keys {
    fn public(&self) -> Public {
        match self.relay.hear().unwrap().0 {
            Answer::Keys(mut keys) => keys.remove(0),
            Answer::Signed(_) => panic!("unasked"),
        }
    }

    fn ask(&self, key: u8, scheme: Scheme, input: &[u8]) -> Option<Vec<u8>> {
        let input = Bounded::try_from(input).unwrap();
        self.relay.tell(&Ask::Sign { key, scheme: scheme.into(), input }).unwrap();
        match self.relay.hear() {
            Ok((Answer::Signed(signature), None)) => Some(signature.into_bytes()),
            Ok(answer) => panic!("{answer:?}"),
            Err(fault) => {
                assert_eq!(fault, Fault::Closed);
                None
            }
        }
    }

    /// Its last word, if it had one.
    fn end(self) -> Option<String> {
        drop(self.relay);
        self.process.join().unwrap();
        match self.broker.hear() {
            Ok((Report::Unfit(cause) | Report::Breach(cause), None)) => {
                Some(String::from_utf8(cause.into_bytes()).unwrap())
            }
            Ok(report) => panic!("{report:?}"),
            Err(fault) => {
                assert_eq!(fault, Fault::Closed);
                None
            }
        }
    }
}

fn tls13(hash: usize) -> Vec<u8> {
    [&[b' '; 64][..], b"TLS 1.3, server CertificateVerify\0", &vec![7; hash]].concat()
}

fn tls12(params: &[u8], point: usize) -> Vec<u8> {
    [&[7; 64][..], params, &vec![9; point]].concat()
}

/// What handshakes sign.
fn good() -> Vec<Vec<u8>> {
    vec![
        tls13(32),
        tls13(48),
        tls12(&[3, 0, 0x1d, 32], 32),
        tls12(&[3, 0, 0x17, 65, 4], 64),
        tls12(&[3, 0, 0x18, 97, 4], 96),
    ]
}

/// Where the bytes stand that say what an input is; all others are the handshake's own.
fn says(input: &[u8]) -> Range<usize> {
    match input[0] {
        b' ' => 0..98,
        // A point of X25519 has no form.
        _ if input[66] == 0x1d => 64..68,
        _ => 64..69,
    }
}

fn p256() -> Pair {
    pair(&["localhost"])
}

#[test]
fn what_handshakes_sign_is_signed() {
    let keys = start(&p256().key, false, None);
    assert_eq!(keys.public().schemes, [u16::from(Scheme::ECDSA_NISTP256_SHA256)]);
    let lengths: Vec<_> = good().iter().map(Vec::len).collect();
    assert_eq!(lengths, [130, 146, 100, 133, 165]);
    for input in good() {
        assert!(keys.ask(0, Scheme::ECDSA_NISTP256_SHA256, &input).is_some(), "{input:?}");
    }
    assert_eq!(keys.end(), None);
}

#[test]
fn nothing_else_is_signed() {
    let mut bad = vec![vec![], vec![b' '; 64], vec![7; 64]];
    for input in good() {
        let length = input.len();
        // As long, but something else; a byte too short, a byte too long.
        bad.push(vec![0; length]);
        bad.push(vec![b' '; length]);
        bad.push(input[..length - 1].to_vec());
        bad.extend((length < INPUT_MAX).then(|| [&input[..], &[0]].concat()));
        // Each byte that says what it is.
        for at in says(&input) {
            let mut input = input.clone();
            input[at] ^= 1;
            bad.push(input);
        }
    }
    // A client's CertificateVerify; a hash that no suite has; a compressed point; curves that are not offered.
    bad.push(tls13(32).iter().map(|&byte| if byte == b'v' { b'c' } else { byte }).collect());
    bad.push(tls13(20));
    bad.push(tls13(64));
    bad.push(tls12(&[3, 0, 0x17, 33, 2], 32));
    bad.push(tls12(&[3, 0, 0x19, 97, 4], 96));
    let key = p256().key;
    for input in bad {
        let keys = start(&key, false, None);
        keys.public();
        assert_eq!(keys.ask(0, Scheme::ECDSA_NISTP256_SHA256, &input), None, "{input:?}");
        assert_eq!(keys.end().as_deref(), Some("what no handshake signs"));
    }
}

/// What is signed differs from what is not in these bytes and the length alone, and in each of them.
#[test]
fn inputs_are_of_a_shape_or_of_none() {
    for input in good() {
        let shape = shape::of(&input);
        assert!(shape.is_some());
        for at in 0..input.len() {
            let is_own = !says(&input).contains(&at);
            let mut other = input.clone();
            for byte in (0..=255).filter(|byte| *byte != input[at]) {
                other[at] = byte;
                assert_eq!(shape::of(&other).is_some(), is_own, "{byte} at {at} of {input:?}");
            }
        }
        // As much of it as fits, and all of it with more behind.
        let lengths: Vec<usize> = good().iter().map(Vec::len).collect();
        for length in 0..=INPUT_MAX {
            let mut other = input.clone();
            other.resize(length, 0);
            // Both hashes are as good behind the same words.
            let fits = match shape {
                Some(Shape::CertificateVerify) => lengths[..2].contains(&length),
                _ => length == input.len(),
            };
            assert_eq!(shape::of(&other), shape.filter(|_| fits), "{length} of {input:?}");
        }
    }
    // The words of one version with the randoms of the other.
    for input in good().into_iter().filter(|input| input[0] != b' ') {
        assert_eq!(shape::of(&[&[b' '; 64], &input[64..]].concat()), None, "{input:?}");
        assert_eq!(shape::of(&[&input[..64], &tls13(32)[64..]].concat()), None, "{input:?}");
    }
}

/// RFC 8446 §4.2.3: of all numbers that a relay could name.
#[test]
fn schemes_are_of_a_version_or_of_none() {
    const BOTH: [u16; 6] = [0x0403, 0x0503, 0x0804, 0x0805, 0x0806, 0x0807];
    const OLD: [u16; 3] = [0x0401, 0x0501, 0x0601];
    for number in 0..=u16::MAX {
        let (scheme, is_both) = (Scheme::from(number), BOTH.contains(&number));
        for tls13_only in [false, true] {
            let new = Shape::CertificateVerify.allows(scheme, tls13_only);
            assert_eq!(new, is_both, "{scheme:?}");
            let old = Shape::ServerKeyExchange.allows(scheme, tls13_only);
            assert_eq!(old, !tls13_only && (is_both || OLD.contains(&number)), "{scheme:?}");
        }
    }
}

#[test]
fn the_scheme_fits_version_and_key() {
    let ec = p256().key;
    let rsa = openssl(&["genrsa", "2048"]);
    let (new, old) = (&good()[0], &good()[2]);
    for (key, index, scheme, input, tls13_only, signed) in [
        (&ec, 0, Scheme::ECDSA_NISTP256_SHA256, old, true, false),
        (&ec, 0, Scheme::ECDSA_NISTP256_SHA256, new, true, true),
        (&ec, 0, Scheme::ECDSA_NISTP384_SHA384, new, false, false),
        (&ec, 0, Scheme::RSA_PSS_SHA256, new, false, false),
        (&ec, 0, Scheme::ECDSA_SHA1_Legacy, old, false, false),
        (&ec, 1, Scheme::ECDSA_NISTP256_SHA256, new, false, false),
        (&rsa, 0, Scheme::RSA_PSS_SHA512, new, false, true),
        (&rsa, 0, Scheme::RSA_PKCS1_SHA256, new, false, false),
        (&rsa, 0, Scheme::RSA_PKCS1_SHA256, old, false, true),
        (&rsa, 0, Scheme::RSA_PKCS1_SHA1, old, false, false),
    ] {
        let keys = start(key, tls13_only, None);
        keys.public();
        assert_eq!(keys.ask(index, scheme, input).is_some(), signed, "{scheme:?} {input:?}");
        assert_eq!(keys.end().is_some(), !signed, "{scheme:?} {input:?}");
    }
}

#[test]
fn signatures_are_counted() {
    let keys = start(&p256().key, false, Some(2));
    keys.public();
    for _ in 0..2 {
        assert!(keys.ask(0, Scheme::ECDSA_NISTP256_SHA256, &good()[0]).is_some());
    }
    assert_eq!(keys.relay.hear().unwrap_err(), Fault::Closed);
    assert_eq!(keys.end(), None, "no fault of anybody");
}

#[test]
fn it_ends_when_it_is_not_needed() {
    let keys = start(&p256().key, false, None);
    keys.public();
    keys.relay.tell(&Ask::Enough).unwrap();
    assert_eq!(keys.relay.hear().unwrap_err(), Fault::Closed);
    assert_eq!(keys.end(), None);
}

#[test]
fn keys_come_in_many_forms() {
    let sec1 = openssl(&["ecparam", "-name", "secp384r1", "-genkey"]);
    assert!(sec1.contains("BEGIN EC PARAMETERS"), "something that stands before the key");
    let chain = p256().chain;
    for (key, best) in [
        (openssl(&["genrsa", "-traditional", "2048"]), Scheme::RSA_PSS_SHA256),
        (openssl(&["genrsa", "3072"]), Scheme::RSA_PSS_SHA256),
        (openssl(&["genrsa", "4096"]), Scheme::RSA_PSS_SHA256),
        (sec1, Scheme::ECDSA_NISTP384_SHA384),
        (of_kind(&["localhost"], &rcgen::PKCS_ED25519).key, Scheme::ED25519),
        (chain + &p256().key, Scheme::ECDSA_NISTP256_SHA256),
    ] {
        let keys = start(&key, true, None);
        assert_eq!(keys.public().schemes.first(), Some(&u16::from(best)));
        assert!(keys.ask(0, best, &good()[1]).is_some(), "{best:?}");
        assert_eq!(keys.end(), None);
    }
}

const NOT_SERVED: &str = "key: is a key of a kind that is not served: there are RSA of 2048 to 4096 bits, \
     ECDSA P-256 and P-384, Ed25519";

#[test]
fn keys_that_can_not_be_used_are_told_of() {
    for (key, cause) in [
        (String::new(), "key: holds no private key: PEM is expected"),
        (p256().chain, "key: holds no private key: PEM is expected"),
        (
            openssl(&["genrsa", "-aes128", "-passout", "pass:x", "2048"]),
            "key: is encrypted: a key without a passphrase is expected",
        ),
        (openssl(&["ecparam", "-name", "secp521r1", "-genkey", "-noout"]), NOT_SERVED),
        (openssl(&["genrsa", "2040"]), NOT_SERVED),
        (openssl(&["genrsa", "4104"]), NOT_SERVED),
    ] {
        let keys = start(&key, false, None);
        assert_eq!(keys.end().as_deref(), Some(cause));
    }
}
