//! The text of one configuration file, and places within it.
//!
//! Run by whoever loads the configuration; pure. An offset that lies outside the text is taken as
//! the end of it, so that a wrong place can spoil a message but nothing else.

use std::ops::Range;
use std::path::PathBuf;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it was read from.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// A stretch of bytes within a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Where a setting was said: which file, its key, its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The index into [`super::Config::files`].
    pub file: usize,
    /// The key.
    pub key: Span,
    /// The value.
    pub value: Span,
}

/// A value with the place that said it.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    /// What was said.
    pub value: T,
    /// Where.
    pub at: Place,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

impl Source {
    /// A file with its text.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// The line and the column, both from 1 and in characters, of a byte.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        (line, column)
    }

    /// A line by its number, without its end.
    pub(super) fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number - 1).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one() {
        let source = Source::new("x", "ab\ncd\n");
        for (offset, place) in [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (6, (3, 1)), (99, (3, 1))] {
            assert_eq!(source.position(offset), place, "offset {offset}");
        }
        assert_eq!(source.line(2), "cd");
        assert_eq!(source.line(3), "");
    }
}
