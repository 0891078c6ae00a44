//! Which part of a file a transfer is about: what REST or RANG has set. Session worker; the client is not trusted.

/// Octets of a file, from a first one on. The default is all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// The first octet, counted from 0.
    pub start: u64,
    /// The octet behind the last one, if the file's own end does not decide.
    pub end: Option<u64>,
}

impl Span {
    /// All from an offset on (REST).
    pub fn from(start: u64) -> Self {
        Span { start, end: None }
    }

    /// From one octet to another, both of them with it (RANG).
    pub fn between(first: u64, last: u64) -> Self {
        Span { start: first, end: Some(last.saturating_add(1)) }
    }

    /// Whether it is all of a file.
    pub fn is_all(self) -> bool {
        self == Span::default()
    }

    /// How many octets it has, if the file's own end does not decide.
    pub fn length(self) -> Option<u64> {
        self.end.map(|end| end.saturating_sub(self.start))
    }
}
