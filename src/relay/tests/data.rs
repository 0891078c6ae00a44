//! Data connections through the relay, and how they end.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use nix::sys::socket::{setsockopt, sockopt};

use crate::relay::testing::*;
use crate::wire::event::Direction::{Download, Upload};
use crate::wire::relay::Close::{Broken, Clean, Truncated};
use crate::wire::relay::{Of, Order, Refusal, Word};
use crate::worker::wait::wait_for;

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
    let (mut session, connector, control) = site().logged_in();
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
fn an_upload_of_a_client_that_never_reads_is_whole() {
    let content = vec![b'x'; 300_000];
    for round in 0..20 {
        let (mut session, connector, control) = site().logged_in();
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
fn an_upload_that_is_cut_off_is_truncated() {
    // A record more or less, a byte more or less.
    for length in [0, 1, 16_383, 16_384, 16_385, 32_768, 100_000] {
        let (mut session, connector, control) = site().logged_in();
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
    let (mut session, connector, control) = site().logged_in();
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
    let (mut session, connector, control) = site().logged_in();
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
    let (mut session, connector, control) = site().logged_in();
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
    let (mut session, connector, control) = site().logged_in();
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
    let (mut session, _, control) = site.logged_in();
    let (data, client) = session.data();
    assert_eq!(session.word(), Word::Refused(data.id, Refusal::Handshake));
    assert_eq!(session.cause(), "no handshake in time");
    session.end((control, data, client));
}

#[test]
fn a_worker_may_let_a_transfer_go() {
    for direction in [Download, Upload] {
        let (mut session, connector, control) = site().logged_in();
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

/// The system closes both connections of a client that was killed, the control connection first.
#[test]
fn the_end_of_a_client_is_told_before_that_of_its_upload() {
    let (mut session, connector, mut control) = site().logged_in();
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
fn old_connections_give_way() {
    let (mut session, connector, control) = site().logged_in();
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
    let (mut session, connector, control) = site().logged_in();
    let kept: Vec<_> = (0..8).map(|_| session.proven(&connector)).collect();
    let ninth = session.data();
    assert_eq!(session.word(), Word::Done(kept[0].0.id, Broken));
    session.end((control, kept, ninth));
}

#[test]
fn who_waits_for_a_slow_client_hears_that_bytes_flow() {
    let (mut session, connector, control) = site().logged_in();
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
    let (session, connector, control) = site.logged_in();
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
    let (mut session, connector, control) = site().logged_in();
    let (data, client) = session.data();
    assert_eq!(session.any_word(), Word::Silent(data.id));
    let mut tls = connector.over(client);
    tls.conn.write_tls(&mut tls.sock).unwrap();
    assert_eq!(session.any_word(), Word::Begun(data.id));
    shake(&mut tls).unwrap();
    assert_eq!(session.any_word(), Word::Proven(data.id));
    session.end((control, data, tls));
}
