//! CCC: TLS ends, and the control connection goes on in plain (RFC 4217 §5). Relay.

use std::time::{Duration, Instant};

use super::{Control, Stage};
use crate::relay::record;
use crate::relay::sides::{Sides, Told};
use crate::wire::relay::Word;

impl Control {
    /// Whether the client may end TLS and go on.
    pub fn may_clear(&mut self, ccc: bool) {
        self.ccc = ccc;
    }

    /// Whether the client has ended TLS, or speaks in clear: to CCC, if the worker is about to tell of that.
    pub(super) fn answers_ccc(&self) -> bool {
        self.ccc && (self.engine.peer_has_closed() || record::is_foreign(self.input.pending()))
    }

    /// CCC: what the worker has written so far goes out encrypted, and TLS ends. The client may end it first: lftp takes a
    /// close_notify that it finds together with the reply for the end of the connection. Others (curl, when told to be
    /// passive) wait for ours.
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
        self.until = Some(Instant::now() + CLIENT_FIRST);
        self.stage = Stage::Clearing;
        self.step(Sides::default(), scratch, told);
    }

    /// CCC: whether the client's side of TLS has ended too: by close_notify, or by bytes that are none of TLS, as
    /// some clients never send it.
    pub(super) fn clear(&mut self, told: &mut Told) {
        let cleared = self.engine.peer_has_closed()
            || self.raw_ended
            || record::is_foreign(self.input.pending());
        if self.stage == Stage::Clearing && cleared {
            self.engine.close();
            self.flush();
        }
        if self.stage == Stage::Clearing && cleared && !self.engine.wants_write() {
            told.words.push(Word::Cleared);
            self.stage = Stage::Clear;
            self.until = None;
            // Passed on in the next step, behind that word.
            self.up.push(self.input.pending());
            self.input.clear();
        }
    }

    /// The client has not ended TLS in time: we do, and wait for its answer once more.
    pub(super) fn hurry_clear(&mut self) {
        self.engine.close();
        self.until = Some(Instant::now() + ANSWER.min(self.patience));
    }

    /// There is nobody to go on with.
    pub(super) fn unanswered(&mut self, told: &mut Told) {
        told.words.push(Word::Unanswered);
        self.stage = Stage::Over;
    }
}

/// How long a client may take to end TLS before we do.
const CLIENT_FIRST: Duration = Duration::from_millis(200);
/// How long it may take behind us.
const ANSWER: Duration = Duration::from_secs(10);

/// What a worker may have written before CCC and was not read.
const CLEAR_READS: usize = 16;
