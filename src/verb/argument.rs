//! What follows a verb: its shape, and what it becomes. Both workers; the client is not trusted.

use std::str::FromStr;

use ftp::options::Options;
use ftp::path::VirtualPath;
use ftp::time::parse_time_val;
use nix::libc::mode_t;
use nix::sys::stat::Mode;

use crate::transfer::attributes::Moment;
use crate::worker::failure::Failure;
use crate::worker::tree::{Last, Real, Tree};

/// What must follow a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing at all.
    None,
    /// A word or nothing; spaces around it don't count (RFC 959 §5.3).
    Optional,
    /// A word.
    Word,
    /// All that follows, as it is, but blanks alone are nothing: the verb takes it apart.
    Rest,
    /// All that follows, as it is, and never to be shown.
    Secret,
    /// The path of something; a symbolic link stands for where it leads.
    Path,
    /// The same, or nothing for the working directory.
    PathOrHere,
    /// The same; but a symbolic link that leads nowhere is meant itself.
    PathOrLink,
    /// A path or nothing, perhaps behind option words as `ls` has them, which clients send though no RFC does.
    Listed,
    /// A name in a directory; a symbolic link is meant itself.
    Entry,
    /// The path of a file that may have to be made: what is wrong with it is a 553.
    New,
    /// A word, one space, and the path of something.
    WordPath,
}

/// What follows a verb, understood.
#[derive(Debug)]
pub enum Argument<'a> {
    /// Nothing.
    None,
    /// A word, or all that was said.
    Word(&'a [u8]),
    /// A file.
    Path(Target),
}

/// A file that a client has named.
#[derive(Debug, Clone)]
pub struct Target {
    /// As the client named it, without options.
    pub said: Vec<u8>,
    /// The word that stood before it.
    pub before: Vec<u8>,
    /// The options that stood before it.
    pub options: Options,
    /// In full, as the client sees it.
    pub path: VirtualPath,
    /// Where it really is.
    pub real: Real,
}

impl Argument<'_> {
    /// The word; empty if there is none.
    pub fn word(&self) -> &[u8] {
        match self {
            Argument::Word(word) => word,
            Argument::None | Argument::Path(_) => b"",
        }
    }

    /// The file. The table sees to it that there is one.
    pub fn target(self) -> Result<Target, Failure> {
        match self {
            Argument::Path(target) => Ok(target),
            Argument::None | Argument::Word(_) => Err(missing()),
        }
    }
}

impl Shape {
    /// Understands what follows a verb that has to do with no file.
    pub fn words(self, said: Option<&[u8]>) -> Result<Argument<'_>, Failure> {
        let word = said.unwrap_or_default().trim_ascii();
        match (self, word) {
            (Shape::Secret, _) => Ok(Argument::Word(said.unwrap_or_default())),
            (Shape::None | Shape::Optional | Shape::Rest, b"") => Ok(Argument::None),
            (Shape::Rest, _) => Ok(Argument::Word(said.unwrap_or_default())),
            (Shape::None, _) => Err(Failure::new(501, "No argument is expected.")),
            (_, b"") => Err(missing()),
            (_, word) => Ok(Argument::Word(word)),
        }
    }

    /// Understands what follows any verb.
    pub fn argument<'a>(
        self,
        tree: &Tree,
        said: Option<&'a [u8]>,
    ) -> Result<Argument<'a>, Failure> {
        let path = said.unwrap_or_default();
        let target = match self {
            _ if !self.is_path() => return self.words(said),
            Shape::Path | Shape::Entry | Shape::New if path.is_empty() => Err(missing()),
            Shape::New => self.target(tree, path).map_err(Failure::of_new_name),
            Shape::Listed => {
                let (options, path) = Options::split(path);
                self.target(tree, path).map(|target| Target { options, ..target })
            }
            Shape::WordPath => {
                let (word, path) = split_word(path).ok_or_else(missing)?;
                self.target(tree, path).map(|target| Target { before: word.to_vec(), ..target })
            }
            _ => self.target(tree, path),
        };
        target.map(Argument::Path)
    }

    /// Whether it ends with a path.
    pub fn is_path(self) -> bool {
        !matches!(self, Shape::None | Shape::Optional | Shape::Word | Shape::Rest | Shape::Secret)
    }

    fn target(self, tree: &Tree, said: &[u8]) -> Result<Target, Failure> {
        let path = match said {
            b"" => tree.cwd.clone(),
            said => tree.cwd.join(said)?,
        };
        let last = match self {
            Shape::Entry => Last::Itself,
            Shape::PathOrLink => Last::FollowedIfThere,
            _ => Last::Followed,
        };
        let real = tree.real(&path, last)?;
        Ok(Target { said: said.to_vec(), before: vec![], options: Options::default(), path, real })
    }
}

/// A word, spaces before which don't count (RFC 959 §5.3), and what is behind the one space that follows it: further
/// spaces belong to a path (RFC 3659 §2.2).
pub fn split_word(said: &[u8]) -> Option<(&[u8], &[u8])> {
    let said = said.trim_ascii_start();
    let space = said.iter().position(|&byte| byte == b' ')?;
    let (word, path) = (said.get(..space)?, said.get(space + 1..)?);
    (!word.is_empty() && !path.is_empty()).then_some((word, path))
}

/// A time in UTC (RFC 3659 §2.3).
pub fn time(said: &[u8]) -> Result<Moment, Failure> {
    parse_time_val(said).ok_or_else(|| Failure::new(501, "Not a time."))
}

/// Permissions, in three or four octal digits. Nobody gets a set-id bit from this server.
pub fn mode(said: &[u8]) -> Result<Mode, Failure> {
    let bits = octal(said).filter(|_| said.len() >= 3);
    match bits.ok_or_else(|| Failure::new(501, "Not a mode."))? {
        bits if bits & SET_ID != 0 => {
            Err(Failure::new(550, "Permission denied.").because("a set-id bit"))
        }
        bits => Ok(Mode::from_bits_truncate(bits)),
    }
}

/// A number in decimal digits alone: no sign.
pub fn number<T: FromStr>(said: &[u8]) -> Option<T> {
    let digits = said.iter().all(u8::is_ascii_digit).then_some(said)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A number of one to four octal digits.
pub fn octal(said: &[u8]) -> Option<mode_t> {
    let is_octal = said.len() <= 4 && said.iter().all(|byte| (b'0'..=b'7').contains(byte));
    let digits = std::str::from_utf8(said).ok().filter(|_| is_octal)?;
    mode_t::from_str_radix(digits, 8).ok()
}

fn missing() -> Failure {
    Failure::new(501, "An argument is missing.")
}

const SET_ID: mode_t = nix::libc::S_ISUID | nix::libc::S_ISGID;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_have_three_or_four_octal_digits() {
        for (said, bits) in [
            ("644", Some(0o644)),
            ("0644", Some(0o644)),
            ("1777", Some(0o1777)),
            ("000", Some(0)),
            ("2755", None),
            ("4755", None),
            ("7777", None),
            ("64", None),
            ("00644", None),
            ("888", None),
            ("+644", None),
            ("u+x", None),
            ("", None),
        ] {
            let mode = mode(said.as_bytes()).ok();
            assert_eq!(mode.map(|mode| mode.bits()), bits, "{said}");
        }
        assert_eq!((octal(b"7"), octal(b""), octal(b"77777")), (Some(7), None, None));
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        for (said, told) in [
            ("0", Some(0)),
            ("255", Some(255)),
            ("256", None),
            ("+1", None),
            ("-1", None),
            ("1k", None),
            ("", None),
        ] {
            assert_eq!(number::<u8>(said.as_bytes()), told, "{said}");
        }
    }

    #[test]
    fn a_word_ends_at_the_first_space() {
        for (said, halves) in [
            ("644 f", Some(("644", "f"))),
            ("644  f ", Some(("644", " f "))),
            ("644", None),
            ("644 ", None),
            (" 644  f", Some(("644", " f"))),
        ] {
            let halves =
                halves.map(|(word, path): (&str, &str)| (word.as_bytes(), path.as_bytes()));
            assert_eq!(split_word(said.as_bytes()), halves, "{said}");
        }
    }

    #[test]
    fn words_are_trimmed_secrets_are_not() {
        assert_eq!(Shape::Word.words(Some(b" A ")).unwrap().word(), b"A");
        assert_eq!(Shape::Secret.words(Some(b" a ")).unwrap().word(), b" a ");
        assert_eq!(Shape::Secret.words(None).unwrap().word(), b"");
        assert_eq!(Shape::Rest.words(Some(b" a ")).unwrap().word(), b" a ");
        assert!(matches!(Shape::Rest.words(Some(b" ")), Ok(Argument::None)));
        assert!(Shape::None.words(Some(b"x")).is_err());
        assert!(Shape::Word.words(Some(b" ")).is_err());
    }
}
