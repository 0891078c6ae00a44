//! How the control connection ends, from either side. Relay.

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::sys::socket::{Shutdown, shutdown};

use super::{Control, Stage};
use crate::relay::sides::Told;
use crate::wire::relay::Report;

impl Control {
    /// Nothing more will come from the worker: it is gone, or the broker is.
    pub fn finish(&mut self) {
        match self.stage {
            Stage::Handshake | Stage::Deaf => self.stage = Stage::Over,
            Stage::Open | Stage::Clearing => {
                self.engine.close();
                self.stage = Stage::Ending;
            }
            Stage::Clear => self.stage = Stage::Ending,
            Stage::Ending | Stage::Draining | Stage::Over => return,
        }
        self.until = Some(Instant::now() + self.patience.min(FAREWELL));
    }

    /// Whether the session is over, but for its last words.
    pub fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Ending | Stage::Draining | Stage::Over)
    }

    pub(super) fn client_ended(&mut self) {
        self.raw_ended = true;
        if self.stage == Stage::Draining {
            self.stage = Stage::Over;
        } else if self.stage == Stage::Open {
            self.until = None;
        }
    }

    /// The worker has seen that nothing more comes; the broker sees that nobody is there.
    pub(super) fn client_gone(&mut self, told: &mut Told) {
        told.reports.push(Report::Gone);
        self.up.clear();
        self.until = None;
        self.stage = Stage::Deaf;
    }

    /// The worker has closed its side, and its last bytes are waiting for the client: not for ever.
    pub(super) fn abandoned(&mut self) {
        match self.stage {
            Stage::Handshake | Stage::Clearing | Stage::Deaf => self.finish(),
            _ => {
                self.plain_gone = true;
                let farewell = self.patience.min(FAREWELL);
                self.until.get_or_insert_with(|| Instant::now() + farewell);
            }
        }
    }

    pub(super) fn drain(&mut self) {
        self.hang_up();
        self.raw.end_output();
        self.stage = if self.raw_ended { Stage::Over } else { Stage::Draining };
        self.until = Some(Instant::now() + self.patience.min(LINGER));
    }

    pub(super) fn hang_up(&mut self) {
        if !self.hung_up {
            let _ = shutdown(self.plain.as_fd().as_raw_fd(), Shutdown::Both);
            self.hung_up = true;
        }
    }
}

/// How long the last words may wait for a client that reads slowly. With what follows, less than the broker waits.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long a client may take to close its side behind ours.
pub const LINGER: Duration = Duration::from_secs(1);
