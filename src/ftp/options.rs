//! The options of LIST, NLST and STAT, as `ls` has them. Session worker; trusts no one.
//!
//! No RFC knows them, and most clients send some. They are words before the path, each a dash with letters or the digit 1
//! behind it; a path may begin with a dash all the same if it is not such a word, or stands behind `--`, or is said as
//! `./-la`. One space ends a word. What stands behind it is the path as it is, other spaces too (RFC 3659 §2.2).

/// What is shown, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// `-a`, `-A`: names that begin with a dot too. `.` and `..` are never shown.
    pub all: bool,
    /// `-l`: a line for each, with NLST too.
    pub long: bool,
    /// `-1`: names only, with LIST too.
    pub names: bool,
    /// `-d`: the directory itself.
    pub directory: bool,
    /// `-F`: a mark behind each name for what it is.
    pub classify: bool,
    /// `-L`: where symbolic links lead, not the links.
    pub follow: bool,
    /// `-R`: what is below, too.
    pub recursive: bool,
    /// `-r`: the other way round.
    pub reverse: bool,
    /// `-t`, `-S`, or by name.
    pub order: Order,
}

/// What entries are sorted by; ties by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As bytes.
    #[default]
    Name,
    /// The newest first.
    Time,
    /// The largest first.
    Size,
}

impl Options {
    /// The options in front, and the path behind them. Letters without a meaning are passed over.
    pub fn split(mut said: &[u8]) -> (Options, &[u8]) {
        let mut options = Options::default();
        while let Some(word) = said.split(|&byte| byte == b' ').next().filter(|word| is_word(word))
        {
            word.iter().for_each(|&letter| options.set(letter));
            said = said.get(word.len() + 1..).unwrap_or_default();
            if word == END {
                break;
            }
        }
        (options, said)
    }

    fn set(&mut self, letter: u8) {
        match letter {
            b'a' | b'A' => self.all = true,
            b'l' => self.long = true,
            b'1' => self.names = true,
            b'd' => self.directory = true,
            b'F' => self.classify = true,
            b'L' => self.follow = true,
            b'R' => self.recursive = true,
            b'r' => self.reverse = true,
            b't' => self.order = Order::Time,
            b'S' => self.order = Order::Size,
            _ => {}
        }
    }
}

fn is_word(word: &[u8]) -> bool {
    let letters = word.strip_prefix(b"-").unwrap_or_default();
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'1';
    word == END || !letters.is_empty() && letters.iter().all(is_letter)
}

/// Behind it there are no more options.
const END: &[u8] = b"--";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_set_apart_from_paths() {
        for (said, path) in [
            ("-la", ""),
            ("-la ", ""),
            ("-la  pub", " pub"),
            ("-la  -1", " -1"),
            ("-a -l my file ", "my file "),
            ("-1", ""),
            ("-2", "-2"),
            ("-", "-"),
            ("--", ""),
            ("-- pub", "pub"),
            ("--  pub", " pub"),
            ("-l -- -a", "-a"),
            ("-- --", "--"),
            ("--l", "--l"),
            ("---", "---"),
            ("-my-file", "-my-file"),
            ("./-la", "./-la"),
            ("pub -a", "pub -a"),
            (" -a", " -a"),
            ("", ""),
        ] {
            assert_eq!(Options::split(said.as_bytes()).1, path.as_bytes(), "{said}");
        }
    }

    #[test]
    fn letters_mean_the_same_joined_split_and_in_any_order() {
        let all = Options { all: true, long: true, recursive: true, ..Options::default() };
        for said in ["-laR", "-R -a -l", "-lA -R x", "-zalRq", "-a -lR -- -t"] {
            assert_eq!(Options::split(said.as_bytes()).0, all, "{said}");
        }
    }

    #[test]
    fn each_letter_has_its_own_meaning() {
        let set = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options
        };
        for (said, meant) in [
            ("-a", set(|options| options.all = true)),
            ("-A", set(|options| options.all = true)),
            ("-l", set(|options| options.long = true)),
            ("-1", set(|options| options.names = true)),
            ("-d", set(|options| options.directory = true)),
            ("-F", set(|options| options.classify = true)),
            ("-L", set(|options| options.follow = true)),
            ("-R", set(|options| options.recursive = true)),
            ("-r", set(|options| options.reverse = true)),
            ("-t", set(|options| options.order = Order::Time)),
            ("-S", set(|options| options.order = Order::Size)),
            ("-q", Options::default()),
        ] {
            assert_eq!(Options::split(said.as_bytes()).0, meant, "{said}");
        }
    }

    #[test]
    fn case_counts_and_the_last_order_holds() {
        let options = |said: &str| Options::split(said.as_bytes()).0;
        assert!(options("-r").reverse && !options("-r").recursive);
        assert!(options("-R").recursive && !options("-R").reverse);
        assert!(options("-L").follow && !options("-L").long);
        assert_eq!(options("-tS").order, Order::Size);
        assert_eq!(options("-S -t").order, Order::Time);
        assert_eq!(options("-s").order, Order::Name);
        assert_eq!(options("pub -R"), Options::default());
    }
}
