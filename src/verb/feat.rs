//! FEAT: the features that this client may use (RFC 2389 §3). Both workers.

use ftp::listing::Facts;
use ftp::reply::Reply;

use super::{Argument, Client, Feature, Row};
use crate::worker::failure::Failure;

/// See the table.
pub fn run(client: &mut Client, _: Argument) -> Result<Reply, Failure> {
    let facts = match client {
        Client::Stranger(_) => Facts::default(),
        Client::User(session) => session.facts,
    };
    let mut lines: Vec<_> = client.rows().filter_map(|row| line(row, facts)).collect();
    lines.sort_unstable();
    Ok(Reply::lines(211, "Features:", lines, "End"))
}

fn line(row: &Row, facts: Facts) -> Option<Vec<u8>> {
    match row.feature {
        Feature::No => None,
        Feature::Line(line) => Some(line.into()),
        Feature::Facts => Some(facts.feat_line().into()),
    }
}
