//! CCC, in the relay.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use crate::relay::testing::*;
use crate::wire::relay::{Wish, Word};

#[test]
fn after_ccc_everything_is_plain() {
    for tls12 in [false, true] {
        // Whether the client says close_notify; in one segment with what comes after it.
        for closes in [true, false] {
            let site = site();
            let mut client = site.client();
            client.tls12 = tls12;
            let mut session = site.start();
            let mut tls = session.logged_in(&client.connector());
            tls.write_all(b"CCC\r\n").unwrap();
            let plain = session.plain.as_mut().unwrap();
            assert_eq!(take(plain, 5), b"CCC\r\n");
            plain.write_all(b"200 Clear from now on.\r\n").unwrap();
            session.wish(Wish::Clear);
            assert_eq!(take_all(&mut tls), b"200 Clear from now on.\r\n", "and close_notify");
            let mut segment = vec![];
            if closes {
                tls.conn.send_close_notify();
                tls.conn.write_tls(&mut segment).unwrap();
            }
            segment.extend_from_slice(b"NOOP\r\nPWD\r\n");
            let mut client = tls.sock;
            client.write_all(&segment).unwrap();
            assert_eq!(session.word(), Word::Cleared);
            let plain = session.plain.as_mut().unwrap();
            assert_eq!(take(plain, 11), b"NOOP\r\nPWD\r\n");
            plain.write_all(b"200 Fine.\r\n").unwrap();
            assert_eq!(take(&mut client, 11), b"200 Fine.\r\n");
            client.shutdown(Shutdown::Write).unwrap();
            let plain = session.plain.as_mut().unwrap();
            assert_eq!(take_all(plain), b"");
            plain.write_all(b"221 Bye.\r\n").unwrap();
            session.plain = None;
            assert_eq!(take_all(&mut client), b"221 Bye.\r\n");
            session.join();
        }
    }
}

#[test]
fn ccc_is_not_waited_for_without_end() {
    let mut site = site();
    site.patience = Duration::from_secs(2);
    let (mut session, _, mut tls) = site.logged_in();
    session.wish(Wish::Clear);
    assert_eq!(take_all(&mut tls), b"", "close_notify");
    // It says nothing, and stays.
    assert_eq!(session.word(), Word::Unanswered);
    assert_eq!(take_all(session.plain.as_mut().unwrap()), b"", "its end");
    session.end(tls);
}

#[test]
fn a_client_may_go_instead_of_answering_ccc() {
    let (mut session, _, mut tls) = site().logged_in();
    session.wish(Wish::Clear);
    assert_eq!(take_all(&mut tls), b"", "close_notify");
    drop(tls);
    assert_eq!(session.word(), Word::Cleared);
    assert_eq!(take_all(session.plain.as_mut().unwrap()), b"", "its end");
    session.end(());
}

/// Whether the worker tells of CCC at last.
#[test]
fn a_client_may_speak_in_clear_before_it_hears_the_end_of_tls() {
    for told in [true, false] {
        let (mut session, _, mut tls) = site().logged_in();
        session.exchange(&mut tls);
        tls.sock.write_all(b"NOOP\r\n").unwrap();
        if told {
            session.wish(Wish::Clear);
            assert_eq!(session.word(), Word::Cleared);
            assert_eq!(take(session.plain.as_mut().unwrap(), 6), b"NOOP\r\n");
            session.end(tls);
        } else {
            assert_eq!(take_all(session.plain.as_mut().unwrap()), b"", "nothing is obeyed");
            session.end(tls);
        }
    }
}

#[test]
fn ccc_is_for_who_may() {
    let mut site = site();
    site.rules.ccc = false;
    let (mut session, _, _tls) = site.logged_in();
    session.wish(Wish::Clear);
    session.join();
}

#[test]
fn a_client_that_answers_ccc_at_once_loses_nothing() {
    let site = site();
    let mut session_client = site.client();
    session_client.tls12 = false;
    let mut session = site.start();
    let mut tls = session.logged_in(&session_client.connector());
    // By now the relay knows that there may be CCC.
    session.exchange(&mut tls);
    // Its close_notify comes before the worker has told of CCC.
    tls.conn.send_close_notify();
    let mut segment = vec![];
    tls.conn.write_tls(&mut segment).unwrap();
    segment.extend_from_slice(b"NOOP\r\n");
    tls.sock.write_all(&segment).unwrap();
    let plain = session.plain.as_mut().unwrap();
    plain.write_all(b"200 Clear.\r\n").unwrap();
    assert_eq!(take(&mut tls, 12), b"200 Clear.\r\n");
    session.wish(Wish::Clear);
    assert_eq!(session.word(), Word::Cleared);
    assert_eq!(take(session.plain.as_mut().unwrap(), 6), b"NOOP\r\n");
    drop(tls);
    session.end(());
}
