//! One command line: a verb and its argument, RFC 959 §5.3. Workers, always; trusts no one.

use std::fmt;

/// The longest verb. Real ones have three or four letters; extensions have had more.
pub const VERB_MAX: usize = 16;

/// A verb and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    /// What to do.
    pub verb: Verb,
    /// All that follows one space: further spaces, leading and trailing, belong to it (RFC 2640
    /// §3.1). `None` is a bare verb, `Some(b"")` a verb with a space behind it.
    pub argument: Option<&'a [u8]>,
}

/// Why a line is not a command; each one is a 500 (RFC 959 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Nothing before the first space.
    Empty,
    /// Something else than ASCII letters, and digits and `@` behind a letter, before the first space.
    NotLetters,
    /// More than [`VERB_MAX`] of them.
    TooLong,
}

/// Splits a line without its end.
pub fn parse(line: &[u8]) -> Result<Command<'_>, Malformed> {
    let mut halves = line.splitn(2, |&byte| byte == b' ');
    let verb = Verb::new(halves.next().unwrap_or_default())?;
    Ok(Command { verb, argument: halves.next() })
}

/// A verb in capitals: letters, and behind the first also digits (XSHA256) and `@` (P@SW, which routers make of PASV), so
/// that it may be shown and logged as it is.
// Padded with NUL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Verb([u8; VERB_MAX]);

impl Verb {
    /// The verb that `said` spells, in any case (RFC 959 §5.3).
    pub fn new(said: &[u8]) -> Result<Self, Malformed> {
        if said.is_empty() {
            return Err(Malformed::Empty);
        }
        let starts = said.first().is_some_and(u8::is_ascii_alphabetic);
        if !starts || !said.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'@') {
            return Err(Malformed::NotLetters);
        }
        let mut letters = [0; VERB_MAX];
        letters.get_mut(..said.len()).ok_or(Malformed::TooLong)?.copy_from_slice(said);
        letters.make_ascii_uppercase();
        Ok(Self(letters))
    }

    /// The verb as text.
    pub fn as_str(&self) -> &str {
        let letters = self.0.split(|&byte| byte == 0).next().unwrap_or_default();
        std::str::from_utf8(letters).unwrap_or_default()
    }
}

impl fmt::Debug for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_space_separates_verb_and_argument() {
        // RFC 2640 §3.1, RFC 3659 §2.2
        let table: [(&str, &str, Option<&str>); 9] = [
            ("NOOP", "NOOP", None),
            ("cwd ", "CWD", Some("")),
            ("ReTr f", "RETR", Some("f")),
            ("RETR  lead", "RETR", Some(" lead")),
            ("RETR trail ", "RETR", Some("trail ")),
            ("STOR a b", "STOR", Some("a b")),
            ("xmd5 f", "XMD5", Some("f")),
            ("p@sw", "P@SW", None),
            ("MKD \u{ff}\0", "MKD", Some("\u{ff}\0")),
        ];
        for (line, verb, argument) in table {
            let command = parse(line.as_bytes()).unwrap();
            assert_eq!(
                (command.verb.as_str(), command.argument),
                (verb, argument.map(str::as_bytes))
            );
        }
    }

    #[test]
    fn what_no_verb_could_be_is_malformed() {
        let table: &[(&[u8], Malformed)] = &[
            (b"", Malformed::Empty),
            (b" NOOP", Malformed::Empty),
            (b"SSH-2.0-x", Malformed::NotLetters),
            (b"Host: x", Malformed::NotLetters),
            (b"NO\0OP", Malformed::NotLetters),
            (b"5XMD", Malformed::NotLetters),
            (b"@SW", Malformed::NotLetters),
            (b"N\xC3\xB6P", Malformed::NotLetters),
            (b"ABCDEFGHIJKLMNOPQ", Malformed::TooLong),
        ];
        for (line, why) in table {
            assert_eq!(parse(line), Err(*why), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn the_longest_verb_is_kept_whole() {
        assert_eq!(format!("{:?}", Verb::new(b"abcdefghijklmnop").unwrap()), "ABCDEFGHIJKLMNOP");
    }
}
