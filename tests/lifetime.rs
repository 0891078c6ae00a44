//! A session leaves nothing behind, whoever ends it, however and whenever: no process, no zombie, no half file under a
//! name that was whole, and after the user's next session no trace at all.
#![cfg(test)]

mod harness;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use harness::hang::{Hanging, Service, Strays};
use harness::launch::dial;
use harness::phase::{BEFORE, PHASES, SENT, TARGET, ready};
use harness::{Data, Line, Process, Session, Site, Tls, within};
use nix::sys::signal::Signal;

/// How long anything may outlive its session.
const A_SECOND: Duration = Duration::from_secs(1);

/// What becomes of an upload that broke: the older file, and no half one.
#[track_caller]
fn is_unharmed(site: &Site, what: &str) {
    assert_eq!(site.content(TARGET).as_deref(), Some(BEFORE), "{what}: the older file");
}

/// Nothing that broke can be seen, and the user's next upload in that directory sweeps what can't.
#[track_caller]
fn is_swept(site: &Site, what: &str) {
    let mut next = site.connect().logged_in();
    assert_eq!(next.lists("/incoming"), ["/incoming/target"], "{what}: visible leftovers");
    next.puts("/incoming/next", b"next\n");
    next.quits();
    assert_eq!(site.names("/incoming"), ["next", "target"], "{what}: hidden leftovers");
    fs::remove_file(site.path("/incoming/next")).unwrap();
}

#[test]
fn a_signal_to_any_process_in_any_phase_ends_them_all() {
    let site = ready(Site::local());
    for phase in PHASES {
        for signal in [Signal::SIGKILL, Signal::SIGTERM] {
            for role in 0..2 {
                let (session, data) = phase.reach(&site);
                let victim = session.settled(2)[role];
                let what = format!("{signal} to `{}` while {phase:?}", victim.title());
                victim.signal(signal);
                is_gone(&session, &what);
                drop(data);
                is_unharmed(&site, &what);
            }
        }
    }
    is_swept(&site, "after all signals");
}

#[track_caller]
fn is_gone(session: &Session, what: &str) {
    let left =
        || -> Vec<_> { session.processes().into_iter().filter(|one| !one.is_gone()).collect() };
    if within(A_SECOND, || left().is_empty().then_some(())).is_none() {
        let titles: Vec<_> = left().iter().map(Process::title).collect();
        panic!("{what}: after {A_SECOND:?} still there: {titles:?}");
    }
}

#[test]
fn who_is_told_to_stop_says_so_first() {
    let site = ready(Site::local());
    for phase in PHASES {
        let (mut session, _data) = phase.reach(&site);
        session.broker().signal(Signal::SIGTERM);
        session.hears("421");
        session.hears_the_end();
        is_gone(&session, &format!("SIGTERM to the broker while {phase:?}"));
    }
}

/// How a client goes.
#[derive(Debug, Clone, Copy)]
enum Exit {
    /// Closes, as a program that ends does.
    Close,
    /// Resets, as a machine that was switched off and on does.
    Reset,
}

/// What a client has said when it goes.
#[rustfmt::skip]
const STEPS: [(&str, &[&str]); 9] = [
    ("at once",                  &[]),
    ("in the middle of a line",  &["US"]),
    ("after USER",               &["USER {user}\r\n"]),
    ("in the middle of PASS",    &["USER {user}\r\n", "PASS op"]),
    ("while its password is checked", &["USER {user}\r\nPASS {password}\r\n"]),
    ("after login",              &["USER {user}\r\n", "PASS {password}\r\n", "PWD\r\n"]),
    ("with an open port",        &["USER {user}\r\n", "PASS {password}\r\n", "EPSV\r\n"]),
    ("with a pending transfer",  &["USER {user}\r\n", "PASS {password}\r\n", "EPSV\r\n", "RETR /big\r\n"]),
    ("with fifty commands",      &["USER {user}\r\nPASS {password}\r\nNOOP\r\nPWD\r\nSTAT\r\nNOOP\r\n"]),
];

#[test]
fn a_client_may_go_at_any_step() {
    let site = ready(Site::local());
    let (user, password) = site.login();
    for (when, said) in STEPS {
        for exit in [Exit::Close, Exit::Reset] {
            let mut session = site.connect();
            session.settled(2);
            for line in said {
                session.sends(
                    line.replace("{user}", &user).replace("{password}", &password).as_bytes(),
                );
            }
            leaves(&mut session, None, exit);
            is_gone(&session, &format!("{exit:?} {when}"));
        }
    }
}

#[test]
fn a_client_may_go_in_any_phase() {
    let site = ready(Site::local());
    for phase in PHASES {
        for exit in [Exit::Close, Exit::Reset] {
            std::fs::write(site.path(TARGET), BEFORE).expect("the site is writable");
            let (mut session, data) = phase.reach(&site);
            leaves(&mut session, data, exit);
            is_gone(&session, &format!("{exit:?} while {phase:?}"));
            // A data connection that is closed and not reset ends a file: then the new one is whole.
            let found = site.content(TARGET);
            let is_whole = matches!(exit, Exit::Close) && found.as_deref() == Some(SENT);
            assert!(
                is_whole || found.as_deref() == Some(BEFORE),
                "{exit:?} while {phase:?}: a half file"
            );
        }
    }
    is_swept(&site, "after all goings");
}

fn leaves(session: &mut Session, data: Option<Data>, exit: Exit) {
    match exit {
        Exit::Close => {
            session.hangs_up();
            drop(data);
        }
        Exit::Reset => {
            session.resets();
            data.into_iter().for_each(Data::resets);
        }
    }
}

#[test]
fn over_pipes_the_end_of_input_is_the_end() {
    let site = Site::readonly();
    let mut session = site.connect_over(Line::Pipes);
    session.sends(b"USER anonymous\r\nPASS me@\r\nPWD\r\nQUIT\r\n").stops_sending();
    for pattern in ["220", "331", "230", "257", "221"] {
        session.hears(pattern);
    }
    session.hears_the_end();
    is_gone(&session, "a script over pipes");
}

#[test]
fn after_quit_nothing_is_left() {
    for line in [Line::Tcp4, Line::Tcp6, Line::SocketPair, Line::Pipes] {
        let site = Site::readonly();
        let mut session = site.connect_over(line).logged_in();
        session.settled(2);
        session.asks("QUIT", "221");
        session.hears_the_end();
        is_gone(&session, &format!("QUIT over {line:?}"));
    }
}

#[test]
fn a_stranger_at_the_passive_port_takes_nothing_from_the_client() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    session.asks("TYPE I", "200");
    let reply = session.asks("EPSV", "229");
    let port = session.address_in(&reply);
    let stranger = IpAddr::from(Ipv4Addr::new(127, 0, 0, 2));
    for _ in 0..3 {
        let mut steal = Data::from(dial(Some(stranger), port).expect("the port is open to all"));
        assert!(steal.is_refused(), "the stranger got data");
    }
    site.log().tells("stranger * address=127.0.0.2");
    let data = Data::connect(port);
    session.asks("RETR /welcome.txt", "150");
    assert_eq!(data.all(), b"Welcome.\n");
    session.hears("226");
    session.quits();
}

#[test]
fn a_stranger_who_came_first_and_stays_does_not_hold_the_port() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    session.asks("TYPE I", "200");
    let reply = session.asks("EPSV", "229");
    let port: SocketAddr = session.address_in(&reply);
    let stranger = IpAddr::from(Ipv4Addr::new(127, 0, 0, 3));
    let crowd: Vec<_> = (0..20).map(|_| dial(Some(stranger), port).map(Data::from)).collect();
    let data = Data::connect(port);
    session.asks("RETR /welcome.txt", "150");
    assert_eq!(data.all(), b"Welcome.\n");
    session.hears("226");
    drop(crowd);
    session.quits();
}

#[test]
fn an_earlier_port_is_closed_by_a_later_one() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    let reply = session.asks("EPSV", "229");
    let first = session.address_in(&reply);
    let reply = session.asks("EPSV", "229");
    let second = session.address_in(&reply);
    assert!(dial(None, first).is_err(), "{first} is still open");
    assert!(dial(None, second).is_ok(), "{second} is not open");
    session.quits();
}

#[test]
fn what_a_pam_module_has_forked_does_not_survive() {
    let name = format!("cellftpd-test-{}", std::process::id());
    let site = Site::local().set("local.pam_service", &format!("{name:?}"));
    let strays = Strays(format!("sleep 600.{}", std::process::id()));
    let script = site.beside("fork.sh");
    let began = site.beside("began");
    // Twice forked, in a session of its own, holding nothing of ours: as good daemons do.
    let text = format!(
        "#!/bin/sh\nsetsid sh -c 'touch {}; exec {}' </dev/null >/dev/null 2>&1 &\n\
         until [ -e {0} ]; do :; done\n",
        began.display(),
        strays.0,
    );
    fs::write(&script, text).unwrap();
    let _service = Service::that_runs(&name, &script);
    let session = site.connect().logged_in();
    assert!(began.exists(), "the PAM module did not run");
    session.quits();
    let is_over = within(A_SECOND, || strays.found().is_empty().then_some(()));
    assert!(is_over.is_some(), "it has survived the session: {:?}", strays.found());
}

#[test]
fn while_a_pam_module_hangs_the_end_of_the_session_is_the_end_of_all() {
    let hanging = Hanging::service();
    for (signal, who) in [
        (Signal::SIGTERM, "broker"),
        (Signal::SIGKILL, "broker"),
        (Signal::SIGKILL, "login"),
        (Signal::SIGKILL, "cellftpd-pam"),
    ] {
        let mut session = hanging.session();
        let processes = session.processes();
        let victim = processes.iter().find(|one| one.title().contains(who));
        victim.expect("it is there").signal(signal);
        if signal == Signal::SIGTERM {
            session.hears("421");
        }
        if who == "cellftpd-pam" {
            // It costs the attempt and nothing else.
            session.hears("530");
            session.asks("QUIT", "221");
        }
        is_gone(&session, &format!("{signal} to {who} while a module hangs"));
        let is_over = within(A_SECOND, || hanging.strays.found().is_empty().then_some(()));
        assert!(is_over.is_some(), "{signal} to {who}: the module's process has survived");
    }
}

/// It runs as the user, and the user may stop it.
#[test]
fn a_worker_that_was_stopped_does_not_outlive_its_client_for_long() {
    for over_tls in [false, true] {
        let site = Site::local().with_tls().set("limits.stalled", "\"1 s\"");
        let site = site.set("tls.login", "\"allow\"");
        let (mut session, others) = match over_tls {
            false => (site.connect().logged_in(), &["[broker]"][..]),
            true => (site.connect().protected(&Tls::new()), &["[broker]", "[relay]", "[key]"][..]),
        };
        let processes = session.settled(others.len() + 1);
        let is_other = |one: &&Process| others.iter().any(|other| one.title().ends_with(other));
        let worker = processes.iter().find(|one| !is_other(one) && **one != session.broker());
        worker.expect("it is there").signal(Signal::SIGSTOP);
        session.resets();
        session.is_over_within(harness::PATIENCE);
        site.log().tells("worker-died session=*process=session cause=\"killed by SIGKILL\"");
    }
}

/// Streams that wait in a channel are counted for all brokers together: sessions that do not take theirs must not stop the
/// others.
#[test]
fn sessions_that_do_not_take_their_streams_stop_nobody() {
    let site = Site::readonly();
    let mut greedy: Vec<_> = (0..48).map(|_| site.connect().logged_in()).collect();
    let mut held = Vec::new();
    for session in &mut greedy {
        let reply = session.asks("EPSV", "229");
        let address = session.address_in(&reply);
        // The worker waits for room to answer, and takes nothing from its broker meanwhile.
        for _ in 0..400 {
            if session.offers(&b"HELP\r\n".repeat(200)).is_err() {
                break;
            }
        }
        held.push(Data::connect(address));
    }
    let mut session = site.connect().logged_in();
    assert_eq!(session.gets("/welcome.txt"), b"Welcome.\r\n");
    session.quits();
}
