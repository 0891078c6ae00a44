//! The architecture's walls and budgets, held on the parsed syntax: who may name what, where `unsafe` may stand, how
//! long things may get, that every verb has a dialogue and every promise of docs/protocol.md a test.
#![cfg(test)]

mod harness;
mod source;

use harness::script;
use source::{Source, items, sources};

/// Unprivileged code, and what it may never name: a worker has no way to power but the wire.
const UNPRIVILEGED: [&str; 4] = ["worker", "verb", "transfer", "relay"];
const POWER: [&str; 4] = ["crate::broker", "crate::auth", "crate::launch", "sys"];
/// Calls that nix lacks, on descriptors that a worker was handed: no power in that.
const HARMLESS: [(&str, &str); 2] =
    [("transfer", "sys::file"), ("relay", "sys::socket::acknowledge_at_once")];

/// What the broker may never name: grammar, and whatever speaks to clients.
const GRAMMAR: [&str; 5] =
    ["crate::verb", "crate::transfer", "crate::worker", "crate::relay", "ftp"];

/// Where `unsafe` may stand.
const WALLS: [&str; 2] = ["src/sys/", "src/pam/"];
const UNSAFE_MOST: [usize; 2] = [32, 30];
/// Code that runs with privilege, and lines that it may have.
const PRIVILEGED: [&str; 4] = ["src/launch/", "src/broker/", "src/auth/", "src/pam/"];
const PRIVILEGED_MOST: usize = 3_280;
const BROKER_MOST: usize = 1_640;

/// As many as docs/protocol.md has.
const ITEMS: u32 = 150;

const FUNCTION_MOST: usize = 60;
const FILE_MOST: usize = 400;

/// Fails with all findings, if there are any.
#[track_caller]
fn none(what: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{what}:\n{}", findings.join("\n"));
}

/// Whether a path is this one or lies below it.
fn is_below(path: &str, above: &str) -> bool {
    path == above || path.strip_prefix(above).is_some_and(|rest| rest.starts_with("::"))
}

/// Every path below `forbidden` that code of these top modules names, unless it is excused.
fn reaching(
    modules: &[&str],
    forbidden: &[&str],
    excused: impl Fn(&Source, &str) -> bool,
) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| source.is_of(modules)) {
        for (line, path) in source.reached().into_iter().filter(|(_, path)| !excused(source, path))
        {
            // A glob import of the crate's root, or the crate under another name, reaches all.
            if path == "crate::*" || forbidden.iter().any(|above| is_below(&path, above)) {
                findings.push(format!("{}:{line}: {path}", source.name));
            }
        }
    }
    findings
}

#[test]
fn unprivileged_code_never_reaches_power() {
    let harmless = |source: &Source, path: &str| {
        HARMLESS.iter().any(|(from, to)| source.is_of(&[from]) && is_below(path, to))
    };
    none("unprivileged code names what has power", &reaching(&UNPRIVILEGED, &POWER, harmless));
}

#[test]
fn the_broker_never_reaches_grammar() {
    let nothing = |_: &Source, _: &str| false;
    none("the broker names what speaks to clients", &reaching(&["broker"], &GRAMMAR, nothing));
}

#[test]
fn unsafe_stands_behind_the_walls_with_its_reason() {
    let mut findings = Vec::new();
    let mut counts = [0; WALLS.len()];
    for source in sources() {
        let wall = WALLS.iter().position(|wall| source.name.starts_with(wall));
        for found in source.unsafes() {
            match wall {
                None => {
                    findings.push(format!("{}:{}: outside of the walls", source.name, found.line))
                }
                Some(_) if found.is_block && !found.has_reason => {
                    findings.push(format!(
                        "{}:{}: no `// SAFETY:` sentence above",
                        source.name, found.line
                    ));
                }
                Some(wall) => counts[wall] += usize::from(found.is_block),
            }
        }
    }
    for ((wall, count), most) in WALLS.iter().zip(counts).zip(UNSAFE_MOST) {
        println!("{wall}: {count} unsafe blocks");
        if count > most {
            findings.push(format!("{wall}: {count} unsafe blocks, more than {most}"));
        }
    }
    none("unsafe code", &findings);
}

#[test]
fn every_file_says_who_runs_it() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    let findings: Vec<_> = silent.map(|source| source.name).collect();
    none("files that don't begin with `//!`", &findings);
}

#[test]
fn functions_and_files_are_short() {
    let mut findings = Vec::new();
    for source in sources() {
        let long = source.functions().into_iter().filter(|function| function.lines > FUNCTION_MOST);
        findings.extend(long.map(|one| {
            format!("{}:{}: {} has {} lines", source.name, one.line, one.name, one.lines)
        }));
        let lines = source.lines_without_tests();
        if lines > FILE_MOST {
            findings.push(format!("{}: {lines} lines without tests", source.name));
        }
    }
    none(&format!("functions over {FUNCTION_MOST} lines, files over {FILE_MOST}"), &findings);
}

#[test]
fn privileged_code_is_small() {
    let lines = |place: &str| -> usize {
        let of_place = sources().into_iter().filter(|source| source.name.starts_with(place));
        of_place.map(|source| source.lines_of_code()).sum()
    };
    let each: Vec<_> = PRIVILEGED.iter().map(|place| (*place, lines(place))).collect();
    let total: usize = each.iter().map(|(_, lines)| lines).sum();
    println!("privileged code: {total} lines: {each:?}");
    assert!(
        lines("src/broker/") > 0,
        "the broker is gone from src/broker: this test looks at nothing"
    );
    assert!(lines("src/broker/") < BROKER_MOST, "{each:?}");
    assert!(total < PRIVILEGED_MOST, "{each:?}");
}

#[test]
fn every_verb_has_a_dialogue() {
    let rows = [("", 30), ("SITE ", 10), ("OPTS ", 3)].into_iter().flat_map(|(of, least)| {
        let file = format!("src/verb/{}mod.rs", of.to_lowercase().replace(' ', "/"));
        let rows = Source::read(&file).verbs();
        assert!(rows.len() > least, "only {} rows in {file}: has their form changed?", rows.len());
        rows.into_iter().map(move |row| -> Vec<_> {
            row.into_iter().map(|name| format!("{of}{name}")).collect()
        })
    });
    let scripts = script::all();
    let names: Vec<_> = scripts.iter().map(script::Script::name).collect();
    let said: Vec<_> = scripts.iter().flat_map(script::Script::verbs).collect();
    let promised = std::fs::read_to_string("docs/protocol.md").expect("it is there");
    let mut findings = Vec::new();
    for row in rows {
        let story = row[0].to_lowercase().replace(' ', "-");
        let tells = |name: &String| {
            name.strip_prefix(&story).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        if !names.iter().any(tells) {
            findings.push(format!("{}: no tests/dialogue/{story}.ftp", row[0]));
        }
        let unsaid = row.iter().filter(|name| !said.contains(name));
        findings.extend(unsaid.map(|name| format!("{name}: no dialogue says it")));
        if !promised.contains(&row[0]) {
            findings.push(format!("{}: docs/protocol.md says nothing of it", row[0]));
        }
    }
    none("verbs without a dialogue", &findings);
}

#[test]
fn every_promise_has_a_test() {
    let promises = items::promises();
    let numbers: Vec<_> = promises.iter().map(|promise| promise.item).collect();
    assert_eq!(numbers, (1..=ITEMS).collect::<Vec<_>>(), "docs/protocol.md has other rows");
    let tests = items::tests(&script::all());
    let held = items::by_item(&tests);
    let mut findings = Vec::new();
    for promise in &promises {
        let (item, tests) = (promise.item, held.get(&promise.item));
        if tests.is_none() {
            findings.push(format!("item {item}: no test names it"));
        }
        let unwritten = tests
            .into_iter()
            .flatten()
            .filter(|test| !test.has_source && !items::is_source(&promise.written));
        findings.extend(
            unwritten.map(|test| format!("{}: item {item}: where is it written?", test.place)),
        );
    }
    for test in &tests {
        let unknown = test.items.iter().filter(|item| !numbers.contains(item));
        findings.extend(unknown.map(|item| format!("{}: item {item} is not there", test.place)));
    }
    none("promises without a test, tests without a promise", &findings);
}

#[test]
fn security_md_counts_the_kinds_of_messages() {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    let text = std::fs::read_to_string("SECURITY.md").unwrap();
    for (who, file, name) in [
        ("owns a login worker", "login", "Ask"),
        ("owns a session worker", "session", "Ask"),
        ("owns the relay", "relay", "Report"),
        ("owns the key process", "key", "Ask"),
    ] {
        let count = Source::read(&format!("src/wire/{file}.rs")).variants(name);
        let row =
            text.lines().find(|line| line.starts_with("| who ") && line.contains(who)).unwrap();
        let said = format!("{} kinds of messages", WORDS[count]);
        assert!(row.contains(&said), "{said}: {row}");
    }
}
