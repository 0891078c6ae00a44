//! Between the login worker and the broker, until someone has logged in.

use serde::{Deserialize, Serialize};

use super::auth::USER_MAX;
use super::event::{Note, Violation};
use super::session::Protection;
use super::{Bounded, Channel};

/// The most command bytes that may stand unread behind PASS.
pub const UNREAD_MAX: usize = 8 * 1024;

/// The longest name of a host (RFC 1123 §2.1).
pub const HOST_MAX: usize = 255;
/// As much of a banner as is said to a client that asked for a host.
pub const BANNER_MAX: usize = 4096;

/// The worker's end.
pub type WorkerEnd = Channel<Ask, Answer>;
/// The broker's end.
pub type BrokerEnd = Channel<Answer, Ask>;

/// What a login worker may ask.
#[derive(Debug, Serialize, Deserialize)]
pub enum Ask {
    /// The cage rules were broken; sent by the signal handler, in a fixed shape, as the last thing.
    Violation(Violation),
    /// This process panicked; the text says where. The last thing it says.
    Panicked(Bounded<256>),
    /// Log a user in. The password stands in the pipe whose writing end this process was given, and has closed.
    Login {
        /// The name that USER gave.
        user: Bounded<USER_MAX>,
        /// What the client has already sent behind PASS; the session worker reads on from there.
        unread: Bounded<UNREAD_MAX>,
        /// What PROT has chosen, once PBSZ was said.
        protection: Option<Protection>,
    },
    /// Something for the log.
    Note(Note),
    /// The cage could not be entered; this process serves nobody.
    Uncaged(Bounded<512>),
    /// The client asks for this host, in small letters; nothing means the one that is served to all.
    Host(Bounded<HOST_MAX>),
    /// May somebody of that name log in over this connection, with or without TLS as it is? So that no password is said
    /// in clear for nothing.
    Name(Bounded<USER_MAX>),
    /// Have a relay speak TLS with the client from now on.
    StartTls,
}

/// What the broker answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A session worker takes over; this process must exit without touching the client.
    Granted,
    /// Refused; the client may try again. The writing end of a new pipe, for the next password, comes with it.
    Refused,
    /// Refused, and it was the last attempt: say 421 and exit.
    RefusedLast,
    /// The host is served.
    Host {
        /// Its banner.
        banner: Bounded<BANNER_MAX>,
        /// Whether TLS is to be had there.
        tls: bool,
    },
    /// It is not.
    NoSuchHost,
    /// The name may go on to its password.
    Welcome,
    /// It needs none: the client's certificate is that user's.
    Certified,
    /// It may not without TLS.
    NeedsTls,
    /// It may not with TLS.
    WithoutTls,
    /// A relay waits: say 234 and exit without touching the client again. What follows is another worker's.
    TlsReady,
    /// There is none.
    NoTls,
    /// The session must end: say 421 and exit.
    Stop(super::session::Stop),
}
