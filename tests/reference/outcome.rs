//! The normal form of what a server answers: the code always, and the text where clients read it.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use super::listing;
use crate::harness::client::{Reply, shown};
use crate::harness::session::address;

/// One thing that the client said, and all that came of it before it spoke again.
#[derive(Debug, Default)]
pub struct Exchange {
    /// Where it stands in the script.
    pub line: usize,
    /// As the script has it.
    pub said: String,
    /// Replies, data and silence, in turn.
    pub events: Vec<String>,
    /// The lines of a listing or of FEAT, if there was one: each is compared for itself.
    pub lines: Option<BTreeSet<String>>,
}

impl Exchange {
    /// What came of it, on one line.
    pub fn outcome(&self) -> String {
        self.events.join(", ")
    }
}

/// Code and what clients read of the text.
pub fn normal(reply: &Reply, host: IpAddr) -> String {
    let code = reply.code;
    let last = reply.lines.last().map_or("", |line| std::str::from_utf8(line).unwrap_or(""));
    let text = match code {
        227 | 229 => match address(&reply.text(), host) {
            Some(there) if there.ip() == host => "here".to_owned(),
            Some(_) => "elsewhere".to_owned(),
            None => "nowhere".to_owned(),
        },
        257 => reply.lines.last().and_then(|line| quoted(line)).unwrap_or_default(),
        150 => between(last, "(", " bytes)").map(|n| format!("({n} bytes)")).unwrap_or_default(),
        213 | 215 if reply.lines.len() == 1 => last.get(4..).unwrap_or_default().to_owned(),
        350 => last
            .split(|c: char| !c.is_ascii_digit())
            .skip(1)
            .find(|n| !n.is_empty())
            .unwrap_or_default()
            .to_owned(),
        _ => String::new(),
    };
    if text.is_empty() { code.to_string() } else { format!("{code} {text}") }
}

/// The lines between the first and the last one of a reply that is a list.
pub fn lines(reply: &Reply, verb: &str) -> Option<BTreeSet<String>> {
    let inside = reply.lines.get(1..reply.lines.len() - 1)?;
    let bare = inside.iter().map(|line| line.strip_prefix(b" ").unwrap_or(line));
    match (reply.code, verb) {
        (211, "FEAT") => Some(bare.map(shown).collect()),
        (212 | 213, "STAT") => Some(bare.map(listing::long).collect()),
        _ => None,
    }
}

/// All that came on a data connection, as the verb that asked for it would have it.
pub fn data(bytes: &[u8], verb: &str) -> (String, Option<BTreeSet<String>>) {
    match verb {
        "LIST" => ("list".to_owned(), Some(listing::lines(bytes, listing::long))),
        "NLST" | "MLSD" => ("list".to_owned(), Some(listing::lines(bytes, shown))),
        _ if bytes.len() <= 80 => (format!("data `{}`", shown(bytes)), None),
        _ => (format!("data of {}", digest(bytes)), None),
    }
}

/// Many bytes in few words.
pub fn digest(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{} bytes, {:08x}", bytes.len(), hasher.finish() >> 32)
}

/// The quoted name at the head of a 257, doubled quotes within.
fn quoted(line: &[u8]) -> Option<String> {
    let from = line.iter().position(|byte| *byte == b'"')?;
    let mut end = from + 1;
    while line.get(end)? != &b'"' || line.get(end + 1) == Some(&b'"') {
        end += if line[end] == b'"' { 2 } else { 1 };
    }
    Some(cut(&shown(&line[from..=end])))
}

/// A text that may be long, short enough for a table.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(72) {
        Some((end, _)) => format!("{}… ({})", &text[..end], digest(text.as_bytes())),
        None => text.to_owned(),
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.rsplit_once(after)?.0.rsplit_once(before).map(|(_, inside)| inside)
}

#[cfg(test)]
fn reply(text: &str) -> Reply {
    let lines: Vec<_> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
    Reply { code: text[..3].parse().unwrap(), lines }
}

#[test]
fn replies_have_a_normal_form() {
    let cases = [
        ("226 Done.", "226"),
        ("227 Entering Passive Mode (127,0,0,1,200,1).", "227 here"),
        ("227 Entering Passive Mode (0,0,0,0,200,1).", "227 elsewhere"),
        ("229 Port (|||50000|)", "229 here"),
        ("257 \"/a\"\"b\" is it", "257 \"/a\"\"b\""),
        ("150 Opening for a (b) (13 bytes).", "150 (13 bytes)"),
        ("350 Restart position accepted (7).", "350 7"),
        ("213-x\n-rw-r--r-- 1 0 0 1 Feb 29  2024 a\n213 End", "213"),
        ("211-x\n y\n211 End", "211"),
        ("213 13", "213 13"),
    ];
    for (text, wanted) in cases {
        assert_eq!(normal(&reply(text), [127, 0, 0, 1].into()), wanted);
    }
}
