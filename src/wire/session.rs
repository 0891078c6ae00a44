//! Between the session worker and the broker, from login to the end.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::event::{Event, Note, Violation};
use super::{Bounded, Channel, relay};

/// The worker's end.
pub type WorkerEnd = Channel<Ask, Answer>;
/// The broker's end.
pub type BrokerEnd = Channel<Answer, Ask>;

/// What a session worker may ask.
#[derive(Debug, Serialize, Deserialize)]
pub enum Ask {
    /// The cage rules were broken; sent by the signal handler, in a fixed shape, as the last thing.
    Violation(Violation),
    /// This process panicked; the text says where. The last thing it says.
    Panicked(Bounded<256>),
    /// The cage is entered and proved; the first message, once. The text says what was obtained.
    Ready(Bounded<256>),
    /// Listen for a data connection in this family; an earlier listener is closed.
    Listen(Family, Protection),
    /// Connect to the client's own data port.
    Connect(SocketAddr, Protection),
    /// A transfer or a change, for the log.
    Event(Event),
    /// Something else for the log.
    Note(Note),
    /// What the session is doing, for the service manager.
    Status(Bounded<256>),
    /// The cage could not be entered; this process serves nobody.
    Uncaged(Bounded<512>),
    /// Close the listener, or give up the connection, that was asked for.
    Forget,
}

/// What the broker answers, or says unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To `Ready`: the broker has shrunk; speak.
    Begin,
    /// To `Listen`: the port on which the broker listens.
    Listening(u16),
    /// To `Listen` or `Connect`: not to be had.
    Unavailable(Unavailable),
    /// The connected stream of the last `Listen` or `Connect` comes with it; unasked after `Listen`. A protected one has the
    /// name by which the relay knows it, and is the plain side of it.
    Data(Option<relay::Id>),
    /// Nobody came to the listener in time; unasked after `Listen`.
    NobodyCame,
    /// The session must end: say 421 and exit.
    Stop(Stop),
    /// To `Forget`: what comes from now on was asked for after it.
    Forgotten,
}

/// What protects a data connection (RFC 2228 §3, PROT).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Protection {
    /// C: nothing.
    #[default]
    Clear,
    /// P: TLS.
    Private,
}

/// An address family of data connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Why a data connection can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unavailable {
    /// Refused by configuration: a stranger's address, a port below 1024, active mode off, this machine itself.
    Forbidden,
    /// No port free, no such family, no route.
    Resources,
    /// The client's port refused or did not answer.
    Unreachable,
}

/// Why the broker ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// The service manager or an administrator said so.
    Shutdown,
    /// The time to log in is over.
    LoginTimeout,
}
