//! SITE SYMLINK: makes a symbolic link, as `ln -s target link` does. Session worker.
//!
//! Whatever it says, this server follows it within the jail; other programs do not, so it has a right of its own.

use ftp::reply::Reply;
use nix::unistd::symlinkat;

use crate::config::Rights;
use crate::verb::{Argument, Shape};
use crate::wire::event::Change;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::tree::is_reserved;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let [to, link] = two_words(argument.word())
        .ok_or_else(|| Failure::new(501, "A target and a link are needed."))?;
    let link = session.find(Shape::Entry, &link, Rights::LINK)?;
    if to.split(|&byte| byte == b'/').any(is_reserved) {
        return Err(Failure::new(550, "This name is reserved.").because("a reserved name"));
    }
    let directory = session.tree.parent(&link.real)?;
    symlinkat(to.as_slice(), &directory, link.real.name()?)?;
    session.changed(Change::MakeLink, &link.path, Some(&to))?;
    Ok(Reply::new(200, "Link made."))
}

/// Two words with one space between them.
fn two_words(said: &[u8]) -> Option<[Vec<u8>; 2]> {
    let (first, rest) = word(said)?;
    let (second, rest) = word(rest.strip_prefix(b" ")?)?;
    rest.is_empty().then_some([first, second])
}

/// The first word, and what is behind it. In double quotes it may hold spaces, and quotes that are doubled.
fn word(said: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(mut rest) = said.strip_prefix(b"\"") else {
        let end = said.iter().position(|&byte| byte == b' ').unwrap_or(said.len());
        let (word, rest) = said.split_at_checked(end)?;
        return (!word.is_empty()).then(|| (word.to_vec(), rest));
    };
    let mut word = vec![];
    loop {
        let end = rest.iter().position(|&byte| byte == b'"')?;
        word.extend(rest.get(..end)?);
        rest = rest.get(end + 1..)?;
        match rest.strip_prefix(b"\"") {
            Some(more) => rest = more,
            None => return (!word.is_empty()).then_some((word, rest)),
        }
        word.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bare_or_in_quotes() {
        for (said, words) in [
            ("a b", Some(["a", "b"])),
            ("\"a b\" c", Some(["a b", "c"])),
            ("../x \"say \"\"hi\"\"\"", Some(["../x", "say \"hi\""])),
            ("a\"b c", Some(["a\"b", "c"])),
            ("a", None),
            ("a ", None),
            ("a b c", None),
            ("a  b", None),
            ("\"a\"b c", None),
            ("\"a b", None),
            ("\"\" b", None),
            ("", None),
        ] {
            let words = words.map(|words| words.map(|word: &str| word.as_bytes().to_vec()));
            assert_eq!(two_words(said.as_bytes()), words, "{said}");
        }
    }
}
