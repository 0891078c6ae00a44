//! OPTS MODE: how hard MODE Z compresses (draft-preston-ftpext-deflate). Session worker.

use flate2::Compression;
use ftp::reply::Reply;

use super::no_such_option;
use crate::verb::{Argument, words};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table. There is one engine, and blocks are its own affair: neither has an option.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    if !session.settings.transfer.compress {
        return Err(no_such_option());
    }
    let level = level(argument.word()).ok_or_else(no_such_option)?;
    session.level = Compression::new(level);
    Ok(Reply::new(200, format!("MODE Z LEVEL {level}")))
}

/// `Z LEVEL n`.
fn level(said: &[u8]) -> Option<u32> {
    let words: Vec<_> = words::bare(said).collect();
    match words.as_slice() {
        [z, level, [digit @ b'0'..=b'9']]
            if z.eq_ignore_ascii_case(b"Z") && level.eq_ignore_ascii_case(b"LEVEL") =>
        {
            Some(u32::from(digit - b'0'))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_digit_is_a_level() {
        for (said, wanted) in [
            ("Z LEVEL 0", Some(0)),
            ("z level 9", Some(9)),
            (" Z  LEVEL 6 ", Some(6)),
            ("Z LEVEL 10", None),
            ("Z LEVEL -1", None),
            ("Z LEVEL", None),
            ("Z LEVEL 1 2", None),
            ("Z ENGINE ZLIB", None),
            ("Z BLOCKSIZE 1024", None),
            ("Z", None),
            ("", None),
            ("S LEVEL 1", None),
        ] {
            assert_eq!(level(said.as_bytes()), wanted, "{said}");
        }
    }
}
