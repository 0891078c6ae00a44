//! What may be done in which directory.
//!
//! Read by the session worker for each command and by the cage before it; the table is made by
//! whoever loads the configuration. Paths to look up come from the client and are only compared.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::BitOr;

use super::choice::Class;
use super::value::quoted;

/// A set of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Rights(u16);

impl Rights {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// See names and attributes.
    pub const LIST: Self = Self(1);
    /// Fetch files.
    pub const READ: Self = Self(1 << 1);
    /// Store files that did not exist.
    pub const CREATE: Self = Self(1 << 2);
    /// Store over files that exist.
    pub const OVERWRITE: Self = Self(1 << 3);
    /// Add to files that exist.
    pub const APPEND: Self = Self(1 << 4);
    /// Delete files.
    pub const DELETE: Self = Self(1 << 5);
    /// Remove directories.
    pub const REMOVE_DIR: Self = Self(1 << 6);
    /// Rename files and directories.
    pub const RENAME: Self = Self(1 << 7);
    /// Make directories.
    pub const MAKE_DIR: Self = Self(1 << 8);
    /// Change permissions.
    pub const CHMOD: Self = Self(1 << 9);
    /// Change time stamps.
    pub const SET_TIME: Self = Self(1 << 10);
    /// Ask for checksums.
    pub const HASH: Self = Self(1 << 11);
    /// Make symbolic links. Part of no default and of no other word: a link leads other programs on the machine, such as
    /// a web server, wherever its maker says, though not this server.
    pub const LINK: Self = Self(1 << 12);
    /// Everything.
    pub const ALL: Self = Self((1 << 13) - 1);

    /// Whether all of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in it but not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether it has one in common with `other`.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What a word of `[rights]` grants.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        WORDS.iter().find(|(name, _)| *name == word).map(|(_, rights)| *rights)
    }

    /// The fewest words that say it.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let mut left = self;
        WORDS.iter().chain(EACH).filter_map(move |(word, rights)| {
            let said = self.contains(*rights) && !left.without(*rights).eq(&left);
            left = if said { left.without(*rights) } else { left };
            said.then_some(*word)
        })
    }

    /// As a list of words in TOML.
    pub(super) fn written(self) -> String {
        let words: Vec<String> = self.words().map(quoted).collect();
        format!("[{}]", words.join(", "))
    }
}

/// Each right alone, by the word that people know it by.
pub const EACH: &[(&str, Rights)] = &[
    ("list", Rights::LIST),
    ("read", Rights::READ),
    ("create", Rights::CREATE),
    ("overwrite", Rights::OVERWRITE),
    ("append", Rights::APPEND),
    ("delete", Rights::DELETE),
    ("remove-dir", Rights::REMOVE_DIR),
    ("rename", Rights::RENAME),
    ("make-dir", Rights::MAKE_DIR),
    ("chmod", Rights::CHMOD),
    ("set-time", Rights::SET_TIME),
    ("hash", Rights::HASH),
    ("link", Rights::LINK),
];

/// The words, those that cover others before them. `list` stands first because people expect it.
pub(super) const WORDS: &[(&str, Rights)] = &[
    ("list", Rights::LIST),
    ("read", Rights::READ.union(Rights::HASH)),
    ("write", Rights::CREATE.union(Rights::OVERWRITE).union(Rights::APPEND)),
    ("create", Rights::CREATE),
    ("overwrite", Rights::OVERWRITE),
    ("append", Rights::APPEND),
    ("delete", Rights::DELETE.union(Rights::REMOVE_DIR)),
    ("remove-dir", Rights::REMOVE_DIR),
    ("rename", Rights::RENAME),
    ("make-dir", Rights::MAKE_DIR),
    ("chmod", Rights::CHMOD),
    ("set-time", Rights::SET_TIME),
    ("hash", Rights::HASH),
    ("link", Rights::LINK),
];

impl BitOr for Rights {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.words().collect();
        match words.is_empty() {
            true => out.write_str("nothing"),
            false => out.write_str(&words.join(", ")),
        }
    }
}

/// The rights of each directory that is named. Paths are as the client sees them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RightsTable {
    directories: BTreeMap<Vec<u8>, Rights>,
}

impl RightsTable {
    /// What a class of users may do where the configuration says nothing.
    pub fn for_class(class: Class) -> Self {
        let mut table = Self::default();
        table.set(
            "/",
            match class {
                Class::Anonymous => Rights::LIST | Rights::READ | Rights::HASH,
                Class::Local | Class::Virtual => Rights::ALL.without(Rights::LINK),
            },
        );
        table
    }

    /// What may be done at `path`, an absolute path without `.` and `..`. The longest directory
    /// that is it or above it decides, whole; where none is, nothing may be done.
    pub fn at(&self, path: &[u8]) -> Rights {
        let above = self.directories.iter().filter(|(directory, _)| covers(directory, path));
        above.max_by_key(|(directory, _)| directory.len()).map_or(Rights::NONE, |(_, own)| *own)
    }

    /// What may be done somewhere.
    pub fn anywhere(&self) -> Rights {
        self.directories.values().fold(Rights::NONE, |all, own| all.union(*own))
    }

    /// The directories that are named, which clients may neither rename nor remove.
    pub fn named_directories(&self) -> impl Iterator<Item = &[u8]> {
        self.directories.keys().map(Vec::as_slice)
    }

    /// Each directory that is named, with its rights.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Rights)> {
        self.directories.iter().map(|(path, rights)| (path.as_slice(), *rights))
    }

    /// Whether no directory is named, so that the class decides.
    pub fn is_empty(&self) -> bool {
        self.directories.is_empty()
    }

    /// Names a directory, or gives a named one other rights.
    pub(super) fn set(&mut self, path: &str, rights: Rights) {
        self.directories.insert(path.as_bytes().to_vec(), rights);
    }
}

/// Whether `path` is `directory` or below it.
fn covers(directory: &[u8], path: &[u8]) -> bool {
    match path.strip_prefix(directory) {
        Some(rest) => rest.is_empty() || rest.starts_with(b"/") || directory == b"/",
        None => false,
    }
}

/// Why a path can't stand in `[rights]`, if so: it must be spelled as `at` compares it.
pub(super) fn misspelled(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/').skip(1);
    if !path.starts_with('/') {
        return Some("a directory in [rights] is an absolute path, as the client sees it");
    }
    match path == "/" || parts.all(|part| !matches!(part, "" | "." | "..")) {
        true => None,
        false => Some("a directory in [rights] has no `.`, no `..` and no needless `/`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, Rights)]) -> RightsTable {
        let mut table = RightsTable::default();
        rows.iter().for_each(|(path, rights)| table.set(path, *rights));
        table
    }

    #[test]
    fn the_longest_directory_decides_whole() {
        let incoming = Rights::CREATE | Rights::MAKE_DIR;
        let rows = [
            ("/", Rights::LIST | Rights::READ),
            ("/incoming", incoming),
            ("/incoming/deep", Rights::NONE),
        ];
        let rights = table(&rows);
        for (path, expected) in [
            ("/", Rights::LIST | Rights::READ),
            ("/file", Rights::LIST | Rights::READ),
            ("/incoming", incoming),
            ("/incoming/", incoming),
            ("/incoming/a/b", incoming),
            ("/incomings", Rights::LIST | Rights::READ),
            ("/incoming/deep/x", Rights::NONE),
            ("/incoming/deeper", incoming),
            ("relative", Rights::NONE),
        ] {
            assert_eq!(rights.at(path.as_bytes()), expected, "{path}");
        }
        assert_eq!(rights.anywhere(), Rights::LIST | Rights::READ | incoming);
        let named: Vec<_> = rights.named_directories().collect();
        assert_eq!(named, [b"/".as_slice(), b"/incoming", b"/incoming/deep"]);
    }

    #[test]
    fn nothing_is_allowed_outside_the_named_directories() {
        let rights = table(&[("/a", Rights::ALL)]);
        assert_eq!(rights.at(b"/b"), Rights::NONE);
    }

    #[test]
    fn classes_have_defaults() {
        let anonymous = RightsTable::for_class(Class::Anonymous);
        assert_eq!(anonymous.at(b"/x").to_string(), "list, read");
        for class in [Class::Local, Class::Virtual] {
            let rights = RightsTable::for_class(class).at(b"/x");
            assert_eq!(rights, Rights::ALL.without(Rights::LINK));
        }
    }

    #[test]
    fn words_say_what_they_cover() {
        for (rights, words) in [
            (Rights::NONE, "nothing"),
            (Rights::CREATE | Rights::APPEND, "create, append"),
            (Rights::REMOVE_DIR, "remove-dir"),
            (Rights::HASH, "hash"),
            (Rights::ALL, "list, read, write, delete, rename, make-dir, chmod, set-time, link"),
        ] {
            assert_eq!(rights.to_string(), words);
        }
        let together = WORDS.iter().fold(Rights::NONE, |all, (_, rights)| all | *rights);
        assert_eq!(together, Rights::ALL);
    }

    #[test]
    fn paths_are_spelled_one_way() {
        for good in ["/", "/a", "/a/b.c", "/..a"] {
            assert_eq!(misspelled(good), None, "{good}");
        }
        for bad in ["", "a", "/a/", "//", "/a//b", "/a/./b", "/.."] {
            assert!(misspelled(bad).is_some(), "{bad}");
        }
    }
}
