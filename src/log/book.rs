//! The book of one session: every line of the log that is about it, and what it adds up to. Privileged or shrunk; the
//! texts come from the worker, bounded, and are escaped by the line.

use std::net::IpAddr;
use std::time::Instant;

use super::{Line, Log};
use crate::config::Level;
use crate::wire::event::{Change, Direction, End, Event, Note, Outcome, Transfer};
use crate::wire::relay::{Close, Established, Of};

/// What is known of a session, and where it is written.
#[derive(Debug)]
pub struct Book {
    log: Log,
    session: String,
    from: IpAddr,
    user: Vec<u8>,
    start: Instant,
    received: u64,
    sent: u64,
    end: Option<End>,
}

impl Book {
    /// Opens the book of a session that begins now.
    pub fn open(log: Log, session: String, from: IpAddr) -> Book {
        let start = Instant::now();
        Book { log, session, from, user: b"-".to_vec(), start, received: 0, sent: 0, end: None }
    }

    /// From now on this is the user.
    pub fn name_user(&mut self, user: &[u8]) {
        self.user = user.to_vec();
    }

    /// Who it is, for titles and status lines.
    pub fn user(&self) -> String {
        String::from_utf8_lossy(&self.user).into_owned()
    }

    /// A line that begins as every line of this session does.
    pub fn line(&self, event: &str) -> Line {
        Line::new(event)
            .with("session", &self.session)
            .with("from", self.from)
            .with_bytes("user", &self.user)
    }

    /// Writes a line.
    pub fn write(&mut self, level: Level, line: &Line) {
        self.log.write(level, line);
    }

    /// Something that an administrator should look into.
    pub fn fault(&mut self, event: &str, cause: impl std::fmt::Display) {
        let line = self.line(event).with("cause", cause);
        self.write(Level::Error, &line);
    }

    /// The end of one of our processes that was not of its own will.
    pub fn died(&mut self, event: &str, process: &str, key: &str, value: &[u8]) {
        let line = self.line(event).with("process", process).with_bytes(key, value);
        self.write(Level::Error, &line);
    }

    /// A handshake that ended well. A data connection that did not show where it comes from, and was taken all the same, is
    /// worth knowing.
    pub fn established(&mut self, established: &Established, require_reuse: bool) {
        let Established { of, version, suite, group, resumed, host, certificate } = established;
        let line = self.line("tls").with("connection", connection(*of));
        let line = line.with_bytes("version", version).with_bytes("cipher", suite);
        let mut line = line.with_bytes("group", group).with("resumed", resumed);
        for (name, value) in [("host", host.as_deref()), ("certificate", certificate.as_deref())] {
            if let Some(value) = value {
                line = line.with_bytes(name, value);
            }
        }
        let level = match (of, resumed) {
            (Of::Control, _) => Level::Info,
            (Of::Data, false) if !require_reuse => {
                line = line.with("proof", UNPROVEN);
                Level::Notice
            }
            (Of::Data, _) => Level::Debug,
        };
        self.write(level, &line);
    }

    /// A handshake that did not.
    pub fn handshake_failed(&mut self, of: Of, cause: &[u8]) {
        if of == Of::Control {
            self.end.get_or_insert(End::Protocol);
        }
        let line = self.line("tls-failed").with("connection", connection(of));
        self.write(Level::Notice, &line.with_bytes("cause", cause));
    }

    /// A transfer or a change.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Transfer(transfer) => self.transfer(transfer),
            Event::Change { change, path, to } => {
                let line = self.line(name_of(*change)).with_bytes("path", path);
                let line = match to {
                    Some(to) => line.with_bytes("to", to),
                    None => line,
                };
                self.write(Level::Info, &line);
            }
        }
    }

    fn transfer(&mut self, transfer: &Transfer) {
        let (event, total) = match transfer.direction {
            Direction::Upload => ("upload", &mut self.received),
            Direction::Download => ("download", &mut self.sent),
            Direction::Listing => ("listing", &mut self.sent),
        };
        *total = total.saturating_add(transfer.bytes);
        let outcome = match transfer.outcome {
            Outcome::Complete => "complete",
            Outcome::Aborted => "aborted",
            Outcome::Failed => "failed",
        };
        let line = self
            .line(event)
            .with_bytes("path", &transfer.path)
            .with("bytes", transfer.bytes)
            .with("ms", transfer.millis)
            .with("outcome", outcome);
        let line = if transfer.cause.is_empty() {
            line
        } else {
            line.with_bytes("cause", &transfer.cause)
        };
        // New keys stand at the end (docs/log.md).
        let line = match transfer.tls {
            None => line,
            Some(Close::Truncated) => line.with("tls", true).with("end", "unauthenticated"),
            Some(Close::Clean | Close::Broken) => line.with("tls", true),
        };
        let routine =
            transfer.direction == Direction::Listing && transfer.outcome == Outcome::Complete;
        self.write(if routine { Level::Debug } else { Level::Info }, &line);
    }

    /// A refusal, a breach of the protocol, or the end.
    pub fn note(&mut self, note: &Note) {
        match note {
            Note::Refused { verb, path, cause } => {
                let line = self.line("refused").with_bytes("verb", verb).with_bytes("path", path);
                self.write(Level::Notice, &line.with_bytes("cause", cause));
            }
            Note::Client(name) => {
                let line = self.line("client").with_bytes("name", name);
                self.write(Level::Info, &line);
            }
            Note::Protocol(text) => {
                let line = self.line("protocol").with_bytes("cause", text);
                self.write(Level::Notice, &line);
            }
            Note::Trouble(text) => {
                let line = self.line("trouble").with_bytes("cause", text);
                self.write(Level::Notice, &line);
            }
            Note::End(end) => self.end = Some(*end),
        }
    }

    /// Another worker goes on: what the one before has said of its end is not that of the session.
    pub fn goes_on(&mut self) {
        self.end = None;
    }

    /// Why the worker ends, if it has said so.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The last line of the session.
    pub fn close(&mut self) {
        let end = match self.end {
            Some(End::Quit) => "quit",
            Some(End::Closed) => "closed",
            Some(End::Idle) => "idle",
            Some(End::LoginTimeout) => "login-timeout",
            Some(End::Failures) => "login-failures",
            Some(End::Protocol) => "protocol",
            Some(End::Stopped) => "stopped",
            Some(End::Failed) => "failed",
            None => "broken",
        };
        let line = self
            .line("end")
            .with("end", end)
            .with("seconds", self.start.elapsed().as_secs())
            .with("received", self.received)
            .with("sent", self.sent);
        self.write(Level::Info, &line);
    }
}

const UNPROVEN: &str =
    "none: taken by its address alone, as tls.require_reuse is off for this client";

fn connection(of: Of) -> &'static str {
    match of {
        Of::Control => "control",
        Of::Data => "data",
    }
}

fn name_of(change: Change) -> &'static str {
    match change {
        Change::Delete => "delete",
        Change::MakeDirectory => "make-dir",
        Change::RemoveDirectory => "remove-dir",
        Change::Rename => "rename",
        Change::SetMode => "chmod",
        Change::SetGroup => "chgrp",
        Change::SetTime => "set-time",
        Change::MakeLink => "symlink",
        Change::Copy => "copy",
        Change::Combine => "combine",
    }
}
