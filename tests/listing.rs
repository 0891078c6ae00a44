//! Directories of any size, and those that change while they are listed: in bounded memory, whole or said not to be.
#![cfg(test)]

mod harness;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use harness::{Process, Session, Site};

/// More than are sorted together, several times.
const MANY: usize = 200_000;
/// More than one run, and more than socket buffers hold as facts.
const COME_AND_GO: usize = 100_000;
/// What a listing may take, in kB: a run of names with what they are sorted by, and buffers.
const GROWTH_MOST: usize = 16 * 1024;

/// What a process has had in memory at most, in kB.
fn peak(process: &Process) -> usize {
    let status = process.status();
    let peak = status["VmHWM"].strip_suffix(" kB").expect("the kernel counts in kB");
    peak.trim().parse().expect("a number")
}

/// The lines of a listing that ends well.
#[track_caller]
fn lines(session: &mut Session, command: &str) -> Vec<String> {
    let data = session.passive();
    session.asks(command, "150");
    let text = String::from_utf8(data.all()).expect("our names are ASCII");
    session.hears("226");
    text.split_terminator("\r\n").map(str::to_owned).collect()
}

/// A site with so many files in /big.
fn large(count: usize) -> Site {
    let site = Site::readonly().directory("/big");
    fill(&site.path("/big"), count, |number| format!("{number:06}.txt"));
    site
}

/// Makes files quickly: most are links to one, as many as any file system takes.
fn fill(directory: &Path, count: usize, name: impl Fn(usize) -> String) {
    for number in 0..count {
        let path = directory.join(name(number));
        match number % 30_000 {
            0 => drop(File::create(path).unwrap()),
            beyond => fs::hard_link(directory.join(name(number - beyond)), path).unwrap(),
        }
    }
}

/// The same with 200 directories of 100 files in /tree.
fn with_tree(site: Site) -> Site {
    for directory in 0..200 {
        let directory = format!("/tree/{directory:03}");
        fs::create_dir_all(site.path(&directory)).unwrap();
        for number in 0..100 {
            File::create(site.path(&format!("{directory}/{number:03}"))).unwrap();
        }
    }
    site
}

#[test]
fn a_directory_of_any_size_is_listed_in_little_memory() {
    let site = with_tree(large(MANY));
    let mut session = site.connect().logged_in();
    let worker = session.settled(2)[1];
    let before = peak(&worker);
    for (command, expected) in [
        ("LIST big", MANY),
        ("NLST big", MANY),
        ("MLSD big", MANY),
        ("LIST -tr big", MANY),
        ("LIST -R", 4 + MANY + 200 + 200 * 100 + 3 * 204 + 20),
        ("NLST big/*99.txt", MANY / 100),
        ("NLST */1*", MANY / 2 + 100),
        ("NLST tree/1*/05?", 100 * 10),
    ] {
        let found = lines(&mut session, command);
        let is_right = match command {
            // The usual files are in it too.
            "LIST -R" => found.len().abs_diff(expected) < 1000,
            _ => found.len() == expected,
        };
        assert!(is_right, "{command}: {} lines and not {expected}", found.len());
        let grown = peak(&worker) - before;
        println!("{command}: {} lines, grown by {grown} kB", found.len());
        assert!(grown < GROWTH_MOST, "{command}: grown by {grown} kB");
    }
    is_sorted_in_runs(&lines(&mut session, "NLST big"));
    matches_nothing(&mut session, "NLST big/*nothing");
    session.asks("STAT big", "451");
    session.quits();
}

/// So many names that it takes a while to know that none of them is meant: the transfer has begun by then.
#[track_caller]
fn matches_nothing(session: &mut Session, command: &str) {
    let data = session.passive();
    session.asks(command, "150");
    assert_eq!(data.all(), b"");
    session.hears("550");
}

#[track_caller]
fn is_sorted_in_runs(names: &[String]) {
    let unique: BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "each name comes once");
    let falls = names.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!(falls <= names.len() / 65_536, "{falls} falls");
}

#[test]
fn a_listing_is_aborted_in_the_middle() {
    // More than socket buffers hold.
    let site = large(0);
    fill(&site.path("/big"), 70_000, |number| format!("{number:0200}"));
    let mut session = site.connect().logged_in();
    for command in ["LIST big", "MLSD big", "LIST -R"] {
        let mut data = session.passive();
        session.asks(command, "150");
        data.takes(1000);
        session.says("ABOR");
        session.hears("426");
        session.hears("226");
        drop(data);
        session.asks("NOOP", "200");
    }
    session.quits();
}

#[test]
fn what_comes_and_goes_meanwhile_does_no_harm() {
    let site = large(COME_AND_GO);
    let mut session = site.connect().logged_in();
    let mut data = session.passive();
    session.asks("MLSD big", "150");
    data.takes(1000);
    for number in (0..COME_AND_GO).step_by(2) {
        fs::remove_file(site.path(&format!("/big/{number:06}.txt"))).unwrap();
    }
    for number in 0..1000 {
        File::create(site.path(&format!("/big/new-{number}"))).unwrap();
    }
    let text = String::from_utf8(data.all()).unwrap();
    session.hears("226");
    // What was there all the time is there, once.
    let stayed: Vec<_> =
        (1..COME_AND_GO).step_by(2).map(|number| format!(" {number:06}.txt")).collect();
    let seen: BTreeSet<_> =
        text.lines().filter_map(|line| line.get(line.find("; ")? + 1..)).collect();
    let missing = stayed.iter().filter(|name| !seen.contains(name.as_str())).count();
    // The first of them has gone with the bytes that were taken.
    assert!(missing < 20, "{missing} are missing");
    let twice = text.lines().count() - seen.len();
    assert!(twice <= 1, "{twice} came twice");
    session.quits();
}
