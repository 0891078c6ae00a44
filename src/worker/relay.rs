//! The relay, as a session worker sees it: what has become of each protected data connection. It is believed in that alone;
//! what it sends is decoded like a stranger's.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};

use super::ask::Peer;
use super::failure::Failure;
use super::session::Session;
use super::wait::{ready, wait, wait_for};
use crate::wire::event::{Direction, End};
use crate::wire::relay::{CONNECTIONS_MOST, Close, Id, Refusal, Wish, Word, WorkerEnd};

/// The way to the relay.
#[derive(Debug)]
pub struct Relay {
    channel: Peer<Wish, Word>,
    /// The last few connections; nobody asks about older ones.
    standings: VecDeque<(Id, Standing)>,
    is_cleared: bool,
}

/// How far a data connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its client has said nothing.
    Silent,
    /// Its handshake has begun.
    Begun,
    /// Bytes may flow.
    Proven,
    /// Nothing flows over it.
    Refused(Refusal),
    /// Nothing flows any more.
    Done(Close),
}

impl Relay {
    /// Takes the worker's end of a channel.
    pub fn new(channel: WorkerEnd) -> Self {
        Relay { channel: Peer::new(channel), standings: VecDeque::new(), is_cleared: false }
    }

    /// Says which way bytes flow.
    pub fn go(&self, id: Id, direction: Direction) -> Result<(), Failure> {
        self.channel.tell(&Wish::Go(id, direction))
    }

    /// Has the control connection be plain from now on.
    pub fn clear(&self) -> Result<(), Failure> {
        self.channel.tell(&Wish::Clear)
    }

    /// Hears one thing that it says.
    pub fn hear(&mut self) -> Result<(), Failure> {
        let (word, None) = self.channel.hear()? else { return Err(Failure::Over(End::Failed)) };
        match word {
            Word::Silent(id) => self.note(id, Standing::Silent),
            Word::Begun(id) => self.note(id, Standing::Begun),
            Word::Proven(id) => self.note(id, Standing::Proven),
            Word::Refused(id, why) => self.note(id, Standing::Refused(why)),
            Word::Done(id, close) => self.note(id, Standing::Done(close)),
            // Who waits is woken by it.
            Word::Flowing => {}
            Word::Cleared => self.is_cleared = true,
            Word::Unanswered => return Err(Failure::Over(End::Protocol)),
        }
        Ok(())
    }

    /// What a client has begun and does not end holds up no other command.
    pub fn wait_no_more(&mut self, id: Id) {
        self.note(id, Standing::Silent);
    }

    /// How far a data connection is, as far as was heard.
    pub fn standing(&self, of: Id) -> Option<Standing> {
        self.standings.iter().find(|(id, _)| *id == of).map(|(_, standing)| *standing)
    }

    fn note(&mut self, id: Id, standing: Standing) {
        self.standings.retain(|(other, _)| *other != id);
        self.standings.truncate(CONNECTIONS_MOST - 1);
        self.standings.push_front((id, standing));
    }
}

impl Session {
    /// Has the control connection be plain from now on, and waits until it is.
    pub(super) fn clear(&mut self) -> Result<(), Failure> {
        let Some(relay) = &self.relay else { return Ok(()) };
        relay.clear()?;
        let deadline = Instant::now() + CLEARED;
        while self.is_protected() {
            if !self.hear_relay(deadline)? {
                return Err(Failure::Over(End::Failed));
            }
        }
        Ok(())
    }

    /// Whether the control connection is protected.
    pub fn is_protected(&self) -> bool {
        self.relay.as_ref().is_some_and(|relay| !relay.is_cleared)
    }

    /// Hears one thing that the relay says, if it does before then. The broker may end the session meanwhile.
    pub fn hear_relay(&mut self, deadline: Instant) -> Result<bool, Failure> {
        loop {
            let Some(relay) = &mut self.relay else { return Ok(false) };
            let mut fds =
                [relay.as_fd(), self.broker.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            if !wait(&mut fds, deadline)? {
                return Ok(false);
            }
            let [says, commands] = fds.each_ref().map(ready);
            if says {
                self.take_word()?;
            }
            if commands {
                let (answer, fd) = self.broker.hear()?;
                self.take_answer(answer, fd)?;
            }
            if says {
                return Ok(true);
            }
        }
    }

    /// Hears what the relay has to say. It ends with the client, whose end is the news then.
    pub fn take_word(&mut self) -> Result<(), Failure> {
        let Some(relay) = &mut self.relay else { return Ok(()) };
        relay.hear().map_err(|failure| {
            match wait_for(&self.control.client(), PollFlags::empty(), Instant::now()) {
                Ok(true) => Failure::Over(End::Closed),
                _ => failure,
            }
        })
    }
}

impl AsFd for Relay {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

/// How long the relay may take to end TLS: longer than it waits for the client.
const CLEARED: Duration = Duration::from_secs(30);
