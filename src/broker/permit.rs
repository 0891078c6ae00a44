//! What privilege will do for a stranger: two tables. Privileged; the worker is not trusted.
//!
//! A request that is not in the table of its phase does not decode; one that comes with a descriptor
//! or more often than its row allows ends the session. There is no error reply to probe with.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::wire::event::{Event, Note, Violation};
use crate::wire::relay::Of;
use crate::wire::{Bounded, Message, key, login, relay, session};

/// One request: how often at most, and how many a second before it has to wait. None comes with a descriptor.
#[derive(Debug, Clone, Copy)]
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

/// A request whose row is known.
pub trait Request: Message {
    /// Its row in the table of its phase.
    fn row(&self) -> Row;
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
    /// It has not what its work needs.
    Unfit(Bounded<512>),
    /// Something happened.
    Note(Note),
    /// A transfer or a change.
    Event(Event),
}

/// Until someone has logged in. Attempts are counted against `login.max_failures` besides.
impl Request for login::Ask {
    fn row(&self) -> Row {
        match self {
            login::Ask::Violation(_) => row("violation", 1, 1),
            login::Ask::Panicked(_) => row("panicked", 1, 1),
            login::Ask::Login { .. } => row("login", 20, 10),
            login::Ask::Note(_) => row("note", 100, 20),
            login::Ask::Uncaged(_) => row("uncaged", 1, 1),
            login::Ask::Host(_) => row("host", 20, 10),
            login::Ask::Name(_) => row("name", 100, 20),
            login::Ask::StartTls => row("start-tls", 3, 1),
        }
    }

    fn record(self) -> Option<Record> {
        match self {
            login::Ask::Violation(violation) => Some(Record::Violation(violation)),
            login::Ask::Panicked(text) => Some(Record::Panicked(text)),
            login::Ask::Note(note) => Some(Record::Note(note)),
            login::Ask::Uncaged(cause) => Some(Record::Uncaged(cause)),
            _ => None,
        }
    }
}

/// From login to the end.
impl Request for session::Ask {
    fn row(&self) -> Row {
        match self {
            session::Ask::Violation(_) => row("violation", 1, 1),
            session::Ask::Panicked(_) => row("panicked", 1, 1),
            session::Ask::Ready(_) => row("ready", 1, 1),
            session::Ask::Listen(..) => row("listen", EVER, 5_000),
            session::Ask::Connect(..) => row("connect", EVER, 5_000),
            session::Ask::Event(_) => row("event", EVER, 10_000),
            session::Ask::Note(_) => row("note", EVER, 100),
            session::Ask::Status(_) => row("status", EVER, 10_000),
            session::Ask::Uncaged(_) => row("uncaged", 1, 1),
            session::Ask::Forget => row("forget", EVER, 5_000),
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

/// What the relay reports; each handshake is one.
impl Request for relay::Report {
    fn row(&self) -> Row {
        match self {
            relay::Report::Violation(_) => row("violation", 1, 1),
            relay::Report::Panicked(_) => row("panicked", 1, 1),
            relay::Report::Uncaged(_) => row("uncaged", 1, 1),
            relay::Report::Ready => row("ready", 1, 1),
            relay::Report::Unfit(_) => row("unfit", 1, 1),
            relay::Report::Gone => row("gone", 1, 1),
            relay::Report::Established(_) => row("established", EVER, 5_000),
            relay::Report::Failed { .. } => row("failed", EVER, 100),
        }
    }

    fn record(self) -> Option<Record> {
        match self {
            relay::Report::Violation(violation) => Some(Record::Violation(violation)),
            relay::Report::Panicked(text) => Some(Record::Panicked(text)),
            relay::Report::Uncaged(cause) => Some(Record::Uncaged(cause)),
            relay::Report::Unfit(cause) => Some(Record::Unfit(cause)),
            _ => None,
        }
    }
}

/// What the key process reports: how it failed, once.
impl Request for key::Report {
    fn row(&self) -> Row {
        match self {
            key::Report::Violation(_) => row("violation", 1, 1),
            key::Report::Panicked(_) => row("panicked", 1, 1),
            key::Report::Uncaged(_) => row("uncaged", 1, 1),
            key::Report::Unfit(_) => row("unfit", 1, 1),
            key::Report::Breach(_) => row("breach", 1, 1),
        }
    }

    fn record(self) -> Option<Record> {
        Some(match self {
            key::Report::Violation(violation) => Record::Violation(violation),
            key::Report::Panicked(text) => Record::Panicked(text),
            key::Report::Uncaged(cause) => Record::Uncaged(cause),
            key::Report::Unfit(cause) => Record::Unfit(cause),
            key::Report::Breach(_) => return None,
        })
    }
}

/// Handshakes whose end the relay has yet to tell: each is told once, so that no relay fills the log, or tells of a client
/// that there is not.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    control: u32,
    data: u32,
}

impl Handshakes {
    /// One is about to begin.
    pub(super) fn begin(&mut self, of: Of) {
        let count = self.of(of);
        *count = count.saturating_add(1);
    }

    /// One has ended, if this can be true.
    pub(super) fn end(&mut self, of: Of) -> Result<(), Breach> {
        let count = self.of(of);
        *count = count.checked_sub(1).ok_or(Breach::Unbegun)?;
        Ok(())
    }

    fn of(&mut self, of: Of) -> &mut u32 {
        match of {
            Of::Control => &mut self.control,
            Of::Data => &mut self.data,
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
    /// It tells of a handshake that never began, or whose end was told.
    #[error("the end of a handshake that is not going on")]
    Unbegun,
}

/// What has been asked so far.
#[derive(Debug, Default)]
pub struct Ledger {
    counts: BTreeMap<&'static str, Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    total: u32,
    second: Instant,
    in_second: u32,
}

impl Ledger {
    /// Enters a request, and tells how long it has to wait: a busy client is slowed down, not thrown out.
    pub(super) fn enter<A: Request>(
        &mut self,
        ask: &A,
        descriptor: bool,
    ) -> Result<Duration, Breach> {
        let row = ask.row();
        let fresh = Count { total: 0, second: Instant::now(), in_second: 0 };
        let count = self.counts.entry(row.name).or_insert(fresh);
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
    use crate::wire::session::{Ask, Family, Protection};

    #[test]
    fn what_a_row_does_not_allow_is_a_breach() {
        let mut ledger = Ledger::default();
        let ready = Ask::Ready(Default::default());
        assert_eq!(ledger.enter(&ready, true), Err(Breach::Descriptor("ready")));
        assert!(ledger.enter(&ready, false).is_ok());
        assert_eq!(ledger.enter(&ready, false), Err(Breach::Repeated("ready")));
    }

    #[test]
    fn every_request_has_the_row_of_its_name() {
        let name = |ask: &Ask| ask.row().name;
        let address = ([192, 0, 2, 7], 2121).into();
        let note = || Note::Protocol(Bounded::default());
        let event = Event::Change { change: Change::Delete, path: Bounded::default(), to: None };
        assert_eq!(name(&Ask::Violation(Violation([0; 4]))), "violation");
        assert_eq!(name(&Ask::Panicked(Bounded::default())), "panicked");
        assert_eq!(name(&Ask::Ready(Bounded::default())), "ready");
        assert_eq!(name(&Ask::Listen(Family::V4, Protection::Clear)), "listen");
        assert_eq!(name(&Ask::Connect(address, Protection::Clear)), "connect");
        assert_eq!(name(&Ask::Event(event)), "event");
        assert_eq!(name(&Ask::Note(note())), "note");
        assert_eq!(name(&Ask::Status(Bounded::default())), "status");
        assert_eq!(name(&Ask::Uncaged(Bounded::default())), "uncaged");
        assert_eq!(name(&Ask::Forget), "forget");
        let name = |ask: &login::Ask| ask.row().name;
        let a_login = login::Ask::Login {
            user: Bounded::default(),
            unread: Bounded::default(),
            protection: None,
        };
        assert_eq!(name(&a_login), "login");
        assert_eq!(name(&login::Ask::Note(note())), "note");
        assert_eq!(name(&login::Ask::Uncaged(Bounded::default())), "uncaged");
        assert_eq!(name(&login::Ask::Panicked(Bounded::default())), "panicked");
        assert_eq!(name(&login::Ask::Name(Bounded::default())), "name");
        assert_eq!(name(&login::Ask::StartTls), "start-tls");
    }

    #[test]
    fn each_handshake_is_told_of_once() {
        let mut handshakes = Handshakes::default();
        assert_eq!(handshakes.end(Of::Control), Err(Breach::Unbegun));
        handshakes.begin(Of::Control);
        assert_eq!(handshakes.end(Of::Data), Err(Breach::Unbegun));
        assert_eq!(handshakes.end(Of::Control), Ok(()));
        assert_eq!(handshakes.end(Of::Control), Err(Breach::Unbegun));
        (0..2).for_each(|_| handshakes.begin(Of::Data));
        let ends = [(); 3].map(|()| handshakes.end(Of::Data).is_ok());
        assert_eq!(ends, [true, true, false]);
    }

    #[test]
    fn a_busy_client_waits_and_is_not_thrown_out() {
        let mut ledger = Ledger::default();
        let listen = Ask::Listen(Family::V4, Protection::Clear);
        let pauses: Vec<_> = (0..5_001).map(|_| ledger.enter(&listen, false).unwrap()).collect();
        assert!(pauses[0].is_zero() && !pauses[5_000].is_zero());
    }
}
