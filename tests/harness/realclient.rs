//! Real clients: what each needs, what it can do, and one run of it against a server.

use std::fs::{self, File};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use super::patience::{PATIENCE, within};
use super::site::Site;
use super::superserver::{Kind, SuperServer};
use Can::*;
use Needs::{Made, Program};

/// What `dated` is set to: 2001-02-03 04:05:06 UTC.
const SET_TO: u64 = 981_173_106;

/// What a client may be able to do. One that lacks something says so in its row; it can do all else, or its run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Can {
    List,
    Get,
    ResumeGet,
    Put,
    ResumePut,
    Rename,
    Delete,
    MakeDir,
    SetTime,
    /// To end a download in the middle, and get another file after that.
    Abort,
    /// The same in one session.
    Stay,
    /// Ten downloads in one session.
    Ten,
}

/// Where a client comes from.
#[derive(Debug, Clone, Copy)]
pub enum Needs {
    /// A program, and the Debian package that brings it.
    Program(&'static str, &'static str),
    /// A file that tests/install/clients.sh makes.
    Made(&'static str),
}

/// A client. All do passive transfers.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    pub name: &'static str,
    pub needs: &'static [Needs],
    /// What runs its script in tests/client, and the script.
    pub command: &'static [&'static str],
    pub active: bool,
    /// It takes an address of IPv6 with a port, and can do passive transfers there.
    pub ipv6: bool,
    /// The most awkward name of a file that it takes.
    pub takes: &'static str,
    pub lacks: &'static [Can],
}

/// Who opens data connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Passive,
    Active,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    V12,
    V13,
}

impl Tls {
    pub fn name(self) -> &'static str {
        match self {
            Tls::V12 => "1.2",
            Tls::V13 => "1.3",
        }
    }
}

/// Every printable ASCII character but `/`, and more.
pub const ANY: &str = "all !\"#$%&'()*+,-.0:;<=>?@A[\\]^_`a{|}~ \u{e9}\u{20ac}\u{1f600}.bin";

/// All of them. What they take and lack was found by running them; a newer version may do better.
#[rustfmt::skip]
pub static CLIENTS: [Client; 21] = [
    Client { name: "curl",      needs: &[Program("curl", "curl")],                        command: &["sh", "curl.sh"],        active: true,  ipv6: true,  takes: ANY, lacks: &[Stay] },
    Client { name: "lftp",      needs: &[Program("lftp", "lftp")],                        command: &["sh", "lftp.sh"],        active: true,  ipv6: true,  takes: ANY, lacks: &[] },
    Client { name: "tnftp",     needs: &[Program("tnftp", "tnftp")],                      command: &["sh", "tnftp.sh"],       active: true,  ipv6: true,  takes: ANY, lacks: &[] },
    Client { name: "inetutils", needs: &[Program("inetutils-ftp", "inetutils-ftp")],      command: &["sh", "inetutils.sh"],   active: true,  ipv6: true,  takes: ANY, lacks: &[] },
    Client { name: "ncftp",     needs: &[Program("ncftpget", "ncftp")],                   command: &["sh", "ncftp.sh"],       active: true,  ipv6: false, takes: ANY, lacks: &[Abort, Stay, Ten] },
    Client { name: "yafc",      needs: &[Program("yafc", "yafc")],                        command: &["sh", "yafc.sh"],        active: true,  ipv6: true,  takes: ANY, lacks: &[Abort, Stay, Ten] },
    Client { name: "wget",      needs: &[Program("wget", "wget")],                        command: &["sh", "wget.sh"],        active: true,  ipv6: true,  takes: ANY, lacks: DOWNLOADER },
    Client { name: "aria2",     needs: &[Program("aria2c", "aria2")],                     command: &["sh", "aria2.sh"],       active: true,  ipv6: true,  takes: ANY, lacks: BLIND_DOWNLOADER },
    Client { name: "axel",      needs: &[Program("axel", "axel")],                        command: &["sh", "axel.sh"],        active: false, ipv6: false, takes: NO_GLOB, lacks: &[List, ResumeGet, Put, ResumePut, Rename, Delete, MakeDir, SetTime, Abort, Stay, Ten] },
    Client { name: "busybox",   needs: &[Program("busybox", "busybox")],                  command: &["sh", "busybox.sh"],     active: false, ipv6: true,  takes: ANY, lacks: &[List, ResumePut, Rename, Delete, MakeDir, SetTime, Abort, Stay, Ten] },
    Client { name: "ftpcopy",   needs: &[Program("ftpcopy", "ftpcopy")],                  command: &["sh", "ftpcopy.sh"],     active: false, ipv6: false, takes: ANY, lacks: BLIND_DOWNLOADER },
    Client { name: "wput",      needs: &[Program("wput", "wput")],                        command: &["sh", "wput.sh"],        active: true,  ipv6: false, takes: ANY, lacks: &[List, Get, ResumeGet, Rename, Delete, MakeDir, SetTime, Abort, Stay, Ten] },
    Client { name: "rclone",    needs: &[Program("rclone", "rclone")],                    command: &["sh", "rclone.sh"],      active: false, ipv6: true,  takes: ANY, lacks: &[ResumeGet, ResumePut, Stay, Ten] },
    Client { name: "ftplib",    needs: &[Program("python3", "python3")],                  command: &["python3", "python-ftplib.py"], active: true,  ipv6: true,  takes: ANY, lacks: &[] },
    Client { name: "aioftp",    needs: &[Made("venv/bin/python3")],                       command: &["venv/bin/python3", "python-aioftp.py"], active: false, ipv6: true, takes: ANY, lacks: &[] },
    Client { name: "netftp",    needs: &[Program("perl", "perl")],                        command: &["perl", "netftp.pl"],    active: true,  ipv6: true,  takes: ANY, lacks: &[] },
    Client { name: "basicftp",  needs: &[Program("node", "nodejs"), Made("node_modules/basic-ftp")], command: &["node", "basicftp.js"], active: false, ipv6: true, takes: ANY, lacks: &[Stay] },
    Client { name: "extftp",    needs: &[Program("php", "php-cli")],                      command: &["php", "extftp.php"],    active: true,  ipv6: true,  takes: ANY, lacks: &[Abort, Stay] },
    Client { name: "jlaffaye",  needs: &[Made("jlaffaye")],                               command: &["jlaffaye"],             active: false, ipv6: true,  takes: ANY, lacks: &[] },
    Client { name: "commonsnet", needs: &[Program("java", "default-jdk-headless"), Made("CommonsNet.class")], command: &["sh", "commonsnet.sh"], active: true, ipv6: true,  takes: ANY, lacks: &[] },
    Client { name: "suppaftp",  needs: &[Made("suppaftp/debug/suppaftp-client")],         command: &["suppaftp/debug/suppaftp-client"], active: true, ipv6: true, takes: ANY, lacks: &[] },
];

const DOWNLOADER: &[Can] = &[Put, ResumePut, Rename, Delete, MakeDir, SetTime, Abort, Stay, Ten];
const BLIND_DOWNLOADER: &[Can] =
    &[List, Put, ResumePut, Rename, Delete, MakeDir, SetTime, Abort, Stay, Ten];

/// The same without what is taken for a pattern.
pub const NO_GLOB: &str = "all !\"#$%&'()+,-.0:;<=>@A[\\]^_`a{|}~ \u{e9}\u{20ac}\u{1f600}.bin";

/// The row of this client, for a table that has it again.
pub const fn row(name: &str) -> Client {
    let mut at = 0;
    while at < CLIENTS.len() {
        if is_same(CLIENTS[at].name.as_bytes(), name.as_bytes()) {
            return CLIENTS[at];
        }
        at += 1;
    }
    panic!("no such client")
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([a, one @ ..], [b, other @ ..]) => *a == *b && is_same(one, other),
        _ => false,
    }
}

impl Client {
    pub fn can(&self, what: Can) -> bool {
        !self.lacks.contains(&what)
    }

    /// What of its needs is not there, and how it would come.
    pub fn missing(&self) -> Option<String> {
        let missing = |need: &Needs| match *need {
            Needs::Program(name, package) if !is_program(name) => Some(format!(
                "{}: no {name}: `sh tests/install/packages.sh test` installs it (Debian: {package})",
                self.name
            )),
            Needs::Made(name) if !made().join(name).exists() => Some(format!(
                "{}: no {}: `sh tests/install/clients.sh` makes it",
                self.name,
                made().join(name).display()
            )),
            _ => None,
        };
        self.needs.iter().find_map(missing)
    }

    /// The command of its script.
    fn command(&self) -> Command {
        let scripts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/client");
        let mut command = patient();
        for word in self.command {
            let script = scripts.join(word);
            let made = made().join(word);
            match () {
                () if script.is_file() => command.arg(script),
                () if made.is_file() => command.arg(made),
                () => command.arg(word),
            };
        }
        command
    }
}

fn is_program(name: &str) -> bool {
    let places = std::env::var("PATH").unwrap_or_default();
    places.split(':').any(|place| Path::new(place).join(name).is_file())
}

/// Where tests/install/clients.sh makes them: `clients` in the target directory.
pub fn made() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("clients")
}

/// One client in one mode, over plain FTP or one version of TLS.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub client: &'static Client,
    pub mode: Mode,
    pub tls: Option<Tls>,
}

/// Each of these clients, in each mode that it has.
pub fn runs(clients: impl Iterator<Item = &'static Client>) -> Vec<Run> {
    let modes = |client: &'static Client| {
        let modes = [Mode::Passive, Mode::Active].into_iter();
        modes.filter(|mode| client.active || *mode == Mode::Passive)
    };
    clients
        .flat_map(|client| modes(client).map(move |mode| Run { client, mode, tls: None }))
        .collect()
}

/// How many clients may run at the same time, for one super-server.
pub const AT_ONCE: usize = 6;

/// Puts there what clients download, go on with, and change.
pub fn furnished(site: Site, runs: &[Run]) -> Site {
    let site = site.file("/pub/big.bin", &down()).directory("/endless");
    runs.iter().fold(site, |site, run| {
        let there = run.directory();
        let endless = run.endless();
        site.file(&format!("/{there}/half.bin"), &other_half(&up()))
            .file(&format!("/{there}/old-name"), b"renamed\n")
            .file(&format!("/{there}/unwanted"), b"deleted\n")
            .file(&format!("/{there}/dated"), b"dated\n")
            .file(&format!("/{there}/ten.txt"), b"ten\n")
            .file(&format!("/{there}/{}", run.client.takes), b"awkward\n")
            .file(&endless, b"")
            .prepared(|root| make_endless(&root.join(endless.trim_start_matches('/'))))
    })
}

/// More than all buffers of a connection take, and nothing on the disk.
fn make_endless(path: &Path) {
    File::options().write(true).open(path).and_then(|file| file.set_len(256 << 20)).unwrap();
}

/// Neither size is a multiple of any buffer, and no two parts are the same.
fn down() -> Vec<u8> {
    (0..333_331_u32).flat_map(u32::to_be_bytes).collect()
}

pub fn up() -> Vec<u8> {
    (0..222_223_u32).rev().flat_map(u32::to_le_bytes).collect()
}

/// More than the buffers of sockets hold.
fn large() -> Vec<u8> {
    (0..2_222_223_u32).flat_map(u32::to_le_bytes).collect()
}

/// Where transfers are resumed: some clients go back to the beginning of a block.
const HALF: usize = 6 << 16;

/// Another first half: what is there of it after a resumed transfer was never sent. Its last block is the same, for
/// clients that send that again.
fn other_half(bytes: &[u8]) -> Vec<u8> {
    let (other, same) = bytes[..HALF].split_at(HALF - 4096);
    other.iter().map(|byte| !byte).chain(same.iter().copied()).collect()
}

fn resumed(bytes: &[u8]) -> Vec<u8> {
    let mut whole = other_half(bytes);
    whole.extend(&bytes[whole.len()..]);
    whole
}

/// Runs these clients, each in every mode, under a super-server, and fails with all that went wrong.
#[track_caller]
pub fn all_succeed(kind: Kind, host: IpAddr, site: Site, which: impl Fn(&Client) -> bool) {
    let wanted = |client: &&Client| which(client) && (client.ipv6 || host.is_ipv4());
    let runs = runs(CLIENTS.iter().filter(wanted));
    let site = furnished(site, &runs);
    let server = SuperServer::start(kind, host, &site);
    let failures = failures(&runs, AT_ONCE, &site, &server);
    assert!(
        failures.is_empty(),
        "{kind:?} on {host}:\n{}\nthe server's log:\n{}\nthe super-server's:\n{}",
        failures.join("\n"),
        site.log().text(),
        server.log(),
    );
    server.has_no_sessions();
    assert_eq!(site.log().faults(), Vec::<String>::new());
}

/// Runs them all, so many at a time, and tells what is not as it should be.
pub fn failures(runs: &[Run], at_once: usize, site: &Site, server: &SuperServer) -> Vec<String> {
    side_by_side(runs, at_once, |run| run.failures(site, server))
}

/// Does this for all of them, so many at a time.
pub fn side_by_side<T: Send>(
    runs: &[Run],
    at_once: usize,
    work: impl Fn(&Run) -> Vec<T> + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let works = || {
        let runs = std::iter::from_fn(|| runs.get(next.fetch_add(1, Ordering::Relaxed)));
        runs.flat_map(&work).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(works)).collect();
        workers.into_iter().flat_map(|one| one.join().expect("a run does not panic")).collect()
    })
}

impl Run {
    pub fn name(&self) -> String {
        let tls = self.tls.map(|tls| format!("-{}", tls.name())).unwrap_or_default();
        format!("{}{tls}-{:?}", self.client.name, self.mode)
    }

    /// What it uploads: over TLS more than any buffer takes.
    fn uploaded(&self) -> Vec<u8> {
        if self.tls.is_some() { large() } else { up() }
    }

    /// Where it may write on the server.
    pub fn directory(&self) -> String {
        format!("incoming/{}", self.name())
    }

    /// What it begins to download and never ends.
    fn endless(&self) -> String {
        format!("/endless/{}.bin", self.name())
    }

    /// Runs the client and tells what is not as it should be.
    fn failures(&self, site: &Site, server: &SuperServer) -> Vec<String> {
        if let Some(missing) = self.client.missing() {
            return vec![missing];
        }
        let here = self.prepared(site);
        let said = self.script(&here, site, server);
        let wrong = self.findings(&here, site);
        if wrong.is_empty() {
            return vec![];
        }
        vec![format!("{}: {}\n{said}", self.name(), wrong.join(", "))]
    }

    /// Where it runs, with the files that it needs.
    pub fn prepared(&self, site: &Site) -> PathBuf {
        let here = site.beside(&self.name());
        fs::create_dir(&here).expect("our own directory");
        let files =
            [("up.bin", self.uploaded()), ("half.bin", up()), ("resumed.bin", other_half(&down()))];
        for (name, bytes) in files {
            fs::write(here.join(name), bytes).expect("our own directory");
        }
        here
    }

    /// What the client printed, and how it ended.
    pub fn script(&self, here: &Path, site: &Site, server: &SuperServer) -> String {
        let began = std::time::Instant::now();
        let yes = |is: bool| if is { "yes" } else { "no" };
        let mut command = self.client.command();
        command
            .env("PASSIVE", yes(self.mode == Mode::Passive))
            .env("DIR", self.directory())
            .env("ENDLESS", self.endless())
            .env("HALF", HALF.to_string())
            .env("NAME", self.client.takes)
            .env("NAME_URL", percent(self.client.takes))
            .env("TLS", self.tls.map(Tls::name).unwrap_or_default());
        if let Some(tls) = self.tls {
            pin(&mut command, here, tls);
        }
        let said = run(command, here, site, server).0;
        if std::env::var_os("CLIENT").is_some() {
            println!("{}: {:?}\n{said}", self.name(), began.elapsed());
        }
        said
    }

    /// What is not as it should be when it has run.
    pub fn findings(&self, here: &Path, site: &Site) -> Vec<String> {
        let done = self.done(here, site);
        let wrong = done.into_iter().filter_map(|(what, name, is_done)| {
            let can = self.client.can(what);
            match (can, is_done) {
                (true, false) => Some(format!("{name}: not done")),
                (false, true) => Some(format!("{name}: done, though its row says that it can't")),
                _ => None,
            }
        });
        let mut wrong: Vec<_> = wrong.collect();
        let (names, expected) = (site.names(&self.directory()), self.names());
        if names != expected {
            wrong.push(format!("names there: {names:?}, not {expected:?}"));
        }
        wrong
    }

    /// What was done, by what is there now.
    fn done(&self, here: &Path, site: &Site) -> [(Can, &'static str, bool); 14] {
        let there = |name: &str| site.content(&format!("{}/{name}", self.directory()));
        let here = |name: &str| fs::read(here.join(name)).ok();
        let name = self.client.takes;
        let listing = here("listing.txt").unwrap_or_default();
        let listing = String::from_utf8_lossy(&listing).into_owned();
        let listed = listing.contains("half.bin") && listing.contains(name);
        let [aborted, stayed] = self.aborted(&here, site);
        let ten = (0..10).all(|n| here(&format!("ten.{n}")).as_deref() == Some(b"ten\n"));
        let awkward = here("awkward.bin").as_deref() == Some(b"awkward\n");
        [
            (Can::List, "list", listed),
            (Can::Get, "get", here("got.bin") == Some(down())),
            (Can::Get, "get a file with an awkward name", awkward),
            (
                Can::ResumeGet,
                "go on with a download",
                here("resumed.bin") == Some(resumed(&down())),
            ),
            (Can::Put, "put", there("up.bin") == Some(self.uploaded())),
            (
                Can::Put,
                "put with an awkward name",
                there(&format!("new-{name}")) == Some(self.uploaded()),
            ),
            (Can::ResumePut, "go on with an upload", there("half.bin") == Some(resumed(&up()))),
            (Can::Rename, "rename", there("new-name").as_deref() == Some(b"renamed\n")),
            (Can::Delete, "delete", there("unwanted").is_none()),
            (Can::MakeDir, "make a directory", site.path(&self.directory()).join("made").is_dir()),
            (Can::SetTime, "set a time", self.time(site) == SET_TO),
            (Can::Abort, "abort", aborted),
            (Can::Stay, "go on in the same session", stayed),
            (Can::Ten, "ten downloads in a session", ten && self.has_ten_in_one(site)),
        ]
    }

    /// The names that must be there in the end.
    fn names(&self) -> Vec<String> {
        let can = |what| self.client.can(what);
        let mut names = vec!["dated", "half.bin", "ten.txt", self.client.takes];
        names.push(if can(Can::Rename) { "new-name" } else { "old-name" });
        names.extend(can(Can::MakeDir).then_some("made"));
        names.extend((!can(Can::Delete)).then_some("unwanted"));
        names.extend(can(Can::Put).then_some("up.bin"));
        let mut names: Vec<_> = names.into_iter().map(str::to_owned).collect();
        names.extend(can(Can::Put).then(|| format!("new-{}", self.client.takes)));
        names.sort();
        names
    }

    fn time(&self, site: &Site) -> u64 {
        let dated = site.path(&self.directory()).join("dated");
        let time = fs::metadata(dated).and_then(|metadata| metadata.modified());
        let since = time.map(|time| time.duration_since(SystemTime::UNIX_EPOCH));
        since.map(|since| since.as_ref().map_or(0, Duration::as_secs)).unwrap_or_default()
    }

    /// Whether the server saw the end in the middle, and the client got another file after that; in the same session?
    fn aborted(&self, here: &impl Fn(&str) -> Option<Vec<u8>>, site: &Site) -> [bool; 2] {
        if here("after.txt").as_deref() != Some(b"hello, world\n") {
            return [false, false];
        }
        // The log has a line a moment after the client has its reply.
        let aborted = within(PATIENCE, || self.aborted_in(&site.log().text()));
        let session = aborted.clone().unwrap_or_default();
        let is_it = |line: &str| line.contains(&session) && line.contains(" path=/pub/hello.txt ");
        let went_on = || site.log().text().lines().any(is_it).then_some(());
        let patience = if self.client.can(Can::Stay) { PATIENCE } else { Duration::ZERO };
        let stayed = aborted.is_some() && within(patience, went_on).is_some();
        [aborted.is_some(), stayed]
    }

    /// Whether the log has ten downloads in one session, a moment later at the latest.
    fn has_ten_in_one(&self, site: &Site) -> bool {
        let download = format!(" path=/{}/ten.txt ", self.directory());
        let ten_in_one = || {
            let log = site.log().text();
            let lines = log.lines().filter(|line| line.contains(&download));
            let sessions: Vec<_> = lines.filter_map(session_of).collect();
            let first = sessions.first()?;
            (sessions.len() == 10 && sessions.iter().all(|one| one == first)).then_some(())
        };
        within(PATIENCE, ten_in_one).is_some()
    }

    /// The session whose download was ended in the middle, by the log: `session=…`.
    fn aborted_in(&self, log: &str) -> Option<String> {
        let download = format!(" path={} ", self.endless());
        let is_it = |line: &&str| line.contains(&download) && !line.contains("outcome=complete");
        session_of(log.lines().find(is_it)?).map(str::to_owned)
    }
}

/// The session that a line of the log is about: `session=…`.
pub fn session_of(line: &str) -> Option<&str> {
    line.split(' ').find(|word| word.starts_with("session="))
}

/// The same for GnuTLS, which would rather speak TLS 1.3 anyway, and does not at all where 1.2 is disabled.
fn gnutls_conf(tls: Tls) -> String {
    match tls {
        Tls::V12 => "[overrides]\ndisabled-version = tls1.3\n".to_owned(),
        Tls::V13 => String::new(),
    }
}

/// Has OpenSSL speak one version alone, whatever program it is in.
fn openssl_conf(tls: Tls) -> String {
    let version = tls.name();
    format!(
        "openssl_conf = all\n[all]\nssl_conf = kinds\n[kinds]\nsystem_default = every\n\
         [every]\nMinProtocol = TLSv{version}\nMaxProtocol = TLSv{version}\n"
    )
}

/// Runs a script of tests/client/story, in this directory, to its good end.
#[track_caller]
pub fn story(name: &str, here: &Path, site: &Site, server: &SuperServer) {
    let client = CLIENTS.iter().find(|client| client.name == name).expect("it has a row");
    assert_eq!(client.missing(), None);
    let script = format!("{}/tests/client/story/{name}.sh", env!("CARGO_MANIFEST_DIR"));
    let mut command = patient();
    command.arg("sh").arg(script).env("NAME", ANY);
    let (said, is_well) = run(command, here, site, server);
    assert!(is_well, "{name}: {said}\nthe server's log:\n{}", site.log().text());
    server.has_no_sessions();
    assert_eq!(site.log().faults(), Vec::<String>::new());
}

/// Runs a script of tests/client/story over TLS, in a directory of its own, with these variables too: the directory, what it
/// printed and how it ended, and whether that is well. It fails where any of its sessions was of another version.
#[track_caller]
pub fn over_tls(
    name: &str,
    tls: Tls,
    variables: &[(&str, &str)],
    site: &Site,
    server: &SuperServer,
) -> (PathBuf, String, bool) {
    let here = site.beside(&format!("story-{name}-{}", tls.name()));
    fs::create_dir_all(&here).expect("our own directory");
    fs::write(here.join("up.bin"), up()).expect("our own directory");
    let script = format!("{}/tests/client/story/{name}.sh", env!("CARGO_MANIFEST_DIR"));
    let mut command = patient();
    command.arg("sh").arg(script).env("TLS", tls.name()).envs(variables.iter().copied());
    pin(&mut command, &here, tls);
    let before = site.log().text().len();
    let (said, is_well) = run(command, &here, site, server);
    let log = site.log().text();
    let mut sessions = log[before..].lines().filter(|line| line.contains(" connection=control "));
    let version = format!(" version=TLSv{} ", tls.name());
    assert!(sessions.all(|line| line.contains(&version)), "{name}: not all{version}in\n{log}");
    (here, said, is_well)
}

/// Leaves this version of TLS alone to the libraries that a command may use.
fn pin(command: &mut Command, here: &Path, tls: Tls) {
    let confs = [
        ("OPENSSL_CONF", "openssl.conf", openssl_conf(tls)),
        ("GNUTLS_SYSTEM_PRIORITY_FILE", "gnutls.conf", gnutls_conf(tls)),
    ];
    for (variable, name, text) in confs {
        fs::write(here.join(name), text).expect("our own directory");
        command.env(variable, here.join(name));
    }
}

/// A command that is ended when it takes too long.
fn patient() -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "120"]);
    command
}

/// Runs a client's command; what it printed and how it ended, and whether that is well.
fn run(mut command: Command, here: &Path, site: &Site, server: &SuperServer) -> (String, bool) {
    let host = server.host;
    let url = if host.is_ipv4() { host.to_string() } else { format!("[{host}]") };
    let (user, password) = site.login();
    let output = command
        .current_dir(here)
        .env("HOME", here)
        // Far from UTC: what is said about times must not depend on it.
        .env("TZ", "XST-5:45")
        .env("MADE", made())
        .env("HOST", host.to_string())
        .env("PORT", server.port.to_string())
        .env("FTP_USER", &user)
        .env("FTP_PASSWORD", &password)
        .env("SITE", format!("ftp://{url}:{}", server.port))
        .env("LOGIN", format!("{}:{}", percent(&user), percent(&password)))
        .stdin(Stdio::null())
        .output()
        .expect("coreutils are there");
    let [out, err] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (format!("{out}{err}({})", output.status), output.status.success())
}

/// Percent-encodes all but letters, digits and `-._`.
pub fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
