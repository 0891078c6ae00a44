//! Checksum algorithms: one table of names. Session worker; pure.

use sha2::Digest;

/// A checksum algorithm.
#[derive(Debug)]
pub struct Algorithm {
    /// Its name in the registry of the HASH draft.
    pub name: &'static str,
    start: fn() -> Box<dyn Sum>,
}

/// SHA-256, which HASH computes unless OPTS says otherwise.
pub static SHA_256: Algorithm = Algorithm { name: "SHA-256", start: start::<sha2::Sha256> };
/// SHA-512.
pub static SHA_512: Algorithm = Algorithm { name: "SHA-512", start: start::<sha2::Sha512> };
/// SHA-1, which tells accidents, but not attacks.
pub static SHA_1: Algorithm = Algorithm { name: "SHA-1", start: start::<sha1::Sha1> };
/// MD5, of which the same is true.
pub static MD5: Algorithm = Algorithm { name: "MD5", start: start::<md5::Md5> };
/// The CRC-32 of Ethernet and zip.
pub static CRC32: Algorithm = Algorithm { name: "CRC32", start: || Box::<Crc>::default() };

/// All of them, the most trustworthy first.
pub static ALGORITHMS: [&Algorithm; 5] = [&SHA_256, &SHA_512, &SHA_1, &MD5, &CRC32];

impl Algorithm {
    /// The algorithm of this name, in any case.
    pub fn named(said: &[u8]) -> Option<&'static Algorithm> {
        ALGORITHMS
            .into_iter()
            .find(|algorithm| said.eq_ignore_ascii_case(algorithm.name.as_bytes()))
    }

    /// A sum of nothing yet.
    pub fn start(&self) -> Box<dyn Sum> {
        (self.start)()
    }
}

/// A checksum that is being computed.
pub trait Sum {
    /// Takes more into it.
    fn add(&mut self, bytes: &[u8]);
    /// What it comes to.
    fn finish(self: Box<Self>) -> Vec<u8>;
}

impl<D: Digest> Sum for D {
    fn add(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.finalize().to_vec()
    }
}

#[derive(Default)]
struct Crc(crc32fast::Hasher);

impl Sum for Crc {
    fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0.finalize().to_be_bytes().to_vec()
    }
}

fn start<D: Digest + 'static>() -> Box<dyn Sum> {
    Box::new(D::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // FIPS 180-4 and RFC 1321; CRC-32 of "123456789" is the check value of every catalogue.
        for (name, said, sum) in [
            ("SHA-256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("sha-1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("MD5", "abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("CRC32", "123456789", "cbf43926"),
        ] {
            let mut running = Algorithm::named(name.as_bytes()).unwrap().start();
            let (some, more) = said.as_bytes().split_at(1);
            running.add(some);
            running.add(more);
            let found: String = running.finish().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(found, sum, "{name}");
        }
        assert_eq!(SHA_512.start().finish().len(), 64);
        assert!(Algorithm::named(b"SHA-3").is_none());
    }
}
