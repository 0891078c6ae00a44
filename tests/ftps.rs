//! Real clients over explicit TLS, under TLS 1.2 and TLS 1.3, where data connections have to resume the session of the
//! control connection and where they need not.
#![cfg(test)]

mod harness;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use harness::Site;
use harness::ftps::{self, Demand, PLAIN, SECURED, Secured};
use harness::realclient::{self, CLIENTS, Tls, over_tls};
use harness::superserver::SuperServer;

#[test]
fn every_client_where_reuse_is_required() {
    ftps::all_as_seen(Demand::Reuse, chosen);
}

#[test]
fn every_client_where_it_is_not() {
    ftps::all_as_seen(Demand::Nothing, chosen);
}

/// `CLIENT=prefix` runs those alone whose name begins so, and shows what they print.
fn chosen(row: &Secured) -> bool {
    let wanted = std::env::var("CLIENT").unwrap_or_default();
    row.client.name.starts_with(&wanted)
}

#[test]
fn every_client_has_its_row() {
    let secured = SECURED.iter().map(|row| row.client.name);
    let told: BTreeSet<_> = secured.chain(PLAIN.iter().map(|(name, _)| *name)).collect();
    let untold: Vec<_> = CLIENTS.iter().filter(|one| !told.contains(one.name)).collect();
    assert!(untold.is_empty(), "{untold:?}");
}

/// The bound is for twenty of them; a busy machine may miss it once or twice.
#[test]
fn small_downloads_of_lftp_are_quick() {
    let site = ftps::secured(Site::local(), Demand::Reuse);
    let server = ftps::serve(&site);
    let measured: Vec<u64> = (0..TRIES).map_while(|_| milliseconds(&site, &server)).collect();
    assert!(measured.len() < TRIES, "all above {LIMIT} ms: {measured:?}");
}

const TRIES: usize = 5;
const LIMIT: u64 = 500;

/// What twenty downloads take, if it is too much.
fn milliseconds(site: &Site, server: &SuperServer) -> Option<u64> {
    let (here, said, is_well) = over_tls("ftps-twenty", Tls::V13, &[], site, server);
    assert!(is_well, "{said}\n{}", site.log().text());
    let twenty = (0..10).flat_map(|n| [format!("{n}.txt"), format!("again-{n}.txt")]);
    for name in twenty.chain(["first.txt".to_owned()]) {
        assert_eq!(fs::read(here.join(&name)).unwrap(), b"hello, world\n", "{name}");
        fs::remove_file(here.join(name)).unwrap();
    }
    let measured = fs::read_to_string(here.join("ms")).unwrap().trim().parse().unwrap();
    println!("twenty downloads: {measured} ms");
    (measured >= LIMIT).then_some(measured)
}

#[test]
fn people_are_told_why_they_are_refused() {
    const TEXT: &str =
        "522 Data TLS session not resumed from the control connection (tls.require_reuse).";
    for tls in [Tls::V12, Tls::V13] {
        let site = ftps::secured(Site::local(), Demand::Reuse);
        let server = ftps::serve(&site);
        let (here, said, is_well) = over_tls("ftps-refused", tls, &[], &site, &server);
        assert!(is_well, "{said}");
        let shown = |name: &str| fs::read_to_string(here.join(name)).unwrap();
        assert!(shown("curl.txt").contains("RETR response: 522"), "{tls:?}: {}", shown("curl.txt"));
        assert!(shown("curl.txt").contains(TEXT), "{tls:?}: {}", shown("curl.txt"));
        assert!(shown("lftp.txt").contains(TEXT), "{tls:?}: {}", shown("lftp.txt"));
        assert_eq!(shown("ftplib.txt"), format!("{TEXT}\n/\n"), "{tls:?}");
        assert!(!here.join("got.txt").exists());
        server.has_no_sessions();
        assert_eq!(site.log().faults(), Vec::<String>::new());
    }
}

/// lftp has no session left to resume when TLS has ended, and curl spoils it where it does not close TLS itself: they
/// need `tls.require_reuse = false`.
#[test]
fn the_control_connection_can_be_plain_again() {
    let curl = |mode| ("ftps-ccc-curl", [("MODE", mode)]);
    let lftp = ("ftps-ccc-lftp", [("MODE", "")]);
    let rows = [
        (curl("active"), Demand::Reuse),
        (curl("active"), Demand::Nothing),
        (curl("passive"), Demand::Nothing),
        (lftp, Demand::Nothing),
    ];
    for ((name, mode), demand) in rows {
        for tls in [Tls::V12, Tls::V13] {
            let site = ftps::secured(Site::local(), demand).set("tls.ccc", "true");
            let server = ftps::serve(&site);
            let (here, said, is_well) = over_tls(name, tls, &mode, &site, &server);
            let context = format!("{name} {mode:?} {tls:?} {demand:?}: {said}");
            assert!(is_well, "{context}\n{}", site.log().text());
            assert!(said.contains("200 Plain from here on."), "{context}");
            let downloaded = fs::read(here.join("first.txt")).unwrap();
            assert_eq!(downloaded, b"hello, world\n", "{context}");
            assert_eq!(
                site.content("/incoming/up.txt").as_deref(),
                Some(&b"up\n"[..]),
                "{context}"
            );
            server.has_no_sessions();
            assert_eq!(site.log().faults(), Vec::<String>::new());
        }
    }
}

#[test]
fn command_line_tools_see_a_clean_end() {
    for tls in [Tls::V12, Tls::V13] {
        let site = ftps::secured(Site::local(), Demand::Reuse);
        let server = ftps::serve(&site);
        let (here, said, is_well) = over_tls("ftps-lines", tls, &[], &site, &server);
        assert!(is_well, "{said}");
        for name in ["openssl.txt", "gnutls.txt"] {
            let shown = fs::read_to_string(here.join(name)).unwrap();
            let context = format!("{name} {tls:?}: {shown}");
            for line in [
                "230 Login successful.",
                "257 \"/\" is the working directory.",
                "221 Goodbye.",
                "ended with 0",
            ] {
                assert!(shown.lines().any(|one| one == line), "{context}");
            }
            for word in ["non-properly", "unexpected eof", "error:0", "Fatal"] {
                assert!(!shown.contains(word), "{context}");
            }
        }
        server.has_no_sessions();
        assert_eq!(site.log().faults(), Vec::<String>::new());
    }
}

/// By clients of which some do not read, or close TLS, on such a connection.
#[test]
fn a_thousand_uploads_over_tls13_keep_their_tails() {
    // Net::FTP uses each ticket once, and reads no new ones on uploads: of reuse it is capable ten times.
    let site = ftps::secured(Site::local(), Demand::Nothing).set("transfer.durability", "\"none\"");
    let server = ftps::serve(&site);
    let thousand = [("COUNT", "1000")];
    let (_, said, is_well) = over_tls("ftps-uploads", Tls::V13, &thousand, &site, &server);
    assert!(is_well, "{said}\n{}", site.log().text());
    let names = site.names("/incoming");
    assert_eq!(names.len(), 1000, "{names:?}\n{said}");
    let whole = realclient::up();
    let differs =
        |name: &&String| site.content(&format!("/incoming/{name}")).as_ref() != Some(&whole);
    let cut: Vec<_> = names.iter().filter(differs).collect();
    assert!(cut.is_empty(), "{cut:?}\n{said}\n{}", site.log().text());
    server.has_no_sessions();
    assert_eq!(site.log().faults(), Vec::<String>::new());
}

/// Of each ticket it makes use once, and takes new ones just before it closes a connection.
#[test]
fn curl_may_upload_as_often_as_it_likes() {
    for tls in [Tls::V12, Tls::V13] {
        let site = ftps::secured(Site::local(), Demand::Reuse);
        let site = site.set("transfer.durability", "\"none\"");
        let server = ftps::serve(&site);
        let (_, said, is_well) =
            over_tls("ftps-curl-uploads", tls, &[("COUNT", "20")], &site, &server);
        assert!(is_well, "{said}\n{}", site.log().text());
        let names = site.names("/incoming");
        assert_eq!(names.len(), 40, "{names:?}\n{said}\n{}", site.log().text());
        let sessions = site.log().text().matches(" login session=").count();
        assert_eq!(sessions, 1, "{said}\n{}", site.log().text());
        for n in 1..=20 {
            assert_eq!(site.content(&format!("/incoming/up-{n}")), Some(realclient::up()));
            assert_eq!(site.content(&format!("/incoming/tiny-{n}")), Some(b"x".to_vec()));
        }
    }
}

#[test]
fn sslscan_finds_nothing_weak() {
    let found = scanned("sslscan", &["--no-colour", "--xml=-", "--starttls-ftp"]);
    let lines = |what: &'static str| found.lines().filter(move |line| line.contains(what));
    for (version, enabled) in [("1.0", 0), ("1.1", 0), ("1.2", 1), ("1.3", 1)] {
        let line = format!("<protocol type=\"tls\" version=\"{version}\" enabled=\"{enabled}\" />");
        assert!(found.contains(&line), "{line}\n{found}");
    }
    assert_eq!(lines("type=\"ssl\"").filter(|line| line.contains("enabled=\"1\"")).count(), 0);
    assert!(found.contains("<renegotiation supported=\"0\""), "{found}");
    assert_eq!(lines("<heartbleed").filter(|line| !line.contains("vulnerable=\"0\"")).count(), 0);
    let is_good = |line: &&str| {
        line.contains("strength=\"acceptable\"") || line.contains("strength=\"strong\"")
    };
    assert_eq!(lines("<cipher").filter(is_good).count(), 6, "{found}");
    assert_eq!(lines("<cipher").count(), 6, "{found}");
}

/// `make hunt` runs it.
#[test]
#[ignore = "it takes a minute"]
fn testssl_finds_nothing_but_the_certificate() {
    let options =
        ["--quiet", "--color=0", "--warnings=batch", "--csvfile=found.csv", "--starttls=ftp"];
    let found = scanned("testssl", &options);
    let wrong = |line: &&str| {
        let fields: Vec<_> = line.split("\",\"").collect();
        let [id, _, _, severity, ..] = fields[..] else { return true };
        let is_bad = !["OK", "INFO", "LOW", "severity"].contains(&severity);
        // What it misses is with the scanner itself: GOST.
        is_bad && !id.contains("cert_") && !id.contains("engine_problem")
    };
    let wrong: Vec<_> = found.lines().filter(wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found.contains("\"heartbleed\"") && found.contains("\"secure_renego\""), "{found}");
}

/// What a scanner finds.
fn scanned(scanner: &str, options: &[&str]) -> String {
    let site = ftps::secured(Site::local(), Demand::Reuse);
    let server = ftps::serve(&site);
    let here = site.beside("scanner");
    fs::create_dir(&here).unwrap();
    let output = Command::new(harness::program(scanner, scanner))
        .args(options)
        .arg(format!("127.0.0.1:{}", server.port))
        .current_dir(&here)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    server.has_no_sessions();
    assert_eq!(site.log().faults(), Vec::<String>::new());
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    fs::read_to_string(here.join("found.csv")).unwrap_or(printed)
}
