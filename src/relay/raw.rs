//! The client's side of a connection, where TLS records cross: a socket, or two pipes. Relay; the peer is not trusted.

use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::sys::socket::{Shutdown, shutdown};

use crate::worker::stream::Stream;

/// Both directions.
#[derive(Debug)]
pub struct Raw {
    input: Stream,
    output: Output,
}

#[derive(Debug)]
enum Output {
    /// The socket that is the input too.
    Same,
    /// A descriptor of its own.
    Own(Stream),
    /// A pipe that has been closed.
    Ended,
}

impl Raw {
    /// A socket.
    pub fn socket(fd: OwnedFd) -> Self {
        Raw { input: Stream::new(fd), output: Output::Same }
    }

    /// The control connection: one socket twice, or two pipes.
    pub fn halves(input: OwnedFd, output: OwnedFd) -> Self {
        Raw { input: Stream::new(input), output: Output::Own(Stream::new(output)) }
    }

    /// Clients send the end of a handshake in small segments; acknowledged late, each would cost 40 ms. The kernel forgets
    /// this, so that it has to be said again.
    pub fn acknowledge_at_once(&self) {
        // A socket that is none of TCP has no such delay.
        let _ = sys::socket::acknowledge_at_once(self.input.as_fd());
    }

    pub fn input(&self) -> &Stream {
        &self.input
    }

    pub fn output(&self) -> Option<&Stream> {
        match &self.output {
            Output::Same => Some(&self.input),
            Output::Own(output) => Some(output),
            Output::Ended => None,
        }
    }

    /// Tells the client that nothing more will come, and still hears it.
    pub fn end_output(&mut self) {
        let ended = self
            .output()
            .is_none_or(|output| shutdown(output.as_fd().as_raw_fd(), Shutdown::Write).is_ok());
        if !ended {
            // No socket, or one that is broken.
            self.output = Output::Ended;
        }
    }
}

impl Write for &Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let output = self.output().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(output.transmit(bytes)?)
    }

    /// Small records together: a segment each would wait for the acknowledgement of the one before (Nagle).
    fn write_vectored(&mut self, records: &[IoSlice]) -> io::Result<usize> {
        match records.first() {
            Some(first) if records.len() == 1 || first.len() >= SMALL => self.write(first),
            _ => {
                let mut together = Vec::with_capacity(2 * SMALL);
                for record in records {
                    if together.len() + record.len() > 2 * SMALL && !together.is_empty() {
                        break;
                    }
                    together.extend_from_slice(record);
                }
                self.write(&together)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Records of at least this length are worth a system call of their own.
const SMALL: usize = 8 * 1024;
