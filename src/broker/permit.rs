//! What privilege will do for a stranger: two tables. Privileged; the worker is not trusted.
//!
//! A request that is not in the table of its phase does not decode; one that comes with a descriptor
//! or more often than its row allows ends the session. There is no error reply to probe with.

use std::time::{Duration, Instant};

use crate::wire::event::{Event, Note, Violation};
use crate::wire::{Bounded, Message, login, session};

/// One request: how often at most, and how many a second before it has to wait. None comes with a descriptor.
#[derive(Debug)]
pub struct Row {
    /// Its name in the log.
    pub name: &'static str,
    at_most: u32,
    per_second: u32,
}

const fn row(name: &'static str, at_most: u32, per_second: u32) -> Row {
    Row { name, at_most, per_second }
}

const EVER: u32 = u32::MAX;

/// Until someone has logged in. Attempts are counted against `login.max_failures` besides.
#[rustfmt::skip]
const LOGIN: [Row; 6] = [
    row("violation", 1, 1),
    row("panicked", 1, 1),
    row("login", 20, 10),
    row("note", 100, 20),
    row("uncaged", 1, 1),
    row("host", 20, 10),
];

/// From login to the end.
const SESSION: [Row; 10] = [
    row("violation", 1, 1),
    row("panicked", 1, 1),
    row("ready", 1, 1),
    row("listen", EVER, 5_000),
    row("connect", EVER, 5_000),
    row("event", EVER, 10_000),
    row("note", EVER, 100),
    row("status", EVER, 10_000),
    row("uncaged", 1, 1),
    row("forget", EVER, 5_000),
];

/// A request whose row is known.
pub trait Request: Message {
    /// The table of its phase.
    const TABLE: &'static [Row];
    /// Its row there.
    fn row(&self) -> usize;
    /// What of it is for the book alone; nothing, if it asks for power.
    fn record(self) -> Option<Record>;
}

/// What a worker says without asking for anything, also as its last words.
pub enum Record {
    /// Its cage was broken.
    Violation(Violation),
    /// It panicked.
    Panicked(Bounded<256>),
    /// It could not enter its cage.
    Uncaged(Bounded<512>),
    /// Something happened.
    Note(Note),
    /// A transfer or a change.
    Event(Event),
}

impl Request for login::Ask {
    const TABLE: &'static [Row] = &LOGIN;

    fn row(&self) -> usize {
        match self {
            login::Ask::Violation(_) => 0,
            login::Ask::Panicked(_) => 1,
            login::Ask::Login { .. } => 2,
            login::Ask::Note(_) => 3,
            login::Ask::Uncaged(_) => 4,
            login::Ask::Host(_) => 5,
        }
    }

    fn record(self) -> Option<Record> {
        match self {
            login::Ask::Violation(violation) => Some(Record::Violation(violation)),
            login::Ask::Panicked(text) => Some(Record::Panicked(text)),
            login::Ask::Note(note) => Some(Record::Note(note)),
            login::Ask::Uncaged(cause) => Some(Record::Uncaged(cause)),
            login::Ask::Login { .. } | login::Ask::Host(_) => None,
        }
    }
}

impl Request for session::Ask {
    const TABLE: &'static [Row] = &SESSION;

    fn row(&self) -> usize {
        match self {
            session::Ask::Violation(_) => 0,
            session::Ask::Panicked(_) => 1,
            session::Ask::Ready(_) => 2,
            session::Ask::Listen(_) => 3,
            session::Ask::Connect(_) => 4,
            session::Ask::Event(_) => 5,
            session::Ask::Note(_) => 6,
            session::Ask::Status(_) => 7,
            session::Ask::Uncaged(_) => 8,
            session::Ask::Forget => 9,
        }
    }

    fn record(self) -> Option<Record> {
        match self {
            session::Ask::Violation(violation) => Some(Record::Violation(violation)),
            session::Ask::Panicked(text) => Some(Record::Panicked(text)),
            session::Ask::Note(note) => Some(Record::Note(note)),
            session::Ask::Uncaged(cause) => Some(Record::Uncaged(cause)),
            session::Ask::Event(event) => Some(Record::Event(event)),
            _ => None,
        }
    }
}

/// Why a request is not permitted.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breach {
    /// It came more often than its row allows.
    #[error("{0} was asked too often")]
    Repeated(&'static str),
    /// It came with a descriptor: no worker has any to hand over.
    #[error("{0} came with a descriptor")]
    Descriptor(&'static str),
}

/// What has been asked so far.
#[derive(Debug)]
pub struct Ledger {
    counts: [Count; 10],
}

#[derive(Debug, Clone, Copy)]
struct Count {
    total: u32,
    second: Instant,
    in_second: u32,
}

impl Ledger {
    /// Nothing yet.
    pub(super) fn new() -> Ledger {
        Ledger { counts: [Count { total: 0, second: Instant::now(), in_second: 0 }; 10] }
    }

    /// Enters a request, and tells how long it has to wait: a busy client is slowed down, not thrown out.
    pub(super) fn enter<A: Request>(
        &mut self,
        ask: &A,
        descriptor: bool,
    ) -> Result<Duration, Breach> {
        let at = ask.row();
        let (Some(row), Some(count)) = (A::TABLE.get(at), self.counts.get_mut(at)) else {
            return Err(Breach::Repeated("an unknown request"));
        };
        if descriptor {
            return Err(Breach::Descriptor(row.name));
        }
        if row.at_most != EVER && count.total >= row.at_most {
            return Err(Breach::Repeated(row.name));
        }
        count.total = count.total.saturating_add(1);
        Ok(count.pause(row.per_second))
    }
}

impl Count {
    fn pause(&mut self, per_second: u32) -> Duration {
        const SECOND: Duration = Duration::from_secs(1);
        let elapsed = self.second.elapsed();
        if elapsed >= SECOND {
            *self = Count { second: Instant::now(), in_second: 0, ..*self };
        }
        self.in_second += 1;
        if self.in_second > per_second { SECOND.saturating_sub(elapsed) } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::event::Change;
    use crate::wire::session::{Ask, Family};

    #[test]
    fn what_a_row_does_not_allow_is_a_breach() {
        let mut ledger = Ledger::new();
        let ready = Ask::Ready(Default::default());
        assert_eq!(ledger.enter(&ready, true), Err(Breach::Descriptor("ready")));
        assert!(ledger.enter(&ready, false).is_ok());
        assert_eq!(ledger.enter(&ready, false), Err(Breach::Repeated("ready")));
    }

    #[test]
    fn every_request_has_the_row_of_its_name() {
        let name = |ask: &Ask| Ask::TABLE[ask.row()].name;
        let address = ([192, 0, 2, 7], 2121).into();
        let note = || Note::Protocol(Bounded::default());
        let event = Event::Change { change: Change::Delete, path: Bounded::default(), to: None };
        assert_eq!(name(&Ask::Violation(Violation([0; 4]))), "violation");
        assert_eq!(name(&Ask::Panicked(Bounded::default())), "panicked");
        assert_eq!(name(&Ask::Ready(Bounded::default())), "ready");
        assert_eq!(name(&Ask::Listen(Family::V4)), "listen");
        assert_eq!(name(&Ask::Connect(address)), "connect");
        assert_eq!(name(&Ask::Event(event)), "event");
        assert_eq!(name(&Ask::Note(note())), "note");
        assert_eq!(name(&Ask::Status(Bounded::default())), "status");
        assert_eq!(name(&Ask::Uncaged(Bounded::default())), "uncaged");
        assert_eq!(name(&Ask::Forget), "forget");
        let name = |ask: &login::Ask| login::Ask::TABLE[ask.row()].name;
        let a_login = login::Ask::Login { user: Bounded::default(), unread: Bounded::default() };
        assert_eq!(name(&a_login), "login");
        assert_eq!(name(&login::Ask::Note(note())), "note");
        assert_eq!(name(&login::Ask::Uncaged(Bounded::default())), "uncaged");
        assert_eq!(name(&login::Ask::Panicked(Bounded::default())), "panicked");
    }

    #[test]
    fn a_busy_client_waits_and_is_not_thrown_out() {
        let mut ledger = Ledger::new();
        let listen = Ask::Listen(Family::V4);
        let pauses: Vec<_> = (0..5_001).map(|_| ledger.enter(&listen, false).unwrap()).collect();
        assert!(pauses[0].is_zero() && !pauses[5_000].is_zero());
    }
}
