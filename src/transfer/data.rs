//! Where a data connection comes from. Session worker: it never holds a listener or an unconnected socket; the
//! broker listens, connects, checks the peer and hands over the stream.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Instant;

use super::Broken;
use super::watch::Signal;
use crate::config::DataPeer;
use crate::wire::event::Direction;
use crate::wire::relay::Id;
use crate::wire::session::{Answer, Ask, Family, Protection, Unavailable};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// Where the next data connection comes from.
#[derive(Debug, Default)]
pub enum Plan {
    /// Nothing was arranged.
    #[default]
    None,
    /// The broker listens; perhaps the client has come already.
    Passive(Option<DataStream>),
    /// The client listens there.
    Active(SocketAddr),
}

/// A data connection.
#[derive(Debug)]
pub struct DataStream {
    /// The stream; with TLS the plain side of it.
    pub fd: OwnedFd,
    /// The name by which the relay knows it, if it is protected.
    pub id: Option<Id>,
}

impl Plan {
    /// A stream has come from the listener. One that nobody waits for any more is closed.
    pub fn arrived(&mut self, stream: Option<DataStream>) {
        if let Plan::Passive(waiting @ None) = self {
            *waiting = stream;
        }
    }

    /// The broker's listener has given up.
    pub fn nobody_came(&mut self) {
        if let Plan::Passive(None) = self {
            *self = Plan::None;
        }
    }
}

impl Session {
    /// The family of the control connection.
    pub fn family(&self) -> Family {
        match self.place.local.to_canonical().is_ipv4() {
            true => Family::V4,
            false => Family::V6,
        }
    }

    /// Has the broker listen; the port.
    pub fn listen_for_data(&mut self, family: Family) -> Result<u16, Failure> {
        self.plan = Plan::None;
        self.broker.tell(&Ask::Listen(family, self.protection.unwrap_or_default()))?;
        loop {
            match self.broker.hear()?.0 {
                Answer::Listening(port) => {
                    self.plan = Plan::Passive(None);
                    return Ok(port);
                }
                Answer::Unavailable(why) => return Err(unavailable(why)),
                Answer::Stop(stop) => return Err(self.control.stopped(stop)),
                // From the listener before, which this one has closed.
                Answer::Data(_) | Answer::NobodyCame | Answer::Begin | Answer::Forgotten => {}
            }
        }
    }

    /// Notes where the client listens. The broker decides again, when it is asked to connect.
    pub fn connect_for_data(&mut self, address: SocketAddr) -> Result<(), Failure> {
        let mut address = SocketAddr::new(address.ip().to_canonical(), address.port());
        if address.ip().is_unspecified() && address.is_ipv4() == self.place.peer.is_ipv4() {
            // lftp says EPRT |2|::|port| for its own address.
            address.set_ip(self.place.peer);
        }
        // Nobody is helped to reach a third machine or a privileged service (RFC 2577 §3).
        if address.ip() != self.place.peer && self.settings.network.data_peer == DataPeer::Control {
            return Err(Failure::new(500, "Not your address.").because("a stranger's address"));
        }
        let own = address.ip().is_loopback() || address.ip() == self.place.local;
        if own && !self.settings.network.active_loopback {
            return Err(
                Failure::new(500, "Not this machine.").because("an address of this machine")
            );
        }
        if address.port() < 1024 {
            return Err(Failure::new(504, "Not that port.").because("a port below 1024"));
        }
        self.forget_listener()?;
        self.plan = Plan::Active(address);
        Ok(())
    }

    /// Gives up a listener, and a stream that has come to it.
    pub fn forget_listener(&mut self) -> Result<(), Failure> {
        match std::mem::take(&mut self.plan) {
            Plan::Passive(None) => self.forget_data(),
            Plan::Active(address) => {
                self.plan = Plan::Active(address);
                Ok(())
            }
            Plan::Passive(Some(_)) | Plan::None => Ok(()),
        }
    }

    /// Has the broker close its listener, or leave the client's port alone (RFC 959 §3.2). A stream that was under way
    /// is closed: it must not be taken for the next one.
    fn forget_data(&mut self) -> Result<(), Failure> {
        self.broker.tell(&Ask::Forget)?;
        loop {
            match self.broker.hear()?.0 {
                Answer::Forgotten => return Ok(()),
                Answer::Stop(stop) => return Err(self.control.stopped(stop)),
                _ => {}
            }
        }
    }

    /// Refuses a transfer for which no data connection was arranged, or not as it has to be (RFC 4217 §10.2).
    pub fn require_plan(&self) -> Result<(), Failure> {
        let is_clear = self.protection.unwrap_or_default() == Protection::Clear;
        if is_clear && self.relay.is_some() && !self.settings.tls.admits_data(false) {
            return Err(Failure::new(521, "Data needs PROT P here.").because("tls.data"));
        }
        match self.plan {
            Plan::None => Err(Failure::new(425, "Use PASV or PORT first.")),
            Plan::Passive(_) | Plan::Active(_) => Ok(()),
        }
    }

    /// Carries the plan out, once: the connected stream, which the broker has made non-blocking, and whose protection is
    /// proven.
    pub fn open_stream(&mut self, direction: Direction) -> Result<DataStream, Broken> {
        let stream = match std::mem::take(&mut self.plan) {
            Plan::None => return Err(no_connection("nothing was arranged").into()),
            Plan::Passive(Some(stream)) => stream,
            Plan::Passive(None) => self.await_stream()?,
            Plan::Active(address) => {
                let protection = self.protection.unwrap_or_default();
                self.broker.tell(&Ask::Connect(address, protection))?;
                self.await_stream()?
            }
        };
        self.prove(stream, direction)
    }

    fn await_stream(&mut self) -> Result<DataStream, Broken> {
        let deadline = Instant::now() + self.settings.limits.data_connect;
        loop {
            match self.watch(None, deadline)? {
                Signal::Answer(Answer::Data(id), Some(fd)) => return Ok(DataStream { fd, id }),
                Signal::Answer(Answer::NobodyCame, _) => {
                    return Err(no_connection("nobody came").into());
                }
                Signal::Answer(Answer::Unavailable(why), _) => return Err(unavailable(why).into()),
                Signal::Aborted => {
                    self.forget_data()?;
                    return Err(Broken::Aborted);
                }
                Signal::Late => {
                    self.forget_data()?;
                    return Err(no_connection("no connection in time").into());
                }
                Signal::Answer(..) | Signal::Data | Signal::Relay => {}
            }
        }
    }
}

fn unavailable(why: Unavailable) -> Failure {
    no_connection(match why {
        Unavailable::Forbidden => "forbidden by configuration",
        Unavailable::Resources => "no port or no route",
        Unavailable::Unreachable => "the client's port did not answer",
    })
}

pub(super) fn no_connection(cause: &str) -> Failure {
    Failure::new(425, "Can't open a data connection.").because(cause)
}
