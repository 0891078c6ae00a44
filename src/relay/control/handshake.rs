//! How the control connection's handshake ends. Relay.

use super::{Control, Stage};
use crate::relay::established::describe;
use crate::relay::sides::Told;
use crate::wire::relay::{Of, Report};

impl Control {
    /// Whether the handshake has ended.
    pub(super) fn look(&mut self, told: &mut Told) {
        let Some(connection) = self.engine.established() else { return };
        self.version = connection.protocol_version();
        told.reports.push(Report::Established(describe(connection, Of::Control)));
        self.stage = Stage::Open;
        self.until = None;
    }

    /// The client has not come so far in time. One that has sent nothing at all may still wait for words in clear
    /// (RFC 4217 §10.1).
    pub(super) fn late(&mut self, told: &mut Told) {
        if !self.has_heard {
            self.down.push(b"421 No handshake in time.\r\n");
        }
        self.fail("no handshake in time", told);
    }

    pub(super) fn fail(&mut self, cause: &str, told: &mut Told) {
        told.failed(Of::Control, &self.engine.explain(cause));
        self.flush();
        self.drain();
        if self.raw_ended {
            self.stage = Stage::Over;
        }
    }
}
