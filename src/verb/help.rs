//! HELP: the verbs that this client may use, or what one is for. Both workers.

use ftp::reply::Reply;

use super::argument::split_word;
use super::{Argument, Client, Row, TABLE, row, site};
use crate::worker::failure::Failure;

/// See the table. `HELP SITE` tells of the SITE commands, as `SITE HELP` does.
pub fn run(client: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    let word = argument.word();
    match split_word(word).unwrap_or((word, b"")) {
        (verb, rest) if verb.eq_ignore_ascii_case(b"SITE") => help(client, site::TABLE, rest),
        _ => help(client, TABLE, word),
    }
}

/// Tells of the commands of one table.
pub fn help(client: &Client, table: &'static [Row], word: &[u8]) -> Result<Reply, Failure> {
    match word {
        b"" => Ok(overview(client, table)),
        word => explain(table, word).ok_or_else(|| Failure::new(502, "No such command.")),
    }
}

fn overview(client: &Client, table: &'static [Row]) -> Reply {
    let names: Vec<&str> = client.rows(table).flat_map(all_names).collect();
    let lines = names.chunks(PER_LINE).map(|names| names.join(" ").into_bytes());
    Reply::lines(214, "Commands:", lines.collect(), "HELP and a command explains it.")
}

fn explain(table: &'static [Row], word: &[u8]) -> Option<Reply> {
    let name = std::str::from_utf8(word).ok()?.to_ascii_uppercase();
    let row = row(table, &name)?;
    Some(Reply::new(214, format!("{name} {}", row.help)))
}

fn all_names(row: &'static Row) -> impl Iterator<Item = &'static str> {
    std::iter::once(row.name).chain(row.aliases.iter().copied())
}

const PER_LINE: usize = 8;
