//! The key process: it has the private keys, reads nothing but what the relay asks, and signs nothing but what a handshake
//! of TLS signs. It trusts neither the relay nor the broker.

mod load;
pub(super) mod shape;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use load::parse;
use rustls::SignatureScheme;
use rustls::sign::SigningKey;
use zeroize::Zeroizing;

use crate::cage::Caged;
use crate::wire::key::{Answer, Ask, KeyEnd, Public, Report, ReportEnd};
use crate::wire::{Bounded, Fault};

/// What the key process begins with.
#[derive(Debug)]
pub struct KeyStart {
    /// To the relay.
    pub relay: KeyEnd,
    /// To the broker.
    pub broker: ReportEnd,
    /// One for each certificate.
    pub keys: Vec<KeyFile>,
    /// How many signatures it makes before it ends.
    pub at_most: Option<u32>,
    /// Nothing is signed for TLS 1.2, whose signatures cover no more than a key exchange.
    pub tls13_only: bool,
}

/// The file of a key.
#[derive(Debug)]
pub struct KeyFile {
    /// Its name, for the log.
    pub path: String,
    /// PEM with PKCS#1, PKCS#8 or SEC1; RSA, ECDSA or Ed25519.
    pub content: Zeroizing<Vec<u8>>,
}

/// Signs until it is not needed any more.
pub fn run_key(_: &Caged, start: KeyStart) {
    serve(start);
}

/// The same for who is not caged: tests.
pub(super) fn serve(start: KeyStart) {
    let KeyStart { relay, broker, keys, at_most, tls13_only } = start;
    let served = match load::load(keys) {
        Ok((keys, public)) => answer(&relay, &keys, public, at_most, tls13_only),
        Err(cause) => Err(Report::Unfit(Bounded::cut(cause.as_bytes()))),
    };
    if let Err(last_word) = served {
        let _ = broker.tell(&last_word);
    }
}

fn answer(
    relay: &KeyEnd,
    keys: &[Arc<dyn SigningKey>],
    public: Vec<Public>,
    at_most: Option<u32>,
    tls13_only: bool,
) -> Result<(), Report> {
    let signed = match relay.tell(&Answer::Keys(public)) {
        Ok(()) => sign(relay, keys, at_most, tls13_only),
        // It has files of its own, which may be no good.
        Err(Fault::Closed) => Ok(()),
        Err(fault) => Err(fault.to_string()),
    };
    signed.map_err(|what| Report::Breach(Bounded::cut(what.as_bytes())))
}

/// Signs; or what the relay has sent that it should not have.
fn sign(
    relay: &KeyEnd,
    keys: &[Arc<dyn SigningKey>],
    at_most: Option<u32>,
    tls13_only: bool,
) -> Result<(), String> {
    let mut left = at_most;
    while left != Some(0) {
        let (key, scheme, input) = match relay.hear() {
            Ok((Ask::Sign { key, scheme, input }, None)) => (key, scheme, input),
            Ok((Ask::Enough, None)) | Err(Fault::Closed) => return Ok(()),
            Ok(_) => return Err("a descriptor to the key process".to_owned()),
            Err(fault) => return Err(fault.to_string()),
        };
        let key = keys.get(usize::from(key)).ok_or("the number of no key")?;
        let scheme = SignatureScheme::from(scheme);
        if !shape::of(&input).is_some_and(|shape| shape.allows(scheme, tls13_only)) {
            return Err("what no handshake signs".to_owned());
        }
        let signer = key.choose_scheme(&[scheme]).ok_or("a scheme that the key has not")?;
        let signature = signer.sign(&input).map_err(|error| error.to_string())?;
        let signature =
            Bounded::try_from(signature.as_slice()).map_err(|error| error.to_string())?;
        match relay.tell(&Answer::Signed(signature)) {
            Ok(()) => left = left.map(|left| left - 1),
            Err(Fault::Closed) => return Ok(()),
            Err(fault) => return Err(fault.to_string()),
        }
    }
    Ok(())
}
