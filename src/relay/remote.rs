//! Keys that are elsewhere: the relay asks the key process for each signature. Relay; it trusts that process.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use crate::wire::key::{Answer, Ask, INPUT_MAX, Public, RelayEnd};
use crate::wire::{Bounded, Fault};
use crate::worker::wait::wait_for;

/// The way to the key process.
#[derive(Debug)]
pub struct Link {
    /// None when that process is done, or has not answered: a late answer must not be taken for the next one.
    end: Mutex<Option<RelayEnd>>,
    patience: Duration,
}

impl Link {
    /// Learns the public sides of its keys.
    pub fn new(end: RelayEnd, patience: Duration) -> Result<(Arc<Self>, Vec<Public>), Fault> {
        let link = Link { end: Mutex::new(Some(end)), patience };
        match link.with(|end| answer(end, link.patience))? {
            Answer::Keys(keys) => Ok((Arc::new(link), keys)),
            Answer::Signed(_) => Err(Fault::Undecodable),
        }
    }

    /// Lets the key process go.
    pub fn enough(&self) {
        // That it is gone already does not matter.
        let _ = self.with(|end| end.tell(&Ask::Enough));
        self.with_end(|end| *end = None);
    }

    fn sign(&self, ask: &Ask) -> Result<Vec<u8>, Fault> {
        let answer = self.with(|end| {
            end.tell(ask)?;
            answer(end, self.patience)
        })?;
        match answer {
            Answer::Signed(signature) => Ok(signature.into_bytes()),
            Answer::Keys(_) => Err(Fault::Undecodable),
        }
    }

    /// Whoever fails once is not asked again.
    fn with<T>(&self, ask: impl FnOnce(&RelayEnd) -> Result<T, Fault>) -> Result<T, Fault> {
        self.with_end(|end| {
            let result = ask(end.as_ref().ok_or(Fault::Closed)?);
            if result.is_err() {
                *end = None;
            }
            result
        })
    }

    fn with_end<T>(&self, run: impl FnOnce(&mut Option<RelayEnd>) -> T) -> T {
        run(&mut self.end.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn answer(end: &RelayEnd, patience: Duration) -> Result<Answer, Fault> {
    match wait_for(&end.as_fd(), PollFlags::POLLIN, Instant::now() + patience) {
        Ok(true) => Ok(end.hear()?.0),
        Ok(false) => Err(Fault::Full),
        Err(errno) => Err(Fault::System(errno)),
    }
}

/// One of its keys.
#[derive(Debug, Clone)]
pub struct RemoteKey {
    link: Arc<Link>,
    index: u8,
    public: SubjectPublicKeyInfoDer<'static>,
    schemes: Vec<SignatureScheme>,
}

impl RemoteKey {
    pub fn new(link: &Arc<Link>, index: u8, public: Public) -> Self {
        RemoteKey {
            link: link.clone(),
            index,
            public: public.key.into_bytes().into(),
            schemes: public.schemes.into_iter().map(SignatureScheme::from).collect(),
        }
    }
}

impl SigningKey for RemoteKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = *self.schemes.iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(RemoteSigner { link: self.link.clone(), index: self.index, scheme }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(self.public.clone())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        use SignatureScheme::{ECDSA_NISTP256_SHA256, ECDSA_NISTP384_SHA384, ED25519};
        match self.schemes.first() {
            Some(&(ECDSA_NISTP256_SHA256 | ECDSA_NISTP384_SHA384)) => SignatureAlgorithm::ECDSA,
            Some(&ED25519) => SignatureAlgorithm::ED25519,
            _ => SignatureAlgorithm::RSA,
        }
    }
}

#[derive(Debug)]
struct RemoteSigner {
    link: Arc<Link>,
    index: u8,
    scheme: SignatureScheme,
}

/// What a handshake fails with that needs a signature, when there are none to be had any more.
pub const SIGNS_NO_MORE: &str = "the key process signs no more";

impl Signer for RemoteSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let input = Bounded::<INPUT_MAX>::try_from(message)
            .map_err(|_| Error::General("more to sign than a handshake has".to_owned()))?;
        let ask = Ask::Sign { key: self.index, scheme: self.scheme.into(), input };
        self.link.sign(&ask).map_err(|fault| {
            Error::General(match fault {
                Fault::Closed => SIGNS_NO_MORE.to_owned(),
                Fault::Full => "the key process did not answer in time".to_owned(),
                fault => format!("no signature from the key process: {fault}"),
            })
        })
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
