//! Sessions through the relay, seen from the client, the worker and the broker.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use nix::sys::socket::{setsockopt, sockopt};
use rustls::crypto::ring::cipher_suite as suite;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::testing::*;
use super::{Clients, Policy};
use crate::wire::event::Direction::{Download, Upload};
use crate::wire::relay::Close::{Broken, Clean, Truncated};
use crate::wire::relay::{Of, Order, Refusal, Report, Wish, Word};
use crate::worker::wait::wait_for;

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

/// The processor knows AES, and the order of a client may change from one connection to the next.
#[test]
fn the_order_of_suites_is_ours() {
    for (offered, tls12, chosen) in [
        (vec![suite::TLS13_CHACHA20_POLY1305_SHA256, suite::TLS13_AES_256_GCM_SHA384], false, 1),
        (
            vec![
                suite::TLS13_CHACHA20_POLY1305_SHA256,
                suite::TLS13_AES_256_GCM_SHA384,
                suite::TLS13_AES_128_GCM_SHA256,
            ],
            false,
            2,
        ),
        (
            vec![
                suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            ],
            true,
            1,
        ),
        (
            vec![
                suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            ],
            true,
            1,
        ),
        (vec![suite::TLS13_CHACHA20_POLY1305_SHA256], false, 0),
    ] {
        for backwards in [false, true] {
            let site = site();
            let mut client = site.client();
            (client.suites, client.tls12) = (offered.clone(), tls12);
            if backwards {
                client.suites.reverse();
            }
            let mut session = site.start();
            let tls = session.secure(&client.connector());
            let name = format!("{:?}", offered[chosen].suite());
            let told = session.established().suite;
            assert_eq!(String::from_utf8_lossy(&told), name.replace("TLS13_", "TLS_"));
            session.end(tls);
        }
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

/// As vsftpd has them.
#[test]
fn an_rsa_key_and_its_certificate_may_share_a_file() {
    let file = openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "-",
        "-subj",
        "/CN=localhost",
    ]);
    for (tls12, suite) in
        [(false, "TLS_AES_128_GCM_SHA256"), (true, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")]
    {
        let mut site = site();
        let mut client = site.client();
        (client.tls12, client.trusting) = (tls12, true);
        site.pairs = vec![Pair { chain: file.clone(), key: file.clone(), names: vec![] }];
        let mut session = site.start();
        let mut tls = session.secure(&client.connector());
        session.exchange(&mut tls);
        assert_eq!(&*session.established().suite, suite.as_bytes());
        session.end(tls);
    }
}

#[test]
fn a_chain_that_does_not_fit_its_key_is_unfit() {
    let mut site = site();
    site.pairs[0].key = pair(&["localhost"]).key;
    assert_eq!(site.start().cause(), "chain: does not fit its key");
}

#[test]
fn a_file_without_a_certificate_is_unfit() {
    let mut site = site();
    site.pairs.push(pair(&["other"]));
    site.pairs[1].chain = "nothing\n".to_owned();
    assert_eq!(site.start().cause(), "chain: holds no certificate: PEM is expected");
}

#[test]
fn files_go_down_and_up() {
    let content: Vec<u8> = (0..3_000_000u32).map(|at| (at / 7) as u8).collect();
    for tls12 in [false, true] {
        let site = site();
        let mut client = site.client();
        client.tls12 = tls12;
        let connector = client.connector();
        let mut session = site.start();
        let control = session.logged_in(&connector);

        let (mut data, mut tls) = session.proven(&connector);
        let established = session.established();
        assert!(established.resumed && established.of == Of::Data);
        session.go(&data, Download);
        let sent = content.clone();
        let sender = std::thread::spawn(move || {
            data.plain.write_all(&sent).unwrap();
            data.plain.shutdown(Shutdown::Write).unwrap();
            data
        });
        assert!(take_all(&mut tls) == content, "the client has it all, and close_notify");
        drop(tls);
        let data = sender.join().unwrap();
        assert_eq!(session.word(), Word::Done(data.id, Clean));
        drop(data);

        // The direction may be told before the handshake.
        let (mut data, client) = session.data();
        session.go(&data, Upload);
        let mut tls = connector.over(client);
        let sent = content.clone();
        let sender = std::thread::spawn(move || {
            tls.write_all(&sent).unwrap();
            close(&mut tls);
            tls
        });
        assert_eq!(session.word(), Word::Proven(data.id));
        assert!(take_all(&mut data.plain) == content, "the worker has it all");
        assert_eq!(session.word(), Word::Done(data.id, Clean));
        assert_eq!(take_all(&mut sender.join().unwrap()), b"", "close_notify is answered");
        drop(data);
        session.end(control);
    }
}

#[test]
fn nothing_at_all_is_a_transfer_too() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    let (data, mut tls) = session.proven(&connector);
    session.go(&data, Download);
    data.plain.shutdown(Shutdown::Write).unwrap();
    assert_eq!(take_all(&mut tls), b"");
    assert_eq!(session.word(), Word::Done(data.id, Clean));

    drop(tls);
    let (mut data, mut tls) = session.proven(&connector);
    session.go(&data, Upload);
    close(&mut tls);
    assert_eq!(take_all(&mut data.plain), b"");
    assert_eq!(session.word(), Word::Done(data.id, Clean));
    session.end((control, tls));
}

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
fn an_upload_of_a_client_that_never_reads_is_whole() {
    let content = vec![b'x'; 300_000];
    for round in 0..20 {
        let site = site();
        let connector = site.client().connector();
        let mut session = site.start();
        let control = session.logged_in(&connector);
        let (mut data, stream) = session.data();
        let mut tls = connector.over(stream);
        shake(&mut tls).unwrap();
        assert_eq!(session.word(), Word::Proven(data.id));
        session.go(&data, Upload);
        let sent = content.clone();
        let sender = std::thread::spawn(move || {
            tls.write_all(&sent).unwrap();
            // close_notify and close, with whatever came unread.
            close(&mut tls);
        });
        let mut got = vec![];
        let mut piece = [0; 8192];
        loop {
            match data.plain.read(&mut piece).unwrap() {
                0 => break,
                length => got.extend_from_slice(&piece[..length]),
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        sender.join().unwrap();
        assert_eq!(got.len(), content.len(), "round {round}");
        assert_eq!(session.word(), Word::Done(data.id, Clean));
        session.end(control);
    }
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
fn an_upload_that_is_cut_off_is_truncated() {
    // A record more or less, a byte more or less.
    for length in [0, 1, 16_383, 16_384, 16_385, 32_768, 100_000] {
        let site = site();
        let connector = site.client().connector();
        let mut session = site.start();
        let control = session.logged_in(&connector);
        let (mut data, mut tls) = session.proven(&connector);
        session.go(&data, Upload);
        let content = vec![7; length];
        let sender = std::thread::spawn(move || {
            tls.write_all(&content).unwrap();
            tls.flush().unwrap();
            no_more(&tls.sock);
            tls
        });
        assert_eq!(take_all(&mut data.plain).len(), length, "all that came is passed on");
        assert_eq!(session.word(), Word::Done(data.id, Truncated), "{length}");
        drop(sender.join());
        session.end(control);
    }
}

#[test]
fn an_upload_with_a_bad_record_is_broken() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    let (mut data, mut tls) = session.proven(&connector);
    session.go(&data, Upload);
    tls.write_all(b"good").unwrap();
    tls.sock.write_all(&[23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    tls.sock.write_all(&[9; 12]).unwrap();
    assert_eq!(take_all(&mut data.plain), b"good");
    assert_eq!(session.word(), Word::Done(data.id, Broken));
    session.end((control, tls));
}

#[test]
fn a_download_is_broken_when_the_client_is_gone() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    let (mut data, tls) = session.proven(&connector);
    session.go(&data, Download);
    drop(tls);
    let mut sent = 0usize;
    while data.plain.write(&[0; 65536]).is_ok() {
        sent += 65536;
        assert!(sent < 100_000_000, "the plain side is closed at some time");
    }
    assert_eq!(session.word(), Word::Done(data.id, Broken));
    session.end(control);
}

#[test]
fn who_reads_slowly_is_waited_for_and_gets_it_all() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    let (mut data, mut tls) = session.proven(&connector);
    session.go(&data, Download);
    data.plain.set_nonblocking(true).unwrap();
    let mut sent = 0;
    let stopped = || Instant::now() + Duration::from_millis(300);
    while wait_for(&data.plain.as_fd(), PollFlags::POLLOUT, stopped()).unwrap() {
        sent += data.plain.write(&[5; 65536]).unwrap();
        assert!(sent < 64 << 20, "no more is taken than sockets hold");
    }
    // The client's own pace.
    let reader = std::thread::spawn(move || {
        let content = take_all(&mut tls);
        (content.len(), tls)
    });
    data.plain.shutdown(Shutdown::Write).unwrap();
    assert_eq!(session.word(), Word::Done(data.id, Clean));
    drop((data, control));
    session.plain = None;
    let (got, tls) = reader.join().unwrap();
    assert_eq!(got, sent);
    session.end(tls);
}

#[test]
fn a_session_that_ends_leaves_the_client_its_download() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    let (mut data, mut tls) = session.proven(&connector);
    session.go(&data, Download);
    data.plain.write_all(&[5; 50_000]).unwrap();
    data.plain.shutdown(Shutdown::Write).unwrap();
    assert_eq!(session.word(), Word::Done(data.id, Clean));
    drop(data);
    // What the client says while nobody listens must not reset what it has not read.
    tls.conn.send_close_notify();
    while tls.conn.wants_write() {
        tls.conn.write_tls(&mut tls.sock).unwrap();
    }
    session.plain = None;
    drop(control);
    assert_eq!(take_all(&mut tls).len(), 50_000);
    session.end(tls);
}

#[test]
fn a_data_connection_has_only_so_long_for_its_handshake() {
    let mut site = site();
    site.rules.data_connect = Duration::from_secs(2);
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    let (data, client) = session.data();
    assert_eq!(session.word(), Word::Refused(data.id, Refusal::Handshake));
    assert_eq!(session.cause(), "no handshake in time");
    session.end((control, data, client));
}

#[test]
fn a_bad_record_ends_the_control_connection() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let mut tls = session.logged_in(&connector);
    tls.sock.write_all(&[23, 3, 3, 0, 20]).unwrap();
    tls.sock.write_all(&[9; 20]).unwrap();
    assert_eq!(take_all(session.plain.as_mut().unwrap()), b"", "the worker hears of it");
    session.join();
}

#[test]
fn a_broker_that_is_gone_ends_it() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let mut tls = session.logged_in(&connector);
    session.lose_broker();
    assert_eq!(take_all(&mut tls), b"", "with close_notify");
    session.end(tls);
}

#[test]
fn a_worker_may_let_a_transfer_go() {
    for direction in [Download, Upload] {
        let site = site();
        let connector = site.client().connector();
        let mut session = site.start();
        let control = session.logged_in(&connector);
        let (mut data, mut tls) = session.proven(&connector);
        session.go(&data, direction);
        match direction {
            Upload => {
                tls.write_all(b"part").unwrap();
                assert_eq!(take(&mut data.plain, 4), b"part");
            }
            _ => {
                data.plain.write_all(b"part").unwrap();
                assert_eq!(take(&mut tls, 4), b"part");
            }
        }
        let id = data.id;
        drop(data);
        assert_eq!(session.word(), Word::Done(id, Broken));
        let end = tls.read(&mut [0; 16]);
        match direction {
            Upload => assert_eq!(end.unwrap(), 0, "close_notify"),
            // It must not look whole.
            _ => assert_eq!(end.unwrap_err().kind(), ErrorKind::UnexpectedEof),
        }
        session.end((control, tls));
    }
}

#[test]
fn a_handshake_that_fails_is_told_of() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    let (data, mut client) = session.data();
    client.write_all(b"This is no handshake.\r\n").unwrap();
    assert_eq!(session.word(), Word::Refused(data.id, Refusal::Handshake));
    assert_eq!(session.cause(), "received corrupt message of type InvalidContentType");
    drop(data);
    assert_eq!(take_all(&mut client)[..2], [21, 3], "an alert");
    session.end((control, client));
}

#[test]
fn garbage_gets_an_alert_and_an_end() {
    let hello = |version: u8| {
        let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, version];
        hello.extend([7; 32]);
        hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
        hello
    };
    for (bytes, cause) in [
        (b"USER anonymous\r\n".to_vec(), "InvalidContentType"),
        (hello(1), "the client offered versions TLSv1_0"),
    ] {
        let mut session = site().start();
        session.begin();
        let mut client = session.control.take().unwrap();
        client.write_all(&bytes).unwrap();
        let told = session.cause();
        assert!(told.contains(cause), "{told}");
        assert_eq!(take_all(&mut client)[..2], [21, 3], "an alert");
        drop(client);
        session.join();
    }
}

#[test]
fn a_client_that_says_nothing_is_not_waited_for() {
    let mut site = site();
    // It is also the key process's time for its first answer.
    site.patience = Duration::from_secs(2);
    let mut session = site.start();
    session.begin();
    assert_eq!(session.cause(), "no handshake in time");
    session.join();
}

#[test]
fn an_old_version_is_refused_where_it_has_to_be() {
    let mut site = site();
    site.policy = Policy { tls13_only: true, clients: Clients::None };
    let connector = site.client().tls12().connector();
    let mut session = site.start();
    session.begin();
    let mut tls = connector.over(session.control.take().unwrap());
    assert!(shake(&mut tls).is_err());
    let cause = session.cause();
    assert!(cause.contains("the client offered versions TLSv1_2"), "{cause}");
    drop(tls);
    session.join();
}

#[test]
fn protocols_are_named_or_not() {
    for (control, data, fits) in [
        (&["ftp"][..], &["ftp-data"][..], [true, true]),
        (&["x-filezilla-ftp", "ftp"], &["ftp"], [true, true]),
        (&[], &[], [true, true]),
        (&["ftp"], &["h2"], [true, false]),
        (&["http/1.1"], &[], [false, false]),
    ] {
        let bytes = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        let site = site();
        let mut client = site.client();
        client.protocols = bytes(control);
        let mut session = site.start();
        if !fits[0] {
            session.begin();
            let mut tls = client.connector().over(session.control.take().unwrap());
            let error = shake(&mut tls).unwrap_err().to_string();
            assert!(error.contains("NoApplicationProtocol"), "{error}");
            let cause = session.cause();
            assert!(cause.contains("protocols \"http/1.1\""), "{cause}");
            continue;
        }
        let control = session.logged_in(&client.connector());
        client.protocols = bytes(data);
        let (data, stream) = session.data();
        let mut tls = client.connector().over(stream);
        assert_eq!(shake(&mut tls).is_ok(), fits[1]);
        let refusal = if fits[1] { Refusal::NotResumed } else { Refusal::Handshake };
        assert_eq!(session.word(), Word::Refused(data.id, refusal));
        drop((data, tls));
        session.end(control);
    }
}

#[test]
fn the_name_chooses_the_certificate() {
    let ed25519 = &rcgen::PKCS_ED25519;
    let pairs = vec![
        pair(&["one.example.org"]),
        pair(&["*.example.net"]),
        pair(&["three.example.org"]),
        of_kind(&["four.example.org"], ed25519),
        of_kind(&["one.example.org"], ed25519),
    ];
    for (name, host, shown) in [
        ("one.example.org", None, 0),
        ("some.example.net", None, 1),
        ("THREE.example.org", None, 2),
        ("three.example.org", Some("one.example.org"), 2),
        ("four.example.org", None, 3),
        ("unknown.example.org", None, 0),
        ("unknown.example.org", Some("Three.example.org"), 2),
        ("192.0.2.1", Some("three.example.org"), 2),
        ("192.0.2.1", Some("unknown.example.org"), 0),
    ] {
        let mut site = site();
        site.pairs.clone_from(&pairs);
        site.host = host.map(|host: &str| host.as_bytes().to_vec());
        let mut client = site.client();
        (client.name, client.trusting) = (name, true);
        let mut session = site.start();
        let tls = session.secure(&client.connector());
        let expected = CertificateDer::from_pem_slice(pairs[shown].chain.as_bytes()).unwrap();
        assert_eq!(tls.conn.peer_certificates().unwrap()[0], expected, "{name} {host:?}");
        session.end(tls);
    }
}

#[test]
fn clients_may_have_to_show_a_certificate() {
    let (authority, alice, bob, list) = authority();
    for (required, revoked, identity, fits) in [
        (true, &list, Some(&alice), true),
        (true, &list, Some(&bob), false),
        (true, &String::new(), Some(&bob), true),
        (true, &list, None, false),
        (false, &list, None, true),
        (false, &list, Some(&alice), true),
        (false, &list, Some(&pair(&["mallory"])), false),
    ] {
        for tls12 in [false, true] {
            let mut site = site();
            let authorities = authority.clone().into_bytes();
            let revoked = (!revoked.is_empty()).then(|| revoked.clone().into_bytes());
            site.policy.clients = Clients::Asked { authorities, revoked, required };
            let mut client = site.client();
            (client.identity, client.tls12) = (identity.cloned(), tls12);
            let connector = client.connector();
            let mut session = site.start();
            if !fits {
                session.begin();
                // Under TLS 1.3 the client hears only later that it was refused.
                let mut tls = connector.over(session.control.take().unwrap());
                let _ = shake(&mut tls);
                let cause = session.cause();
                assert!(cause.contains("certificate"), "{cause}");
                drop(tls);
                session.join();
                continue;
            }
            let mut tls = session.secure(&connector);
            let shown = session.established().certificate.map(|shown| shown.into_bytes());
            let expected = identity.map(|pair| {
                let chain = CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap();
                crate::config::x509::subject(&chain).into_bytes()
            });
            assert_eq!(shown, expected);
            session.exchange(&mut tls);
            session.log_in();
            let (data, data_tls) = session.proven(&connector);
            let established = session.established();
            assert!(established.resumed && established.certificate.is_none());
            session.end((tls, data, data_tls));
        }
    }
}

#[test]
fn files_for_clients_certificates_are_checked() {
    let (authority, ..) = authority();
    for (authorities, revoked, cause) in [
        ("", None, "certificates of clients: no root trust anchors were provided"),
        ("-----BEGIN", None, "certificates of clients: no root trust anchors were provided"),
        (&authority, Some("nothing"), "there is no revocation list in its file"),
        (&authority, Some(""), "there is no revocation list in its file"),
    ] {
        let mut site = site();
        site.policy.clients = Clients::Asked {
            authorities: authorities.as_bytes().to_vec(),
            revoked: revoked.map(|list: &str| list.as_bytes().to_vec()),
            required: true,
        };
        assert_eq!(site.start().cause(), cause);
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

/// The system closes both connections of a client that was killed, the control connection first.
#[test]
fn the_end_of_a_client_is_told_before_that_of_its_upload() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let mut control = session.logged_in(&connector);
    let (data, mut tls) = session.proven(&connector);
    session.go(&data, Upload);
    tls.write_all(b"a part").unwrap();
    assert_eq!(take(&mut &data.plain, 6), b"a part");
    session.exchange(&mut control);
    drop(control);
    drop(tls);
    assert!(matches!(session.word(), Word::Done(..)));
    let plain = session.plain.as_mut().unwrap();
    plain.set_nonblocking(true).unwrap();
    assert_eq!(plain.read(&mut [0]).unwrap(), 0, "its end is there already");
    session.end(data);
}

#[test]
fn a_client_that_is_gone_is_not_served_on_for_a_worker_that_sleeps() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let tls = session.logged_in(&connector);
    tls.sock.shutdown(Shutdown::Write).unwrap();
    assert_eq!(take_all(session.plain.as_mut().unwrap()), b"");
    // The worker has closed nothing.
    drop(tls);
    session.join();
}

#[test]
fn ccc_is_not_waited_for_without_end() {
    let mut site = site();
    site.patience = Duration::from_secs(2);
    let connector = site.client().connector();
    let mut session = site.start();
    let mut tls = session.logged_in(&connector);
    session.wish(Wish::Clear);
    assert_eq!(take_all(&mut tls), b"", "close_notify");
    // It says nothing, and stays.
    assert_eq!(session.word(), Word::Unanswered);
    assert_eq!(take_all(session.plain.as_mut().unwrap()), b"", "its end");
    session.end(tls);
}

#[test]
fn a_client_may_go_instead_of_answering_ccc() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let mut tls = session.logged_in(&connector);
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
        let site = site();
        let connector = site.client().connector();
        let mut session = site.start();
        let mut tls = session.logged_in(&connector);
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
    let connector = site.client().connector();
    let mut session = site.start();
    let _tls = session.logged_in(&connector);
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

#[test]
fn keys_are_agreed_on_against_quantum_computers_too() {
    let site = site();
    let mut client = site.client();
    client.hybrid = true;
    let connector = client.connector();
    let mut session = site.start();
    let mut control = session.secure(&connector);
    session.exchange(&mut control);
    assert_eq!(&*session.established().group, b"X25519MLKEM768");
    session.log_in();
    let (data, tls) = session.proven(&connector);
    let established = session.established();
    assert!(established.resumed);
    assert_eq!(&*established.group, b"X25519MLKEM768");
    session.end((control, data, tls));
}

#[test]
fn old_connections_give_way() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    // Each drains, as its client does not close it.
    let kept: Vec<_> = (0..20)
        .map(|_| {
            let (data, mut tls) = session.proven(&connector);
            session.go(&data, Download);
            data.plain.shutdown(Shutdown::Write).unwrap();
            assert_eq!(session.word(), Word::Done(data.id, Clean));
            assert_eq!(take_all(&mut tls), b"");
            tls.sock
        })
        .collect();
    // All but the last eight: there is nobody any more who takes what they send.
    let (gone, left) = kept.split_at(12);
    for socket in &kept {
        (&*socket).write_all(b"more").unwrap();
    }
    let is_reset = |socket: &TcpStream, deadline| {
        wait_for(&socket.as_fd(), PollFlags::empty(), deadline).unwrap()
    };
    assert!(gone.iter().all(|socket| is_reset(socket, soon())));
    assert!(!left.iter().any(|socket| is_reset(socket, Instant::now())));
    drop(kept);
    session.end(control);
}

#[test]
fn who_waits_for_an_old_connection_is_told_of_its_end() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    let kept: Vec<_> = (0..8).map(|_| session.proven(&connector)).collect();
    let ninth = session.data();
    assert_eq!(session.word(), Word::Done(kept[0].0.id, Broken));
    session.end((control, kept, ninth));
}

#[test]
fn who_waits_for_a_slow_client_hears_that_bytes_flow() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    // Of which the system takes little at once.
    let (client, server) = UnixStream::pair().unwrap();
    setsockopt(&server, sockopt::SndBuf, &4096).unwrap();
    let data = session.data_over(&server);
    let mut tls = connector.over(client);
    shake(&mut tls).unwrap();
    assert_eq!(session.word(), Word::Proven(data.id));
    session.go(&data, Download);
    (&data.plain).write_all(&vec![b'x'; 60_000]).unwrap();
    data.plain.shutdown(Shutdown::Write).unwrap();
    let mut read = 0;
    while !session.has_word(Duration::from_millis(50)) {
        read += tls.read(&mut [0; 1024]).unwrap();
    }
    assert!(read < 60_000, "it was slow");
    assert_eq!(session.any_word(), Word::Flowing);
    assert_eq!(take_all(&mut tls).len(), 60_000 - read);
    assert_eq!(session.word(), Word::Done(data.id, Clean));
    session.end((control, data, tls));
}

#[test]
fn a_connection_without_its_plain_side_is_not_kept() {
    let mut site = site();
    site.rules.data_connect = Duration::from_secs(1);
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    let (client, server) = tcp();
    session.broker.tell_with(&Order::Data(7), server.as_fd()).unwrap();
    drop(server);
    let mut tls = connector.over(client);
    shake(&mut tls).unwrap();
    assert_eq!(session.word(), Word::Proven(7));
    assert_eq!(session.word(), Word::Done(7, Broken));
    session.end((control, tls));
}

#[test]
fn the_worker_hears_of_a_handshake_that_has_begun() {
    let site = site();
    let connector = site.client().connector();
    let mut session = site.start();
    let control = session.logged_in(&connector);
    let (data, client) = session.data();
    assert_eq!(session.any_word(), Word::Silent(data.id));
    let mut tls = connector.over(client);
    tls.conn.write_tls(&mut tls.sock).unwrap();
    assert_eq!(session.any_word(), Word::Begun(data.id));
    shake(&mut tls).unwrap();
    assert_eq!(session.any_word(), Word::Proven(data.id));
    session.end((control, data, tls));
}

#[test]
fn what_is_out_of_order_ends_the_relay() {
    let mut session = site().start();
    assert!(matches!(session.report(), Report::Ready));
    session.broker.tell(&Order::Data(1)).unwrap();
    session.join();
}
