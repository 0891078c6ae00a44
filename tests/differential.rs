//! The dialogues of tests/dialogue, played against vsftpd too, under the same super-server and on the same tree. What
//! the two do not do alike has its reason in tests/differential.md; a reason that nothing needs any more has to go.
//! `DIALOGUE=retr cargo test --test differential` plays those whose name begins so.
#![cfg(test)]

mod harness;
mod reference;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use harness::PATIENCE;
use harness::script::{self, Script};
use reference::observe::Server;
use reference::outcome::Exchange;
use reference::table::{PLACE, STORY};
use reference::{Difference, Observed, Table, observe, vsftpd};

/// More than there are processors: most of the time is spent on waiting for what vsftpd does not answer.
const AT_ONCE: usize = 8;

/// How long vsftpd may take before it counts as silent.
const SILENT: Duration = Duration::from_secs(3);

/// What was seen of both, and where they differ.
struct Contrast {
    vsftpd: Observed,
    cellftpd: Observed,
    /// Each with the number of the exchange; none for the tree.
    differences: Vec<(Option<usize>, Difference)>,
}

#[test]
fn every_difference_has_its_reason() {
    let wanted = std::env::var("DIALOGUE").unwrap_or_default();
    let table = Table::read();
    let scripts: Vec<Script> =
        script::all().into_iter().filter(|script| script.name().starts_with(&wanted)).collect();
    let (playable, mut failures) = divided(&scripts, &table);
    let contrasts = played(&playable, SILENT);
    for (script, mut contrast) in playable.iter().zip(contrasts) {
        if contrast.differences.iter().any(|(_, one)| is_late(one) && !table.explains(one)) {
            // On a machine that is busy silence may be slowness.
            contrast = Contrast::of(script, PATIENCE);
        }
        failures.extend(contrast.unexplained(script, &table));
    }
    if wanted.is_empty() {
        failures.extend(table.idle());
    }
    let (count, left) = (playable.len(), scripts.len() - playable.len());
    println!("{count} dialogues played against both servers, {left} not");
    assert!(failures.is_empty(), "{} findings\n\n{}", failures.len(), failures.join("\n"));
}

/// Those that can be played, and what is wrong about the others.
fn divided<'a>(scripts: &'a [Script], table: &Table) -> (Vec<&'a Script>, Vec<String>) {
    let mut failures = Vec::new();
    let mut playable = Vec::new();
    for script in scripts {
        if table.excuses(&script.name(), STORY) {
            continue;
        }
        match vsftpd::obstacle(script) {
            None => playable.push(script),
            Some(line) if table.excuses(&script.name(), line) => {}
            Some(line) => failures.push(format!(
                "tests/dialogue/{}.ftp: `{line}` can't be said to vsftpd: put it into \
                 tests/reference/vsftpd.rs, or into {PLACE} with the reason why it is not played",
                script.name()
            )),
        }
    }
    (playable, failures)
}

/// All of them, several at once, in their order.
fn played(scripts: &[&Script], patience: Duration) -> Vec<Contrast> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(script) = scripts.get(number) else { break };
                    let contrast = Contrast::of(script, patience);
                    found.lock().unwrap().push((number, contrast));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, contrast)| contrast).collect()
}

fn is_late(difference: &Difference) -> bool {
    difference.vsftpd.contains("silence")
}

impl Contrast {
    fn of(script: &Script, patience: Duration) -> Contrast {
        let vsftpd = observe(script, Server::Vsftpd, patience);
        let cellftpd = observe(script, Server::Cellftpd, PATIENCE);
        let differences = differences(&script.name(), &vsftpd, &cellftpd);
        Contrast { vsftpd, cellftpd, differences }
    }

    fn unexplained(&self, script: &Script, table: &Table) -> Vec<String> {
        let left = self.differences.iter().filter(|(_, difference)| !table.explains(difference));
        left.map(|(number, difference)| self.told(script, *number, difference)).collect()
    }

    /// A difference with what was said around it, vsftpd on the left.
    fn told(&self, script: &Script, number: Option<usize>, difference: &Difference) -> String {
        let line = number.map_or(1, |number| self.vsftpd.exchanges[number].line);
        let mut text =
            format!("{}: no row of {PLACE} explains\n  {}\n", script.place(line), difference.row());
        let Some(number) = number else { return text };
        let pairs = self.vsftpd.exchanges.iter().zip(&self.cellftpd.exchanges).enumerate();
        let _ = writeln!(text, "    {:<32} {:<44} cellftpd", "", "vsftpd");
        for (at, (theirs, ours)) in pairs.skip(number.saturating_sub(4)).take(6) {
            let mark = if at == number { ">>" } else { "  " };
            let (theirs, ours, said) = (theirs.outcome(), ours.outcome(), &ours.said);
            let _ = writeln!(text, " {mark} {said:<32} {theirs:<44} {ours}");
        }
        text
    }
}

/// Everything that the two did not do alike, until one of them hung up; and what they left behind.
fn differences(
    dialogue: &str,
    vsftpd: &Observed,
    cellftpd: &Observed,
) -> Vec<(Option<usize>, Difference)> {
    let difference = |line: String, (vsftpd, cellftpd)| Difference {
        dialogue: dialogue.to_owned(),
        line,
        vsftpd,
        cellftpd,
    };
    let mut found = Vec::new();
    for (at, (theirs, ours)) in vsftpd.exchanges.iter().zip(&cellftpd.exchanges).enumerate() {
        let pairs = events(&theirs.events, &ours.events).into_iter().chain(lines(theirs, ours));
        found.extend(pairs.map(|pair| (Some(at), difference(ours.said.clone(), pair))));
    }
    let absent = "absent".to_owned();
    for path in vsftpd.tree.keys().chain(cellftpd.tree.keys()).collect::<BTreeSet<_>>() {
        let [theirs, ours] = [vsftpd, cellftpd].map(|one| one.tree.get(path).unwrap_or(&absent));
        if theirs != ours {
            let pair = (theirs.clone(), ours.clone());
            found.push((None, difference(format!("tree: {path}"), pair)));
        }
    }
    found
}

/// Where two runs of events differ: one by one if there are as many of them, else what is left without their common
/// beginning and end.
fn events(theirs: &[String], ours: &[String]) -> Vec<(String, String)> {
    if theirs.len() == ours.len() {
        let pairs = theirs.iter().zip(ours).filter(|(theirs, ours)| theirs != ours);
        return pairs.map(|(theirs, ours)| (theirs.clone(), ours.clone())).collect();
    }
    let alike = |pair: &(&String, &String)| pair.0 == pair.1;
    let head = theirs.iter().zip(ours).take_while(alike).count();
    let (theirs, ours) = (&theirs[head..], &ours[head..]);
    let tail = theirs.iter().rev().zip(ours.iter().rev()).take_while(alike).count();
    let told = |events: &[String]| match &events[..events.len() - tail] {
        [] => "nothing".to_owned(),
        events => events.join(", "),
    };
    vec![(told(theirs), told(ours))]
}

/// Lines that only one of two listings has; where only one has a listing at all, the events tell it.
fn lines(theirs: &Exchange, ours: &Exchange) -> Vec<(String, String)> {
    let (Some(theirs), Some(ours)) = (&theirs.lines, &ours.lines) else { return Vec::new() };
    let absent = || "absent".to_owned();
    let only_theirs = theirs.difference(ours).map(|line| (line.clone(), absent()));
    only_theirs.chain(ours.difference(theirs).map(|line| (absent(), line.clone()))).collect()
}

#[test]
fn what_is_alike_is_left_out() {
    let split = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let found = |theirs, ours| events(&split(theirs), &split(ours));
    let pair = |theirs: &str, ours: &str| vec![(theirs.to_owned(), ours.to_owned())];
    assert_eq!(found("150 421", "150 426"), pair("421", "426"));
    assert_eq!(found("150 226 200 257", "150 226 257"), pair("200", "nothing"));
    assert_eq!(found("150 list 226", "550"), pair("150, list, 226", "550"));
    assert!(found("200", "200").is_empty());
}
