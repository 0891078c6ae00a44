//! TLS as clients have it: what is served over it and what is not, whole and cut short, with good certificates and bad ones.
//! The dialogues of AUTH, PBSZ, PROT and CCC tell the rest.
#![cfg(test)]

mod harness;

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use harness::account::Service;
use harness::client::Silence;
use harness::{Client, Data, Line, Session, Site, Tls, Words};
use nix::sys::signal::Signal;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{HandshakeKind, ProtocolVersion};

const MIB: usize = 1 << 20;

fn bytes(count: usize) -> Vec<u8> {
    (0u8..=250).cycle().take(count).collect()
}

#[track_caller]
fn no_faults(site: &Site) {
    assert_eq!(site.log().faults(), Vec::<String>::new());
}

/// A session in which files go through as they are.
#[track_caller]
fn protected(site: &Site, tls: &Tls) -> Session {
    let mut session = site.connect().protected(tls);
    session.asks("TYPE I", "200");
    session
}

// Many transfers, in one session.

/// RFC 4217 §7, RFC 8446 §6.1: each of them has its handshake, which resumes the control connection's, and its clean end.
/// Items 130, 137, 138.
#[test]
fn transfers_are_whole_over_both_versions() {
    let file = bytes(300_000);
    for tls in [Tls::new(), Tls::old()] {
        let site = Site::writable().with_tls().file("/pub/large", &file);
        let mut session = protected(&site, &tls);
        for round in 0..12 {
            assert!(session.gets("pub/large") == file, "round {round}");
            session.puts("incoming/large", &file);
            assert!(site.content("/incoming/large").unwrap() == file, "round {round}");
        }
        session.puts("incoming/empty", b"");
        assert_eq!(site.content("/incoming/empty"), Some(vec![]));
        assert_eq!(session.gets("pub/empty"), b"");
        assert_eq!(session.lists("pub/deep"), ["pub/deep/er"]);
        session.quits();
        no_faults(&site);
    }
}

/// RFC 9325 §4.2: the best of what the client offers, and the log tells what that was.
#[test]
fn the_log_tells_what_was_agreed_on() {
    let site = Site::readonly().with_tls().set("log.level", "\"debug\"");
    // No keys are agreed on where a session of TLS 1.2 is resumed.
    for (tls, version, cipher, groups) in [
        (Tls::new(), "1.3", "TLS_AES_128_GCM_SHA256", ["X25519", "X25519"]),
        (Tls::old(), "1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ["X25519", "\"\""]),
    ] {
        fs::write(site.beside("log"), "").unwrap();
        let mut session = protected(&site, &tls);
        assert_eq!(session.gets("pub/hello.txt"), b"hello, world\n");
        session.quits();
        for (connection, resumed, group) in
            [("control", false, groups[0]), ("data", true, groups[1])]
        {
            let line = site.log().tells(&format!(" tls * connection={connection} "));
            for word in [
                format!(" version=TLSv{version} "),
                format!(" cipher={cipher} "),
                format!(" group={group} "),
                format!(" resumed={resumed}"),
            ] {
                assert!(line.contains(&word), "no{word} in {line}");
            }
        }
    }
}

/// Some clients shake hands before they say what is to be transferred, some after.
#[test]
fn a_handshake_may_come_before_its_command() {
    let site = Site::writable().with_tls();
    for tls in [Tls::new(), Tls::old()] {
        let mut session = protected(&site, &tls);
        for _ in 0..3 {
            let mut data = session.passive();
            assert_eq!(data.shakes_hands().unwrap(), HandshakeKind::Resumed);
            session.asks("RETR pub/hello.txt", "150");
            assert_eq!(data.all(), b"hello, world\n");
            session.hears("226");
        }
        session.quits();
    }
}

/// What the server could say, tickets among it, would reset the connection of a client that closes without reading.
#[test]
fn an_upload_whose_client_never_reads_is_whole() {
    let file = bytes(8 * MIB);
    let site = Site::writable().with_tls();
    for tls in [Tls::new(), Tls::old()] {
        let mut session = protected(&site, &tls);
        for round in 0..3 {
            let mut data = session.passive();
            session.asks("STOR incoming/large", "150");
            data.gives(&file);
            data.ends();
            drop(data);
            session.hears("226 Transfer complete.");
            assert!(site.content("/incoming/large").unwrap() == file, "round {round}");
        }
        session.quits();
    }
    no_faults(&site);
}

// What was cut short.

/// Uploads whose client closes without close_notify, which a stranger on the way could have done in its place.
#[test]
fn an_upload_that_was_cut_off_is_told_of() {
    for strict in [false, true] {
        let site = Site::writable().with_tls().set("tls.strict_close", &strict.to_string());
        for tls in [Tls::new(), Tls::old()] {
            for count in [0, 1, 16_384, 16_385, 100_000, MIB] {
                let mut session = protected(&site, &tls);
                site.keeps("/incoming/f", b"older");
                let mut data = session.passive();
                session.asks("STOR incoming/f", "150");
                data.shakes_hands()
                    .unwrap_or_else(|error| session.fails(&format!("{count}: {error}")));
                data.gives(&bytes(count));
                drop(data);
                let (reply, left) = match strict {
                    false => (format!("226 {count} bytes, and TLS was not closed*"), bytes(count)),
                    true => ("426 TLS was not closed*".to_owned(), b"older".to_vec()),
                };
                session.hears(&reply);
                assert!(site.content("/incoming/f").unwrap() == left, "{count} bytes, {strict}");
                session.quits();
            }
        }
        let outcome = if strict { "failed" } else { "complete" };
        site.log().tells(&format!("upload * bytes=16385 *outcome={outcome}*end=unauthenticated"));
        no_faults(&site);
    }
}

/// For those whose clients are known to close TLS.
#[test]
fn closing_may_be_demanded_of_some() {
    let site = Site::writable()
        .with_tls()
        .matching("[[match]]\nclass = [\"anonymous\"]\ntls.strict_close = true");
    let other = Site::writable()
        .with_tls()
        .matching("[[match]]\nclass = [\"local\"]\ntls.strict_close = true");
    for (site, code) in [(site, "426 TLS was not closed*"), (other, "226 4 bytes, and TLS*")] {
        let mut session = protected(&site, &Tls::new());
        let mut data = session.passive();
        session.asks("STOR incoming/f", "150");
        data.gives(b"kept");
        drop(data);
        session.hears(code);
        session.quits();
        no_faults(&site);
    }
}

/// What was protected is told so, however it ended.
#[test]
fn a_transfer_that_failed_was_protected_too() {
    let site = Site::writable().with_tls().file("/big", &bytes(20_000_000));
    for tls in [Tls::new(), Tls::old()] {
        fs::write(site.beside("log"), "").unwrap();
        let mut session = protected(&site, &tls);
        let mut data = session.passive();
        session.asks("RETR big", "150");
        data.takes(100);
        drop(data);
        session.hears("426");
        site.log().tells("download * outcome=failed * tls=true");
        let mut data = session.passive();
        session.asks("STOR incoming/f", "150");
        data.shakes_hands().unwrap_or_else(|error| session.fails(&error.to_string()));
        session.hangs_up();
        site.log().tells("upload * outcome=failed * tls=true");
    }
}

// What others could do.

/// RFC 4217 §4.2: nothing that was said in clear behind AUTH is obeyed, whenever it comes. Item 123.
#[test]
fn nothing_in_clear_is_obeyed_behind_auth() {
    let site = Site::readonly().with_tls();
    let mut session = site.connect();
    session.hears("220");
    session.sends(b"AUTH TLS\r\nUSER anonymous\r\n").hears("421");
    session.hears_the_end();

    let mut session = site.connect();
    session.hears("220");
    session.asks("AUTH TLS", "234");
    session.sends(b"USER anonymous\r\nPASS x\r\n");
    // An alert of TLS may come, but no reply.
    assert!(session.reply().is_err(), "{}", session.story());
    site.log().tells("tls-failed * connection=control");

    for _ in 0..10 {
        let mut session = site.connect();
        session.hears("220");
        session.says("AUTH TLS");
        session.sends(b"USER anonymous\r\n");
        let first = session.reply().unwrap();
        assert!([234, 421].contains(&first.code), "{}", session.story());
        assert!(session.reply().is_err(), "{}", session.story());
    }
    assert!(!site.log().text().contains(" login "), "somebody has got in");
    no_faults(&site);
}

/// RFC 4217 §10.2: another client's session of TLS is good for nothing at our port. Item 129.
#[test]
fn a_stranger_at_the_port_is_refused_whoever_that_is() {
    let site = Site::readonly().with_tls();
    let (ours, theirs) = (Tls::new(), Tls::new());
    let mut session = protected(&site, &ours);
    let stranger = protected(&site, &theirs);
    let reply = session.asks("EPSV", "229 *");
    let mut data = Data::connect(session.address_in(&reply)).protected(Some(&theirs));
    session.says("RETR pub/hello.txt");
    let refused = data.shakes_hands().is_err() || data.rest().is_empty();
    assert!(refused, "a stranger has been served");
    let mut reply = session.reply().unwrap();
    if reply.code == 150 {
        reply = session.reply().unwrap();
    }
    assert_eq!(reply.code, 522, "{}", session.story());
    assert_eq!(session.gets("pub/hello.txt"), b"hello, world\n");
    session.quits();
    stranger.quits();
}

/// Garbage, and what is no longer spoken: RFC 9325 §3. Item 135.
#[test]
fn what_can_not_be_spoken_is_told_to_the_log() {
    let site = Site::readonly().with_tls();
    for (said, told) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "cause="),
        (old_hello([3, 1]), "versions TLSv1_0"),
        (old_hello([3, 2]), "versions TLSv1_1"),
    ] {
        fs::write(site.beside("log"), "").unwrap();
        let mut session = site.connect();
        session.hears("220");
        session.asks("AUTH TLS", "234");
        session.sends(&said);
        assert!(session.reply().is_err(), "{}", session.story());
        session.hangs_up();
        site.log().tells(&format!("tls-failed * connection=control *{told}"));
        no_faults(&site);
    }
}

/// RFC 8446 §4.2.1, §6.2: the refusal is an alert that says why, and the log has what was offered. Item 135.
#[test]
fn an_old_version_is_refused_where_the_setting_says_so() {
    let new = Site::readonly().with_tls().set("tls.min_version", "\"1.3\"");
    let file = "[[match]]\nfrom = [\"127.0.0.7\"]\ntls.min_version = \"1.3\"";
    let mixed = Site::readonly().with_tls().matching(file);
    let other = Line::From(Ipv4Addr::new(127, 0, 0, 7));
    for (site, line) in [(&new, Line::Tcp4), (&mixed, other)] {
        let mut session = site.connect_over(line);
        session.hears("220");
        session.asks("AUTH TLS", "234");
        let error = Client::shakes_hands(&mut session, &Tls::old()).unwrap_err().to_string();
        assert!(error.contains("ProtocolVersion"), "{error}");
        session.is_over_within(harness::PATIENCE);
        site.log().tells("tls-failed * connection=control *versions TLSv1_2");

        let mut session = site.connect_over(line).protected(&Tls::new());
        let spoken = session.tls().unwrap().protocol_version();
        assert_eq!(spoken, Some(ProtocolVersion::TLSv1_3));
        session.asks("PWD", "257");
        session.quits();
        no_faults(site);
    }
    let mut session = protected(&new, &Tls::new());
    assert_eq!(session.gets("pub/hello.txt"), b"hello, world\n");
    session.quits();
    let session = protected(&mixed, &Tls::old());
    assert_eq!(session.tls().unwrap().protocol_version(), Some(ProtocolVersion::TLSv1_2));
    session.quits();
    let mut session = new.connect_implicitly();
    assert!(Client::shakes_hands(&mut session, &Tls::old()).is_err());
}

/// A ClientHello without extensions, as devices of ten years ago send it.
fn old_hello(version: [u8; 2]) -> Vec<u8> {
    let suites = [0, 4, 0, 0x2f, 0, 0x35];
    let body = [&version[..], &[7; 32], &[0], &suites, &[1, 0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[22, 3, 1, 0, length + 4, 1, 0, 0, length], &body[..]].concat()
}

/// RFC 8446 §4.2.10, RFC 9325 §3: tickets promise nothing about early data. Item 135.
#[test]
fn early_data_is_never_taken() {
    let site = Site::readonly().with_tls();
    let mut session = protected(&site, &Tls::new());
    // A ticket that lets data come early would be used so by the one who has it.
    let mut data = session.passive();
    let early = data.may_send_early();
    assert_eq!(data.shakes_hands().unwrap(), HandshakeKind::Resumed, "it has a ticket");
    assert!(!early, "a ticket that lets data come early");
    session.asks("RETR pub/hello.txt", "150");
    assert_eq!(data.all(), b"hello, world\n");
    session.hears("226");
    session.quits();
}

/// RFC 7301 §3: who offers protocols has to mean this one. Item 136.
#[test]
fn protocols_that_are_offered_must_hold_ours() {
    let site = Site::readonly().with_tls();
    for (protocols, chosen) in
        [(&["ftp"][..], b"ftp"), (&["x-filezilla-ftp", "ftp"], b"ftp"), (&["h2", "ftp"], b"ftp")]
    {
        let mut session = site.connect();
        session.hears("220");
        session.starts_tls(&Tls::new().offering(protocols));
        assert_eq!(session.tls().unwrap().alpn_protocol(), Some(&chosen[..]));
        session.logs_in();
        session.quits();
    }
    let mut session = site.connect();
    session.hears("220");
    session.asks("AUTH TLS", "234");
    assert!(Client::shakes_hands(&mut session, &Tls::new().offering(&["http/1.1"])).is_err());
    site.log().tells("tls-failed *protocols*http/1.1");
}

/// RFC 4217 §10.1: a client that never begins. Item 124.
#[test]
fn a_handshake_has_no_more_time_than_a_login() {
    let site = Site::readonly().with_tls().set("limits.login", "3");
    for said in [&b""[..], &[22, 3, 1, 1, 0, 1]] {
        let mut session = site.connect();
        session.hears("220");
        session.asks("AUTH TLS", "234");
        session.sends(said);
        if said.is_empty() {
            session.hears("421");
            session.hears_the_end();
        } else {
            assert!(session.reply().is_err(), "{}", session.story());
        }
        session.is_over_within(harness::PATIENCE);
    }
    site.log().tells("tls-failed * connection=control *time");
    site.log().tells("end session=* end=login-timeout");
    no_faults(&site);
}

/// The service manager ends a session whose client shakes hands: that is no fault of the client's.
#[test]
fn a_handshake_that_was_stopped_is_none_that_failed() {
    let site = Site::readonly().with_tls();
    for said in [&b""[..], &[22, 3, 1, 1, 0, 1]] {
        fs::write(site.beside("log"), "").unwrap();
        let mut session = site.connect();
        session.hears("220");
        session.asks("AUTH TLS", "234");
        session.sends(said);
        // The login worker is gone: the broker waits for the handshake.
        session.settled(3);
        session.broker().signal(Signal::SIGTERM);
        if said.is_empty() {
            session.hears("421");
        }
        assert!(session.reply().is_err(), "{}", session.story());
        session.hangs_up();
        session.is_over_within(harness::PATIENCE);
        site.log().tells("end session=* end=stopped");
        assert!(!site.log().text().contains("tls-failed"), "{}", site.log().text());
        no_faults(&site);
    }
}

/// A session that ends as it should tells so, whatever failed on the way.
#[test]
fn a_handshake_that_failed_is_the_end_that_the_log_has() {
    let site = Site::readonly().with_tls();
    let mut session = site.connect();
    session.hears("220");
    session.asks("AUTH TLS", "234");
    // The beginning of a record.
    session.offers(&[22, 3, 1]).unwrap();
    session.hangs_up();
    session.is_over_within(harness::PATIENCE);
    site.log().tells("tls-failed * connection=control");
    site.log().tells("end session=* end=protocol");
}

// The end of TLS, and its second beginning.

/// RFC 4217 §5: what stands behind the end of TLS, in the same segment, is the first command in clear. Item 134.
#[test]
fn commands_may_come_with_the_end_of_tls() {
    let said = b"NOOP\r\nMKD incoming/new\r\nPWD\r\n";
    for (under, closes) in [(&b""[..], true), (b"", false), (b"CCC\r\n", true)] {
        for tls in [Tls::new(), Tls::old()] {
            let site = Site::writable().with_tls().set("tls.ccc", "true");
            let mut session = protected(&site, &tls);
            if under.is_empty() {
                session.asks("CCC", "200");
            }
            if let Err(error) = session.leaves_tls_saying(under, closes, said) {
                session.fails(&error.to_string());
            }
            if !under.is_empty() {
                session.hears("200");
            }
            session.hears("200");
            session.hears("257 *incoming/new*");
            session.hears("257 \"/\"*");
            session.asks("MKD incoming/new", "550");
            // Data stays as PROT has said.
            assert_eq!(session.gets("pub/hello.txt"), b"hello, world\n");
            session.quits();
            no_faults(&site);
        }
    }
}

/// RFC 9325 §3.5: who asks for another handshake is refused or gone, and what was said is obeyed once. Item 135.
#[test]
fn another_handshake_is_never_had() {
    let hello = old_hello([3, 3]);
    for (what, said) in [
        ("ClientHello", &hello[..]),
        ("HelloRequest", &[22, 3, 3, 0, 4, 0, 0, 0, 0]),
        ("half a record", &[22, 3, 3, 1]),
        ("no_renegotiation", &[21, 3, 3, 0, 2, 1, 100]),
    ] {
        for tls in [Tls::new(), Tls::old()] {
            let site = Site::writable().with_tls();
            let mut session = protected(&site, &tls);
            session.asks("MKD incoming/new", "257");
            session.offers_beneath(said).unwrap();
            if what == "half a record" {
                session.stops_sending();
            }
            match session.reply() {
                Err(Silence::End | Silence::System(_)) => {}
                other => session.fails(&format!("{what}: {other:?}")),
            }
            session.hangs_up();
            session.is_over_within(harness::PATIENCE);
            assert_eq!(site.names("/incoming"), ["new"]);
            no_faults(&site);
        }
    }
}

/// By the hand of openssl, which asks for another handshake (R) and for other keys (K) in the protection of the first.
#[test]
fn openssl_gets_no_other_handshake() {
    let site = Site::writable().with_tls();
    let server = harness::ftps::serve(&site);
    for (version, letter, goes_on) in [("-tls1_2", "R", false), ("-tls1_3", "K", true)] {
        let mut typist = Typist::new(version, server.port, &site);
        typist.types("USER anonymous\n", "331 Password");
        typist.types("PASS x\n", "230 Login");
        typist.types(&format!("MKD incoming/of{version}\n"), "257 \"/incoming/of");
        typist.types(&format!("{letter}\n"), if goes_on { "KEYUPDATE" } else { "RENEGOTIATING" });
        let shown = if goes_on {
            typist.types("PWD\n", "257 \"/\"");
            typist.quits()
        } else {
            typist.ends_refused()
        };
        assert_eq!(shown.matches("257 \"/incoming").count(), 1, "{shown}");
        assert!(!shown.contains("550 "), "{shown}");
        server.has_no_sessions();
    }
    no_faults(&site);
}

/// `openssl s_client`, with somebody who types into it.
struct Typist {
    program: Child,
    shown: PathBuf,
}

impl Typist {
    fn new(version: &str, port: u16, site: &Site) -> Typist {
        let shown = site.beside(&format!("shown{version}"));
        let output = File::create(&shown).unwrap();
        let program = Command::new("timeout")
            .args(["60", "openssl", "s_client", version, "-crlf", "-starttls", "ftp"])
            .args(["-connect", &format!("127.0.0.1:{port}")])
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let typist = Typist { program, shown };
        // What is typed before that is taken for what the handshake needs.
        typist.sees("Verify return code");
        typist
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.shown).unwrap()).into_owned()
    }

    #[track_caller]
    fn sees(&self, wanted: &str) {
        let seen = || self.shown().contains(wanted).then_some(());
        if harness::within(harness::PATIENCE, seen).is_none() {
            panic!("no {wanted} in\n{}", self.shown());
        }
    }

    /// A line, and what comes of it.
    #[track_caller]
    fn types(&mut self, line: &str, wanted: &str) {
        self.program.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        self.sees(wanted);
    }

    /// All that was shown, where the server has said goodbye.
    #[track_caller]
    fn quits(mut self) -> String {
        self.program.stdin.as_mut().unwrap().write_all(b"quit\n").unwrap();
        self.sees("221 Goodbye");
        assert!(self.program.wait().unwrap().success(), "{}", self.shown());
        self.shown()
    }

    /// The same where the handshake was its end.
    #[track_caller]
    fn ends_refused(mut self) -> String {
        let status = self.program.wait().unwrap();
        let shown = self.shown();
        assert!(
            status.code() == Some(1) && shown.contains("no renegotiation"),
            "{status}: {shown}"
        );
        shown
    }
}

// Who may come how.

/// RFC 4217 §12. Each class, in clear and over TLS.
#[test]
fn logins_come_as_they_must() {
    for (login, [anonymous, anonymous_tls, local, local_tls]) in [
        ("auto", [331, 331, 530, 331]),
        ("allow", [331, 331, 331, 331]),
        ("require", [530, 331, 530, 331]),
        ("forbid", [331, 530, 331, 530]),
    ] {
        let site = both().set("tls.login", &format!("{login:?}"));
        let (user, _) = site.login();
        for (name, clear, over_tls) in
            [("anonymous", anonymous, anonymous_tls), (user.as_str(), local, local_tls)]
        {
            asks_user(&site, name, [clear, over_tls], login);
        }
    }
}

#[test]
fn each_class_may_have_its_own_rule() {
    let site = both()
        .matching("[[match]]\nclass = [\"anonymous\"]\ntls.login = \"forbid\"")
        .matching("[[match]]\nclass = [\"local\"]\ntls.login = \"require\"");
    let (user, _) = site.login();
    asks_user(&site, "anonymous", [331, 530], "match");
    asks_user(&site, &user, [530, 331], "match");
}

/// Not even a password, where there is no other way for this client.
#[test]
fn who_has_to_use_tls_and_can_not_is_told_before_the_password() {
    let site = both().matching(
        "[[match]]\nfrom = [\"127.0.0.1\"]\ntls.enabled = false\ntls.login = \"require\"",
    );
    let mut session = site.connect();
    session.hears("220");
    session.asks("USER anonymous", "530 TLS is needed here*");
    session.asks("AUTH TLS", "502");
    session.quits();
}

/// A site with both classes.
fn both() -> Site {
    let site = Site::local().with_tls();
    let root = format!("{:?}", site.path("/"));
    fs::set_permissions(site.path("/"), Permissions::from_mode(0o755)).unwrap();
    site.set("anonymous.enabled", "true")
        .set("anonymous.root", &root)
        .set("anonymous.user", "\"ftp\"")
        .rights("/", Words::READ)
}

/// What USER hears in clear and over TLS.
#[track_caller]
fn asks_user(site: &Site, name: &str, codes: [u16; 2], what: &str) {
    for (over_tls, code) in [false, true].into_iter().zip(codes) {
        let mut session = site.connect();
        session.hears("220");
        if over_tls {
            session.starts_tls(&Tls::new());
        }
        let reply = session.says(&format!("USER {name}")).reply().unwrap();
        assert_eq!(reply.code, code, "{what}: {name}, TLS: {over_tls}");
        session.quits();
    }
}

/// Who has failed in clear has not more attempts over TLS.
#[test]
fn failures_are_counted_across_auth() {
    let site = Site::local().with_tls().set("tls.login", "\"allow\"");
    let (user, _) = site.login();
    let mut session = site.connect();
    session.hears("220");
    for wait in 0..2 {
        session.asks(&format!("USER {user}"), "331");
        session.asks(&format!("PASS wrong {wait}"), "530");
    }
    session.starts_tls(&Tls::new());
    session.asks(&format!("USER {user}"), "331");
    session.asks("PASS wrong", "421");
    session.hears_the_end();
    session.is_over_within(harness::PATIENCE);
}

/// RFC 4217 §10.2: one network of old clients may be forgiven, the others not. Item 130.
#[test]
fn reuse_may_be_waived_for_a_network() {
    let other = Ipv4Addr::new(127, 0, 0, 7);
    let site = Site::readonly()
        .with_tls()
        .matching("[[match]]\nfrom = [\"127.0.0.7\"]\ntls.require_reuse = false");
    for (line, code) in [(Line::From(other), "226"), (Line::Tcp4, "522")] {
        let tls = Tls::new();
        let mut session = site.connect_over(line).protected(&tls);
        fs::write(site.beside("log"), "").unwrap();
        // More than the key process signs for others.
        for _ in 0..20 {
            let reply = session.asks("EPSV", "229 *");
            let there = session.address_in(&reply);
            let from = (line != Line::Tcp4).then_some(other.into());
            let stream = harness::launch::dial(from, there).unwrap();
            let data = Data::from(stream).protected(Some(&tls.clone().forgetful()));
            session.asks("RETR pub/hello.txt", "150");
            let came = data.rest();
            assert_eq!(came.is_empty(), code == "522");
            session.hears(code);
        }
        // What was taken so is told, in words; who has to prove it can't have more signed by that.
        let signs = session.processes().iter().any(|one| one.title().ends_with("[key]"));
        let taken = site.log().text().matches("proof=\"none: taken by its address alone").count();
        assert_eq!((signs, taken), if code == "226" { (true, 20) } else { (false, 0) });
        session.quits();
    }
    site.log().tells("cause=\"522, the TLS session was not resumed\"");
}

// Certificates.

/// What is done to a site's certificate.
type Spoil = fn(&Site);

/// RFC 2228 §3: without a key there is no TLS now. Item 120.
#[test]
fn a_certificate_that_is_no_good_is_431_and_told_with_its_cure() {
    let spoil: [(&str, Spoil, &str); 5] = [
        ("a key for all to read", |site| mode(site, "localhost.key", 0o644), "localhost.key*chmod"),
        (
            "a chain for all to write",
            |site| mode(site, "localhost.pem", 0o666),
            "localhost.pem*chmod",
        ),
        ("no key", |site| fs::remove_file(site.beside("localhost.key")).unwrap(), "localhost.key"),
        (
            "no chain",
            |site| fs::remove_file(site.beside("localhost.pem")).unwrap(),
            "localhost.pem",
        ),
        (
            "another chain",
            |site| {
                site.makes_certificate(&["other.example"]);
                fs::copy(site.beside("other.example.pem"), site.beside("localhost.pem")).unwrap();
            },
            "does not fit",
        ),
    ];
    for (what, spoil, told) in spoil {
        let site = Site::readonly().with_tls();
        spoil(&site);
        let mut session = site.connect();
        session.hears("220");
        session.asks("AUTH TLS", "431");
        println!("{what}");
        site.log().tells(&format!("tls-unavailable *{told}"));
        // Who asks for ever is told so for ever, and is no fault of ours; the log has it once.
        (0..5).for_each(|_| drop(session.asks("AUTH TLS", "431")));
        session.logs_in();
        session.settled(2);
        session.quits();
        let log = site.log().text();
        assert_eq!(log.matches("tls-unavailable").count(), 1, "{what}: {log}");
        no_faults(&site);
    }
}

fn mode(site: &Site, name: &str, mode: u32) {
    fs::set_permissions(site.beside(name), Permissions::from_mode(mode)).unwrap();
}

/// The certificate that a client is shown who asks for this host.
#[track_caller]
fn shown(site: &Site, said: &[&str], tls: &Tls) -> Vec<u8> {
    let mut session = site.connect();
    session.hears("220");
    for line in said {
        session.asks(line, "220");
    }
    session.starts_tls(tls);
    let shown = session.tls().unwrap().peer_certificates().unwrap()[0].to_vec();
    session.quits();
    shown
}

fn made(site: &Site, name: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject;
    let file = site.beside(&format!("{name}.pem"));
    CertificateDer::from_pem_file(file).unwrap().to_vec()
}

/// RFC 7151 §3.2.2: the host of the handshake and that of HOST are one. Item 140.
#[test]
fn each_host_has_its_certificate() {
    let site = Site::readonly()
        .with_tls()
        .certified(&["a.example", "*.a.example"])
        .matching("[[match]]\nhost = [\"a.example\", \"b.example\"]\nlogin.banner = \"A or B\"");
    assert!(shown(&site, &[], &Tls::new()) == made(&site, "localhost"), "no name: the first");
    for (host, name) in [
        ("localhost", "localhost"),
        ("a.example", "a.example"),
        ("www.a.example", "a.example"),
        ("unknown.example", "localhost"),
    ] {
        assert!(shown(&site, &[], &Tls::new().named(host)) == made(&site, name), "{host}");
    }
    let of_host = shown(&site, &["HOST a.example"], &Tls::new());
    assert!(of_host == made(&site, "a.example"), "HOST in clear");

    let mut session = site.connect();
    session.hears("220");
    session.starts_tls(&Tls::new().named("a.example"));
    session.asks("HOST b.example", "504");
    session.asks("HOST a.example", "220 A or B");
    session.quits();
}

#[test]
fn a_renewed_certificate_is_shown_to_the_next_client() {
    let site = Site::readonly().with_tls();
    let before = made(&site, "localhost");
    let running = protected(&site, &Tls::new());
    assert!(shown(&site, &[], &Tls::new()) == before);
    for kind in ["pem", "key"] {
        fs::remove_file(site.beside(&format!("localhost.{kind}"))).unwrap();
    }
    site.makes_certificate(&["localhost"]);
    let after = made(&site, "localhost");
    assert!(before != after && shown(&site, &[], &Tls::new()) == after);
    let mut running = running;
    assert_eq!(running.gets("pub/hello.txt"), b"hello, world\n");
    running.quits();
}

/// RFC 6066 §8, RFC 8446 §4.4.2.1: what the authority has said of a certificate is shown with it, as it stands in its file.
#[test]
fn the_authoritys_answer_is_shown_with_the_certificate() {
    let authority = Authority::new();
    let site = authority.answers_for(Site::readonly());
    for tls in [Tls::new(), Tls::old()] {
        let answer = fs::read(site.beside("answer")).unwrap();
        assert_eq!(tls.stapled(), b"");
        let mut session = protected(&site, &tls);
        assert!(!answer.is_empty() && tls.stapled() == answer);
        assert_eq!(session.gets("pub/hello.txt"), b"hello, world\n");
        session.quits();
        // Whoever renews it, replaces the file.
        fs::remove_file(site.beside("answer")).unwrap();
        authority.answers(&site, "localhost");
        assert!(fs::read(site.beside("answer")).unwrap() != answer, "it has a number");
    }
    no_faults(&site);

    // A certificate without one.
    let tls = Tls::new();
    protected(&Site::readonly().with_tls(), &tls).quits();
    assert_eq!(tls.stapled(), b"");

    fs::remove_file(site.beside("answer")).unwrap();
    let mut session = site.connect();
    session.hears("220");
    session.asks("AUTH TLS", "431");
    site.log().tells("tls-unavailable *answer");
    session.quits();
    no_faults(&site);
}

#[test]
fn openssl_reads_the_authoritys_answer() {
    let site = Authority::new().answers_for(Site::readonly());
    let server = harness::ftps::serve(&site);
    for version in ["-tls1_2", "-tls1_3"] {
        let shown = Command::new("openssl")
            .args(["s_client", version, "-starttls", "ftp", "-status", "-verify_return_error"])
            .args(["-servername", "localhost", "-connect", &format!("127.0.0.1:{}", server.port)])
            .arg("-CAfile")
            .arg(site.beside("authority.pem"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        for line in ["OCSP Response Status: successful", "Cert Status: good", "Verification: OK"] {
            assert!(shown.contains(line), "{version}: no {line} in\n{shown}");
        }
    }
    server.has_no_sessions();
    no_faults(&site);
}

/// RFC 4217 §12.2, §15.1.2, RFC 2228 §4: a certificate stands beside the password, and is the same on all connections of a
/// session. Items 132, 133.
#[test]
fn clients_have_certificates_too() {
    let authority = Authority::new();
    let site = Site::readonly().with_tls().set("tls.require_reuse", "false");
    let site = authority.trusted_by(site, "require");

    let (first, second) = (authority.signs("first"), authority.signs("second"));
    let mut session = protected(&site, &first);
    site.log().tells("tls * certificate=*first");
    assert_eq!(session.gets("pub/hello.txt"), b"hello, world\n");
    for stranger in [&second, &Tls::new()] {
        let reply = session.asks("EPSV", "229 *");
        let data = Data::connect(session.address_in(&reply))
            .protected(Some(&stranger.clone().forgetful()));
        session.says("RETR pub/hello.txt");
        assert!(data.rest().is_empty(), "served to who has shown another certificate");
        let reply = session.reply().unwrap();
        let reply = if reply.code == 150 { session.reply().unwrap() } else { reply };
        assert_eq!(reply.code, 522, "{}", session.story());
    }
    let reply = session.asks("EPSV", "229 *");
    let data =
        Data::connect(session.address_in(&reply)).protected(Some(&first.clone().forgetful()));
    session.asks("RETR pub/hello.txt", "150");
    assert_eq!(data.all(), b"hello, world\n");
    session.hears("226");
    session.quits();

    for refused in [Tls::new(), Authority::new().signs("nobody")] {
        let mut session = site.connect();
        session.hears("220");
        session.asks("AUTH TLS", "234");
        // Under TLS 1.3 the refusal comes behind the client's own end of the handshake.
        let _ = Client::shakes_hands(&mut session, &refused);
        let _ = session.offers(b"USER anonymous\r\n");
        assert!(session.reply().is_err(), "{}", session.story());
    }
    site.log().tells("tls-failed");
    no_faults(&site);
}

/// RFC 4217 §12.2: where a match says so, the subject of a certificate stands for the password of one user. Whether the
/// account is open PAM says all the same. Item 133.
#[test]
fn a_certificate_may_log_its_user_in() {
    let authority = Authority::new();
    let site = authority.trusted_by(Site::local().with_tls(), "request");
    let (user, password) = site.login();
    let site = site
        .matching(&format!("[[match]]\nuser = [{user:?}]\ntls.certificate_login = \"CN=owner\""));
    let (owner, other) = (authority.signs("owner"), authority.signs("other"));

    let mut session = site.connect();
    session.hears("220");
    session.starts_tls(&owner);
    session.asks(&format!("USER {user}"), "232");
    session.protects();
    session.asks("TYPE I", "200");
    assert_eq!(session.gets("pub/hello.txt"), b"hello, world\n");
    session.puts("incoming/f", b"kept");
    assert_eq!(site.content("/incoming/f"), Some(b"kept".to_vec()));
    session.quits();
    site.log().tells(&format!("user={user} class=local"));

    // It is that user's alone, and no other certificate is.
    for (tls, name) in [(&owner, "nobody-here"), (&other, user.as_str()), (&Tls::new(), &user)] {
        let mut session = site.connect();
        session.hears("220");
        session.starts_tls(tls);
        session.asks(&format!("USER {name}"), "331");
        session.asks("PASS", "530");
        session.asks(&format!("USER {name}"), "331");
        session.asks("PASS wrong", "530");
        session.quits();
    }
    // Nobody has to have one.
    let mut session = site.connect();
    session.hears("220");
    session.starts_tls(&other);
    session.asks(&format!("USER {user}"), "331");
    session.asks(&format!("PASS {password}"), "230");
    session.quits();
    no_faults(&site);
}

/// A certificate that was revoked shows nothing, whatever its subject is.
#[test]
fn a_revoked_certificate_logs_nobody_in() {
    let authority = Authority::new();
    let site = authority.trusted_by(Site::local().with_tls(), "request");
    let list = site.beside("revoked.pem");
    fs::write(&list, authority.revokes(7)).unwrap();
    let (user, _) = site.login();
    let site = site
        .set("tls.client_crl", &format!("{list:?}"))
        .matching(&format!("[[match]]\nuser = [{user:?}]\ntls.certificate_login = \"CN=owner\""));
    for (serial, is_good) in [(7, false), (8, true)] {
        let tls = authority.signs_with("owner", Some(serial));
        let mut session = site.connect();
        session.hears("220");
        session.asks("AUTH TLS", "234");
        // Under TLS 1.3 the refusal comes behind the client's own end of the handshake.
        let shaken = Client::shakes_hands(&mut session, &tls).is_ok();
        let offered = session.offers(format!("USER {user}\r\n").as_bytes());
        assert!(!is_good || shaken && offered.is_ok(), "serial {serial}: {}", session.story());
        let heard = session.reply().map(|reply| reply.code).ok();
        assert_eq!(heard, is_good.then_some(232), "serial {serial}: {}", session.story());
    }
    site.log().tells("tls-failed * connection=control *");
    assert_eq!(site.log().text().matches(" login ").count(), 1, "{}", site.log().text());
    no_faults(&site);
}

/// An account that PAM has closed stays closed, whatever was shown.
#[test]
fn a_certificate_opens_no_account_that_pam_has_closed() {
    let authority = Authority::new();
    let service = Service::of("pam_deny.so");
    let site = authority
        .trusted_by(Site::local().with_tls(), "require")
        .set("local.pam_service", &format!("{:?}", service.name));
    let (user, _) = site.login();
    let site = site
        .matching(&format!("[[match]]\nuser = [{user:?}]\ntls.certificate_login = \"CN=owner\""));
    let mut session = site.connect();
    session.hears("220");
    session.starts_tls(&authority.signs("owner"));
    session.asks(&format!("USER {user}"), "530");
    session.quits();
    site.log().tells(&format!("login-refused *user={user} "));
}

/// Who signs the certificates of clients.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut parameters = CertificateParams::new(vec![]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "authority");
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(parameters, key).unwrap())
    }

    /// A site that asks for its certificates in this way.
    fn trusted_by(&self, site: Site, way: &str) -> Site {
        let file = site.beside("authority.pem");
        fs::write(&file, self.0.pem()).unwrap();
        site.set("tls.client_certificate", &format!("{way:?}"))
            .set("tls.client_ca", &format!("{file:?}"))
    }

    /// A site whose certificate it has signed, and says to be good.
    fn answers_for(&self, site: Site) -> Site {
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.serial_number = Some(0x1234.into());
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        let [chain, secret, answer] =
            ["localhost.pem", "localhost.key", "answer"].map(|name| site.beside(name));
        fs::write(&chain, certificate.pem()).unwrap();
        fs::write(&secret, key.serialize_pem()).unwrap();
        mode(&site, "localhost.key", 0o600);
        self.answers(&site, "localhost");
        site.set("tls.enabled", "true").matching(&format!(
            "[[tls.certificate]]\nchain = {chain:?}\nkey = {secret:?}\nocsp = {answer:?}"
        ))
    }

    /// Writes down what it says of this certificate, for a day, by the hand of openssl.
    fn answers(&self, site: &Site, name: &str) {
        fs::write(site.beside("authority.pem"), self.0.pem()).unwrap();
        fs::write(site.beside("authority.key"), self.0.key().serialize_pem()).unwrap();
        fs::write(site.beside("index"), "V\t491231235959Z\t\t1234\tunknown\t/CN=x\n").unwrap();
        let made = Command::new("openssl")
            .current_dir(site.beside("."))
            .args(["ocsp", "-index", "index", "-CA", "authority.pem", "-issuer", "authority.pem"])
            .args(["-rsigner", "authority.pem", "-rkey", "authority.key", "-ndays", "1"])
            .args(["-cert", &format!("{name}.pem"), "-noverify", "-respout", "answer"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }

    /// A list of revoked certificates: the one of this number, in PEM.
    fn revokes(&self, serial: u64) -> String {
        let revoked = RevokedCertParams {
            serial_number: serial.into(),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).unwrap().pem().unwrap()
    }

    /// A client of this name.
    fn signs(&self, name: &str) -> Tls {
        self.signs_with(name, None)
    }

    /// A client whose certificate has this number.
    fn signs_with(&self, name: &str, serial: Option<u64>) -> Tls {
        let mut parameters = CertificateParams::new(vec![]).unwrap();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.serial_number = serial.map(Into::into);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Tls::certified(vec![certificate.der().clone()], key)
    }
}

// From the first byte on.

#[test]
fn implicit_tls_is_the_same_from_the_first_byte() {
    let site = Site::writable().with_tls();
    let mut session = site.connect_implicitly();
    session.shakes_hands(&Tls::new());
    session.hears("220");
    session.asks("AUTH TLS", "503");
    session.logs_in();
    session.protects();
    assert_eq!(session.lists("pub/deep"), ["pub/deep/er"]);
    session.puts("incoming/f", b"kept");
    assert_eq!(site.content("/incoming/f"), Some(b"kept".to_vec()));
    session.quits();

    let mut session = site.connect_implicitly();
    session.offers(b"USER anonymous\r\n").unwrap();
    assert!(session.reply().is_err(), "{}", session.story());
    no_faults(&site);
}

/// Who only looks whether a port is open says nothing that could fail.
#[test]
fn a_glance_at_the_port_is_no_failure() {
    for resets in [false, true] {
        let site = Site::readonly().with_tls();
        let mut session = site.connect_implicitly();
        session.settled(3);
        if resets {
            session.resets();
        } else {
            session.hangs_up();
        }
        site.log().tells("end session=* end=closed *");
        assert!(!site.log().text().contains("tls-failed"), "{}", site.log().text());
        no_faults(&site);
    }
}
