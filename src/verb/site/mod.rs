//! SITE: commands that are this server's own (RFC 959 §4.1.3), as other servers have made them known. Session worker.

mod help;

use ftp::command::{self, Command};
use ftp::reply::Reply;

use super::row::verbs;
use super::{Argument, Client, Feature, Meanwhile, Needs, Row, Run, Shape, mkd, rmd, row};
use crate::config::Rights;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use Feature::No;
use Meanwhile::Wait;
use Needs::{AnyOf, Nothing};
use Run::User;
use Shape::{Entry, Optional};

/// All SITE commands, sorted by name.
#[rustfmt::skip]
pub static TABLE: &[Row] = verbs![
    // name       run                  argument   needs                      meanwhile feature help
    ("HELP",      User(help::run),     Optional,  Nothing,                   Wait, No, "[command]: list SITE commands, or explain one"),
    ("MKDIR",     User(mkd::run),      Entry,     AnyOf(Rights::MAKE_DIR),   Wait, No, "path: make a directory"),
    ("RMDIR",     User(rmd::run),      Entry,     AnyOf(Rights::REMOVE_DIR), Wait, No, "path: remove a directory"),
];

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let unknown = || Failure::new(500, "Unknown SITE command.");
    let said = argument.word().trim_ascii_start();
    if said.is_empty() {
        return Err(Failure::new(501, "An argument is missing."));
    }
    let Command { verb, argument } = command::parse(said).map_err(|_| unknown())?;
    let row = row(TABLE, verb.as_str()).ok_or_else(unknown)?;
    row.serve(&mut Client::User(session), argument)
}
