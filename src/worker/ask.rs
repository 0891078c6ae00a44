//! A worker's end of the wire: asks that wait for room, answers one at a time. Both workers; the broker is
//! obeyed, the relay is believed, but what they send is decoded like a stranger's.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::wait::wait_for;
use crate::wire::event::End;
use crate::wire::{Channel, Fault};

/// The broker, or the relay, as a worker sees it.
#[derive(Debug)]
pub struct Peer<Ask, Answer>(Channel<Ask, Answer>);

impl<Ask: Serialize, Answer: DeserializeOwned> Peer<Ask, Answer> {
    /// Takes the worker's end of a channel.
    pub fn new(channel: Channel<Ask, Answer>) -> Self {
        Peer(channel)
    }

    /// Says something. Without the other end there is no session.
    pub fn tell(&self, ask: &Ask) -> Result<(), Failure> {
        self.deliver(|| self.0.tell(ask))
    }

    /// Waits for the next answer.
    pub fn hear(&self) -> Result<(Answer, Option<OwnedFd>), Failure> {
        self.0.hear().map_err(|_| FAILED)
    }

    fn deliver(&self, send: impl Fn() -> Result<(), Fault>) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match send() {
                Err(Fault::Full) => {}
                sent => return sent.map_err(|_| FAILED),
            }
            match wait_for(&self.0, PollFlags::POLLOUT, deadline) {
                Ok(true) => {}
                _ => return Err(FAILED),
            }
        }
    }
}

impl<Ask, Answer> AsFd for Peer<Ask, Answer> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

const FAILED: Failure = Failure::Over(End::Failed);
/// Who reads nothing for this long is not coming back.
const PATIENCE: Duration = Duration::from_secs(10);
