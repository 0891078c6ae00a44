//! TYPE A: line ends between file and network, RFC 959 §3.1.1.1. Session worker, in transfers;
//! trusts no one.
//!
//! Both directions stream, and remember across calls only whether the last byte was a CR. A CR LF
//! that is in a file already is sent as it is, so that SIZE, REST and RETR agree on one count.
//! Everything between line ends is found by the C library's `memchr`, through std, and copied in
//! one piece.

use std::io::BufRead;
use std::mem::take;

/// From a file to the network: LF becomes CR LF.
#[derive(Debug, Default, Clone)]
pub struct ToNetwork {
    cr: bool,
}

impl ToNetwork {
    /// A converter at the start of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the network form of `input`: at most twice its length.
    pub fn convert(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() + input.len() / 16);
        let cr = self.cr;
        self.cr = input.last().map_or(cr, |&last| last == b'\r');
        if let Some(rest) = input.strip_prefix(b"\n") {
            out.extend_from_slice(if cr { b"\n" } else { b"\r\n" });
            input = rest;
        }
        while copy_through(b'\n', &mut input, out) {
            if out.ends_with(b"\n") && !out.ends_with(b"\r\n") {
                out.pop();
                out.extend(b"\r\n");
            }
        }
    }
}

/// From the network to a file: CR LF becomes LF; a CR before anything else stays.
#[derive(Debug, Default, Clone)]
pub struct FromNetwork {
    cr: bool,
}

impl FromNetwork {
    /// A converter at the start of a transfer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the file's form of `input`: at most one byte more than its length.
    pub fn convert(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() + 1);
        if self.cr && input.first().is_some_and(|&first| first != b'\n') {
            out.push(b'\r');
        }
        self.cr &= input.is_empty();
        while copy_through(b'\r', &mut input, out) {
            if out.ends_with(b"\r") && input.first().is_none_or(|&next| next == b'\n') {
                out.pop();
                self.cr = input.is_empty();
            }
        }
    }

    /// Appends a CR that was the last byte of all.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend(take(&mut self.cr).then_some(b'\r'));
    }
}

/// Counts what [`ToNetwork`] would make of a file, for SIZE in TYPE A (RFC 3659 §4).
#[derive(Debug, Default, Clone)]
pub struct Counter {
    cr: bool,
    octets: u64,
}

impl Counter {
    /// A counter at the start of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the next bytes of the file.
    pub fn count(&mut self, input: &[u8]) {
        let pairs = input.iter().zip(input.get(1..).unwrap_or_default());
        let bare = pairs.filter(|&(&before, &byte)| (byte == b'\n') & (before != b'\r')).count();
        let first = !self.cr && input.first() == Some(&b'\n');
        self.cr = input.last().map_or(self.cr, |&last| last == b'\r');
        self.octets += (input.len() + bare) as u64 + u64::from(first);
    }

    /// Octets on the network so far.
    pub fn octets(&self) -> u64 {
        self.octets
    }
}

/// Moves `input` to `out` up to and with the next `byte`; false when there was nothing left to
/// move.
fn copy_through(byte: u8, input: &mut &[u8], out: &mut Vec<u8>) -> bool {
    input.read_until(byte, out).is_ok_and(|moved| moved > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn to_network(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut converter, mut out) = (ToNetwork::new(), vec![]);
        pieces.iter().for_each(|piece| converter.convert(piece, &mut out));
        out
    }

    fn from_network(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut converter, mut out) = (FromNetwork::new(), vec![]);
        pieces.iter().for_each(|piece| converter.convert(piece, &mut out));
        converter.finish(&mut out);
        out
    }

    fn counted(pieces: &[&[u8]]) -> u64 {
        let mut counter = Counter::new();
        pieces.iter().for_each(|piece| counter.count(piece));
        counter.octets()
    }

    #[test]
    fn lf_becomes_crlf_and_crlf_stays() {
        let table: &[(&[u8], &[u8])] = &[
            (b"a\nb\n", b"a\r\nb\r\n"),
            (b"a\r\nb", b"a\r\nb"),
            (b"\n\n", b"\r\n\r\n"),
            (b"a\rb\r", b"a\rb\r"),
            (b"\r\r\n", b"\r\r\n"),
            (b"", b""),
        ];
        for (file, network) in table {
            assert_eq!(to_network(&[file]), *network, "{}", file.escape_ascii());
        }
    }

    #[test]
    fn crlf_becomes_lf_and_a_bare_cr_stays() {
        let table: &[(&[u8], &[u8])] = &[
            (b"a\r\nb\r\n", b"a\nb\n"),
            (b"a\nb", b"a\nb"),
            (b"a\rb", b"a\rb"),
            (b"\r\r\n", b"\r\n"),
            (b"a\r", b"a\r"),
            (b"\r\r", b"\r\r"),
        ];
        for (network, file) in table {
            assert_eq!(from_network(&[network]), *file, "{}", network.escape_ascii());
        }
    }

    #[test]
    fn a_crlf_split_across_reads_is_one_line_end() {
        assert_eq!(from_network(&[b"a\r", b"", b"\nb"]), b"a\nb");
        assert_eq!(to_network(&[b"a\r", b"", b"\nb\n"]), b"a\r\nb\r\n");
        assert_eq!(counted(&[b"a\r", b"", b"\nb\n"]), 6);
    }

    #[test]
    fn a_converter_appends() {
        let mut out = b"x\r".to_vec();
        ToNetwork::new().convert(b"\n", &mut out);
        assert_eq!(out, b"x\r\r\n");
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(b"\r\r\n\nab".to_vec()), 0..60)
    }

    proptest! {
        #[test]
        fn text_without_cr_goes_there_and_back(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let text: Vec<u8> = text.into_iter().filter(|&byte| byte != b'\r').collect();
            prop_assert_eq!(from_network(&[&to_network(&[&text])]), text);
        }

        #[test]
        fn any_split_gives_the_same_bytes(text in text(), cut in 0usize..60, second in 0usize..9) {
            let (first, rest) = text.split_at(cut.min(text.len()));
            let (second, third) = rest.split_at(second.min(rest.len()));
            let pieces = [first, second, third];
            prop_assert_eq!(to_network(&pieces), to_network(&[&text]));
            prop_assert_eq!(from_network(&pieces), from_network(&[&text]));
            prop_assert_eq!(counted(&pieces), to_network(&[&text]).len() as u64);
        }
    }
}
