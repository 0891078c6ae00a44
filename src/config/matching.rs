//! Matches: settings that differ by who the client is.
//!
//! Run by the broker, which knows the client's address and, after login, the user. User names come
//! from the client and are only compared.

use std::net::IpAddr;

use ipnet::IpNet;

use super::choice::Class;
use super::settings::{Overlay, Phase};
use super::source::Span;

/// The keys of a match that are conditions.
pub(super) const CONDITIONS: &[&str] = &["user", "group", "class", "from", "host", "tls"];

/// A name with `*` for any bytes and `?` for any one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub String);

/// Conditions, and what is set where they all hold. One that was not said holds always; a list
/// holds where one of its words does.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Patterns of user names.
    pub user: Option<Vec<Pattern>>,
    /// Patterns of group names.
    pub group: Option<Vec<Pattern>>,
    /// Kinds of user.
    pub class: Option<Vec<Class>>,
    /// Networks of client addresses.
    pub from: Option<Vec<IpNet>>,
    /// Patterns of the host name that the client asked for.
    pub host: Option<Vec<Pattern>>,
    /// Whether the control connection is protected.
    pub tls: Option<bool>,
}

/// One `[[match]]`.
#[derive(Debug, Clone)]
pub struct Match {
    /// When it holds.
    pub conditions: Conditions,
    /// What it sets then.
    pub overlay: Overlay,
    /// The index into [`super::Config::files`].
    pub file: usize,
    /// Where it stands there.
    pub span: Span,
}

/// What is known of the client at some time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) from: IpAddr,
    /// The host that HOST named, in small letters.
    pub(super) host: Option<&'a [u8]>,
    /// Whether the control connection is protected.
    pub(super) tls: bool,
    pub(super) login: Option<Login<'a>>,
}

/// Who has logged in.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// What kind of user.
    pub class: Class,
    /// By which name.
    pub user: &'a [u8],
    /// The names of the user's groups.
    pub groups: &'a [String],
}

impl Pattern {
    /// Whether it stands for one name alone.
    pub(super) fn is_plain(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// Whether a name is as the pattern says. A `*` that took too little is grown by one byte at
    /// a time, and only the last one needs to be, so the time is at most the product of lengths.
    pub fn matches(&self, name: &[u8]) -> bool {
        let pattern = self.0.as_bytes();
        let (mut at, mut read) = (0, 0);
        let mut last_star = None;
        while let Some(byte) = name.get(read) {
            match (pattern.get(at), last_star) {
                (Some(b'*'), _) => {
                    last_star = Some((at, read));
                    at += 1;
                }
                (Some(own), _) if *own == b'?' || own == byte => {
                    at += 1;
                    read += 1;
                }
                (_, Some((star, taken))) => {
                    last_star = Some((star, taken + 1));
                    at = star + 1;
                    read = taken + 1;
                }
                (_, None) => return false,
            }
        }
        pattern.iter().skip(at).all(|byte| *byte == b'*')
    }
}

impl Conditions {
    /// From when on it can be decided.
    pub(super) fn phase(&self) -> Phase {
        match self.user.is_some() || self.group.is_some() || self.class.is_some() {
            true => Phase::Login,
            false => Phase::Connect,
        }
    }

    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.phase() == Phase::Connect
            && self.from.is_none()
            && self.host.is_none()
            && self.tls.is_none()
    }

    /// Whether they could all hold for a client of this address.
    pub(super) fn may_hold_from(&self, from: IpAddr) -> bool {
        holds(&self.from, |net| net.contains(&from))
    }

    /// Whether it names this host.
    pub(super) fn names_host(&self, asked: &[u8]) -> bool {
        self.host.iter().flatten().any(|host| host.matches(asked))
    }

    /// Whether all hold; those that ask for what is not known yet don't.
    pub(super) fn hold(&self, known: &Known<'_>) -> bool {
        self.may_hold_from(known.from)
            && holds(&self.host, |host| known.host.is_some_and(|asked| host.matches(asked)))
            && self.tls.is_none_or(|wanted| wanted == known.tls)
            && match &known.login {
                Some(login) => self.hold_for(login),
                None => self.phase() <= Phase::Connect,
            }
    }

    fn hold_for(&self, login: &Login<'_>) -> bool {
        let member = |group: &Pattern| login.groups.iter().any(|own| group.matches(own.as_bytes()));
        holds(&self.user, |user| user.matches(login.user))
            && holds(&self.group, member)
            && holds(&self.class, |class| *class == login.class)
    }
}

/// Whether a list was not said or one of its words holds.
fn holds<T>(words: &Option<Vec<T>>, holds: impl Fn(&T) -> bool) -> bool {
    words.as_ref().is_none_or(|words| words.iter().any(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("alice", "alice", true),
            ("alice", "alicea", false),
            ("alice", "alic", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("dev-*", "dev-", true),
            ("dev-*", "dev-x", true),
            ("dev-*", "devx", false),
            ("?", "", false),
            ("a?c", "abc", true),
            ("*ab", "aab", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbx", false),
            ("**", "x", true),
            ("Alice", "alice", false),
        ] {
            let matches = Pattern(pattern.to_owned()).matches(name.as_bytes());
            assert_eq!(matches, expected, "{pattern} {name}");
        }
        assert!(Pattern("a*".to_owned()).matches(b"a\xff\0"));
    }

    #[test]
    fn a_hostile_pattern_is_decided_quickly() {
        let pattern = Pattern("a*".repeat(200) + "b");
        assert!(!pattern.matches(&[b'a'; 4096]));
    }
}
