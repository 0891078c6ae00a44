//! How much a process may use. Every process on its way down.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Resource limits; each is soft and hard at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Descriptors open at a time; as many as the system allows where it is none.
    pub files: Option<u64>,
    /// Address space, in bytes.
    pub memory: u64,
    /// Seconds of processor time, for those who serve strangers.
    pub seconds: Option<u64>,
}

impl Limits {
    /// Before login: a stranger at the other end.
    pub const LOGIN: Limits = Limits { files: Some(16), memory: 128 << 20, seconds: Some(30) };
    /// A session.
    pub const SESSION: Limits = Limits { files: Some(32), memory: 256 << 20, seconds: None };
    /// The relay: some data connections at a time, each with its two ends.
    pub const RELAY: Limits = Limits { files: Some(64), memory: 256 << 20, seconds: None };
    /// The key process: a few signatures.
    pub const KEY: Limits = Limits { files: Some(16), memory: 128 << 20, seconds: Some(30) };
    /// The broker of a session. Descriptors that wait in a channel are counted for all brokers together, against the
    /// limit of the one that sends: a small one would let a few sessions that do not read stop the others.
    pub const BROKER: Limits = Limits { files: None, memory: 256 << 20, seconds: None };

    pub(super) fn apply(&self) -> io::Result<()> {
        let limits = [
            (Resource::RLIMIT_CORE, Some(0)),
            (Resource::RLIMIT_NPROC, Some(0)),
            (
                Resource::RLIMIT_NOFILE,
                Some(match self.files {
                    Some(files) => files,
                    None => getrlimit(Resource::RLIMIT_NOFILE)?.1,
                }),
            ),
            (Resource::RLIMIT_AS, Some(self.memory)),
            (Resource::RLIMIT_CPU, self.seconds),
        ];
        for (resource, limit) in limits {
            if let Some(limit) = limit {
                setrlimit(resource, limit, limit)?;
            }
        }
        Ok(())
    }
}
