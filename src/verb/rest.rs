//! REST: where the next transfer begins (RFC 3659 §5). Session worker.
//!
//! It survives what clients send in between (PASV, TYPE, SIZE …) and is used up by the next transfer, whether that
//! succeeds or not. Whether the offset fits the file shows then (RFC 1123 §4.1.3.4).

use ftp::reply::Reply;

use super::Argument;
use super::argument::number;
use crate::transfer::Span;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let offset = parse(argument.word()).ok_or_else(|| Failure::new(501, "Not an offset."))?;
    session.span = Span::from(offset);
    Ok(Reply::new(350, format!("The next transfer begins at {offset}.")))
}

/// No more than the kernel can count.
pub fn parse(word: &[u8]) -> Option<u64> {
    number::<i64>(word).map(i64::unsigned_abs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_offsets_are_taken() {
        for (word, offset) in [
            ("0", Some(0)),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("9223372036854775808", None),
            ("-1", None),
            ("+1", None),
            ("99999999999999999999", None),
            ("1k", None),
        ] {
            assert_eq!(parse(word.as_bytes()), offset, "{word}");
        }
    }
}
