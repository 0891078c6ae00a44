//! Around the relay: the broker hands it sockets, the session worker says what is to flow. Of the three, each distrusts the
//! other two; what the relay says of a connection is as true as TLS is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::{Direction, Violation};
use super::login::HOST_MAX;
use super::{Bounded, Channel};

/// The broker's end.
pub type BrokerEnd = Channel<Order, Report>;
/// The relay's end of that.
pub type RelayEnd = Channel<Report, Order>;
/// The session worker's end.
pub type WorkerEnd = Channel<Wish, Word>;
/// The relay's end of that.
pub type SessionEnd = Channel<Word, Wish>;

/// Tells one data connection from another.
pub type Id = u32;

/// As many data connections as the relay has at once, most of them draining, and as the worker remembers.
pub const CONNECTIONS_MOST: usize = 8;

/// What the broker has the relay do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Speak TLS with the client from now on.
    Begin,
    /// The channel of the session worker comes with it, once, when somebody has logged in.
    Worker(Rules),
    /// A data connection: the client's socket comes with it, and its handshake starts at once.
    Data(Id),
    /// The plain side of the data connection that came just before comes with it.
    Plain(Id),
}

/// What holds for who has logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Whether a data connection has to resume the control connection's session (`tls.require_reuse`).
    pub require_reuse: bool,
    /// Whether the control connection may be plain again (`tls.ccc`).
    pub ccc: bool,
    /// How long the handshake of a data connection may take (`limits.data_connect`).
    pub data_connect: Duration,
}

/// What the relay tells the broker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    /// The cage rules were broken; sent by the signal handler, in a fixed shape, as the last thing.
    Violation(Violation),
    /// This process panicked; the text says where. The last thing it says.
    Panicked(Bounded<256>),
    /// The cage could not be entered; this process serves nobody.
    Uncaged(Bounded<512>),
    /// It has its certificates, which fit the keys, and waits for [`Order::Begin`].
    Ready,
    /// It has not, and why. The last thing it says.
    Unfit(Bounded<512>),
    /// A handshake has ended well.
    Established(Established),
    /// The client is gone for good: it has closed the control connection, before the handshake without a word.
    Gone,
    /// A handshake has failed.
    Failed {
        /// Of which connection.
        of: Of,
        /// Why, with what the client had to offer.
        cause: Bounded<512>,
    },
}

/// Which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Of {
    /// The control connection.
    Control,
    /// A data connection.
    Data,
}

/// What a handshake came to, for the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Established {
    /// Of which connection.
    pub of: Of,
    /// `TLSv1.3`.
    pub version: Bounded<16>,
    /// The cipher suite, as IANA names it.
    pub suite: Bounded<64>,
    /// The key exchange's group; empty where a session was resumed without one.
    pub group: Bounded<32>,
    /// Whether it resumes a session of this control connection.
    pub resumed: bool,
    /// The host that the client asked for (SNI), in small letters.
    pub host: Option<Bounded<HOST_MAX>>,
    /// The subject of the client's certificate; on the control connection only.
    pub certificate: Option<Bounded<512>>,
}

/// What the session worker wants of the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// Bytes of this connection flow this way.
    Go(Id, Direction),
    /// The control connection is plain from the next byte on (CCC).
    Clear,
}

/// What the relay tells the session worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// The client of this connection, which has just come, has not begun with the handshake.
    Silent(Id),
    /// It has, and so will hear what it comes to.
    Begun(Id),
    /// The handshake of this connection is done, and bytes may flow: where `require_reuse` is set, because it comes from the
    /// client of the control connection.
    Proven(Id),
    /// Nothing flows over this connection. Its plain side is still to be closed.
    Refused(Id, Refusal),
    /// What the worker has written is still on its way to a client that takes it slowly.
    Flowing,
    /// All that was to flow has flowed, or never will.
    Done(Id, Close),
    /// To [`Wish::Clear`]: the client's side of TLS is closed too.
    Cleared,
    /// To [`Wish::Clear`]: the client did not close its side in time. Nothing more is passed on.
    Unanswered,
}

/// Why a data connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// It does not resume the control connection's session, and has to.
    NotResumed,
    /// The handshake failed; the broker was told why.
    Handshake,
}

/// How a data connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Close {
    /// Whole: with close_notify, ours on a download, the client's on an upload.
    Clean,
    /// An upload whose client closed the connection without close_notify.
    Truncated,
    /// The connection broke, a record was no good, or it was given up: by the worker, or for a newer one.
    Broken,
}
