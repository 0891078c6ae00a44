//! Before the first word: a server that can't serve says 421 to the client, the cause to the log, and 78 to whoever
//! started it.
#![cfg(test)]

mod harness;

use std::fs::{self, File};
use std::path::PathBuf;

use harness::{Line, Session, Site};

/// `EX_CONFIG` of sysexits.
const WRONG_CONFIGURATION: i32 = 78;

/// Connects over this line; what the server prints as errors goes to a file, as under systemd.
fn connect(site: &Site, line: Line) -> (Session, PathBuf) {
    let path = site.beside("errors");
    let configuration = site.configuration();
    let (client, mut ends) = line.lay();
    ends.errors = File::create(&path).unwrap().into();
    let broker = harness::launch::serve(ends, &configuration);
    (Session::new(client, broker, line.host(), site.login()), path)
}

#[track_caller]
fn is_refused(mut session: Session) {
    session.hears("421");
    session.hears_the_end();
    assert_eq!(session.exit_status(), Some(WRONG_CONFIGURATION));
    session.is_over_within(harness::PATIENCE);
}

/// The client hears 421 and nothing of the cause; the cause, with its place, goes where the errors go.
#[track_caller]
fn is_refused_because(site: &Site, causes: &[&str]) {
    let (session, errors) = connect(site, Line::Tcp4);
    is_refused(session);
    let told = fs::read_to_string(errors).unwrap();
    for cause in causes.iter().chain(&["cellftpd.toml:"]) {
        assert!(told.contains(cause), "no {cause} in: {told}");
    }
}

#[test]
fn an_unknown_setting_is_a_refusal_to_serve() {
    is_refused_because(&Site::readonly().matching("[limits]\nidel = \"1 s\""), &["idel", "^^^^"]);
}

#[test]
fn a_wrong_value_is_a_refusal_to_serve() {
    is_refused_because(&Site::readonly().set("login.max_failures", "\"many\""), &["max_failures"]);
}

#[test]
fn what_is_no_toml_is_a_refusal_to_serve() {
    is_refused_because(&Site::readonly().matching("[limits\n"), &["[limits"]);
}

#[test]
fn under_inetd_the_cause_does_not_go_to_the_client() {
    is_refused(Site::readonly().set("login.max_failures", "\"many\"").connect());
}

#[test]
fn over_pipes_the_refusal_is_the_same() {
    let site = Site::readonly().set("anonymous.enabled", "\"yes\"");
    is_refused(site.connect_over(Line::Pipes));
}

#[test]
fn an_absent_configuration_is_a_refusal_to_serve() {
    let site = Site::readonly();
    let path = site.configuration();
    fs::remove_file(&path).unwrap();
    let (client, ends) = Line::Tcp4.lay();
    let broker = harness::launch::serve(ends, &path);
    is_refused(Session::new(client, broker, Line::Tcp4.host(), site.login()));
}

#[test]
fn an_account_that_is_missing_is_told_to_the_log_only() {
    let site = Site::readonly().set("anonymous.user", "\"no-such-account\"");
    is_turned_away(&site, "no-such-account");
}

#[test]
fn a_jail_that_is_missing_is_told_to_the_log_only() {
    let site = Site::readonly().set("anonymous.root", "\"/no/such/directory\"");
    is_turned_away(&site, "/no/such/directory");
}

/// At the greeting or at the login; the client is not told why.
#[track_caller]
fn is_turned_away(site: &Site, cause: &str) {
    let mut session = site.connect();
    let mut reply = session.reply().expect("it says something");
    if reply.code == 220 {
        session.asks("USER anonymous", "331");
        reply = session.says("PASS me@").reply().expect("it says something");
    }
    assert!(matches!(reply.code, 421 | 530) && !reply.text().contains(cause), "{}", reply.text());
    let line = site.log().tells(cause);
    assert!(!line.contains(" panic "), "that is no bug of ours: {line}");
}

#[test]
fn a_clean_end_has_status_zero() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    session.asks("QUIT", "221");
    session.hears_the_end();
    assert_eq!(session.exit_status(), Some(0));
}
