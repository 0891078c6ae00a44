//! HELP: the verbs that this client may use, or what one is for. Both workers.

use ftp::command::Verb;
use ftp::reply::Reply;

use super::{Argument, Client, Row, row};
use crate::worker::failure::Failure;

/// See the table.
pub fn run(client: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    match argument.word() {
        b"" => Ok(overview(client)),
        word => explain(word).ok_or_else(|| Failure::new(502, "No such command.")),
    }
}

fn overview(client: &Client) -> Reply {
    let names: Vec<&str> = client.rows().flat_map(all_names).collect();
    let lines = names.chunks(PER_LINE).map(|names| names.join(" ").into_bytes());
    Reply::lines(214, "Commands:", lines.collect(), "HELP and a command explains it.")
}

fn explain(word: &[u8]) -> Option<Reply> {
    let verb = Verb::new(word).ok()?;
    let row = row(verb.as_str())?;
    Some(Reply::new(214, format!("{verb} {}", row.help)))
}

fn all_names(row: &'static Row) -> impl Iterator<Item = &'static str> {
    std::iter::once(row.name).chain(row.aliases.iter().copied())
}

const PER_LINE: usize = 8;
