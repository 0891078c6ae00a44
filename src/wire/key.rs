//! Around the key process: the relay has it sign, the broker hears its last words. It trusts neither.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::event::Violation;
use super::{Bounded, Channel};

/// The relay's end.
pub type RelayEnd = Channel<Ask, Answer>;
/// The key process's end of that.
pub type KeyEnd = Channel<Answer, Ask>;
/// The broker's end.
pub type BrokerEnd = Channel<Nothing, Report>;
/// The key process's end of that.
pub type ReportEnd = Channel<Report, Nothing>;

/// The longest input that is signed: of TLS 1.2 with P-384.
pub const INPUT_MAX: usize = 165;
/// How many bits an RSA key may have: ring signs with no others.
pub const RSA_BITS: RangeInclusive<usize> = 2048..=4096;
/// The longest signature: of the largest RSA key.
pub const SIGNATURE_MAX: usize = *RSA_BITS.end() / 8;
/// The longest public key, DER: of the same, with an exponent of 33 bits at most, and the numbers' headers.
pub const PUBLIC_MAX: usize = SIGNATURE_MAX + 64;
/// As many certificates as a configuration may name.
pub const KEYS_MAX: usize = 8;

/// The keys that are served, for whoever has another one.
pub fn kinds() -> String {
    let (least, most) = (RSA_BITS.start(), RSA_BITS.end());
    format!("RSA of {least} to {most} bits, ECDSA P-256 and P-384, Ed25519")
}

/// What the relay asks.
#[derive(Debug, Serialize, Deserialize)]
pub enum Ask {
    /// A signature for a handshake.
    Sign {
        /// Which of the keys, in the order of the configuration.
        key: u8,
        /// The scheme, as TLS numbers it (RFC 8446 §4.2.3).
        scheme: u16,
        /// What is signed: one of the few shapes that a handshake has.
        input: Bounded<INPUT_MAX>,
    },
    /// No further signature is needed: the client has resumed its session.
    Enough,
}

/// What the key process answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Unasked, first: the public sides of its keys, at most [`KEYS_MAX`], in the order of the configuration.
    Keys(Vec<Public>),
    /// The signature.
    Signed(Bounded<SIGNATURE_MAX>),
}

/// The public side of a key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Public {
    /// SubjectPublicKeyInfo, DER.
    pub key: Bounded<PUBLIC_MAX>,
    /// The schemes that it can sign with, the best first.
    pub schemes: Vec<u16>,
}

/// What the key process tells the broker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    /// The cage rules were broken; sent by the signal handler, in a fixed shape, as the last thing.
    Violation(Violation),
    /// This process panicked; the text says where. The last thing it says.
    Panicked(Bounded<256>),
    /// The cage could not be entered; this process serves nobody.
    Uncaged(Bounded<512>),
    /// A key can't be used, and why. The last thing it says.
    Unfit(Bounded<512>),
    /// The relay has sent what none of ours sends; what that was. The last thing it says.
    Breach(Bounded<512>),
}

/// Nothing is said to the key process by the broker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Nothing {}
