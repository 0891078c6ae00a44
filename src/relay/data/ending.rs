//! How a data connection ends: whole or not, but never so that the client loses what is on its way to it. Relay.

use std::time::Instant;

use super::{Data, FLOWING, Stage};
use crate::relay::control::LINGER;
use crate::relay::sides::Told;
use crate::wire::relay::{Close, Word};

impl Data {
    /// The worker has closed its side before all was done: ABOR, or a failure of its own; or it has heard a refusal. Or no more
    /// can be protected.
    pub(super) fn abandoned(&mut self, told: &mut Told) {
        if self.stage != Stage::Refused {
            told.done(self.id, Close::Broken);
        }
        match self.stage {
            // A download that is cut short must not look whole.
            Stage::Handshake | Stage::Down | Stage::Ending { .. } => self.drain(),
            _ => self.finish(),
        }
    }

    /// There is no room for it any more.
    pub fn evict(mut self, told: &mut Told) {
        if !self.is_draining() {
            self.broken(told);
        }
    }

    /// The session is over: what the client still sends is not taken for long.
    pub fn hurry(&mut self) {
        let soon = Instant::now() + LINGER;
        self.until = Some(self.until.map_or(soon, |until| until.min(soon)));
    }

    /// Nothing more is passed on; the client is told so.
    pub(super) fn finish(&mut self) {
        self.plain = None;
        self.engine.close();
        self.stage = Stage::Ending { awaited: false };
        self.until = Some(Instant::now() + self.terms.patience);
    }

    pub(super) fn flush(&mut self, told: &mut Told) {
        if self.engine.flush(&self.raw).is_err() {
            match self.stage {
                Stage::Handshake => self.refuse_broken("the connection broke", told),
                // A client that has sent all may be gone before it has read our last word.
                Stage::Ending { awaited: false } => self.drain(),
                _ => self.broken(told),
            }
        } else if self.stage == Stage::Down && self.flowing <= Instant::now() {
            // The worker may have written its last, and wait for the end.
            self.flowing = Instant::now() + FLOWING;
            told.words.push(Word::Flowing);
        }
    }

    /// All is in the kernel.
    pub(super) fn end(&mut self, told: &mut Told) {
        if self.stage == (Stage::Ending { awaited: true }) {
            told.done(self.id, Close::Clean);
        }
        self.drain();
    }

    pub(super) fn drain(&mut self) {
        self.plain = None;
        self.raw.end_output();
        self.up.clear();
        self.stage = Stage::Draining;
        self.until = Some(Instant::now() + self.terms.patience);
    }

    /// The connection is of no use any more.
    pub(super) fn broken(&mut self, told: &mut Told) {
        if self.stage != Stage::Refused {
            told.done(self.id, Close::Broken);
        }
        self.plain = None;
        self.stage = Stage::Over;
    }
}
