//! X25519MLKEM768: a key exchange that holds as long as one of its two halves does, against quantum computers too
//! (draft-ietf-tls-ecdhe-mlkem). Relay, TLS 1.3; the share is a stranger's.

use ml_kem::ml_kem_768::EncapsulationKey;
use rustls::crypto::ring::kx_group::X25519;
use rustls::crypto::{
    ActiveKeyExchange, CompletedKeyExchange, SharedSecret, SupportedKxGroup, ring,
};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};
use zeroize::Zeroizing;

/// The server's side; the client's is not there.
#[derive(Debug)]
pub struct Hybrid;

impl SupportedKxGroup for Hybrid {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Err(Error::General("a server begins no key exchange".to_owned()))
    }

    /// The half of ML-KEM comes first in each share and in the secret.
    fn start_and_complete(&self, share: &[u8]) -> Result<CompletedKeyExchange, Error> {
        let (lattice, curve) =
            share.split_at_checked(LATTICE_SHARE).ok_or(PeerMisbehaved::InvalidKeyShare)?;
        let curve = X25519.start_and_complete(curve)?;
        let lattice = lattice.try_into().map_err(|_| PeerMisbehaved::InvalidKeyShare)?;
        let lattice =
            EncapsulationKey::new(lattice).map_err(|_| PeerMisbehaved::InvalidKeyShare)?;
        let mut random = Zeroizing::new([0; 32]);
        ring::default_provider().secure_random.fill(&mut *random)?;
        let (cipher, secret) = lattice.encapsulate_deterministic(&(*random).into());
        let secret = Zeroizing::new(secret);
        Ok(CompletedKeyExchange {
            group: self.name(),
            pub_key: [&cipher[..], &curve.pub_key].concat(),
            secret: SharedSecret::from([&secret[..], curve.secret.secret_bytes()].concat()),
        })
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

/// An encapsulation key of ML-KEM-768 (FIPS 203 §8).
const LATTICE_SHARE: usize = 1184;

#[cfg(test)]
mod tests {
    use ml_kem::ml_kem_768::DecapsulationKey;
    use ml_kem::{Decapsulate, KeyExport};

    use super::*;

    #[test]
    fn both_sides_come_to_the_same_secret() {
        let lattice = DecapsulationKey::from_seed([7; 64].into());
        let curve = X25519.start().unwrap();
        let share = [&lattice.encapsulation_key().to_bytes()[..], curve.pub_key()].concat();
        assert_eq!(share.len(), 1216);
        let server = Hybrid.start_and_complete(&share).unwrap();
        assert_eq!(server.group, NamedGroup::X25519MLKEM768);
        assert_eq!(server.pub_key.len(), 1088 + 32);
        let (cipher, point) = server.pub_key.split_at(1088);
        let secret = lattice.decapsulate_slice(cipher).unwrap();
        let whole = [&secret[..], curve.complete(point).unwrap().secret_bytes()].concat();
        assert_eq!(server.secret.secret_bytes(), whole);
    }

    #[test]
    fn a_share_that_is_none_is_refused() {
        let lattice = DecapsulationKey::from_seed([7; 64].into());
        let curve = X25519.start().unwrap();
        let share = [&lattice.encapsulation_key().to_bytes()[..], curve.pub_key()].concat();
        for length in [0, 32, 1183, 1184, 1215] {
            assert!(Hybrid.start_and_complete(&share[..length]).is_err(), "{length}");
        }
        assert!(Hybrid.start_and_complete(&[&share[..], &[0]].concat()).is_err());
        // Numbers beyond the modulus (FIPS 203 §7.2).
        assert!(Hybrid.start_and_complete(&[[0xff; 1184].as_slice(), &[9; 32]].concat()).is_err());
    }
}
