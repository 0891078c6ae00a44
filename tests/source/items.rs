//! The promises of docs/protocol.md, and the tests that say which of them they hold.

use std::collections::BTreeMap;
use std::fs;

use super::{Script, root};

/// A row of docs/protocol.md.
pub struct Promise {
    pub item: u32,
    /// Where it is written.
    pub written: String,
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
    let [_, _, _, written, "", _] = cells[..] else {
        panic!("docs/protocol.md: item {item} has not four cells");
    };
    Some(Promise { item, written: written.to_owned() })
}

/// Dialogues name their items in the comment that they begin with, the programs in any comment.
pub fn tests(scripts: &[Script]) -> Vec<Test> {
    let mut tests: Vec<_> = PROGRAMS.iter().map(|name| program(name)).collect();
    for script in scripts {
        let text = fs::read_to_string(&script.path).expect("dialogues are UTF-8");
        let comment: Vec<_> = text.lines().take_while(|line| line.starts_with('#')).collect();
        tests.push(test(&script.place(1), &comment.join("\n")));
    }
    tests
}

/// Beside the dialogues.
const PROGRAMS: [&str; 2] = ["tests/protocol.rs", "tests/tls.rs"];

fn program(name: &str) -> Test {
    let text = fs::read_to_string(root().join(name)).expect("it is there");
    let comments = text.lines().map(str::trim_start).filter(|line| line.starts_with("//"));
    test(name, &comments.collect::<Vec<_>>().join("\n"))
}

fn test(place: &str, comment: &str) -> Test {
    let items = named(comment).unwrap_or_else(|odd| panic!("{place}: {odd:?} names no items"));
    Test { place: place.to_owned(), items, has_source: is_source(comment) }
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

/// The numbers in `Item 72.` and `Items 44, 45, 47.`; or what begins so and goes on in another way, which would name
/// nothing, or less than it seems to.
fn named(text: &str) -> Result<Vec<u32>, &str> {
    let mut numbers = Vec::new();
    for (start, _) in text.match_indices("Item") {
        let mention = text[start..].split_inclusive(['.', '\n']).next().unwrap_or_default();
        let list = mention.strip_suffix('.').and_then(|mention| {
            let one = mention.strip_prefix("Item ").filter(|one| !one.contains(','));
            one.or(mention.strip_prefix("Items ").filter(|many| many.contains(',')))
        });
        for number in list.ok_or(mention)?.split(", ") {
            numbers.push(number.parse().map_err(|_| mention)?);
        }
    }
    Ok(numbers)
}

#[test]
fn items_are_read_from_comments() {
    let text = "# RFC 959 §5. Item 72.\n# Items 44, 45, 150. No 3.";
    assert_eq!(named(text), Ok(vec![72, 44, 45, 150]));
    assert_eq!(named("No item."), Ok(vec![]));
    for odd in [
        "Item.",
        "Item x.",
        "Item 6",
        "Item 6: 500, 502.",
        "Item 6, 7.",
        "Items 6.",
        "Items 6,7.",
        "Items 6 and 7.",
        "Items 6, 7 and 8.",
        "Items 6,",
        "Items of old.",
        "Itemized 4.",
    ] {
        let text = format!("Item 1. {odd}\n# more.");
        assert_eq!(named(&text).map_err(str::trim_end), Err(odd));
    }
}
