//! The normal form of listings: what a client makes of them, and nothing that has to differ between two machines, two
//! trees or two moments.

use std::collections::BTreeSet;

use crate::harness::client::shown;

/// The lines of a listing, without their order: each server sorts in its own way.
pub fn lines(bytes: &[u8], line: fn(&[u8]) -> String) -> BTreeSet<String> {
    let Some(text) = bytes.strip_suffix(b"\r\n") else {
        return if bytes.is_empty() {
            BTreeSet::new()
        } else {
            [format!("{} (no end of line)", shown(bytes))].into()
        };
    };
    let mut lines = BTreeSet::new();
    for one in text.split(|byte| *byte == b'\n') {
        let mut text = line(one.strip_suffix(b"\r").unwrap_or(one));
        while !lines.insert(text.clone()) {
            text.push_str(" (again)");
        }
    }
    lines
}

/// A line as `ls -l` has it: without owner and group, without a directory's size, without the time of what was made
/// just now.
pub fn long(line: &[u8]) -> String {
    let Some((fields, name)) = fields(line) else {
        return shown(line);
    };
    let [permissions, links, _, _, size, month, day, year] = fields.map(shown);
    let size = if permissions.starts_with('d') { "-".to_owned() } else { size };
    let time = if year.contains(':') { "now".to_owned() } else { format!("{month} {day} {year}") };
    format!("{permissions} {links} {size} {time} {}", shown(name))
}

/// The eight fields before the name, and the name behind one blank.
fn fields(line: &[u8]) -> Option<([&[u8]; 8], &[u8])> {
    let mut fields: [&[u8]; 8] = [b""; 8];
    let mut rest = line;
    for field in &mut fields {
        rest = &rest[rest.iter().position(|byte| *byte != b' ')?..];
        let end = rest.iter().position(|byte| *byte == b' ')?;
        (*field, rest) = rest.split_at(end);
    }
    Some((fields, rest.strip_prefix(b" ")?))
}

#[test]
fn what_must_differ_is_gone() {
    let ours = b"-rw-r--r--   1 0        0     13 Feb 29  2024  a b ";
    assert_eq!(long(ours), "-rw-r--r-- 1 13 Feb 29 2024  a b ");
    assert_eq!(long(b"drwxr-xr-x 2 ftp ftp 4096 Nov 23 20:08 x"), "drwxr-xr-x 2 - now x");
    assert_eq!(long(b"no such line"), "no such line");
    assert_eq!(lines(b"b\r\na\r\na\r\n", shown), ["a", "a (again)", "b"].map(str::to_owned).into());
}
