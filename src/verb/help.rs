//! HELP: the verbs that this client may use, or what one is for. Both workers.

use ftp::reply::Reply;

use super::argument::split_word;
use super::{Argument, Client, Row, TABLE, opts, row, site};
use crate::worker::failure::Failure;

/// See the table. `HELP SITE` tells of the SITE commands, as `SITE HELP` does, and `HELP OPTS` of options.
pub fn run(client: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    let word = argument.word();
    let (verb, rest) = split_word(word).unwrap_or((word, b""));
    match verb.to_ascii_uppercase().as_slice() {
        b"SITE" => help(client, &SITE, rest.trim_ascii()),
        b"OPTS" => help(client, &OPTS, rest.trim_ascii()),
        _ => help(client, &VERBS, word),
    }
}

/// Commands of which help is asked, and what is said before them.
pub struct Subject {
    before: &'static str,
    table: &'static [Row],
}

const VERBS: Subject = Subject { before: "", table: TABLE };
/// The SITE commands.
pub const SITE: Subject = Subject { before: "SITE ", table: site::TABLE };
const OPTS: Subject = Subject { before: "OPTS ", table: opts::TABLE };

/// Tells of all of them, or of one.
pub fn help(client: &Client, subject: &Subject, word: &[u8]) -> Result<Reply, Failure> {
    match word {
        b"" => Ok(overview(client, subject)),
        word => explain(subject, word).ok_or_else(|| Failure::new(502, "No such command.")),
    }
}

fn overview(client: &Client, subject: &Subject) -> Reply {
    let names: Vec<&str> = client.rows(subject.table).flat_map(all_names).collect();
    let lines = names.chunks(PER_LINE).map(|names| names.join(" ").into_bytes());
    let last = format!("HELP {}and one of these explains it.", subject.before);
    Reply::lines(214, "Commands:", lines.collect(), last)
}

fn explain(subject: &Subject, word: &[u8]) -> Option<Reply> {
    let name = std::str::from_utf8(word).ok()?.to_ascii_uppercase();
    let row = row(subject.table, &name)?;
    Some(Reply::new(214, format!("{}{name} {}", subject.before, row.help)))
}

fn all_names(row: &'static Row) -> impl Iterator<Item = &'static str> {
    std::iter::once(row.name).chain(row.aliases.iter().copied())
}

const PER_LINE: usize = 8;
