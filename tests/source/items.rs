//! The promises of docs/protocol.md, and the tests that say which of them they hold.

use std::collections::BTreeMap;
use std::fs;

use super::{Script, root};

/// A row of docs/protocol.md.
pub struct Promise {
    pub item: u32,
    /// Where it is written.
    pub written: String,
    /// Kept as soon as there is TLS.
    pub with_tls: bool,
}

/// A test that names items.
pub struct Test {
    pub place: String,
    pub items: Vec<u32>,
    /// It says itself where that is written.
    pub has_source: bool,
}

/// All rows, in their order.
pub fn promises() -> Vec<Promise> {
    let text = fs::read_to_string(root().join("docs/protocol.md")).expect("docs/protocol.md");
    text.lines().filter_map(promise).collect()
}

fn promise(line: &str) -> Option<Promise> {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let item = cells.get(1)?.parse().ok()?;
    let [_, _, _, written, with_tls, _] = cells[..] else {
        panic!("docs/protocol.md: item {item} has not four cells");
    };
    assert!(["", "with TLS"].contains(&with_tls), "docs/protocol.md: item {item}: {with_tls}?");
    Some(Promise { item, written: written.to_owned(), with_tls: !with_tls.is_empty() })
}

/// Dialogues name their items in the comment that they begin with, tests/protocol.rs in any comment.
pub fn tests(scripts: &[Script]) -> Vec<Test> {
    let protocol = "tests/protocol.rs";
    let text = fs::read_to_string(root().join(protocol)).expect("tests/protocol.rs");
    let comments = text.lines().map(str::trim_start).filter(|line| line.starts_with("//"));
    let mut tests = vec![test(protocol, &comments.collect::<Vec<_>>().join("\n"))];
    for script in scripts {
        let text = fs::read_to_string(&script.path).expect("dialogues are UTF-8");
        let comment: Vec<_> = text.lines().take_while(|line| line.starts_with('#')).collect();
        tests.push(test(&script.place(1), &comment.join("\n")));
    }
    tests
}

fn test(place: &str, comment: &str) -> Test {
    let place = place.to_owned();
    Test { place, items: named(comment), has_source: is_source(comment) }
}

/// Whether a text says where something is written.
pub fn is_source(text: &str) -> bool {
    text.contains("RFC") || text.contains("draft-")
}

/// The tests of each item.
pub fn by_item(tests: &[Test]) -> BTreeMap<u32, Vec<&Test>> {
    let mut by_item: BTreeMap<u32, Vec<&Test>> = BTreeMap::new();
    for test in tests {
        test.items.iter().for_each(|item| by_item.entry(*item).or_default().push(test));
    }
    by_item
}

/// The numbers in `Item 72.` and `Items 44, 45, 47.`
fn named(text: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for rest in text.split("Item").skip(1) {
        let mut list = rest.strip_prefix("s ").or(rest.strip_prefix(' '));
        while let Some(words) = list {
            let end = words.find(|c: char| !c.is_ascii_digit()).unwrap_or(words.len());
            numbers.extend(words[..end].parse::<u32>());
            list = words[end..].strip_prefix(", ").filter(|_| end > 0);
        }
    }
    numbers
}

#[test]
fn items_are_read_from_comments() {
    assert_eq!(named("# RFC 959 §5. Item 72.\n# Items 44, 45, 150. No 3."), [72, 44, 45, 150]);
    assert_eq!(named("/// Item 6: 500, 502.\nItems of old. Itemized 4."), [6]);
}
