//! The phases of a session, and how to get one there.

use super::data::Data;
use super::session::Session;
use super::site::Site;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Greeted; nobody has logged in.
    BeforeLogin,
    /// Logged in, and nothing to do.
    Idle,
    /// Sending a file to a client that does not read it.
    Downloading,
    /// Taking a file, over an older one, from a client that has more to send.
    Uploading,
}

pub const PHASES: [Phase; 4] =
    [Phase::BeforeLogin, Phase::Idle, Phase::Downloading, Phase::Uploading];

/// The name that is uploaded to, and what was there before.
pub const TARGET: &str = "/incoming/target";
pub const BEFORE: &[u8] = b"what was there before\n";
/// What has come of the upload when the phase is reached.
pub const SENT: &[u8] = b"the beginning of what is to be there\n";

/// A site on which every phase can be reached.
pub fn ready(site: Site) -> Site {
    // More than the kernel takes in for a client that does not read.
    site.file("/big", &vec![b'x'; 40_000_000]).file(TARGET, BEFORE)
}

impl Phase {
    /// A session in this phase, and its data connection where there is one.
    #[track_caller]
    pub fn reach(self, site: &Site) -> (Session, Option<Data>) {
        let mut session = site.connect();
        session.hears("220");
        if self == Phase::BeforeLogin {
            session.settled(2);
            return (session, None);
        }
        session.logs_in();
        session.asks("TYPE I", "200");
        let data = match self {
            Phase::BeforeLogin | Phase::Idle => None,
            Phase::Downloading => {
                let mut data = session.passive();
                session.asks("RETR /big", "150");
                data.takes(1);
                Some(data)
            }
            Phase::Uploading => {
                let mut data = session.passive();
                session.asks(&format!("STOR {TARGET}"), "150");
                data.gives(SENT);
                data.settles();
                Some(data)
            }
        };
        session.settled(2);
        (session, data)
    }
}
