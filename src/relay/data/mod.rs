//! A data connection under TLS, from the client's first byte to the last. Relay; neither the client nor the worker is
//! trusted to read, to write, or to stop.
//!
//! Of each connection the worker hears one last word: `Refused` or `Done`.

mod ending;
mod handshake;

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{Shutdown, shutdown};
use rustls::pki_types::CertificateDer;
use rustls::{ProtocolVersion, ServerConfig};

use crate::relay::buffer::Buffer;
use crate::relay::engine::Engine;
use crate::relay::raw::Raw;
use crate::relay::sides::{Sides, Told};
use crate::wire::event::Direction;
use crate::wire::relay::{Close, Id, Of};
use crate::worker::stream::Stream;

/// One of them.
#[derive(Debug)]
pub struct Data {
    pub id: Id,
    raw: Raw,
    plain: Option<Stream>,
    engine: Engine,
    /// On its way to the worker.
    up: Buffer,
    stage: Stage,
    /// Whether the client has sent something that is TLS.
    has_begun: bool,
    /// Which way bytes will flow, where that is told before the handshake ends.
    direction: Option<Direction>,
    /// Whether its client has its tickets at once. curl uses each ticket once, and takes new ones from what it reads just
    /// before it closes; as long as it waits for its 150, it can't have closed.
    gives_at_once: bool,
    /// How the client's side has ended, if it has.
    ended: Option<Close>,
    terms: Terms,
    until: Option<Instant>,
    /// When the worker is to hear again that bytes flow.
    flowing: Instant,
    /// Bytes that are still taken from a client only to be forgotten.
    drainable: usize,
}

/// What holds for all of them.
#[derive(Debug, Clone)]
pub struct Terms {
    pub require_reuse: bool,
    /// The certificate that the client has shown on the control connection (RFC 4217 §15.1.2).
    pub certificate: Option<CertificateDer<'static>>,
    pub patience: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Handshake,
    /// The worker has been told that it may, and has not said which way.
    Proven,
    /// The worker has been told that it may not, and has not closed its side.
    Refused,
    Down,
    Up,
    /// The last records are on their way; whether the worker waits for that.
    Ending {
        awaited: bool,
    },
    /// Whatever the client still sends is taken: closing with unread bytes would reset what it has not read.
    Draining,
    Over,
}

impl Data {
    /// Takes the client's socket. The plain side follows.
    pub fn new(id: Id, client: OwnedFd, config: Arc<ServerConfig>, terms: Terms) -> Self {
        let raw = Raw::socket(client);
        raw.acknowledge_at_once();
        Data {
            id,
            raw,
            plain: None,
            engine: Engine::new(config, Of::Data),
            up: Buffer::default(),
            stage: Stage::Handshake,
            has_begun: false,
            direction: None,
            gives_at_once: false,
            ended: None,
            until: Some(Instant::now() + terms.patience),
            terms,
            flowing: Instant::now() + FLOWING,
            drainable: DRAIN_MOST,
        }
    }

    /// The plain side has come, unless there is one already.
    pub fn join(&mut self, plain: OwnedFd) {
        self.plain.get_or_insert_with(|| Stream::new(plain));
        if self.stage == Stage::Proven {
            self.until = None;
        }
    }

    /// The worker says which way.
    pub fn go(&mut self, direction: Direction) {
        if self.direction.is_none() {
            self.direction = Some(direction);
            if self.stage == Stage::Proven {
                self.start();
            }
        }
    }

    /// Nothing matters any more but that it ends well.
    pub fn is_draining(&self) -> bool {
        matches!(self.stage, Stage::Ending { awaited: false } | Stage::Draining | Stage::Over)
    }

    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    pub fn raw(&self) -> &Raw {
        &self.raw
    }

    pub fn plain(&self) -> Option<&Stream> {
        self.plain.as_ref()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.until
    }

    pub fn wants(&self) -> Sides {
        let listening = self.ended.is_none();
        let wants = Sides {
            write_raw: self.engine.wants_write() && !self.holds_back(),
            plain_gone: true,
            ..Sides::default()
        };
        match self.stage {
            Stage::Handshake => Sides { read_raw: listening, ..wants },
            Stage::Proven | Stage::Refused | Stage::Ending { .. } => wants,
            Stage::Down => {
                Sides { read_raw: listening, read_plain: !self.engine.wants_write(), ..wants }
            }
            Stage::Up => Sides {
                read_raw: listening && self.up.is_empty(),
                write_plain: !self.up.is_empty(),
                ..wants
            },
            Stage::Draining => Sides { read_raw: true, ..Sides::default() },
            Stage::Over => Sides::default(),
        }
    }

    /// Does what can be done at once, but not for long.
    pub fn step(&mut self, can: Sides, scratch: &mut [u8], told: &mut Told) {
        if can.plain_gone && !self.is_draining() {
            self.abandoned(told);
        } else if can.read_raw {
            self.read_raw(scratch, told);
        }
        if self.stage == Stage::Down && can.read_plain {
            self.read_plain(scratch, told);
        }
        if self.stage == Stage::Up {
            self.pass_up(told);
        }
        if self.wants().write_raw {
            self.flush(told);
        }
        if matches!(self.stage, Stage::Ending { .. }) && !self.engine.wants_write() {
            self.end(told);
        }
    }

    /// Its time is up.
    pub fn expire(&mut self, told: &mut Told) {
        match self.stage {
            Stage::Handshake => self.refuse_broken("no handshake in time", told),
            Stage::Proven => self.broken(told),
            _ => self.stage = Stage::Over,
        }
    }

    /// Under TLS 1.3, tickets wait until it is known that the client will read: one that only writes and then closes, with
    /// tickets unread, would reset the connection and so lose the end of its upload.
    fn holds_back(&self) -> bool {
        matches!(self.stage, Stage::Proven | Stage::Refused | Stage::Up)
            && self.engine.version() == Some(ProtocolVersion::TLSv1_3)
            && !self.gives_at_once
    }

    fn read_raw(&mut self, scratch: &mut [u8], told: &mut Told) {
        let most = match self.stage {
            Stage::Handshake => HANDSHAKE_READ,
            _ => scratch.len(),
        };
        let Some(room) = scratch.get_mut(..most) else { return };
        match self.raw.input().receive(room) {
            // A record that was cut is one that was cut off: no client stops there.
            Ok(0) if self.engine.is_inside_record() => self.client_ended(Close::Broken, told),
            Ok(0) => self.client_ended(Close::Truncated, told),
            Ok(length) => {
                let bytes = room.get(..length).unwrap_or_default();
                self.take(bytes, told);
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.client_ended(Close::Broken, told),
        }
    }

    fn take(&mut self, bytes: &[u8], told: &mut Told) {
        if self.stage == Stage::Draining {
            self.drainable = self.drainable.saturating_sub(bytes.len());
            if self.drainable == 0 {
                self.stage = Stage::Over;
            }
            return;
        }
        let fed = self.engine.feed(bytes, &mut self.up);
        match (self.stage, fed) {
            (Stage::Handshake, Err(error)) => self.refuse_failed(&error, told),
            (Stage::Handshake, Ok(())) => self.shake_hands(told),
            (stage, fed) => {
                if stage == Stage::Down {
                    // A client that downloads has nothing to say.
                    self.up.clear();
                }
                if fed.is_err() {
                    self.client_ended(Close::Broken, told);
                } else if self.engine.peer_has_closed() {
                    self.client_ended(Close::Clean, told);
                }
            }
        }
    }

    /// The client's side has ended, this way.
    fn client_ended(&mut self, close: Close, told: &mut Told) {
        match self.stage {
            Stage::Handshake => self.refuse_broken("the client closed the connection", told),
            Stage::Draining => self.stage = Stage::Over,
            // It may have said that it sends no more and read on.
            Stage::Down if close == Close::Broken => self.broken(told),
            _ => self.ended = Some(close),
        }
    }

    fn start(&mut self) {
        match self.direction {
            None => {}
            Some(Direction::Upload) => self.stage = Stage::Up,
            Some(Direction::Download | Direction::Listing) => {
                self.up.clear();
                self.stage = Stage::Down;
            }
        }
    }

    fn read_plain(&mut self, scratch: &mut [u8], told: &mut Told) {
        let Some((plain, room)) = self.plain.as_ref().zip(scratch.get_mut(..DOWN_READ)) else {
            return;
        };
        match plain.receive(room) {
            Ok(0) => {
                self.engine.close();
                self.stage = Stage::Ending { awaited: true };
            }
            Ok(length) if !self.engine.write(room.get(..length).unwrap_or_default()) => {
                self.abandoned(told);
            }
            Ok(_) | Err(_) => {}
        }
    }

    fn pass_up(&mut self, told: &mut Told) {
        let Some(plain) = &self.plain else { return };
        if self.up.transmit(plain).is_err() {
            return self.abandoned(told);
        }
        if let Some(close) = self.ended.filter(|_| self.up.is_empty()) {
            let _ = shutdown(plain.as_fd().as_raw_fd(), Shutdown::Write);
            told.done(self.id, close);
            self.finish();
        }
    }
}

/// How often the worker is told that bytes flow.
const FLOWING: Duration = Duration::from_secs(1);
/// From the worker in one step: four records.
const DOWN_READ: usize = 64 * 1024;
/// From the client in one step, as long as nobody is known to want it.
const HANDSHAKE_READ: usize = 16 * 1024;
/// What is taken from a client only to be forgotten.
const DRAIN_MOST: usize = 4 * 1024 * 1024;
