//! MLST: facts about one file, on the control connection (RFC 3659 §7). Session worker.

use ftp::listing::Facts;
use ftp::reply::Reply;

use super::{Argument, Client};
use crate::transfer::listing;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let facts = listing::facts_of(session, &argument.target()?)?;
    Ok(Reply::lines(250, "Facts:", vec![facts], "End"))
}

/// The facts there are, and which of them this session has chosen (RFC 3659 §7.8).
pub fn feature(client: &Client) -> Option<String> {
    let facts = match client {
        Client::Stranger(_) => Facts::default(),
        Client::User(session) => session.facts,
    };
    Some(facts.feat_line())
}
