//! One line of the log: `event key=value …`. The broker and launch; the values come from strangers.

use std::fmt::{Display, Write};

/// Longer values are cut: a path of 4 KiB, escaped, would be a line of 16.
const VALUE_MAX: usize = 1024;

/// A line under construction: an event's name, then keys and values in the order in which they are documented.
#[derive(Debug, Clone)]
pub struct Line(String);

impl Line {
    /// A line for this event.
    pub fn new(event: &str) -> Line {
        Line(event.to_owned())
    }

    /// Adds a key and a value of our own: a number, an address, a word.
    #[must_use]
    pub fn with(self, key: &str, value: impl Display) -> Line {
        self.with_bytes(key, value.to_string().as_bytes())
    }

    /// Adds a key and a value that somebody else chose. It stays one word on one line: UTF-8 is kept, what could
    /// break the line, the terminal or the reader is escaped, and the value is quoted where it would not be one word.
    #[must_use]
    pub fn with_bytes(mut self, key: &str, value: &[u8]) -> Line {
        let value = value.get(..VALUE_MAX).unwrap_or(value);
        let breaks = |c: char| c.is_control() || c.is_whitespace() || is_format(c);
        let plain = |c: char| !breaks(c) && !matches!(c, '"' | '=' | '\\');
        let text =
            str::from_utf8(value).ok().filter(|text| !text.is_empty() && text.chars().all(plain));
        // Writing to a String can't fail.
        let _ = match text {
            Some(text) => write!(self.0, " {key}={text}"),
            None => write!(self.0, " {key}=\"{}\"", escaped(value)),
        };
        self
    }

    /// Adds a key and a value if there is one.
    #[must_use]
    pub fn with_some(self, key: &str, value: Option<impl Display>) -> Line {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The line, without its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn escaped(value: &[u8]) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    for chunk in value.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                // Also the C1 controls, the line separators and the marks that turn text around.
                c if c.is_control() || is_format(c) => {
                    c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_hex(&mut out, byte));
                }
                c => out.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| push_hex(&mut out, *byte));
    }
    out
}

fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn push_hex(out: &mut String, byte: u8) {
    let _ = write!(out, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_one_word_on_one_line() {
        let cases: &[(&[u8], &str)] = &[
            (b"plain", "k=plain"),
            ("größe.txt".as_bytes(), "k=größe.txt"),
            (b"", "k=\"\""),
            (b"two words", "k=\"two words\""),
            (b"a\"b\\c", "k=\"a\\\"b\\\\c\""),
            (b"user=root", "k=\"user=root\""),
            (b"line\r\nnext\x1b[2J", "k=\"line\\x0d\\x0anext\\x1b[2J\""),
            (b"\xff\xfe", "k=\"\\xff\\xfe\""),
            ("a\u{202e} b".as_bytes(), "k=\"a\\xe2\\x80\\xae b\""),
            ("adm\u{202e}in".as_bytes(), "k=\"adm\\xe2\\x80\\xaein\""),
        ];
        for (value, expected) in cases {
            assert_eq!(Line::new("e").with_bytes("k", value).as_str(), format!("e {expected}"));
        }
    }
}
