//! LANG: the language of replies (RFC 2640 §4). Both workers. There is one.

use ftp::reply::Reply;

use super::{Argument, Client};
use crate::worker::failure::Failure;

/// See the table. Without an argument: the default again.
pub fn run(_: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    let mut subtags = argument.word().split(|&byte| byte == b'-');
    let language = subtags.next().unwrap_or_default();
    let is_tag = is_subtag(language) && subtags.all(is_subtag);
    match language {
        b"" => Ok(Reply::new(200, "Replies are in English.")),
        _ if !is_tag => Err(Failure::new(501, "Not a language tag.")),
        b if b.eq_ignore_ascii_case(b"EN") => Ok(Reply::new(200, "Replies are in English.")),
        _ => Err(Failure::new(504, "Only EN is served.")),
    }
}

/// One to eight letters or digits (RFC 2640 §4.1, RFC 1766).
fn is_subtag(text: &[u8]) -> bool {
    (1..=8).contains(&text.len()) && text.iter().all(u8::is_ascii_alphanumeric)
}
