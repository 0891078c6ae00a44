//! Bytes on their way from one side of a connection to the other. Relay.

use nix::errno::Errno;

use crate::worker::stream::Stream;

/// What has come and could not be passed on yet.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    passed: usize,
}

impl Buffer {
    /// What is still to be passed on.
    pub fn pending(&self) -> &[u8] {
        self.bytes.get(self.passed..).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.pending().is_empty()
    }

    pub fn push(&mut self, bytes: &[u8]) {
        // A peer may see to it that something is always left: what has been passed on must go all the same.
        self.bytes.drain(..self.passed);
        self.passed = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Forgets so many bytes, which have been passed on.
    pub fn advance(&mut self, length: usize) {
        self.passed = self.passed.saturating_add(length).min(self.bytes.len());
        if self.passed == self.bytes.len() {
            self.clear();
        }
    }

    /// Forgets all; the memory stays for what comes next.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.passed = 0;
    }

    /// Passes on what fits.
    pub fn transmit(&mut self, to: &Stream) -> nix::Result<()> {
        while !self.is_empty() {
            match to.transmit(self.pending()) {
                Ok(length) => self.advance(length),
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}
