//! The cryptography behind TLS: ring, and our own order of what it offers. Relay.

use rustls::SupportedCipherSuite;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1, X25519};
use rustls::crypto::ring::{self, cipher_suite as suite};

use super::hybrid::Hybrid;

/// All there is. Of the groups the client's order decides; those of TLS 1.2 have their shape in `key::shape`.
pub fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.cipher_suites = SUITES.to_vec();
    provider.kx_groups = vec![&Hybrid, X25519, SECP256R1, SECP384R1];
    provider
}

/// AES-128-GCM is the fastest where the processor knows AES, and nobody breaks it. A client that knows better is not
/// heard: a session can be resumed under its own suite only, and the order of a client may change.
const SUITES: [SupportedCipherSuite; 9] = [
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

#[cfg(test)]
mod tests {
    use rustls::{ProtocolVersion, SupportedCipherSuite};

    use super::*;
    use crate::relay::key::shape::{Shape, of};

    /// Else the key process would end at the first handshake with it.
    #[test]
    fn each_group_of_tls12_has_its_shape() {
        let provider = provider();
        let spoken = |group: &&&dyn rustls::crypto::SupportedKxGroup| {
            group.usable_for_version(ProtocolVersion::TLSv1_2)
        };
        let groups: Vec<_> = provider.kx_groups.iter().filter(spoken).collect();
        assert_eq!(groups.len(), 3);
        for group in groups {
            let exchange = group.start().unwrap();
            let [high, low] = u16::from(group.name()).to_be_bytes();
            let point = exchange.pub_key();
            let length = u8::try_from(point.len()).unwrap();
            let input = [&[7; 64][..], &[3, high, low, length], point].concat();
            assert_eq!(of(&input), Some(Shape::ServerKeyExchange), "{:?}", group.name());
        }
    }

    #[test]
    fn suites_are_in_our_order() {
        let strength = |suite: &SupportedCipherSuite| {
            let name = format!("{:?}", suite.suite());
            ["AES_128_GCM", "AES_256_GCM", "CHACHA20"].iter().position(|kind| name.contains(kind))
        };
        for suites in [&SUITES[..3], &SUITES[3..]] {
            assert!(suites.is_sorted_by_key(strength), "{suites:?}");
            assert!(suites.iter().all(|suite| strength(suite).is_some()));
        }
    }
}
