//! Checksum verbs of no standard, each with an algorithm of its own: MD5 (draft-twine-ftpmd5-00), XCRC, XMD5 and
//! the XSHA family. Session worker.
//!
//! `path`, `path start end` or `"path" start end`: the octets from `start` up to, not including, `end`.

use ftp::reply::Reply;

use super::argument::number;
use super::words::unquoted;
use super::{Argument, Shape, Target};
use crate::config::Rights;
use crate::transfer::Span;
use crate::transfer::digest::{Algorithm, CRC32, MD5, SHA_1, SHA_256, SHA_512};
use crate::transfer::hash::{self, Checksum, Order};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// MD5. Its reply has the path too.
pub fn md5(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let (target, span) = find(session, argument.word(), false)?;
    let order = Order { verb: "MD5", code: 251, algorithm: &MD5 };
    hash::run(session, &order, &target, span, |sum| {
        [target.said.as_slice(), b" ", &capitals(&sum)].concat()
    })
}

/// XMD5.
pub fn xmd5(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    run(session, &argument, "XMD5", &MD5)
}

/// XCRC.
pub fn crc32(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    run(session, &argument, "XCRC", &CRC32)
}

/// XSHA and XSHA1.
pub fn sha1(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    run(session, &argument, "XSHA1", &SHA_1)
}

/// XSHA256.
pub fn sha256(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    run(session, &argument, "XSHA256", &SHA_256)
}

/// XSHA512.
pub fn sha512(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    run(session, &argument, "XSHA512", &SHA_512)
}

fn run(
    session: &mut Session,
    argument: &Argument,
    verb: &'static str,
    algorithm: &'static Algorithm,
) -> Result<Reply, Failure> {
    let (target, span) = find(session, argument.word(), true)?;
    let order = Order { verb, code: 250, algorithm };
    hash::run(session, &order, &target, span, |sum| capitals(&sum))
}

/// As the servers that made these verbs known write it.
fn capitals(sum: &Checksum) -> Vec<u8> {
    sum.hex().to_ascii_uppercase().into_bytes()
}

/// The file that is meant, and which part of it, where the verb takes offsets. A name may hold quotes, spaces and
/// digits: the first meaning of the argument that is a file there counts.
pub fn find(session: &Session, said: &[u8], offsets: bool) -> Result<(Target, Span), Failure> {
    let found = |name: &[u8]| session.find(Shape::Path, name, Rights::HASH);
    let meanings = meanings(said).into_iter().filter(|(_, offset)| offsets || offset.is_none());
    for (name, span) in meanings {
        if let Ok(target) = found(&name)
            && session.tree.stat(&target.real).is_ok()
        {
            return match span.unwrap_or_default() {
                Span { start, end: Some(end) } if end < start => {
                    Err(Failure::new(501, "The end is before the start."))
                }
                span => Ok((target, span)),
            };
        }
    }
    // None of them is there; what is wrong is said of the plainest.
    Ok((found(said)?, Span::default()))
}

/// What an argument may mean, all of it as a name first.
fn meanings(said: &[u8]) -> Vec<(Vec<u8>, Option<Span>)> {
    let mut meanings = vec![(said.to_vec(), None)];
    if let Some((name, behind)) = unquoted(said) {
        match numbers(behind).as_slice() {
            [] if behind.trim_ascii().is_empty() => meanings.push((name, None)),
            [start] => meanings.push((name, Some(Span::from(*start)))),
            [start, end] => meanings.push((name, Some(Span { start: *start, end: Some(*end) }))),
            _ => {}
        }
        return meanings;
    }
    let cut = |said: &[u8]| {
        let space = said.iter().rposition(|&byte| byte == b' ')?;
        Some((said.get(..space)?.to_vec(), *numbers(said.get(space..)?).first()?))
    };
    if let Some((name, last)) = cut(said) {
        let both = cut(&name);
        meanings.push((name, Some(Span::from(last))));
        meanings.extend(both.map(|(name, start)| (name, Some(Span { start, end: Some(last) }))));
    }
    meanings
}

/// The numbers that text consists of; none, if it has anything else.
fn numbers(text: &[u8]) -> Vec<u64> {
    let words = text.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    words.map(number).collect::<Option<Vec<_>>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_means_a_name_before_anything_else() {
        let from = |start| Some(Span::from(start));
        let part = |start, end| Some(Span { start, end: Some(end) });
        for (said, wanted) in [
            ("f", vec![("f", None)]),
            ("my file", vec![("my file", None)]),
            ("f 7", vec![("f 7", None), ("f", from(7))]),
            ("f 7 9", vec![("f 7 9", None), ("f 7", from(9)), ("f", part(7, 9))]),
            ("\"f 1\" 7 9", vec![("\"f 1\" 7 9", None), ("f 1", part(7, 9))]),
            ("\"a\"\"b\"", vec![("\"a\"\"b\"", None), ("a\"b", None)]),
            ("\"f\" x", vec![("\"f\" x", None)]),
            ("\"f", vec![("\"f", None)]),
        ] {
            let wanted: Vec<_> =
                wanted.into_iter().map(|(name, span)| (name.as_bytes().to_vec(), span)).collect();
            assert_eq!(meanings(said.as_bytes()), wanted, "{said}");
        }
    }
}
