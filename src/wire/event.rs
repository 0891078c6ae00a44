//! What a worker tells for the log. The broker adds user, address and session id, and writes the line.

use serde::{Deserialize, Serialize};

use super::Bounded;
use super::relay::Close;

/// A path as the client sees it: bytes, from the root of its jail.
pub type Path = Bounded<4096>;

/// The number of the system call that broke the cage, in the machine's byte order.
///
/// A fixed array, not a varint: the signal handler writes it without encoding anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation(pub [u8; 4]);

/// Something that happened without changing a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// A command was refused for a reason that an administrator wants to see.
    Refused {
        /// The verb, as the table spells it.
        verb: Bounded<16>,
        /// What it was asked of.
        path: Path,
        /// Why.
        cause: Bounded<256>,
    },
    /// What the client calls itself.
    Client(Bounded<256>),
    /// The client broke the protocol.
    Protocol(Bounded<256>),
    /// The settings can't be had as they are.
    Trouble(Bounded<256>),
    /// The worker ends of its own will, and why.
    End(End),
}

/// Why a session ended, seen from the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The client said QUIT.
    Quit,
    /// The client closed or lost the control connection.
    Closed,
    /// Nothing was heard for too long.
    Idle,
    /// Too long to log in.
    LoginTimeout,
    /// Too many failed logins.
    Failures,
    /// The client broke the protocol past what is borne.
    Protocol,
    /// The broker said so.
    Stopped,
    /// The worker could not go on: its own failure or the system's.
    Failed,
}

/// A change or a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A file went out or came in, whole or not.
    Transfer(Transfer),
    /// A name or an attribute was changed.
    Change {
        /// What was done.
        change: Change,
        /// To which name.
        path: Path,
        /// What it is now: the new name, mode, group or time; where a symbolic link leads.
        /// The other name, where there is one.
        to: Option<Path>,
    },
}

/// A transfer, ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Which way.
    pub direction: Direction,
    /// The file.
    pub path: Path,
    /// Bytes that crossed the data connection.
    pub bytes: u64,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Whether the file is whole.
    pub outcome: Outcome,
    /// How TLS ended, where there was some.
    pub tls: Option<Close>,
    /// Why not, or what else is to be known.
    pub cause: Bounded<256>,
}

/// Which way a transfer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// RETR.
    Download,
    /// STOR, APPE.
    Upload,
    /// LIST, NLST, MLSD.
    Listing,
}

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Whole; the client was told 226.
    Complete,
    /// The client said ABOR.
    Aborted,
    /// Broken on the way.
    Failed,
}

/// What was done to a name or to an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// DELE.
    Delete,
    /// MKD.
    MakeDirectory,
    /// RMD.
    RemoveDirectory,
    /// RNFR, RNTO.
    Rename,
    /// SITE CHMOD, MFF.
    SetMode,
    /// SITE CHGRP.
    SetGroup,
    /// MFMT, MFF, MDTM, SITE UTIME.
    SetTime,
    /// SITE SYMLINK.
    MakeLink,
    /// SITE COPY; SITE CPFR, SITE CPTO.
    Copy,
    /// COMB, for each part.
    Combine,
}
