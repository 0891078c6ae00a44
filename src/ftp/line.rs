//! Lines of the control stream: RFC 959 §5.3, RFC 854, RFC 1123 §4.1.2.10. Workers, always; trusts
//! no one.
//!
//! A read has no relation to a line: a line may come in single bytes, and fifty lines in one read.
//! The reader keeps what is left over, and gives it away whole when another process takes the
//! connection.

use std::collections::VecDeque;
use std::mem::take;

use crate::telnet::{IAC, Step, Telnet};

/// The longest line, without its end: the longest path, with room for `SITE` and its like before
/// it.
pub const LINE_MAX: usize = 4096 + 128;

/// What the stream says next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A line without its end, Telnet stripped. It may be empty, and may hold a password.
    Line(Vec<u8>),
    /// A line over [`LINE_MAX`] has begun. It is said once; the rest of that line is skipped.
    TooLong,
    /// The Telnet answer to send back (RFC 1123 §4.1.2.12). A reader gives at most 64 of them.
    Refuse([u8; 3]),
}

/// Makes lines from bytes. As an iterator it ends for now, and goes on after the next
/// [`push`](Self::push).
#[derive(Debug, Default)]
pub struct LineReader {
    raw: VecDeque<u8>,
    line: Vec<u8>,
    telnet: Telnet,
    /// A CR waits for what follows it: LF ends the line, NUL makes it a byte of the line.
    cr: bool,
    /// Within the rest of a line that was too long.
    skipping: bool,
}

impl LineReader {
    /// A reader at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader that goes on where another one stopped: `bytes` are its
    /// [`into_unread`](Self::into_unread).
    pub fn with_unread(bytes: &[u8]) -> Self {
        let mut reader = Self::new();
        reader.push(bytes);
        reader
    }

    /// Takes bytes from the wire. They are held until asked for: stop reading while
    /// [`buffered`](Self::buffered) is high.
    pub fn push(&mut self, bytes: &[u8]) {
        self.raw.extend(bytes);
    }

    /// How many bytes are held.
    pub fn buffered(&self) -> usize {
        self.raw.len() + self.line.len()
    }

    /// Everything not yet given as an [`Input`], as it could have come from the wire.
    ///
    /// Within a line that was too long, the next reader says [`Input::TooLong`] again: better twice
    /// than that the rest of the line becomes a command.
    pub fn into_unread(self) -> Vec<u8> {
        let mut bytes = if self.skipping { vec![b' '; LINE_MAX + 1] } else { vec![] };
        for byte in self.line {
            match byte {
                IAC => bytes.extend([IAC, IAC]),
                b'\r' => bytes.extend(b"\r\0"),
                byte => bytes.push(byte),
            }
        }
        bytes.extend(self.cr.then_some(b'\r'));
        bytes.extend(self.telnet.unfinished());
        bytes.extend(self.raw);
        bytes
    }

    fn byte(&mut self, byte: u8) -> Option<Input> {
        match self.telnet.step(byte) {
            Step::Nothing => None,
            Step::Data(byte) => self.data(byte),
            Step::Undoubled(byte) => {
                let first = self.data(IAC);
                first.or(self.data(byte))
            }
            Step::Refuse(answer) => Some(Input::Refuse(answer)),
            Step::Endless => self.skip(),
        }
    }

    fn data(&mut self, byte: u8) -> Option<Input> {
        let cr = take(&mut self.cr);
        match byte {
            // Without CR too, as old clients and people with netcat send it.
            b'\n' => self.end(),
            b'\0' if cr => self.keep(b'\r'),
            _ => {
                let first = if cr { self.keep(b'\r') } else { None };
                self.cr = byte == b'\r';
                first.or(if self.cr { None } else { self.keep(byte) })
            }
        }
    }

    fn keep(&mut self, byte: u8) -> Option<Input> {
        if self.line.len() == LINE_MAX {
            return self.skip();
        }
        if !self.skipping {
            self.line.push(byte);
        }
        None
    }

    fn skip(&mut self) -> Option<Input> {
        self.line.clear();
        let already = std::mem::replace(&mut self.skipping, true);
        (!already).then_some(Input::TooLong)
    }

    fn end(&mut self) -> Option<Input> {
        let skipped = take(&mut self.skipping);
        (!skipped).then(|| Input::Line(take(&mut self.line)))
    }
}

impl Iterator for LineReader {
    type Item = Input;

    fn next(&mut self) -> Option<Input> {
        while let Some(byte) = self.raw.pop_front() {
            let input = self.byte(byte);
            if input.is_some() {
                return input;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inputs(bytes: &[u8]) -> Vec<Input> {
        LineReader::with_unread(bytes).collect()
    }

    fn line(text: &[u8]) -> Input {
        Input::Line(text.to_vec())
    }

    #[test]
    fn what_is_held_is_counted_whole() {
        let mut reader = LineReader::new();
        reader.push(b"NOOP\r\nPW");
        assert_eq!(reader.buffered(), 8);
        assert_eq!(reader.next(), Some(line(b"NOOP")));
        assert_eq!((reader.next(), reader.buffered()), (None, 2));
        reader.push(b"D\r\n");
        assert_eq!(reader.buffered(), 5);
    }

    #[test]
    fn the_longest_path_fits_behind_a_long_verb() {
        let said = [b"SITE CHMOD 0644 ".as_slice(), &[b'x'; 4096]].concat();
        assert_eq!(inputs(&[&said, b"\r\n".as_slice()].concat()), [line(&said)]);
        const { assert!(LINE_MAX < 8 * 1024) };
    }

    #[test]
    fn line_ends_and_telnet_are_stripped() {
        let table: &[(&[u8], &[u8])] = &[
            (b"NOOP\r\n", b"NOOP"),                        // RFC 959 §5.3
            (b"NOOP\n", b"NOOP"),                          // bare LF
            (b"NOOP\r\r\n", b"NOOP\r"),                    // one CR belongs to the end
            (b"NOOP\r\0\n", b"NOOP\r"),                    // CR NUL is a CR, RFC 854
            (b"RETR a\r\0b\r\n", b"RETR a\rb"),            // RFC 2640 §3.1
            (b"RETR a\rb\r\n", b"RETR a\rb"),              // a bare CR stays
            (b"RETR a\0b\r\n", b"RETR a\0b"),              // for the path to refuse
            (b"RETR \xFF\xFF\r\n", b"RETR \xFF"),          // IAC IAC, RFC 3659 §2.2
            (b"RETR \xFF\r\n", b"RETR \xFF"),              // ÿ, not doubled
            (b"\xFF\xF4\xFF\xF2ABOR\r\n", b"ABOR"),        // IP, DM: RFC 959 §4.1.3
            (b"NOOP\r\xFF\xF2\n", b"NOOP"),                // DM between CR and LF
            (b"\xFF\xFA\x18\0x\xFF\xF0NOOP\r\n", b"NOOP"), // a subnegotiation
            (b" \xC3\xA9 \r\n", b" \xC3\xA9 "),            // 8-bit clean, spaces kept
            (b"\r\n", b""),
        ];
        for (raw, text) in table {
            assert_eq!(inputs(raw), [line(text)], "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn a_line_without_end_is_no_line() {
        assert_eq!(inputs(b"DELE x\r"), []);
    }

    #[test]
    fn a_negotiation_within_a_line_is_refused_before_the_line() {
        assert_eq!(inputs(b"NO\xFF\xFB\x01OP\n"), [Input::Refuse([255, 254, 1]), line(b"NOOP")]);
    }

    #[test]
    fn the_longest_line_passes() {
        let longest = vec![b'x'; LINE_MAX];
        assert_eq!(inputs(&[&longest[..], b"\r\n"].concat()), [line(&longest)]);
    }

    #[test]
    fn the_rest_of_an_overlong_line_is_never_a_command() {
        let long = vec![b'x'; LINE_MAX + 1];
        let all = [&long[..], &long, &long, b"DELE x\r\nNOOP\r\n"].concat();
        assert_eq!(inputs(&all), [Input::TooLong, line(b"NOOP")]);
    }

    #[test]
    fn an_endless_line_holds_no_memory() {
        let mut reader = LineReader::new();
        for _ in 0..100 {
            reader.push(&[b'x'; 10_000]);
            let _ = reader.by_ref().count();
            assert!(reader.buffered() <= LINE_MAX);
        }
    }

    #[test]
    fn the_next_process_goes_on_skipping_an_overlong_line() {
        let mut first = LineReader::with_unread(&[b'x'; LINE_MAX + 9]);
        assert_eq!(first.next(), Some(Input::TooLong));
        let mut second = LineReader::with_unread(&first.into_unread());
        second.push(b"DELE x\r\nNOOP\r\n");
        assert_eq!(second.collect::<Vec<_>>(), [Input::TooLong, line(b"NOOP")]);
    }

    #[test]
    fn an_endless_subnegotiation_is_too_long() {
        let bytes = [b"\xFF\xFA", &[b'x'; 5000][..], b"DELE x\r\nNOOP\r\n"].concat();
        assert_eq!(inputs(&bytes), [Input::TooLong, line(b"NOOP")]);
    }

    /// Bytes that matter, often; the limit of 64 refusals is not reached.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => prop::sample::select(b"\r\n\0A \xFF\xFF\xFF\xFA\xF0\xFB\xFE\xF4".to_vec()),
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 0..180)
    }

    proptest! {
        #[test]
        fn any_segmentation_gives_the_same_lines(
            bytes in stream(),
            sizes in prop::collection::vec(1usize..9, 1..20),
        ) {
            let mut reader = LineReader::new();
            let mut got = vec![];
            let mut rest = &bytes[..];
            for size in sizes.into_iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at(size.min(rest.len()));
                reader.push(now);
                got.extend(reader.by_ref());
                rest = later;
            }
            prop_assert_eq!(got, inputs(&bytes));
        }

        #[test]
        fn a_handover_loses_nothing(bytes in stream(), cut in 0usize..180, given in 0usize..9) {
            let (before, after) = bytes.split_at(cut.min(bytes.len()));
            let mut first = LineReader::with_unread(before);
            let mut got: Vec<_> = first.by_ref().take(given).collect();
            let mut second = LineReader::with_unread(&first.into_unread());
            second.push(after);
            got.extend(second);
            prop_assert_eq!(got, inputs(&bytes));
        }
    }
}
