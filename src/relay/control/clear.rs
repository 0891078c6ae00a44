//! CCC: TLS ends, and the control connection goes on in plain (RFC 4217 §5). Relay.

use super::{Control, Stage};
use crate::relay::record;
use crate::relay::sides::{Sides, Told};
use crate::wire::relay::Word;

impl Control {
    /// CCC: what the worker has written so far goes out encrypted, and TLS ends.
    pub fn wish_clear(&mut self, scratch: &mut [u8], told: &mut Told) {
        if self.stage != Stage::Open {
            return;
        }
        for _ in 0..CLEAR_READS {
            match self.read_plain(scratch) {
                None => break,
                Some(0) => return self.finish(),
                Some(_) => {}
            }
        }
        self.engine.close();
        self.until = None;
        self.stage = Stage::Clearing;
        self.step(Sides::default(), scratch, told);
    }

    /// CCC: whether the client's side of TLS has ended too: by close_notify, or by bytes that are none of TLS, as
    /// some clients never send it.
    pub(super) fn clear(&mut self, told: &mut Told) {
        let cleared = self.engine.peer_has_closed()
            || self.raw_ended
            || record::is_foreign(self.input.pending());
        if self.stage == Stage::Clearing && cleared && !self.engine.wants_write() {
            told.words.push(Word::Cleared);
            self.stage = Stage::Clear;
            // Passed on in the next step, behind that word.
            self.up.push(self.input.pending());
            self.input.clear();
        }
    }
}

/// What a worker may have written before CCC and was not read.
const CLEAR_READS: usize = 16;
