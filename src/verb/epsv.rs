//! EPSV: the broker listens (RFC 2428 §3); EPSV ALL: nothing else from now on (§4). Session worker.

use ftp::hostport::{BadAddress, EpsvArgument, epsv_text, parse_epsv};
use ftp::reply::Reply;

use super::Argument;
use crate::wire::session::Family;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let own = session.family();
    match (parse_epsv(Some(argument.word())), own) {
        (Ok(EpsvArgument::All), _) => {
            session.epsv_only = true;
            Ok(Reply::new(200, "EPSV only, from now on."))
        }
        (Ok(EpsvArgument::Plain), _)
        | (Ok(EpsvArgument::V4), Family::V4)
        | (Ok(EpsvArgument::V6), Family::V6) => {
            let port = session.listen_for_data(own)?;
            Ok(Reply::new(229, epsv_text(port)))
        }
        (Err(BadAddress::Syntax), _) => Err(Failure::new(501, "Not a network protocol.")),
        (Ok(_) | Err(BadAddress::UnknownFamily), own) => Err(wrong_family(own)),
    }
}

/// 522 with the protocols that will do (RFC 2428 §2).
pub fn wrong_family(own: Family) -> Failure {
    Failure::new(
        522,
        match own {
            Family::V4 => "Network protocol not supported, use (1)",
            Family::V6 => "Network protocol not supported, use (2)",
        },
    )
}

impl Session {
    /// After EPSV ALL every other way to set up a data connection is refused (RFC 2428 §4).
    pub fn require_not_epsv_only(&self) -> Result<(), Failure> {
        match self.epsv_only {
            true => Err(Failure::new(503, "Not after EPSV ALL.")),
            false => Ok(()),
        }
    }
}
