//! The keys, from the bytes of their files. Key process; the files are the administrator's.

use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::sign::SigningKey;
use zeroize::{Zeroize, Zeroizing};

use super::shape::{MODERN, PKCS1};
use crate::wire::Bounded;
use crate::wire::key::{KEYS_MAX, Public, kinds};

type Keys = (Vec<Arc<dyn SigningKey>>, Vec<Public>);

/// Parses the keys and wipes what they were parsed from; with what the relay may know of them.
pub fn load(files: Vec<Zeroizing<Vec<u8>>>) -> Result<Keys, String> {
    if files.is_empty() || files.len() > KEYS_MAX {
        return Err(format!("{} keys; there can be 1 to {KEYS_MAX}", files.len()));
    }
    let mut keys = (vec![], vec![]);
    for (index, file) in files.into_iter().enumerate() {
        let (key, public) = one(&file).map_err(|cause| format!("key {}: {cause}", index + 1))?;
        keys.0.push(key);
        keys.1.push(public);
    }
    Ok(keys)
}

fn one(file: &[u8]) -> Result<(Arc<dyn SigningKey>, Public), String> {
    let mut der = PrivateKeyDer::from_pem_slice(file).map_err(|error| match error {
        pem::Error::NoItemsFound if is_encrypted(file) => "it is encrypted".to_owned(),
        pem::Error::NoItemsFound => "there is no private key in its file".to_owned(),
        error => format!("its file is no PEM: {error}"),
    })?;
    let key = any_supported_type(&der);
    der.zeroize();
    let key =
        key.map_err(|_| format!("it is of a kind that is not served: there are {}", kinds()))?;
    let public = key.public_key().ok_or("it has no public side")?;
    let public = Bounded::try_from(public.as_ref()).map_err(|error| error.to_string())?;
    let can = |scheme: &SignatureScheme| key.choose_scheme(&[*scheme]).is_some();
    let schemes = MODERN.into_iter().chain(PKCS1).filter(can).map(u16::from).collect();
    Ok((key, Public { key: public, schemes }))
}

/// Nobody is here to be asked for its password.
fn is_encrypted(file: &[u8]) -> bool {
    let words: &[u8] = b"ENCRYPTED PRIVATE KEY";
    file.windows(words.len()).any(|window| window == words)
}
