//! Arguments of several names: words, where one in double quotes may hold spaces. Session worker; the client is not
//! trusted.

/// The words of an argument; nothing, if a quote is left open or something clings to a closing one.
pub fn words(said: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = vec![];
    let mut rest = said.trim_ascii_start();
    while !rest.is_empty() {
        let (word, behind) = match rest.starts_with(b"\"") {
            true => unquoted(rest)?,
            false => {
                let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
                let (word, behind) = rest.split_at_checked(end)?;
                (word.to_vec(), behind)
            }
        };
        if !behind.is_empty() && !behind.starts_with(b" ") {
            return None;
        }
        words.push(word);
        rest = behind.trim_ascii_start();
    }
    Some(words)
}

/// Words between blanks, which hold no names.
pub fn bare(said: &[u8]) -> impl Iterator<Item = &[u8]> {
    said.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// The name in `"name" and so on`, where `""` stands for a quote, and what is behind it.
pub fn unquoted(said: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = said.strip_prefix(b"\"")?;
    let mut name = vec![];
    loop {
        let quote = rest.iter().position(|&byte| byte == b'"')?;
        name.extend(rest.get(..quote)?);
        rest = rest.get(quote + 1..)?;
        match rest.strip_prefix(b"\"") {
            Some(more) => {
                name.push(b'"');
                rest = more;
            }
            None => return Some((name, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        for (said, wanted) in [
            ("a b", Some(vec!["a", "b"])),
            ("  a   b ", Some(vec!["a", "b"])),
            ("\"a b\" c", Some(vec!["a b", "c"])),
            ("a \"b \"\"c\"\" d\"", Some(vec!["a", "b \"c\" d"])),
            ("a\"b c\"", Some(vec!["a\"b", "c\""])),
            ("\"\"", Some(vec![""])),
            ("", Some(vec![])),
            ("\"a b", None),
            ("\"a\"b", None),
        ] {
            let wanted: Option<Vec<Vec<u8>>> = wanted
                .map(|words| words.into_iter().map(|word| word.as_bytes().to_vec()).collect());
            assert_eq!(words(said.as_bytes()), wanted, "{said}");
        }
    }
}
