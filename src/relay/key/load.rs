//! The keys, from the bytes of their files. Key process; the files are the administrator's.

use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::sign::SigningKey;
use zeroize::Zeroize;

use super::KeyFile;
use super::shape::{MODERN, PKCS1};
use crate::wire::Bounded;
use crate::wire::key::{KEYS_MAX, Public, kinds};

type Keys = (Vec<Arc<dyn SigningKey>>, Vec<Public>);

/// Parses the keys and wipes what they were parsed from; with what the relay may know of them.
pub fn load(files: Vec<KeyFile>) -> Result<Keys, String> {
    if files.is_empty() || files.len() > KEYS_MAX {
        return Err(format!("{} keys; there can be 1 to {KEYS_MAX}", files.len()));
    }
    let mut keys = (vec![], vec![]);
    for KeyFile { path, content } in files {
        let loaded = parse(&content).and_then(|key| Ok((public(key.as_ref())?, key)));
        let (public, key) = loaded.map_err(|cause| format!("{path}: {cause}"))?;
        keys.0.push(key);
        keys.1.push(public);
    }
    Ok(keys)
}

/// The key in a file; or what is wrong with that.
pub fn parse(file: &[u8]) -> Result<Arc<dyn SigningKey>, String> {
    let mut der = PrivateKeyDer::from_pem_slice(file).map_err(|error| match error {
        pem::Error::NoItemsFound if is_encrypted(file) => {
            "is encrypted: a key without a passphrase is expected".to_owned()
        }
        pem::Error::NoItemsFound => "holds no private key: PEM is expected".to_owned(),
        error => format!("is no PEM: {error}"),
    })?;
    let key = any_supported_type(&der);
    der.zeroize();
    key.map_err(|_| format!("is a key of a kind that is not served: there are {}", kinds()))
}

fn public(key: &dyn SigningKey) -> Result<Public, String> {
    let public = key.public_key().ok_or("has no public side")?;
    let public = Bounded::try_from(public.as_ref()).map_err(|error| error.to_string())?;
    let can = |scheme: &SignatureScheme| key.choose_scheme(&[*scheme]).is_some();
    let schemes = MODERN.into_iter().chain(PKCS1).filter(can).map(u16::from).collect();
    Ok(Public { key: public, schemes })
}

/// Nobody is here to be asked for its password.
fn is_encrypted(file: &[u8]) -> bool {
    let words: &[u8] = b"ENCRYPTED PRIVATE KEY";
    file.windows(words.len()).any(|window| window == words)
}
