//! Data connections behind the relay: proven before anything is touched, settled before anything is called whole. Session
//! worker, which sees plain bytes alone; that nothing crosses an unproven connection is the relay's to hold.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::PollFlags;

use super::Broken;
use super::data::{DataStream, Plan, no_connection};
use super::watch::Signal;
use crate::wire::event::Direction;
use crate::wire::relay::{Close, Id, Refusal};
use crate::wire::session::Protection;
use crate::worker::failure::Failure;
use crate::worker::relay::Standing;
use crate::worker::session::Session;
use crate::worker::wait::wait_for;

impl Session {
    /// Waits a little for a client that was told to connect, and to whom it matters: curl connects and begins the handshake
    /// before its command, closes the connection as soon as it may, and has to have its tickets by then.
    pub fn await_client(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + ARRIVAL;
        while self.relay.is_some()
            && self.protection == Some(Protection::Private)
            && matches!(self.plan, Plan::Passive(None))
            && wait_for(&self.broker, PollFlags::POLLIN, deadline)?
        {
            let (answer, fd) = self.broker.hear()?;
            self.take_answer(answer, fd)?;
        }
        self.await_handshake()
    }

    /// Hears what the relay has said, and waits for the end of a handshake that the client has begun.
    pub fn await_handshake(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + HANDSHAKE;
        while self.relay.is_some() {
            let open = self.open_handshake();
            if !self.hear_relay(open.map_or_else(Instant::now, |_| deadline))? {
                if let (Some(id), Some(relay)) = (open, &mut self.relay) {
                    relay.wait_no_more(id);
                }
                break;
            }
        }
        Ok(())
    }

    /// The connection that is there, if its client may be about to prove itself.
    fn open_handshake(&self) -> Option<Id> {
        let Plan::Passive(Some(DataStream { id: Some(id), .. })) = self.plan else { return None };
        matches!(self.standing(id), None | Some(Standing::Begun)).then_some(id)
    }

    /// Refuses a transfer over a connection that the relay has refused already: clients see a 522 best in the place of 150.
    pub(super) fn require_proof(&mut self) -> Result<(), Failure> {
        let Plan::Passive(Some(DataStream { id: Some(id), .. })) = self.plan else { return Ok(()) };
        let Some(Standing::Refused(why)) = self.standing(id) else { return Ok(()) };
        if let Plan::Passive(stream) = std::mem::take(&mut self.plan) {
            self.refused = stream;
        }
        Err(refused(why))
    }

    /// Waits until the relay has proven a stream, and tells it which way bytes flow.
    pub(super) fn prove(
        &mut self,
        stream: DataStream,
        direction: Direction,
    ) -> Result<DataStream, Broken> {
        let Some(id) = stream.id else { return Ok(stream) };
        // Until the relay says otherwise it has not ended well.
        self.tls_ended(Close::Broken);
        if let Some(relay) = &self.relay {
            relay.go(id, direction)?;
        }
        let deadline = Instant::now() + self.settings.limits.data_connect;
        loop {
            match self.standing(id) {
                Some(Standing::Proven) => return Ok(stream),
                // Only when its client has been told: some see nothing but the end of it otherwise.
                Some(Standing::Refused(why)) => {
                    self.refused = Some(stream);
                    return Err(refused(why).into());
                }
                Some(Standing::Done(_)) => return Err(Broken::Lost(Errno::ECONNRESET)),
                Some(Standing::Silent | Standing::Begun) | None => {}
            }
            match self.watch(None, deadline)? {
                Signal::Aborted => return Err(Broken::Aborted),
                Signal::Late => return Err(no_connection("no handshake in time").into()),
                Signal::Answer(answer, fd) => self.take_answer(answer, fd)?,
                Signal::Relay | Signal::Data => {}
            }
        }
    }

    /// Waits until the relay has sent all there is, or tells how the client has ended.
    pub(super) fn settle(
        &mut self,
        stream: &DataStream,
        direction: Direction,
    ) -> Result<(), Broken> {
        let Some(id) = stream.id else { return Ok(()) };
        let patience = self.settings.limits.stalled;
        let mut deadline = Instant::now() + patience;
        let close = loop {
            if let Some(Standing::Done(close)) = self.standing(id) {
                break close;
            }
            match self.watch(None, deadline)? {
                Signal::Aborted => return Err(Broken::Aborted),
                Signal::Late => return Err(Broken::Stalled),
                Signal::Answer(answer, fd) => self.take_answer(answer, fd)?,
                Signal::Relay => deadline = Instant::now() + patience,
                Signal::Data => {}
            }
        };
        self.tls_ended(close);
        match (close, direction) {
            (Close::Clean, _) => Ok(()),
            (Close::Broken, _) => Err(Broken::Lost(Errno::ECONNRESET)),
            (Close::Truncated, Direction::Upload) if self.settings.tls.strict_close => {
                Err(Failure::new(426, "TLS was not closed: the end may be missing.")
                    .because("TLS was not closed")
                    .into())
            }
            (Close::Truncated, _) => Ok(()),
        }
    }

    /// Notes how, for the log.
    fn tls_ended(&mut self, close: Close) {
        if let Some(progress) = &mut self.progress {
            progress.tls = Some(close);
        }
    }

    fn standing(&self, id: Id) -> Option<Standing> {
        self.relay.as_ref().and_then(|relay| relay.standing(id))
    }
}

/// What people read in their client, and what to do about it.
fn refused(why: Refusal) -> Failure {
    match why {
        Refusal::NotResumed => Failure::new(
            522,
            "Data TLS session not resumed from the control connection (tls.require_reuse).",
        )
        .because("522, the TLS session was not resumed"),
        Refusal::Handshake => Failure::new(522, "TLS on the data connection failed.")
            .because("522, TLS on the data connection failed"),
    }
}

/// How long a connection may be on its way through the broker that a client has made before its command.
const ARRIVAL: Duration = Duration::from_millis(200);
/// How long the rest of a handshake may take that it has begun before its command.
const HANDSHAKE: Duration = Duration::from_secs(2);
