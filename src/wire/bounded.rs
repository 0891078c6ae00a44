//! Bytes with a length that the receiver has checked. Every process; the sender is not trusted.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// At most `MAX` bytes, as they came: no encoding is promised.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bounded<const MAX: usize>(Vec<u8>);

/// More bytes than the bound allows.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("longer than {0} bytes")]
pub struct TooLong(pub usize);

impl<const MAX: usize> Bounded<MAX> {
    /// The bytes that fit; the rest is cut. For texts that are only shown.
    pub fn cut(bytes: &[u8]) -> Self {
        Bounded(bytes.get(..MAX).unwrap_or(bytes).to_vec())
    }

    /// Gives the bytes away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl<const MAX: usize> TryFrom<&[u8]> for Bounded<MAX> {
    type Error = TooLong;

    fn try_from(bytes: &[u8]) -> Result<Self, TooLong> {
        if bytes.len() > MAX { Err(TooLong(MAX)) } else { Ok(Bounded(bytes.to_vec())) }
    }
}

impl<const MAX: usize> std::ops::Deref for Bounded<MAX> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Bounded<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl<const MAX: usize> Serialize for Bounded<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Bounded<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(BytesUpTo::<MAX>)
    }
}

struct BytesUpTo<const MAX: usize>;

impl<'de, const MAX: usize> Visitor<'de> for BytesUpTo<MAX> {
    type Value = Bounded<MAX>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "at most {MAX} bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Bounded::try_from(bytes).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(de::Error::custom("bytes, not a sequence"))
    }
}
