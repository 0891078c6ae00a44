//! How a data connection's handshake ends: it is the client of the control connection, or nothing flows. Relay.

use rustls::Error;

use super::{Data, Stage};
use crate::relay::established::{describe, shown};
use crate::relay::remote::SIGNS_NO_MORE;
use crate::relay::sides::{Sides, Told};
use crate::relay::ticket::is_resumed;
use crate::wire::relay::{Close, Of, Refusal, Report, Word};

impl Data {
    /// Its client may have begun already.
    pub fn arrive(&mut self, scratch: &mut [u8], told: &mut Told) {
        self.step(Sides { read_raw: true, ..Sides::default() }, scratch, told);
        if !self.has_begun && self.stage == Stage::Handshake {
            told.words.push(Word::Silent(self.id));
        }
    }

    /// A part of it has come.
    pub(super) fn shake_hands(&mut self, told: &mut Told) {
        self.raw.acknowledge_at_once();
        if !self.has_begun {
            self.has_begun = true;
            told.words.push(Word::Begun(self.id));
        }
        self.ended = self.engine.peer_has_closed().then_some(Close::Clean);
        self.look(told);
    }

    /// Whether it has ended.
    fn look(&mut self, told: &mut Told) {
        let Some(connection) = self.engine.established() else { return };
        if shown(connection) != self.terms.certificate.as_ref() {
            return self.refuse_broken("not the certificate of the control connection", told);
        }
        let resumed = is_resumed(connection, Of::Data);
        told.reports.push(Report::Established(describe(connection, Of::Data)));
        // Without its plain side it is of no use for long.
        self.until = self.until.filter(|_| self.plain.is_none());
        told.resumed |= resumed;
        if self.terms.require_reuse && !resumed {
            told.words.push(Word::Refused(self.id, Refusal::NotResumed));
            self.stage = Stage::Refused;
        } else {
            told.words.push(Word::Proven(self.id));
            self.gives_at_once = self.engine.is_curl() && self.direction.is_none();
            self.stage = Stage::Proven;
            self.start();
        }
    }

    /// Who resumes the session needs no signature: that there is none to be had any more shows one that does not.
    pub(super) fn refuse_failed(&mut self, error: &Error, told: &mut Told) {
        let is_unsigned = self.terms.require_reuse
            && matches!(error, Error::General(cause) if cause == SIGNS_NO_MORE);
        let why = if is_unsigned { Refusal::NotResumed } else { Refusal::Handshake };
        self.refuse(why, &error.to_string(), told);
    }

    pub(super) fn refuse_broken(&mut self, cause: &str, told: &mut Told) {
        self.refuse(Refusal::Handshake, cause, told);
    }

    fn refuse(&mut self, why: Refusal, cause: &str, told: &mut Told) {
        told.failed(Of::Data, &self.engine.explain(cause));
        told.words.push(Word::Refused(self.id, why));
        self.ended = Some(Close::Broken);
        self.until = None;
        self.stage = Stage::Refused;
        // With an alert if there is one, but at once: a client that waits for the handshake hears nothing else.
        let _ = self.engine.flush(&self.raw);
        self.raw.end_output();
    }
}
