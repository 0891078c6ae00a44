//! TLS as the machine sees it: which processes there are, what each of them holds, in whose memory the key is, and that
//! none outlives the others.
#![cfg(test)]

mod harness;

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use harness::{Process, Session, Site, Tls, eventually, within};
use nix::sys::signal::Signal;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

/// The process of this role, by its title.
#[track_caller]
fn process(session: &Session, role: &str) -> Process {
    let wanted = format!("[{role}]");
    let found = || session.broker().family().into_iter().find(|one| one.title().ends_with(&wanted));
    eventually(&format!("a process {wanted}"), found)
}

/// The numbers of all TCP sockets of this machine, as /proc/PID/fd has them.
fn tcp_sockets() -> HashSet<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines.filter_map(|line| Some(format!("socket:[{}]", line.split_whitespace().nth(9)?))).collect()
}

/// The TCP sockets that a process has.
fn tcp_sockets_of(process: Process) -> HashSet<String> {
    let all = tcp_sockets();
    let own = process.descriptors().into_iter().map(|descriptor| descriptor.target);
    own.filter(|target| all.contains(target)).collect()
}

/// Who it runs as.
fn account(process: Process) -> String {
    let uid = process.status()["Uid"].split_whitespace().next().unwrap().parse().unwrap();
    nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).unwrap().unwrap().name
}

/// Expects this account, no capability, and no root but an empty directory.
#[track_caller]
fn is_caged(process: Process, name: &str) {
    let status = process.status();
    let what = process.title();
    assert_eq!(account(process), name, "{what}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status[set], "0000000000000000", "{what}: {set}");
    }
    assert_eq!((&*status["NoNewPrivs"], &*status["Seccomp"]), ("1", "2"), "{what}");
    assert_eq!(fs::read_dir(process.path("root")).unwrap().count(), 0, "{what}: its root");
}

#[test]
fn each_process_holds_what_it_needs_and_no_more() {
    let site = Site::writable().with_tls().file("/big", &vec![b'x'; 20_000_000]);
    let mut session = site.connect();
    session.hears("220");
    session.starts_tls(&Tls::new());
    session.settled(4);
    let relay = process(&session, "relay");
    let key = process(&session, "key");
    is_caged(relay, "cellftpd-net");
    is_caged(key, "cellftpd-key");
    is_caged(process(&session, "login"), "cellftpd-net");
    assert_eq!(tcp_sockets_of(relay).len(), 1, "the client is the relay's");
    for role in ["broker", "key", "login"] {
        assert_eq!(tcp_sockets_of(process(&session, role)), HashSet::new(), "{role}");
    }
    session.logs_in();
    session.protects();
    session.asks("TYPE I", "200");
    let mut data = session.passive();
    session.asks("RETR big", "150");
    data.takes(1);
    // Not even its entry in the table of processes is left.
    eventually("the end of the key process", || key.is_gone().then_some(()));
    let all = session.settled(3);
    assert!(all.contains(&relay), "the relay of the first handshake");
    assert_eq!(tcp_sockets_of(relay).len(), 2, "the client, and its data connection");
    is_caged(process(&session, "broker"), "cellftpd");
    for other in all.iter().filter(|one| **one != relay) {
        assert_eq!(tcp_sockets_of(*other), HashSet::new(), "{}", other.title());
    }
    let worker = process(&session, "anonymous");
    assert_eq!((account(worker), &*worker.status()["CapPrm"]), ("ftp".into(), "0000000000000000"));
    drop(data);
    session.hears("426");
    session.quits();
}

#[test]
fn the_key_is_in_the_memory_of_one_process() {
    let site = Site::readonly().with_tls();
    let mut session = site.connect();
    session.hears("220");
    session.starts_tls(&Tls::new());
    session.settled(4);
    let secrets = secrets(&site);
    let found = |role: &str| traces(process(&session, role), &secrets);
    assert_ne!(found("key"), Vec::<&str>::new(), "nothing is found where the key is");
    for role in ["broker", "relay", "login"] {
        assert_eq!(found(role), Vec::<&str>::new(), "{role}");
    }
    session.logs_in();
    session.settled(4);
    for role in ["broker", "relay", "anonymous"] {
        assert_eq!(traces(process(&session, role), &secrets), Vec::<&str>::new(), "{role}");
    }
    session.quits();
}

/// The forms in which a key may lie in memory, each with its name.
type Secrets = Vec<(&'static str, Vec<u8>)>;

/// Those of the site's key: of P-256, in PKCS#8.
fn secrets(site: &Site) -> Secrets {
    let file = fs::read(site.beside("localhost.key")).unwrap();
    let text = String::from_utf8(file.clone()).unwrap();
    let line = text.lines().nth(1).expect("PEM has lines");
    let der = PrivatePkcs8KeyDer::from_pem_slice(&file).unwrap();
    let der = der.secret_pkcs8_der();
    // RFC 5915 §3: version 1, then an octet string of 32 bytes.
    let head = [2, 1, 1, 4, 32];
    let start = der.windows(5).position(|window| window == head).expect("an ECPrivateKey") + 5;
    let scalar = der[start..start + 32].to_vec();
    let reversed = scalar.iter().rev().copied().collect();
    let form = montgomery(&scalar);
    vec![
        ("PEM", line.as_bytes()[..40].to_vec()),
        ("the scalar", scalar),
        ("the scalar, the last byte first", reversed),
        ("the scalar in Montgomery's form, the last byte first", form),
    ]
}

/// As ring keeps it: times 2^256, modulo the order of the group, the lowest byte first.
fn montgomery(scalar: &[u8]) -> Vec<u8> {
    const ORDER: [u32; 8] = [
        0xffff_ffff,
        0,
        0xffff_ffff,
        0xffff_ffff,
        0xbce6_faad,
        0xa717_9e84,
        0xf3b9_cac2,
        0xfc63_2551,
    ];
    let order: Vec<u64> = ORDER.iter().rev().map(|word| u64::from(*word)).chain([0]).collect();
    let words =
        scalar.rchunks(4).map(|word| u64::from(u32::from_be_bytes(word.try_into().unwrap())));
    let mut value: Vec<u64> = words.chain([0]).collect();
    for _ in 0..256 {
        let mut carry = 0;
        for word in &mut value {
            let double = *word * 2 + carry;
            (*word, carry) = (double & 0xffff_ffff, double >> 32);
        }
        if value.iter().rev().ge(order.iter().rev()) {
            let mut borrow = 0;
            for (word, other) in value.iter_mut().zip(&order) {
                let less = word.wrapping_sub(*other).wrapping_sub(borrow);
                (*word, borrow) = (less & 0xffff_ffff, less >> 63);
            }
        }
    }
    value[..8].iter().flat_map(|word| u32::try_from(*word).unwrap().to_le_bytes()).collect()
}

/// Which of these are in the memory of a process, in any mapping that can be read.
fn traces(process: Process, secrets: &Secrets) -> Vec<&'static str> {
    let maps = fs::read_to_string(process.path("maps")).unwrap();
    let memory = File::open(process.path("mem")).unwrap();
    let mut found = Vec::new();
    let mut read = 0;
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        // Not all that is mapped can be read: the kernel's own pages, and what is behind the end of a file.
        if !rest.starts_with('r') || memory.read_exact_at(&mut bytes, start).is_err() {
            continue;
        }
        read += bytes.len();
        for (name, secret) in secrets {
            let first = secret[0];
            let mut places = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
            if places.any(|(at, _)| bytes[at..].starts_with(secret)) {
                found.push(*name);
            }
        }
    }
    assert!(read > 1 << 20, "only {read} bytes of {} could be read", process.title());
    found
}

/// How far a session is.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// 234 is said, and the client says nothing.
    Handshake,
    Stranger,
    LoggedIn,
    Transfer,
}

impl Stage {
    const ALL: [(Stage, usize); 4] =
        [(Stage::Handshake, 3), (Stage::Stranger, 4), (Stage::LoggedIn, 4), (Stage::Transfer, 3)];

    fn reach(self, site: &Site) -> (Session, Option<harness::Data>) {
        let mut session = site.connect();
        session.hears("220");
        if let Stage::Handshake = self {
            session.asks("AUTH TLS", "234");
            return (session, None);
        }
        session.starts_tls(&Tls::new());
        if let Stage::Stranger = self {
            return (session, None);
        }
        session.logs_in();
        session.protects();
        session.asks("TYPE I", "200");
        if let Stage::LoggedIn = self {
            return (session, None);
        }
        let mut data = session.passive();
        session.asks("RETR big", "150");
        data.takes(1);
        (session, Some(data))
    }
}

#[test]
fn who_kills_one_of_them_has_killed_them_all() {
    let site = Site::readonly().with_tls().file("/big", &vec![b'x'; 20_000_000]);
    for (stage, count) in Stage::ALL {
        for role in 0..count {
            let (session, _data) = stage.reach(&site);
            let victim = session.settled(count)[role];
            let what = format!("SIGKILL to {} at {stage:?}", victim.title());
            if victim.title().ends_with("[key]") {
                // Its work may be done: see below.
                continue;
            }
            victim.signal(Signal::SIGKILL);
            is_over(&session, &what);
        }
    }
}

/// The key process has no more to do once the client has shown that it resumes its session. Before that, its end makes the
/// next handshake fail, and no more.
#[test]
fn without_the_key_process_nothing_new_is_signed() {
    let site = Site::readonly().with_tls();
    let (session, _) = Stage::Handshake.reach(&site);
    session.settled(3);
    process(&session, "key").signal(Signal::SIGKILL);
    let mut session = session;
    let error = harness::Client::shakes_hands(&mut session, &Tls::new()).map(drop);
    assert!(error.is_err(), "a handshake without a key");
    is_over(&session, "SIGKILL to the key process before the handshake");

    let (mut session, _) = Stage::LoggedIn.reach(&site);
    session.settled(4);
    process(&session, "key").signal(Signal::SIGKILL);
    assert_eq!(session.gets("pub/hello.txt"), b"hello, world\n");
    session.quits();
}

#[test]
fn a_client_may_go_at_any_stage() {
    let site = Site::readonly().with_tls().file("/big", &vec![b'x'; 20_000_000]);
    for (stage, count) in Stage::ALL {
        for reset in [false, true] {
            let (mut session, data) = stage.reach(&site);
            session.settled(count);
            if reset {
                session.resets()
            } else {
                session.hangs_up()
            }
            drop(data);
            is_over(&session, &format!("a client that went at {stage:?}"));
        }
    }
    assert_eq!(site.log().faults(), Vec::<String>::new());
}

/// A client that has heard the end, and keeps its connection.
#[test]
fn a_client_that_stays_is_not_waited_for_long() {
    let site = Site::writable().with_tls();
    let mut session = site.connect().protected(&Tls::new());
    let mut data = session.passive();
    session.asks("STOR incoming/f", "150");
    data.gives(b"kept");
    data.ends();
    session.hears("226");
    session.asks("QUIT", "221");
    session.hears_the_end();
    is_over(&session, "QUIT");
    drop(data);
    assert_eq!(site.log().faults(), Vec::<String>::new());
}

/// Nothing is left, after a time in which the relay has taken leave of a client that stays.
#[track_caller]
fn is_over(session: &Session, what: &str) {
    let left =
        || -> Vec<_> { session.processes().into_iter().filter(|one| !one.is_gone()).collect() };
    let limit = Duration::from_secs(10);
    if within(limit, || left().is_empty().then_some(())).is_none() {
        let titles: Vec<_> = left().iter().map(Process::title).collect();
        session.fails(&format!("{what}: after {limit:?} still there: {titles:?}"));
    }
}
