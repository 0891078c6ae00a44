//! What shows that a data connection comes from the client of the control connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use crate::relay::testing::*;
use crate::wire::event::Direction::{Download, Upload};
use crate::wire::relay::Close::Clean;
use crate::wire::relay::{Refusal, Word};

#[test]
fn who_does_not_resume_is_refused_and_nothing_flows() {
    for tls12 in [false, true] {
        let site = site();
        let mut client = site.client();
        client.tls12 = tls12;
        let (connector, stranger) = (client.connector(), client.connector());
        let mut session = site.start();
        let control = session.logged_in(&connector);

        let (mut data, client) = session.data();
        session.go(&data, Upload);
        let mut tls = stranger.over(client);
        tls.write_all(b"secret").unwrap();
        assert_eq!(session.word(), Word::Refused(data.id, Refusal::NotResumed));
        assert!(!session.established().resumed);
        data.plain.write_all(b"secret").unwrap();
        data.plain.shutdown(Shutdown::Write).unwrap();
        data.plain.set_nonblocking(true).unwrap();
        let read = data.plain.read(&mut [0; 16]);
        assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock, "nothing has come, no end");
        drop(data);
        // It is closed in order, so that the client reads why on the control connection.
        assert_eq!(take_all(&mut tls), b"");
        session.end((control, tls));
    }
}

#[test]
fn reuse_need_not_be_required() {
    let mut site = site();
    site.rules.require_reuse = false;
    let client = site.client();
    let mut session = site.start();
    let control = session.logged_in(&client.connector());
    for _ in 0..3 {
        let (data, mut tls) = session.proven(&client.connector());
        assert!(!session.established().resumed);
        session.go(&data, Download);
        data.plain.shutdown(Shutdown::Write).unwrap();
        assert_eq!(take_all(&mut tls), b"");
        assert_eq!(session.word(), Word::Done(data.id, Clean));
    }
    session.end(control);
}

#[test]
fn another_sessions_tickets_are_worth_nothing() {
    let pairs = vec![pair(&["localhost"])];
    let mut first = site();
    first.pairs.clone_from(&pairs);
    let connector = first.client().connector();
    let mut first = first.start();
    let control = first.logged_in(&connector);

    let mut second = site();
    second.pairs = pairs;
    let client = second.client();
    let mut second = second.start();
    let other = second.logged_in(&client.connector());
    let (data, stream) = second.data();
    let mut tls = connector.over(stream);
    shake(&mut tls).unwrap();
    assert_eq!(second.word(), Word::Refused(data.id, Refusal::NotResumed));
    first.end(control);
    drop((data, tls));
    second.end(other);
}

#[test]
fn many_data_connections_resume_one_session() {
    for (tls12, ids_only) in [(false, false), (true, false), (true, true)] {
        let site = site();
        let mut client = site.client();
        (client.tls12, client.ids_only) = (tls12, ids_only);
        let connector = client.connector();
        let mut session = site.start();
        let control = session.logged_in(&connector);
        for at in 0..12 {
            let (mut data, mut tls) = session.proven(&connector);
            assert!(session.established().resumed, "{at}");
            if at % 2 == 0 {
                session.go(&data, Download);
                data.plain.write_all(b"list").unwrap();
                data.plain.shutdown(Shutdown::Write).unwrap();
                assert_eq!(take_all(&mut tls), b"list");
            } else {
                session.go(&data, Upload);
                tls.write_all(b"file").unwrap();
                close(&mut tls);
                assert_eq!(take_all(&mut data.plain), b"file");
                assert_eq!(take_all(&mut tls), b"");
            }
            assert_eq!(session.word(), Word::Done(data.id, Clean), "{at}");
        }
        session.key_ends();
        session.end(control);
    }
}

/// OpenSSL as a client that remembers whatever session it was given last.
#[test]
fn openssl_resumes_again_and_again() {
    for version in ["-tls1_2", "-tls1_3"] {
        let dir = tempfile::tempdir().unwrap();
        let remembered = dir.path().join("session");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let connect = || {
            let mut openssl = Command::new("openssl");
            openssl.args(["s_client", "-quiet", version, "-connect", &at]);
            openssl.args(["-servername", "localhost", "-sess_out"]).arg(&remembered);
            if remembered.exists() {
                openssl.arg("-sess_in").arg(&remembered);
            }
            openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            (openssl.spawn().unwrap(), listener.accept().unwrap().0)
        };
        let (mut client, socket) = connect();
        let output = socket.try_clone().unwrap();
        let (unused, _) = UnixStream::pair().unwrap();
        let mut session = site().start_on(unused, socket.into(), output.into());
        session.begin();
        session.established();
        session.plain.as_mut().unwrap().write_all(b"220 Hello.\r\n").unwrap();
        assert_eq!(take(client.stdout.as_mut().unwrap(), 12), b"220 Hello.\r\n");
        session.log_in();
        for at in 0..12 {
            let before = std::fs::read(&remembered).unwrap();
            let (mut transfer, socket) = connect();
            let mut data = session.data_over(&socket);
            drop(socket);
            assert_eq!(session.word(), Word::Proven(data.id), "{version}, {at}");
            if at % 2 == 0 {
                session.go(&data, Download);
                data.plain.write_all(b"list").unwrap();
                data.plain.shutdown(Shutdown::Write).unwrap();
                assert_eq!(take_all(transfer.stdout.as_mut().unwrap()), b"list");
            } else {
                session.go(&data, Upload);
                transfer.stdin.take().unwrap().write_all(b"file").unwrap();
                assert_eq!(take(&mut data.plain, 4), b"file");
                transfer.kill().unwrap();
                assert_eq!(take_all(&mut data.plain), b"");
            }
            assert!(matches!(session.word(), Word::Done(..)));
            transfer.wait().unwrap();
            // Under TLS 1.3 a new one comes where the client reads.
            let is_new = std::fs::read(&remembered).unwrap() != before;
            assert_eq!(is_new, version == "-tls1_3" && at % 2 == 0, "{version}, {at}");
        }
        drop(client.stdin.take());
        client.kill().unwrap();
        client.wait().unwrap();
        session.end(());
    }
}

#[test]
fn signatures_are_counted() {
    let mut site = site();
    site.at_most = Some(1);
    let client = site.client();
    let mut session = site.start();
    let control = session.logged_in(&client.connector());
    session.key_ends();
    let (data, stream) = session.data();
    let mut tls = client.connector().over(stream);
    assert!(shake(&mut tls).is_err());
    assert_eq!(session.word(), Word::Refused(data.id, Refusal::NotResumed));
    let cause = session.cause();
    assert!(cause.contains("the key process signs no more"), "{cause}");
    drop((data, tls));
    session.end(control);
}
