//! Promises of docs/protocol.md that a dialogue can't show: what is not said, when, from where, and in spite of what
//! the system does. Each test names its rows.
#![cfg(test)]

mod harness;

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use harness::inject::{Arg, Inject};
use harness::launch::{dial, server_program};
use harness::{Data, Door, Line, PATIENCE, Process, Reply, Session, Site};
use nix::errno::Errno;

const CLIENT: Ipv4Addr = Ipv4Addr::LOCALHOST;
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Of fcntl(2); the libc crate has it not.
const F_SETSIG: libc::c_int = 10;

/// Item 1. RFC 959 §5.4
#[test]
fn the_greeting_comes_unasked_and_a_refusal_in_its_place() {
    let site = Site::readonly();
    let mut served = site.connect();
    served.hears("220");
    served.quits();
    let site = site.matching("[limits]\nidel = \"1 s\"");
    let mut refused = site.connect();
    refused.hears("421");
    refused.hears_the_end();
}

/// Item 3. RFC 959 §4.2
#[test]
fn every_line_of_a_reply_shows_whether_it_is_the_last() {
    let site = Site::writable().set("login.banner", "\"one\\n220 two\\nthree\"");
    let mut session = site.connect();
    is_well_formed(&session.hears("220"), 3);
    session.logs_in();
    let quotes = "\"".repeat(255);
    for (command, lines) in [
        ("NOOP", 1),
        ("XYZZY", 1),
        ("PWD", 1),
        ("HELP", 5),
        ("FEAT", 8),
        ("STAT", 6),
        ("STAT /pub", 7),
        ("MLST /pub", 3),
    ] {
        is_well_formed(&session.says(command).reply().unwrap(), lines);
    }
    for _ in 0..15 {
        is_well_formed(&session.asks(&format!("MKD {quotes}"), "257 *"), 1);
        session.asks(&format!("CWD {quotes}"), "250");
    }
    is_well_formed(&session.says("PWD").reply().unwrap(), 1);
    session.quits();
}

/// Its lines are apart, by what they begin with, and as short as the buffers of old clients; so many at least.
#[track_caller]
fn is_well_formed(reply: &Reply, at_least: usize) {
    let code = reply.code.to_string();
    let begins = |line: &[u8], with: &str| line.starts_with(with.as_bytes());
    let (last, before) = reply.lines.split_last().unwrap();
    assert!(begins(last, &format!("{code} ")), "{}", reply.text());
    if let Some((first, between)) = before.split_first() {
        assert!(begins(first, &format!("{code}-")), "{}", reply.text());
        assert!(between.iter().all(|line| begins(line, " ")), "{}", reply.text());
    }
    for line in &reply.lines {
        assert!(line.len() < 8190 && !line.contains(&b'\n'), "{}", reply.text());
    }
    assert!(reply.lines.len() >= at_least, "{}", reply.text());
}

/// Item 11. RFC 959 §5.3
#[test]
fn a_line_that_never_ends_is_never_obeyed() {
    let site = Site::writable();
    let mut session = site.connect().logged_in();
    session.sends(b"NOOP\r\nDELE welcome.txt").hears("200");
    session.stops_sending();
    session.hears_the_end();
    session.is_over_within(PATIENCE);
    assert_eq!(site.content("/welcome.txt").unwrap(), b"Welcome.\n");
}

/// Item 16. RFC 959 §4.1.3
#[test]
fn any_byte_of_a_line_may_be_the_urgent_one() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    let line = b"\xff\xf4NO\xff\xf2OP\r\n";
    for last in 0..line.len() {
        let (urgent, rest) = line.split_at(last + 1);
        session.urges(urgent);
        session.sends(rest).hears("200");
    }
    session.quits();
}

/// Item 22. RFC 959 §5.4. HELP tells which verbs there are.
#[test]
fn before_login_verbs_are_refused_but_for_a_few() {
    const SERVED: [&str; 13] = [
        "AUTH", "CLNT", "CSID", "FEAT", "HELP", "HOST", "LANG", "NOOP", "OPTS", "PASS", "QUIT",
        "SYST", "USER",
    ];
    const UNSERVED: [&str; 8] = ["ADAT", "CCC", "CONF", "ENC", "MIC", "PBSZ", "PROT", "REIN"];
    let site = Site::writable();
    let mut session = site.connect();
    session.hears("220");
    let help = session.asks("HELP", "214 *").text();
    let listed =
        help.lines().filter_map(|line| line.strip_prefix(' ')).flat_map(str::split_whitespace);
    let verbs: Vec<_> = listed.filter(|verb| !SERVED.contains(verb)).chain(["XYZZY"]).collect();
    assert!(verbs.len() > 30, "{help}");
    session.quits();
    let refused = verbs.iter().filter(|verb| !UNSERVED.contains(verb)).map(|verb| (*verb, "530"));
    let all: Vec<_> = refused.chain(UNSERVED.map(|verb| (verb, "502"))).collect();
    // A stranger who is refused too often is shown out.
    for some in all.chunks(8) {
        let mut session = site.connect();
        session.hears("220");
        for (verb, code) in some {
            session.asks(verb, code);
            session.asks(&format!("{verb} pub"), code);
        }
        session.quits();
    }
}

/// Item 26. RFC 2577 §5
#[test]
fn a_failed_login_takes_its_time_and_the_last_one_is_the_end() {
    let delay = Duration::from_secs(1);
    let site = Site::local().set("login.failure_delay", "\"1 s\"").set("login.max_failures", "2");
    let mut session = site.connect();
    session.hears("220");
    for reply in ["530", "421"] {
        session.asks("USER no-such-user", "331");
        let begun = Instant::now();
        session.asks("PASS wrong", reply);
        assert!(begun.elapsed() >= delay, "{reply} came after {:?}", begun.elapsed());
    }
    session.hears_the_end();
}

/// Item 45. RFC 2577 §3
#[test]
fn nobody_but_the_client_is_connected_to() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    let other = TcpListener::bind((OTHER, 0)).unwrap();
    other.set_nonblocking(true).unwrap();
    let port = other.local_addr().unwrap().port();
    let [high, low] = port.to_be_bytes();
    for command in [
        format!("PORT 127,0,0,2,{high},{low}"),
        format!("EPRT |1|127.0.0.2|{port}|"),
        format!("EPRT |2|::ffff:127.0.0.2|{port}|"),
    ] {
        session.asks(&command, "500");
        session.asks("RETR welcome.txt", "425");
    }
    assert!(other.accept().is_err(), "the other one was connected to");
    session.quits();
}

/// Items 47, 49. RFC 2428 §2, RFC 2577 §4
#[test]
fn eprt_may_use_any_delimiter_and_a_mapped_address() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    // What the fields are made of can't part them.
    let delimiters = (33..=126_u8).map(char::from).filter(|c| !c.is_ascii_digit() && *c != '.');
    for d in delimiters {
        session.asks(&format!("EPRT {d}1{d}127.0.0.1{d}50000{d}"), "200");
    }
    let door = Door::on(CLIENT.into());
    session.asks(&door.extended(CLIENT.into()).replace("|1|", "EPRT |2|::ffff:"), "200");
    session.asks("RETR welcome.txt", "150");
    assert_eq!(door.opens().all(), b"Welcome.\r\n");
    session.hears("226");
    session.quits();
}

/// Items 50, 53, 55. RFC 1123 §4.1.2.12, RFC 959 §4.1.2, RFC 2428 §3
#[test]
fn data_connections_are_at_the_address_that_the_client_has_reached() {
    let site = Site::readonly();
    let mut session = site.connect_over(Line::To(OTHER)).logged_in();
    let door = Door::on(CLIENT.into());
    session.asks(&door.command(), "200");
    session.asks("RETR welcome.txt", "150");
    let data = door.opens();
    assert_eq!(data.peer().ip(), OTHER);
    assert_eq!(data.all(), b"Welcome.\r\n");
    session.hears("226");
    for (command, pattern) in
        [("PASV", "227 Entering Passive Mode (127,0,0,2,*)."), ("EPSV", "229 *(|||*|)*")]
    {
        let reply = session.asks(command, pattern);
        let port = session.address_in(&reply);
        assert!(dial(None, SocketAddr::new(CLIENT.into(), port.port())).is_err(), "{command}");
        let data = Data::from(dial(Some(CLIENT.into()), port).unwrap());
        session.asks("RETR welcome.txt", "150");
        assert_eq!(data.all(), b"Welcome.\r\n");
        session.hears("226");
    }
    session.quits();
    let site = site.set("network.passive_address", "\"192.0.2.1\"");
    let mut session = site.connect().logged_in();
    session.asks("PASV", "227 Entering Passive Mode (192,0,2,1,*).");
    session.quits();
}

/// A passive port that was just opened.
#[track_caller]
fn port(session: &mut Session, command: &str) -> SocketAddr {
    let reply = session.asks(command, "22*");
    session.address_in(&reply)
}

#[track_caller]
fn is_closed(port: SocketAddr, why: &str) {
    assert!(dial(Some(CLIENT.into()), port).is_err(), "{port} is still open {why}");
}

/// Item 59. RFC 959 §3.2
#[test]
fn a_new_data_port_undoes_the_one_before_it() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    for first in ["PASV", "EPSV"] {
        for second in ["PASV", "EPSV", "PORT", "EPRT"] {
            let old = port(&mut session, first);
            let door = Door::on(CLIENT.into());
            let new = match second {
                "PORT" => session.asks(&door.command(), "200"),
                "EPRT" => session.asks(&format!("EPRT {}", door.extended(CLIENT.into())), "200"),
                _ => session.asks(second, "22*"),
            };
            // The new port is drawn from the same range.
            if new.code == 200 || session.address_in(&new) != old {
                is_closed(old, &format!("{first} {second}"));
            }
            session.asks("NOOP", "200");
        }
    }
    for second in ["PASV", "EPSV"] {
        let door = session.active();
        let data = Data::connect(port(&mut session, second));
        session.asks("RETR welcome.txt", "150");
        assert_eq!(data.all(), b"Welcome.\r\n");
        session.hears("226");
        assert!(door.knock().is_none(), "PORT was obeyed after {second}");
    }
    let [old, new] = [session.active(), session.active()];
    session.asks("RETR welcome.txt", "150");
    assert_eq!(new.opens().all(), b"Welcome.\r\n");
    session.hears("226");
    assert!(old.knock().is_none(), "the former port was connected to");
    session.quits();
}

/// Items 60, 88. RFC 1123 §4.1.2.6, RFC 959 §4.1.3
#[test]
fn a_passive_port_is_closed_with_its_transfer() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    let used = port(&mut session, "EPSV");
    let data = Data::connect(used);
    session.asks("RETR welcome.txt", "150");
    assert_eq!(data.all(), b"Welcome.\r\n");
    session.hears("226");
    is_closed(used, "after its transfer");
    session.asks("RETR welcome.txt", "425");
    let unused = port(&mut session, "PASV");
    session.asks("RETR welcome.txt", "150");
    session.asks("ABOR", "426");
    session.hears("226");
    is_closed(unused, "after ABOR");
    session.asks("RETR welcome.txt", "425");
    session.quits();
}

/// Item 61. RFC 2577 §8
#[test]
fn passive_ports_are_drawn_from_their_range() {
    let site = Site::readonly().set("network.passive_ports", "\"61000-61999\"");
    let mut session = site.connect().logged_in();
    let ports: Vec<_> = (0..60).map(|_| port(&mut session, "EPSV").port()).collect();
    assert!(ports.iter().all(|port| (61_000..62_000).contains(port)), "{ports:?}");
    let (up, next): (Vec<_>, Vec<_>) =
        ports.windows(2).map(|pair| (pair[1] > pair[0], pair[1] == pair[0] + 1)).unzip();
    let count = |which: Vec<bool>| which.into_iter().filter(|is| *is).count();
    assert!((5..=54).contains(&count(up)) && count(next) < 5, "not at random: {ports:?}");
    session.quits();
}

/// Item 62. RFC 2577 §4, §8
#[test]
fn a_stranger_is_sent_away_and_the_client_still_waited_for() {
    let site = Site::readonly();
    let mut session = site.connect().logged_in();
    let port = port(&mut session, "EPSV");
    session.asks("RETR welcome.txt", "150");
    let mut stranger = Data::from(dial(Some(OTHER.into()), port).unwrap());
    assert!(stranger.is_refused(), "the stranger got data");
    let data = Data::connect(port);
    assert_eq!(data.all(), b"Welcome.\r\n");
    session.hears("226");
    session.quits();
}

/// Item 66. RFC 959 §5.2
#[test]
fn the_data_connection_is_at_its_end_when_226_comes() {
    let site = Site::writable();
    let mut session = site.connect().logged_in();
    let mut ends = Vec::new();
    for _ in 0..10 {
        for (command, content) in
            [("RETR welcome.txt", &b"Welcome.\r\n"[..]), ("NLST incoming", b"")]
        {
            let data = session.passive();
            session.asks(command, "150");
            session.hears("226");
            ends.push(data.all_by_now().is_some_and(|found| found == content));
            let door = session.active();
            session.asks(command, "150");
            let data = door.opens();
            session.hears("226");
            ends.push(data.all_by_now().is_some_and(|found| found == content));
        }
    }
    // They are two connections: a busy kernel may deliver the end of one after what was sent later on the other.
    assert!(ends.iter().filter(|by_now| !**by_now).count() <= 2, "{ends:?}");
    session.quits();
}

/// Items 5, 69. RFC 1123 §4.1.2.11, RFC 959 §5.4
#[test]
fn a_busy_file_may_do_later_and_a_cut_one_is_an_error() {
    let site = Site::readonly().file("/big", &vec![b'x'; 40_000_000]);
    let mut session = site.connect().logged_in();
    session.asks("TYPE I", "200");
    let held = File::options().write(true).open(site.path("/welcome.txt")).unwrap();
    lease(&held);
    let data = session.passive();
    session.asks("RETR welcome.txt", "450");
    session.asks("RETR nowhere", "550");
    drop((held, data));
    assert_eq!(session.gets("welcome.txt"), b"Welcome.\n");
    let mut data = session.passive();
    session.asks("RETR big", "150");
    data.takes(1000);
    File::options().write(true).open(site.path("/big")).unwrap().set_len(1000).unwrap();
    data.rest();
    session.hears("451");
    session.asks("NOOP", "200");
    session.quits();
}

/// Makes a file busy for all others, as a file server does for its clients.
fn lease(file: &File) {
    let ask = |what, value: libc::c_int| {
        // SAFETY: these two take numbers and touch no memory (fcntl(2)).
        let done = unsafe { libc::fcntl(file.as_raw_fd(), what, value) };
        assert_eq!(done, 0, "a lease: {}", std::io::Error::last_os_error());
    };
    // Who is asked to give it up is told by a signal; this one is ignored unless somebody wants it.
    ask(F_SETSIG, libc::SIGURG);
    ask(libc::F_SETLEASE, libc::F_WRLCK);
}

/// Items 5, 70. RFC 1123 §4.1.2.11, RFC 959 §5.4
#[test]
fn what_the_system_has_no_room_for_is_told_and_leaves_nothing() {
    // A part is kept otherwise, if the first of it that comes is small enough.
    let site =
        Site::writable().file("/incoming/old", b"old").set("transfer.partial", "\"discard\"");
    let mut unshare = Command::new(harness::program("unshare", "util-linux"));
    // A small disk in a mount namespace that goes with the session.
    unshare
        .args(["--mount", "/bin/sh", "-c"])
        .arg("mount -t tmpfs -o size=64k,mode=777 none \"$2\" && exec \"$0\" --config \"$1\"")
        .args([server_program(), site.configuration(), site.path("/incoming")]);
    let mut session = site.connect_by(Line::Tcp4, unshare).logged_in();
    session.asks("TYPE I", "200");
    is_too_much(&mut session, "incoming/big", 1_000_000, "452");
    assert_eq!(session.lists("incoming"), Vec::<String>::new());
    session.puts("incoming/small", b"small");
    session.quits();

    let mut prlimit = Command::new(harness::program("prlimit", "util-linux"));
    prlimit.arg("--fsize=100000").arg(server_program()).arg("--config").arg(site.configuration());
    let mut session = site.connect_by(Line::Tcp4, prlimit).logged_in();
    session.asks("TYPE I", "200");
    is_too_much(&mut session, "incoming/old", 1_000_000, "552");
    assert_eq!(site.content("/incoming/old").unwrap(), b"old");
    assert_eq!(site.names("/incoming"), ["old"]);
    session.puts("incoming/old", b"new");
    session.quits();

    let mut session = site.connect().logged_in();
    let worker = session.settled(2).into_iter().find(|one| *one != session.broker()).unwrap();
    fill_descriptors(worker);
    session.asks("STOR incoming/newer", "451");
    session.quits();
    assert_eq!(site.names("/incoming"), ["old"]);
}

/// Has a process open as much as it may.
fn fill_descriptors(worker: Process) {
    let mut inside = Inject::into(worker);
    let here = [libc::AT_FDCWD.into(), Arg::path("."), libc::O_RDONLY.into()];
    let mut open = || inside.call(libc::SYS_openat, &here);
    while open().error() != Some(Errno::EMFILE) {}
}

/// Uploads more than there is room for.
#[track_caller]
fn is_too_much(session: &mut Session, path: &str, count: usize, code: &str) {
    let mut data = session.passive();
    session.asks(&format!("STOR {path}"), "150");
    data.fills(&vec![b'x'; count]);
    session.hears(code);
    data.rest();
}

/// Item 85. RFC 959 §4.1.3, RFC 3659 §3
#[test]
fn a_recent_file_is_listed_with_the_time_that_mdtm_tells() {
    let site = Site::readonly();
    let recent = SystemTime::now() - Duration::from_secs(7 * 24 * 3600);
    File::options()
        .write(true)
        .open(site.path("/pub/empty"))
        .unwrap()
        .set_modified(recent)
        .unwrap();
    let mut session = site.connect().logged_in();
    let time = session.asks("MDTM pub/empty", "213 *").text();
    let digits = |range: std::ops::Range<usize>| time[4..][range].to_owned();
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = digits(4..6).parse::<usize>().unwrap() * 3;
    let told =
        [&MONTHS[month - 3..month], " ", &digits(6..8), " ", &digits(8..10), ":", &digits(10..12)];
    let data = session.passive();
    session.asks("LIST pub/empty", "150");
    let line = String::from_utf8(data.all()).unwrap();
    session.hears("226");
    let wanted = format!("-rw-r--r--    1 0        0               0 {} empty\r\n", told.concat());
    assert_eq!(line, wanted);
    session.quits();
}

/// Item 97. RFC 2389 §3.2
#[test]
fn a_feature_is_a_line_behind_one_space() {
    let site = Site::writable();
    let mut session = site.connect().logged_in();
    let reply = session.asks("FEAT", "211 End");
    assert!(reply.lines[0].starts_with(b"211-"));
    let features = &reply.lines[1..reply.lines.len() - 1];
    for feature in features {
        let name = feature.strip_prefix(b" ").unwrap_or_default();
        assert!(name.first().is_some_and(u8::is_ascii_alphanumeric), "{}", reply.text());
        assert!(name.is_ascii() && !name.starts_with(b"FEAT") && !name.starts_with(b"OPTS"));
    }
    session.asks("FEAT x", "501");
    session.quits();
}

/// Item 115. RFC 3659 §7.5.2
#[test]
fn names_of_one_file_have_one_unique() {
    let site = Site::writable().prepared(|root| {
        fs::hard_link(root.join("pub/hello.txt"), root.join("incoming/linked")).unwrap();
        std::os::unix::fs::symlink("/pub/hello.txt", root.join("incoming/symbolic")).unwrap();
    });
    let mut session = site.connect().logged_in();
    let mut unique = |path: &str| {
        let text = session.asks(&format!("MLST {path}"), "250 *").text();
        let value = text.split_once("unique=").and_then(|(_, rest)| rest.split_once(';'));
        value.expect("a fact named unique").0.to_owned()
    };
    let one = unique("pub/hello.txt");
    assert_eq!(
        [unique("incoming/linked"), unique("incoming/symbolic")],
        [one.clone(), one.clone()]
    );
    assert_ne!(unique("pub/lines.txt"), one);
    assert_ne!(unique("pub"), unique("incoming"));
    session.asks("RNFR pub/hello.txt", "350");
    session.asks("RNTO pub/renamed", "250");
    let text = session.asks("MLST pub/renamed", "250 *").text();
    assert!(text.contains(&format!("unique={one};")), "{text}");
    session.quits();
}
