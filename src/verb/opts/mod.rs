//! OPTS: the options of other commands (RFC 2389 §4). Both workers; clients send UTF8 before login.

mod hash;
mod mlst;
mod mode;
mod utf8;

use ftp::reply::Reply;

use super::row::verbs;
use super::{Argument, Client, Feature, Meanwhile, Needs, Row, Run, Shape, row};
use crate::config::Rights;
use crate::worker::failure::Failure;
use Feature::{Line, No};
use Meanwhile::Wait;
use Needs::{AnyOf, Nothing};
use Run::{Anyone, User};
use Shape::Rest;

/// What has options, sorted by name.
#[rustfmt::skip]
pub static TABLE: &[Row] = verbs![
    // name          run                argument needs                meanwhile feature       help
    ("HASH",         User(hash::run),   Rest,    AnyOf(Rights::HASH), Wait,     No,           "[algorithm]: what HASH computes"),
    ("MLST",         User(mlst::run),   Rest,    Nothing,             Wait,     No,           "facts: those that MLST and MLSD tell"),
    ("MODE",         User(mode::run),   Rest,    Nothing,             Wait,     No,           "Z LEVEL 0-9: how hard MODE Z compresses"),
    ("UTF8"/"UTF-8", Anyone(utf8::run), Rest,    Nothing,             Wait,     Line("UTF8"), "ON: as it is"),
];

/// See the table.
pub fn run(client: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    let mut halves = argument.word().trim_ascii_start().splitn(2, |&byte| byte == b' ');
    let name = halves.next().unwrap_or_default().to_ascii_uppercase();
    match row(TABLE, &String::from_utf8_lossy(&name)) {
        Some(row) => row.serve(client, halves.next()),
        None => Err(no_such_option()),
    }
}

/// 501 (RFC 2389 §4).
fn no_such_option() -> Failure {
    Failure::new(501, "No such option.")
}
