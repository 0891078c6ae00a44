//! STAT: how the session is doing, how a transfer is doing, or a listing on the control connection (RFC 959
//! §4.1.3). Session worker, and during transfers.

use ftp::reply::Reply;

use super::{Argument, Shape};
use crate::config::Rights;
use crate::transfer::data::Plan;
use crate::transfer::listing;
use crate::worker::failure::Failure;
use crate::worker::session::{Session, Type};

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    match argument {
        Argument::None => Ok(status(session)),
        said => list(session, said.word()),
    }
}

fn status(session: &Session) -> Reply {
    let representation = match session.representation {
        Type::Ascii => "TYPE A N",
        Type::Image => "TYPE I",
    };
    let data = match (&session.progress, &session.plan) {
        (Some(progress), _) => format!("{} bytes transferred so far", progress.bytes),
        (None, Plan::None) => "No data connection".to_owned(),
        (None, Plan::Passive(_)) => "Listening for a data connection".to_owned(),
        (None, Plan::Active(_)) => "Ready to connect for data".to_owned(),
    };
    let class = format!(" ({})", session.class.word());
    let lines = [
        format!("Connected from {}", session.place.peer).into_bytes(),
        [b"Logged in as ", session.user.as_slice(), class.as_bytes()].concat(),
        format!("{representation}; STRU F; MODE {}", session.mode.letter()).into_bytes(),
        data.into_bytes(),
    ];
    Reply::lines(211, "Status:", lines.to_vec(), "End of status.")
}

fn list(session: &mut Session, said: &[u8]) -> Result<Reply, Failure> {
    let target = session.find(Shape::Listed, said, Rights::LIST)?;
    Ok(match listing::on_control(session, &target)? {
        (lines, true) => Reply::lines(213, "Status:", lines, "End of status."),
        (lines, false) => {
            Reply::lines(451, "Status:", lines, "That is not all: LIST has the rest.")
        }
    })
}
