//! OPTS UTF8 and OPTS MLST (RFC 2389 §4, RFC 3659 §7.9). Both workers; clients send the first before login.

use ftp::listing::Facts;
use ftp::reply::Reply;

use super::{Argument, Client};
use crate::worker::failure::Failure;

/// See the table.
pub fn run(client: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    let mut words = argument.word().splitn(2, |&byte| byte == b' ');
    let verb = words.next().unwrap_or_default().to_ascii_uppercase();
    let options = words.next().unwrap_or_default().trim_ascii();
    match (verb.as_slice(), client) {
        (b"UTF8" | b"UTF-8", _) => utf8(options),
        (b"MLST", Client::User(session)) => {
            session.facts = Facts::parse(options).ok_or_else(no_such_option)?;
            Ok(Reply::new(200, format!("MLST OPTS {}", session.facts.names()).trim_end()))
        }
        (b"MLST", Client::Stranger(_)) => {
            Err(Failure::new(530, "Please log in with USER and PASS."))
        }
        _ => Err(no_such_option()),
    }
}

/// Names are bytes here, and UTF-8 where they are text: there is nothing to switch.
fn utf8(options: &[u8]) -> Result<Reply, Failure> {
    match options.eq_ignore_ascii_case(b"OFF") {
        true => Err(Failure::new(501, "UTF8 is always on.")),
        false => Ok(Reply::new(200, "UTF8 is always on.")),
    }
}

fn no_such_option() -> Failure {
    Failure::new(501, "No such option.")
}
