//! Certificates that the relay shows, and those that it asks for.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::relay::Clients;
use crate::relay::testing::*;

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
