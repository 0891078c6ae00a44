//! FEAT: the features that this client may use (RFC 2389 §3). Both workers.

use ftp::reply::Reply;

use super::{Argument, Client, Feature, Row, TABLE, opts, site};
use crate::worker::failure::Failure;

/// See the table.
pub fn run(client: &mut Client, _: Argument) -> Result<Reply, Failure> {
    let rows = [TABLE, site::TABLE, opts::TABLE].into_iter().flat_map(|table| client.rows(table));
    let mut lines: Vec<_> = rows.filter_map(|row| line(row, client)).collect();
    lines.sort_unstable();
    Ok(Reply::lines(211, "Features:", lines, "End"))
}

fn line(row: &Row, client: &Client) -> Option<Vec<u8>> {
    match row.feature {
        Feature::No => None,
        Feature::Line(line) => Some(line.into()),
        Feature::Own(say) => say(client).map(String::into_bytes),
    }
}
