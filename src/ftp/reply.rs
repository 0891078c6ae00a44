//! Replies: RFC 959 §4.2, with names made harmless. Workers, always; trusts no one's text.
//!
//! Whatever a text holds, it cannot end its line, start another reply, or talk Telnet.

/// Lines, with CR LF, stay below this many bytes: the buffers of old clients end there.
pub const REPLY_LINE_MAX: usize = 8 * 1024;

/// A code and one or more lines of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    first: Vec<u8>,
    more: Option<(Vec<Vec<u8>>, Vec<u8>)>,
}

impl Reply {
    /// A reply of one line. A code outside 100 to 659 (RFC 2228 added 6yz) becomes 451, a local
    /// error.
    pub fn new(code: u16, text: impl Into<Vec<u8>>) -> Self {
        let code = if (100..=659).contains(&code) { code } else { 451 };
        Self { code, first: text.into(), more: None }
    }

    /// A reply of several lines. Lines between get a leading space where they have none, so that
    /// none can look like the last one.
    pub fn lines(
        code: u16,
        first: impl Into<Vec<u8>>,
        middle: Vec<Vec<u8>>,
        last: impl Into<Vec<u8>>,
    ) -> Self {
        Self { more: Some((middle, last.into())), ..Self::new(code, first) }
    }

    /// The three digits.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The text of its last line.
    pub fn text(&self) -> &[u8] {
        self.more.as_ref().map_or(&self.first, |(_, last)| last)
    }

    /// Appends the reply as it goes over the wire.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let code = self.code;
        match &self.more {
            None => write_line(&format!("{code} "), &self.first, out),
            Some((middle, last)) => {
                write_line(&format!("{code}-"), &self.first, out);
                for line in middle {
                    write_line(if line.starts_with(b" ") { "" } else { " " }, line, out);
                }
                write_line(&format!("{code} "), last, out);
            }
        }
    }
}

/// Appends a line that goes before a reply of this code while that takes its time: together they are one reply.
pub fn write_ahead(code: u16, text: &str, out: &mut Vec<u8>) {
    write_line(&format!("{code}-"), text.as_bytes(), out);
}

/// `"path"`, its quotes doubled, for 257 (RFC 959, appendix II).
pub fn quoted(path: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for &byte in path {
        text.extend(std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 }));
    }
    text.push(b'"');
    text
}

fn write_line(prefix: &str, text: &[u8], out: &mut Vec<u8>) {
    let limit = out.len() + REPLY_LINE_MAX - 1 - b"\r\n".len();
    out.extend(prefix.as_bytes());
    for byte in text {
        let encoded = encode(byte);
        if out.len() + encoded.len() > limit {
            break;
        }
        out.extend(encoded);
    }
    out.extend(b"\r\n");
}

/// RFC 3659 §2.2, RFC 2640 §3.1. A LF has no form on a control stream; NUL stands for it, as with
/// vsftpd.
fn encode(byte: &u8) -> &[u8] {
    match byte {
        0xFF => b"\xFF\xFF",
        b'\r' => b"\r\0",
        b'\n' => b"\0",
        byte => std::slice::from_ref(byte),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(reply: &Reply) -> Vec<u8> {
        let mut out = vec![];
        reply.write_to(&mut out);
        out
    }

    #[test]
    fn a_single_line_has_a_space_behind_its_code() {
        assert_eq!(written(&Reply::new(200, "Done.")), b"200 Done.\r\n"); // RFC 959 §4.2
    }

    #[test]
    fn lines_between_are_indented_once() {
        // RFC 2389 §3.2
        let middle = vec![b"SIZE".to_vec(), b" MDTM".to_vec(), b"211 End".to_vec(), vec![]];
        let reply = Reply::lines(211, "Features:", middle, "End");
        assert_eq!(
            written(&reply),
            b"211-Features:\r\n SIZE\r\n MDTM\r\n 211 End\r\n \r\n211 End\r\n"
        );
    }

    #[test]
    fn a_name_cannot_forge_a_reply() {
        // RFC 3659 §2.2
        let before = b"226 Transfer complete.\r\n".repeat(400);
        let mut out = before.clone();
        Reply::new(200, vec![b'x'; 8000]).write_to(&mut out);
        assert_eq!(out.len(), before.len() + 8006, "what stands before a line does not shorten it");
        let reply = Reply::new(257, b"a\r\n230 Hi\nb\xFF\xF4".to_vec());
        assert_eq!(written(&reply), b"257 a\r\0\x00230 Hi\0b\xFF\xFF\xF4\r\n");
    }

    #[test]
    fn a_code_that_is_none_becomes_a_local_error() {
        for code in [0, 99, 660, 1000, u16::MAX] {
            assert_eq!(Reply::new(code, "").code(), 451);
        }
        assert_eq!(Reply::new(631, "").code(), 631);
    }

    #[test]
    fn a_long_line_is_cut_between_encoded_bytes() {
        let out = written(&Reply::new(200, vec![b'x'; 9000]));
        assert_eq!((out.len(), REPLY_LINE_MAX), (8191, 8192));
        let out = written(&Reply::new(200, vec![0xFF; 9000]));
        assert!(out.len() < REPLY_LINE_MAX && out.ends_with(b"\xFF\xFF\r\n"));
        assert_eq!(out.iter().filter(|&&byte| byte == 0xFF).count() % 2, 0);
    }

    #[test]
    fn a_line_ahead_makes_a_reply_of_several_lines() {
        let mut out = vec![];
        write_ahead(213, "Working.", &mut out);
        Reply::new(213, "Done.").write_to(&mut out);
        assert_eq!(out, b"213-Working.\r\n213 Done.\r\n");
        assert_eq!(Reply::lines(211, "First", vec![], "Last").text(), b"Last");
    }

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(quoted(b"/a\"b"), b"\"/a\"\"b\""); // RFC 959, appendix II
    }

    proptest! {
        #[test]
        fn line_ends_are_the_only_raw_cr_and_lf(
            first in prop::collection::vec(prop::sample::select(b"\r\n\0\xFF2 a".to_vec()), 0..40),
            middle in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4),
            stretch in 1usize..400,
        ) {
            let lines = 2 + middle.len();
            let out = written(&Reply::lines(250, first.repeat(stretch), middle, "End"));
            let mut count = 0;
            for line in out.split_inclusive(|&byte| byte == b'\n') {
                prop_assert!(line.ends_with(b"\r\n") && line.len() < REPLY_LINE_MAX);
                let text = &line[..line.len() - 2];
                prop_assert!(!text.ends_with(b"\r"));
                prop_assert!(text.windows(2).all(|pair| pair[0] != b'\r' || pair[1] == 0));
                count += 1;
            }
            prop_assert_eq!(count, lines);
        }
    }
}
