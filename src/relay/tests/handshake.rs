//! Handshakes with the relay.

use std::io::Write;
use std::time::Duration;

use rustls::crypto::ring::cipher_suite as suite;

use crate::relay::testing::*;
use crate::relay::{Clients, Policy};
use crate::wire::relay::{Refusal, Word};

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
fn a_handshake_that_fails_is_told_of() {
    let (mut session, _, control) = site().logged_in();
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
