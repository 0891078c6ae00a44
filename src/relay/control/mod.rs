//! The control connection under TLS, and after it (CCC). Relay; neither the client nor the worker is trusted to read, to
//! write, or to stop.

mod clear;
mod ending;
mod handshake;

pub use ending::LINGER;

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{Shutdown, shutdown};
use rustls::pki_types::CertificateDer;
use rustls::{ProtocolVersion, ServerConfig};

use crate::relay::buffer::Buffer;
use crate::relay::engine::Engine;
use crate::relay::established::shown;
use crate::relay::raw::Raw;
use crate::relay::record;
use crate::relay::sides::{Sides, Told};
use crate::wire::relay::{Of, Report, Word};
use crate::worker::stream::Stream;

/// The control connection.
#[derive(Debug)]
pub struct Control {
    raw: Raw,
    plain: Stream,
    engine: Engine,
    version: Option<ProtocolVersion>,
    /// What has come from the client and TLS has not taken: never more than one record is given to it at a time, as
    /// what stands behind the client's last one is plain after CCC.
    input: Buffer,
    /// Whether the client has sent anything.
    has_heard: bool,
    /// On its way to the worker.
    up: Buffer,
    /// On its way to the client, after CCC.
    down: Buffer,
    stage: Stage,
    /// The client sends nothing more.
    raw_ended: bool,
    /// The worker has been told that.
    up_ended: bool,
    /// The worker has closed its side, while its last bytes wait for the client.
    plain_gone: bool,
    /// The worker has been told that all is over.
    hung_up: bool,
    /// Whether close_notify may be the answer to a CCC that the worker has yet to tell of.
    ccc: bool,
    patience: Duration,
    until: Option<Instant>,
    drainable: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Handshake,
    Open,
    /// CCC: the client's close_notify is awaited.
    Clearing,
    /// CCC: both directions are plain.
    Clear,
    /// The client neither speaks nor hears. The broker knows, and what flows may flow to its end.
    Deaf,
    /// The worker has closed its side; the last bytes are on their way.
    Ending,
    /// Whatever the client still sends is taken: closing with unread bytes would reset what it has not read.
    Draining,
    Over,
}

impl Control {
    /// Waits for the client's first record.
    pub fn new(raw: Raw, plain: Stream, config: Arc<ServerConfig>, patience: Duration) -> Self {
        raw.acknowledge_at_once();
        Control {
            raw,
            plain,
            engine: Engine::new(config, Of::Control),
            version: None,
            input: Buffer::default(),
            has_heard: false,
            up: Buffer::default(),
            down: Buffer::default(),
            stage: Stage::Handshake,
            raw_ended: false,
            up_ended: false,
            plain_gone: false,
            hung_up: false,
            ccc: false,
            patience,
            until: Some(Instant::now() + patience),
            drainable: DRAIN_MOST,
        }
    }

    /// The version that was negotiated.
    pub fn version(&self) -> Option<ProtocolVersion> {
        self.version
    }

    /// The certificate that the client has shown.
    pub fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.engine.established().and_then(shown)
    }

    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    pub fn raw(&self) -> &Raw {
        &self.raw
    }

    pub fn plain(&self) -> &Stream {
        &self.plain
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.until
    }

    pub fn wants(&self) -> Sides {
        // Behind the client's close_notify only its end is of interest, or CCC.
        let listening = !self.raw_ended && self.up.is_empty() && self.input.pending().len() < READ;
        let writing = self.wants_write();
        let wants = Sides { write_raw: writing, ..Sides::default() };
        match self.stage {
            Stage::Handshake => {
                Sides { read_raw: true, read_plain: true, plain_gone: true, ..wants }
            }
            Stage::Open | Stage::Clear => Sides {
                read_raw: listening,
                read_plain: !writing,
                // Also to be told that the client has ended.
                write_plain: !self.up.is_empty() || (self.raw_ended && !self.up_ended),
                plain_gone: !self.plain_gone,
                raw_gone: self.up_ended,
                ..wants
            },
            Stage::Clearing => Sides {
                read_raw: listening,
                write_plain: !self.up.is_empty(),
                plain_gone: !self.plain_gone,
                ..wants
            },
            Stage::Ending => wants,
            Stage::Draining => Sides { read_raw: true, ..Sides::default() },
            Stage::Deaf => Sides { read_plain: true, plain_gone: true, ..Sides::default() },
            Stage::Over => Sides::default(),
        }
    }

    /// Does what can be done at once, but not for long.
    pub fn step(&mut self, can: Sides, scratch: &mut [u8], told: &mut Told) {
        let clearing = self.stage == Stage::Clearing;
        if can.plain_gone {
            self.abandoned();
        }
        if can.raw_gone && matches!(self.stage, Stage::Open | Stage::Clear) {
            self.client_gone(told);
        }
        if can.read_raw {
            self.read_raw(scratch);
        }
        self.take_records(told);
        if can.read_plain && self.read_plain(scratch) == Some(0) {
            match self.stage {
                // The broker has waited for it long enough.
                Stage::Handshake => self.late(told),
                _ => self.finish(),
            }
        }
        self.pass_up();
        self.flush();
        self.clear(told);
        if self.stage == Stage::Ending && !self.wants_write() {
            self.drain();
        }
        if self.stage == Stage::Over {
            if clearing {
                // The worker waits for it, and then sees the end.
                told.words.push(Word::Cleared);
            }
            // The process may live on for a download that is still being read.
            self.hang_up();
        }
    }

    /// Its time is up.
    pub fn expire(&mut self, told: &mut Told) {
        match self.stage {
            Stage::Handshake => self.late(told),
            // close_notify, and then neither the end nor CCC.
            Stage::Open if !self.plain_gone && self.engine.peer_has_closed() => self.client_ended(),
            // No TLS, and no CCC either: TLS says so in the step that follows.
            Stage::Open if !self.plain_gone => self.ccc = false,
            Stage::Clearing if self.engine.is_closed() => self.unanswered(told),
            // Its end goes out in the step that follows.
            Stage::Clearing => self.hurry_clear(),
            _ => self.stage = Stage::Over,
        }
    }

    fn wants_write(&self) -> bool {
        self.engine.wants_write() || !self.down.is_empty()
    }

    fn read_raw(&mut self, scratch: &mut [u8]) {
        let Some(room) = scratch.get_mut(..READ) else { return };
        match self.raw.input().receive(room) {
            Ok(0) => self.client_ended(),
            Ok(length) if self.stage == Stage::Draining => {
                self.drainable = self.drainable.saturating_sub(length);
                if self.drainable == 0 {
                    self.stage = Stage::Over;
                }
            }
            Ok(length) => {
                self.has_heard = true;
                self.input.push(room.get(..length).unwrap_or_default());
                if self.stage == Stage::Handshake {
                    // Some (wget) wait 60 ms for tickets, and then never resume.
                    self.raw.acknowledge_at_once();
                }
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) if self.stage == Stage::Handshake => self.client_ended(),
            Err(_) => self.stage = Stage::Over,
        }
    }

    fn take_records(&mut self, told: &mut Told) {
        while matches!(self.stage, Stage::Handshake | Stage::Open | Stage::Clearing)
            && !self.engine.peer_has_closed()
        {
            let plain = self.stage == Stage::Clearing || (self.stage == Stage::Open && self.ccc);
            let Some(length) = record::length(self.input.pending(), plain) else {
                break;
            };
            let bytes = self.input.pending().get(..length).unwrap_or_default();
            let fed = self.engine.feed(bytes, &mut self.up);
            self.input.advance(length);
            match (self.stage, fed) {
                (Stage::Handshake, Ok(())) => self.look(told),
                (Stage::Handshake, Err(error)) => return self.fail(&error.to_string(), told),
                (_, Err(_)) => {
                    // The alert about it, and what the worker was still to hear.
                    self.flush();
                    self.pass_up();
                    self.stage = Stage::Over;
                }
                (_, Ok(())) => {}
            }
        }
        match self.stage {
            Stage::Handshake if self.raw_ended && !self.has_heard => {
                told.reports.push(Report::Gone);
                self.stage = Stage::Over;
            }
            Stage::Handshake if self.raw_ended => {
                self.fail("the client closed the connection", told)
            }
            Stage::Open if self.engine.peer_has_closed() && !self.raw_ended && !self.ccc => {
                self.client_ended();
            }
            Stage::Open if !self.raw_ended && self.answers_ccc() => {
                self.until.get_or_insert_with(|| Instant::now() + CLEAR_DELAY);
            }
            _ => {}
        }
    }

    /// What has come from the worker: so many bytes, which are on their way. `None` if nothing has.
    fn read_plain(&mut self, scratch: &mut [u8]) -> Option<usize> {
        let length = self.plain.receive(scratch.get_mut(..READ)?);
        let length = match length {
            Ok(length) => length,
            Err(Errno::EAGAIN | Errno::EINTR) => return None,
            Err(_) => 0,
        };
        let bytes = scratch.get(..length).unwrap_or_default();
        match self.stage {
            Stage::Clear => self.down.push(bytes),
            Stage::Deaf => {}
            _ if length > 0 && !self.engine.write(bytes) => self.stage = Stage::Over,
            _ => {}
        }
        Some(length)
    }

    fn pass_up(&mut self) {
        if self.stage == Stage::Clear {
            self.up.push(self.input.pending());
            self.input.clear();
        }
        if self.up.transmit(&self.plain).is_err() {
            // The worker hears no more, but may still have something to say.
            self.up.clear();
            self.raw_ended = true;
            self.up_ended = true;
        }
        let passing = matches!(self.stage, Stage::Open | Stage::Clear);
        if passing && self.raw_ended && self.up.is_empty() && !self.up_ended {
            let _ = shutdown(self.plain.as_fd().as_raw_fd(), Shutdown::Write);
            self.up_ended = true;
        }
    }

    fn flush(&mut self) {
        if matches!(self.stage, Stage::Deaf | Stage::Draining | Stage::Over) {
            return;
        }
        let sent = self.engine.flush(&self.raw).is_ok()
            && (self.engine.wants_write()
                || self.raw.output().is_none_or(|output| self.down.transmit(output).is_ok()));
        if !sent {
            // Nobody hears us; the worker sees that by the end of its side.
            self.stage = Stage::Over;
        }
    }
}

/// In one step: a record and a little more.
const READ: usize = 32 * 1024;
/// How long CCC may come behind the client's answer to it.
const CLEAR_DELAY: Duration = Duration::from_secs(1);
/// What is taken from a client only to be forgotten.
const DRAIN_MOST: usize = 1024 * 1024;
