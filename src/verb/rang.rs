//! RANG: which part the next transfer is about, by its first and its last octet (draft-bryan-ftp-range-08). Session
//! worker.
//!
//! It and REST replace each other, and the next transfer uses it up. A part that lies behind the end of a file is short or
//! empty when it is downloaded, and that is no error.

use ftp::reply::Reply;

use super::{Argument, rest, words};
use crate::transfer::Span;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table. What is no range leaves none: a client that goes on regardless must not get a part that it did not
/// ask for.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    session.span = Span::default();
    match parse(argument.word()) {
        Some((1, 0)) => Ok(Reply::new(350, "The next transfer is whole.")),
        Some((first, last)) if first <= last => {
            session.span = Span::between(first, last);
            Ok(Reply::new(350, format!("The next transfer is octets {first} to {last}.")))
        }
        _ => Err(Failure::new(501, "Not a range; none is set.")),
    }
}

/// Two numbers.
fn parse(said: &[u8]) -> Option<(u64, u64)> {
    let mut words = words::bare(said);
    let range = (rest::parse(words.next()?)?, rest::parse(words.next()?)?);
    words.next().is_none().then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_numbers_are_taken() {
        for (said, range) in [
            ("0 9", Some((0, 9))),
            ("1  0 ", Some((1, 0))),
            ("9223372036854775807 9223372036854775807", Some((i64::MAX as u64, i64::MAX as u64))),
            ("", None),
            ("1", None),
            ("1 ", None),
            ("1 -2", None),
            ("1 2 3", None),
            ("1-2", None),
            ("0 9223372036854775808", None),
        ] {
            assert_eq!(parse(said.as_bytes()), range, "{said}");
        }
    }
}
