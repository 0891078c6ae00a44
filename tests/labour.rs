//! Long work without a data connection ends with its client, and no processor goes on with it.
#![cfg(test)]

mod harness;

use std::fs::{self, File};
use std::time::Duration;

use harness::{Line, PATIENCE, Process, Session, Site, eventually};

/// How long a session may outlive a client that has hung up.
const A_SECOND: Duration = Duration::from_secs(1);

/// A session that computes what it would take minutes for, and has begun to.
fn hashing(site: &Site, line: Line) -> Session {
    working(site, line, "HASH /big")
}

fn working(site: &Site, line: Line, command: &str) -> Session {
    let mut session = site.connect_over(line).logged_in();
    let worker = *session.settled(2).last().expect("there are two");
    let before = ticks(worker);
    session.says(command);
    eventually("the worker to be at work", || (ticks(worker) > before + 2).then_some(()));
    session
}

/// Processor time that a process has used, and the kernel for it: a copy is the kernel's work.
fn ticks(process: Process) -> u64 {
    let stat = fs::read_to_string(process.path("stat")).expect("it is there");
    let behind_name = stat.rsplit(')').next().expect("there is a name");
    let times = behind_name.split_whitespace().skip(11).take(2);
    times.map(|word| word.parse::<u64>().expect("utime and stime are numbers")).sum()
}

fn site() -> Site {
    Site::readonly()
        .prepared(|root| File::create(root.join("big")).unwrap().set_len(1 << 36).unwrap())
}

#[test]
fn a_client_that_hangs_up_ends_it_at_once() {
    let site = site();
    for line in [Line::Tcp4, Line::SocketPair, Line::Pipes] {
        let mut session = hashing(&site, line);
        session.hangs_up();
        session.is_over_within(A_SECOND);
    }
}

#[test]
fn a_client_that_says_quit_and_is_gone_ends_it_when_the_kernel_tells() {
    let site = site();
    for (line, limit) in
        [(Line::SocketPair, A_SECOND), (Line::Pipes, A_SECOND), (Line::Tcp4, PATIENCE)]
    {
        let mut session = hashing(&site, line);
        session.says("QUIT");
        session.hangs_up();
        session.is_over_within(limit);
    }
}

#[test]
fn a_copy_that_loses_its_client_leaves_no_trace() {
    let site = Site::with_incoming()
        .prepared(|root| File::create(root.join("big")).unwrap().set_len(1 << 33).unwrap());
    let mut session = working(&site, Line::Tcp4, "SITE COPY /big /incoming/copy");
    assert_eq!(site.names("/incoming").len(), 1, "the hidden one");
    session.hangs_up();
    session.is_over_within(PATIENCE);
    assert!(site.names("/incoming").is_empty());
    site.log().tells("end * end=closed *");
}

#[test]
fn a_broker_that_is_told_to_stop_stops_it() {
    let mut session = hashing(&site(), Line::Tcp4);
    session.broker().signal(nix::sys::signal::Signal::SIGTERM);
    session.hears("421");
    session.hears_the_end();
    session.is_over_within(A_SECOND);
}
