//! The control connection through the relay.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use crate::relay::testing::*;
use crate::wire::relay::{Of, Order, Report};

#[test]
fn a_control_connection_is_relayed_under_both_versions() {
    for (tls12, version, suite) in [
        (false, "TLSv1.3", "TLS_AES_128_GCM_SHA256"),
        (true, "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ] {
        let site = site();
        let mut client = site.client();
        client.tls12 = tls12;
        let mut session = site.start();
        let mut tls = session.secure(&client.connector());
        session.exchange(&mut tls);
        let established = session.established();
        assert_eq!(established.of, Of::Control);
        assert_eq!(&*established.version, version.as_bytes());
        assert_eq!(&*established.suite, suite.as_bytes());
        assert_eq!(&*established.group, b"X25519");
        assert_eq!(established.host.as_deref(), Some(&b"localhost"[..]));
        assert!(!established.resumed);
        // The worker's last words reach the client, with close_notify.
        session.plain.as_mut().unwrap().write_all(b"221 Bye.\r\n").unwrap();
        session.plain = None;
        assert_eq!(take_all(&mut tls), b"221 Bye.\r\n");
        drop(tls);
        session.end(());
    }
}

#[test]
fn a_client_that_stops_sending_is_still_answered() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let mut tls = session.secure(&connector);
    session.exchange(&mut tls);
    tls.write_all(b"STAT\r\n").unwrap();
    close(&mut tls);
    tls.sock.shutdown(Shutdown::Write).unwrap();
    let plain = session.plain.as_mut().unwrap();
    assert_eq!(take_all(plain), b"STAT\r\n");
    plain.write_all(b"211 Still here.\r\n").unwrap();
    session.plain = None;
    assert_eq!(take_all(&mut tls), b"211 Still here.\r\n");
    session.join();
}

#[test]
fn pipes_are_relayed_too() {
    let site = site();
    let connector = site.client().connector();
    let (input, to_relay) = nix::unistd::pipe().unwrap();
    let (from_relay, output) = nix::unistd::pipe().unwrap();
    // A client has one socket: this copies between that and the pipes.
    let (client, far) = UnixStream::pair().unwrap();
    let back = far.try_clone().unwrap();
    std::thread::spawn(move || copy(far, File::from(to_relay)));
    std::thread::spawn(move || copy(File::from(from_relay), &back).shutdown(Shutdown::Both));
    let mut session = site.start_on(client, input, output);
    let mut tls = session.secure(&connector);
    session.exchange(&mut tls);
    session.plain = None;
    assert_eq!(take_all(&mut tls), b"");
    session.join();
}

/// As it comes, until the end.
fn copy<T: Write>(mut from: impl Read, mut to: T) -> T {
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let _ = to.write_all(&piece[..length]);
    }
    to
}

#[test]
fn a_bad_record_ends_the_control_connection() {
    let (mut session, _, mut tls) = site().logged_in();
    tls.sock.write_all(&[23, 3, 3, 0, 20]).unwrap();
    tls.sock.write_all(&[9; 20]).unwrap();
    assert_eq!(take_all(session.plain.as_mut().unwrap()), b"", "the worker hears of it");
    session.join();
}

#[test]
fn a_broker_that_is_gone_ends_it() {
    let (mut session, _, mut tls) = site().logged_in();
    session.lose_broker();
    assert_eq!(take_all(&mut tls), b"", "with close_notify");
    session.end(tls);
}

#[test]
fn a_client_that_is_gone_is_not_served_on_for_a_worker_that_sleeps() {
    let (mut session, _, tls) = site().logged_in();
    tls.sock.shutdown(Shutdown::Write).unwrap();
    assert_eq!(take_all(session.plain.as_mut().unwrap()), b"");
    // Nothing was asked of the worker.
    drop(tls);
    assert!(matches!(session.report(), Report::Gone));
    session.end(());
}

#[test]
fn what_is_out_of_order_ends_the_relay() {
    let mut session = site().start();
    assert!(matches!(session.report(), Report::Ready));
    session.broker.tell(&Order::Data(1)).unwrap();
    session.join();
}
