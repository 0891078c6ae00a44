//! Patterns of file names: `*`, `?` and `[…]`. Session worker; trusts neither pattern nor name.
//!
//! Braces and tildes are bytes like any other: a brace would let a short pattern mean very many names, and there are no
//! other users' homes in a jail. User names are matched elsewhere (`config::matching`): the broker needs that, and must not
//! reach this crate, and a set in brackets means nothing there.

/// Whether it has anything in it that is not matched as it is.
pub fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|byte| b"*?[".contains(byte))
}

/// Whether a name is as the pattern says. A dot that begins a name is matched by a dot alone.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    (!name.starts_with(b".") || pattern.starts_with(b".")) && walk(pattern, name).0
}

/// Walks along both, and counts the steps. A `*` that took too little is grown by one byte at a time, and only the
/// last one needs to be: the steps are at most the product of the lengths.
fn walk(pattern: &[u8], name: &[u8]) -> (bool, usize) {
    let (mut ahead, mut left) = (pattern, name);
    let mut last_star = None;
    let mut steps = 0;
    // No set ends behind it, and none is looked for there: that would take the length of the pattern at each step.
    let tail = pattern.iter().rev().position(|&byte| byte == b']').unwrap_or(pattern.len());
    loop {
        steps += 1;
        if let Some(rest) = ahead.strip_prefix(b"*") {
            last_star = Some((rest, left));
            ahead = rest;
            continue;
        }
        match (one(ahead, left, tail), last_star) {
            (One::End, _) => return (true, steps),
            (One::Fits(rest, more), _) => (ahead, left) = (rest, more),
            (One::Not, Some((rest, [_, more @ ..]))) => {
                last_star = Some((rest, more));
                (ahead, left) = (rest, more);
            }
            (One::Not, _) => return (false, steps),
        }
    }
}

/// What one step finds.
enum One<'a> {
    /// Pattern and name end here, both.
    End,
    /// One byte fits; what is behind it.
    Fits(&'a [u8], &'a [u8]),
    Not,
}

fn one<'a>(pattern: &'a [u8], name: &'a [u8], tail: usize) -> One<'a> {
    match (pattern, name) {
        ([], []) => One::End,
        ([b'?', rest @ ..], [_, more @ ..]) => One::Fits(rest, more),
        ([b'[', behind @ ..], [byte, more @ ..]) => match split_set(behind, tail) {
            Some((set, rest)) if is_in(set, *byte) => One::Fits(rest, more),
            None if *byte == b'[' => One::Fits(behind, more),
            _ => One::Not,
        },
        ([own, rest @ ..], [byte, more @ ..]) if own == byte => One::Fits(rest, more),
        _ => One::Not,
    }
}

/// A set and what is behind its `]`, which is of the set where it comes first. Without an end it is no set at all. In the
/// last bytes of the pattern, the `tail`, there is none.
fn split_set(text: &[u8], tail: usize) -> Option<(&[u8], &[u8])> {
    let first = usize::from(text.starts_with(b"!") || text.starts_with(b"^")) + 1;
    let end = first
        + text
            .get(first..text.len().saturating_sub(tail))?
            .iter()
            .position(|&byte| byte == b']')?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

fn is_in(set: &[u8], byte: u8) -> bool {
    let (negated, mut set) = match set {
        [b'!' | b'^', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let mut found = false;
    loop {
        set = match set {
            [] => return found != negated,
            [low, b'-', high, rest @ ..] => {
                found |= (*low..=*high).contains(&byte);
                rest
            }
            [own, rest @ ..] => {
                found |= *own == byte;
                rest
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_a_shell() {
        for (pattern, name, expected) in [
            ("", "", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt.gz", false),
            ("*a*b", "xxaxxbx", false),
            ("a?c", "abc", true),
            ("?", "", false),
            ("[abc]", "b", true),
            ("[abc]", "d", false),
            ("[b]", "b", true),
            ("[b]", "a", false),
            ("[!]x]", "a", true),
            ("[^]]", "a", true),
            ("[!]", "[!]", true),
            ("[a-c]x", "cx", true),
            ("[a-c]", "d", false),
            ("[!a-c]", "d", true),
            ("[^a-c]", "a", false),
            ("[]x]", "]", true),
            ("[!]x]", "]", false),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[z-a]", "m", false),
            ("[a", "[a", true),
            ("[", "[", true),
            ("[]", "[]", true),
            ("*[0-9]", "a1b2", true),
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("~", "~", true),
            ("a\\*", "a\\b", true),
            ("A", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_dot_that_begins_a_name_is_asked_for() {
        for (pattern, expected) in
            [("*", false), ("?a", false), ("[.]a", false), (".*", true), (".a", true)]
        {
            assert_eq!(matches(pattern.as_bytes(), b".a"), expected, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_is_told_from_a_name() {
        for (text, expected) in [("a*", true), ("a?", true), ("[", true), ("{a}~", false)] {
            assert_eq!(is_pattern(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_bomb_is_decided_in_few_steps() {
        for bomb in ["*a".repeat(120) + "b", "*".repeat(250) + "b", "[a-z]*?".repeat(36) + "b"] {
            let (matched, steps) = walk(bomb.as_bytes(), &[b'a'; 255]);
            assert!(!matched && steps <= bomb.len() * 256, "{bomb}: {steps}");
        }
    }

    #[test]
    fn brackets_without_an_end_are_not_looked_behind_again_and_again() {
        // Else this takes a minute.
        let open = ["*", &"[".repeat(120), &"b".repeat(1_000_000)].concat();
        assert!(!matches(open.as_bytes(), &[b'['; 255]));
        let closed = ["*[]", &"[".repeat(120), &"b".repeat(1_000_000)].concat();
        assert!(!matches(closed.as_bytes(), &[b'['; 255]));
    }

    /// By definition, in whatever time that takes.
    fn slowly(pattern: &[u8], name: &[u8]) -> bool {
        if let [b'[', set @ ..] = pattern
            && let Some((set, rest)) = split_set(set, 0)
        {
            return name
                .split_first()
                .is_some_and(|(byte, more)| is_in(set, *byte) && slowly(rest, more));
        }
        match pattern {
            [] => name.is_empty(),
            [b'*', rest @ ..] => (0..=name.len()).any(|taken| slowly(rest, &name[taken..])),
            [own, rest @ ..] => name
                .split_first()
                .is_some_and(|(byte, more)| (*own == b'?' || own == byte) && slowly(rest, more)),
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definition(
            pattern in prop::collection::vec(prop::sample::select(b"**?[]!-ab".to_vec()), 0..12),
            name in prop::collection::vec(prop::sample::select(b"ab]-".to_vec()), 0..10),
        ) {
            let (matched, steps) = walk(&pattern, &name);
            prop_assert_eq!(matched, slowly(&pattern, &name));
            prop_assert!(steps <= (pattern.len() + 1) * (name.len() + 1));
        }

        #[test]
        fn no_pattern_panics(pattern: Vec<u8>, name: Vec<u8>) {
            let _ = matches(&pattern, &name);
        }
    }
}
