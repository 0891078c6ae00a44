//! What a handshake of TLS has signed. Key process; the input is the relay's word, and nothing else may look like it.

use rustls::SignatureScheme::{
    self, ECDSA_NISTP256_SHA256, ECDSA_NISTP384_SHA384, ED25519, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
};

/// A version, as far as signatures go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// TLS 1.3: CertificateVerify, over the whole handshake (RFC 8446 §4.4.3).
    CertificateVerify,
    /// TLS 1.2: ServerKeyExchange, over both randoms and our half of the exchange (RFC 8422 §5.4).
    ServerKeyExchange,
}

/// The shape of an input, if it has one.
pub fn of(input: &[u8]) -> Option<Shape> {
    let (head, rest) = input.split_first_chunk::<RANDOMS>()?;
    if head == &[b' '; RANDOMS] {
        let hash = rest.strip_prefix(CONTEXT)?;
        return HASHES.contains(&hash.len()).then_some(Shape::CertificateVerify);
    }
    let known = CURVES.iter().any(|(start, length)| {
        rest.strip_prefix(*start).is_some_and(|point| point.len() == *length)
    });
    known.then_some(Shape::ServerKeyExchange)
}

impl Shape {
    /// Whether its version knows the scheme, and is spoken at all.
    pub fn allows(self, scheme: SignatureScheme, tls13_only: bool) -> bool {
        match self {
            Shape::CertificateVerify => MODERN.contains(&scheme),
            Shape::ServerKeyExchange => {
                !tls13_only && (MODERN.contains(&scheme) || PKCS1.contains(&scheme))
            }
        }
    }
}

/// For both versions, the best first.
pub const MODERN: [SignatureScheme; 6] = [
    ED25519,
    ECDSA_NISTP256_SHA256,
    ECDSA_NISTP384_SHA384,
    RSA_PSS_SHA256,
    RSA_PSS_SHA384,
    RSA_PSS_SHA512,
];
/// For TLS 1.2 alone.
pub const PKCS1: [SignatureScheme; 3] = [RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512];

/// The randoms of client and server; as many spaces in TLS 1.3.
const RANDOMS: usize = 64;
const CONTEXT: &[u8] = b"TLS 1.3, server CertificateVerify\0";
/// SHA-256, SHA-384.
const HASHES: [usize; 2] = [32, 48];
/// named_curve, the curve, the length of the point and, where it is not compressed, its form; and what is left of it.
const CURVES: [(&[u8], usize); 3] =
    [(&[3, 0, 0x1d, 32], 32), (&[3, 0, 0x17, 65, 4], 64), (&[3, 0, 0x18, 97, 4], 96)];
