//! Data connections behind the relay: proven before anything is touched, settled before anything is called whole. Session
//! worker, which sees plain bytes alone; that nothing crosses an unproven connection is the relay's to hold.

use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};

use super::Broken;
use super::data::{DataStream, Plan, no_connection};
use super::watch::Signal;
use crate::wire::event::Direction;
use crate::wire::relay::{Close, Id, Refusal};
use crate::worker::failure::Failure;
use crate::worker::relay::Standing;
use crate::worker::session::Session;
use crate::worker::wait::wait;

impl Session {
    /// Refuses a transfer over a connection that the relay has refused already: clients see a 522 best in the place of 150.
    pub(super) fn require_proof(&mut self) -> Result<(), Failure> {
        let Plan::Passive(Some(DataStream { id: Some(id), .. })) = self.plan else { return Ok(()) };
        self.catch_up()?;
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
                None => {}
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
        let deadline = Instant::now() + self.settings.limits.stalled;
        let close = loop {
            if let Some(Standing::Done(close)) = self.standing(id) {
                break close;
            }
            match self.watch(None, deadline)? {
                Signal::Aborted => return Err(Broken::Aborted),
                Signal::Late => return Err(Broken::Stalled),
                Signal::Answer(answer, fd) => self.take_answer(answer, fd)?,
                Signal::Relay | Signal::Data => {}
            }
        };
        if let Some(progress) = &mut self.progress {
            progress.tls = Some(close);
        }
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

    fn standing(&self, id: Id) -> Option<Standing> {
        self.relay.as_ref().and_then(|relay| relay.standing(id))
    }

    /// Hears what the relay has said by now.
    fn catch_up(&mut self) -> Result<(), Failure> {
        use std::os::fd::AsFd;
        let Some(relay) = &mut self.relay else { return Ok(()) };
        while wait(&mut [PollFd::new(relay.as_fd(), PollFlags::POLLIN)], Instant::now())? {
            relay.hear()?;
        }
        Ok(())
    }
}

/// What people read in their client, and what to do about it.
fn refused(why: Refusal) -> Failure {
    match why {
        Refusal::NotResumed => Failure::new(
            522,
            "Data TLS session not resumed from the control connection (tls.require_reuse).",
        ),
        Refusal::Handshake => Failure::new(522, "TLS on the data connection failed."),
    }
    .because("522")
}
