//! Between the broker and the auth process: one attempt, one verdict. The broker asks; auth answers once and exits.

use serde::{Deserialize, Serialize};

use super::{Bounded, Channel};

/// The longest user name, in bytes, as it came from the client or from PAM.
pub const USER_MAX: usize = 256;
/// The longest password that is read, in bytes.
pub const PASSWORD_MAX: usize = 512;
/// The longest path of a home directory or shell, in bytes.
pub const HOME_MAX: usize = 4096;
/// As many supplementary groups as are taken.
pub const GROUPS_MAX: usize = 1024;

/// The broker's end.
pub type BrokerEnd = Channel<Attempt, Verdict>;
/// The auth process's end.
pub type AuthEnd = Channel<Verdict, Attempt>;

/// One login attempt. The reading end of a pipe with the password comes with it, unread by the broker.
#[derive(Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// The PAM service, `cellftpd` unless configured.
    pub service: String,
    /// The name that the client gave.
    pub user: Bounded<USER_MAX>,
    /// The client's address as text, for PAM_RHOST.
    pub from: String,
    /// The client has shown a certificate of this user's: no password is asked for.
    pub certified: bool,
}

/// How the attempt ended.
#[derive(Debug, Serialize, Deserialize)]
pub enum Verdict {
    /// The account, as PAM and NSS left it.
    Granted(Account),
    /// Refused; the cause goes to the log alone.
    Refused(Bounded<256>),
}

/// An account that a session may run as. The broker checks it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The user's name, as PAM ended with it.
    pub name: Bounded<USER_MAX>,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary group ids, at most [`GROUPS_MAX`]; a longer list is refused.
    pub groups: Vec<u32>,
    /// Names of those groups, for `[[match]] group`, in the same order where known.
    pub group_names: Vec<String>,
    /// Home directory.
    pub home: Bounded<HOME_MAX>,
    /// Login shell.
    pub shell: Bounded<HOME_MAX>,
}
