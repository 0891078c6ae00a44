//! Whole runs of real clients under real super-servers: list, get, put, resume, rename, delete, compared byte for byte,
//! active and passive, over IPv4 and IPv6, anonymous and as a local user.
#![cfg(test)]

mod harness;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use harness::site::LEAP_DAY;
use harness::superserver::{Kind, SuperServer};
use harness::{Site, program};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// A client: its script in tests/client, the program that it needs, and that program's package.
struct Client {
    name: &'static str,
    program: &'static str,
    package: &'static str,
    /// ncftp knows no IPv6.
    ipv6: bool,
    /// It gives an upload the time of its original, by MFMT.
    keeps_time: bool,
}

#[rustfmt::skip]
const CLIENTS: [Client; 5] = [
    Client { name: "curl",   program: "curl",     package: "curl",    ipv6: true,  keeps_time: false },
    Client { name: "lftp",   program: "lftp",     package: "lftp",    ipv6: true,  keeps_time: true },
    Client { name: "tnftp",  program: "tnftp",    package: "tnftp",   ipv6: true,  keeps_time: false },
    Client { name: "ncftp",  program: "ncftpget", package: "ncftp",   ipv6: false, keeps_time: true },
    Client { name: "ftplib", program: "python3",  package: "python3", ipv6: true,  keeps_time: false },
];

/// Who opens data connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Passive,
    Active,
}

const MODES: [Mode; 2] = [Mode::Passive, Mode::Active];

#[test]
fn under_xinetd() {
    every_client(Kind::Xinetd, V4, anonymous());
    every_client(Kind::Xinetd, V6, local());
}

#[test]
fn under_systemd() {
    every_client(Kind::Systemd, V4, local());
    every_client(Kind::Systemd, V6, anonymous());
}

#[test]
fn under_inetd() {
    every_client(Kind::Inetd, V4, anonymous());
    every_client(Kind::Inetd, V6, local());
}

#[test]
fn over_pipes() {
    every_client(Kind::Pipes, V4, anonymous());
    every_client(Kind::Pipes, V4, local());
}

fn anonymous() -> Site {
    with_big_files(Site::with_incoming())
}

fn local() -> Site {
    with_big_files(Site::local())
}

/// What clients download, and what is there of what they upload and change.
fn with_big_files(site: Site) -> Site {
    let runs = CLIENTS.iter().flat_map(|client| MODES.map(|mode| directory(client, mode)));
    runs.fold(site.file("/pub/big.bin", &down()), |site, directory| {
        site.file(&format!("/{directory}/half.bin"), half(&up()))
            .file(&format!("/{directory}/old-name"), b"renamed\n")
            .file(&format!("/{directory}/unwanted"), b"deleted\n")
    })
}

/// Neither size is a multiple of any buffer, and no two parts are the same.
fn down() -> Vec<u8> {
    (0..333_331_u32).flat_map(u32::to_be_bytes).collect()
}

fn leap_day() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(LEAP_DAY)
}

fn up() -> Vec<u8> {
    (0..222_223_u32).rev().flat_map(u32::to_le_bytes).collect()
}

fn half(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() / 2]
}

fn directory(client: &Client, mode: Mode) -> String {
    format!("incoming/{}-{mode:?}", client.name)
}

/// Runs every client in every mode against one super-server.
#[track_caller]
fn every_client(kind: Kind, host: IpAddr, site: Site) {
    let server = SuperServer::start(kind, host, &site);
    let clients = || CLIENTS.iter().filter(|client| client.ipv6 || host.is_ipv4());
    let runs = clients()
        .flat_map(|client| MODES.map(|mode| Run { client, mode, site: &site, server: &server }));
    let failures: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = runs.map(|run| scope.spawn(move || run.failures())).collect();
        running.into_iter().flat_map(|run| run.join().expect("a run does not panic")).collect()
    });
    assert!(
        failures.is_empty(),
        "{kind:?} on {host}:\n{}\nthe server's log:\n{}\nthe super-server's:\n{}",
        failures.join("\n"),
        site.log().text(),
        server.log(),
    );
    server.has_no_sessions();
}

/// One client in one mode.
struct Run<'a> {
    client: &'a Client,
    mode: Mode,
    site: &'a Site,
    server: &'a SuperServer,
}

impl Run<'_> {
    /// Runs the client and tells what is not as it should be.
    fn failures(&self) -> Vec<String> {
        let name = format!("{} {:?}", self.client.name, self.mode);
        let here = self.site.beside(&name.replace(' ', "-"));
        fs::create_dir(&here).expect("our own directory");
        fs::write(here.join("up.bin"), up()).expect("our own directory");
        let original = fs::File::options().append(true).open(here.join("up.bin"));
        original.and_then(|file| file.set_modified(leap_day())).expect("our own file");
        fs::write(here.join("half.bin"), up()).expect("our own directory");
        fs::write(here.join("resumed.bin"), half(&down())).expect("our own directory");
        let said = self.script(&here);
        let wrong = self.differences(&here);
        if wrong.is_empty() {
            vec![]
        } else {
            vec![format!("{name}: {}\n{said}", wrong.join(", "))]
        }
    }

    /// What the client printed, and how it ended.
    fn script(&self, here: &Path) -> String {
        program(self.client.program, self.client.package);
        let (user, password) = self.site.login();
        let host = self.server.host;
        let url = if host.is_ipv4() { host.to_string() } else { format!("[{host}]") };
        let passive = if self.mode == Mode::Passive { "yes" } else { "no" };
        let script = format!("tests/client/{}.sh", self.client.name);
        let output = Command::new("timeout")
            .args(["--kill-after=5", "60", "sh"])
            .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(script))
            .current_dir(here)
            .env("HOST", host.to_string())
            .env("URL", url)
            .env("PORT", self.server.port.to_string())
            .env("FTP_USER", user)
            .env("FTP_PASSWORD", password)
            .env("PASSIVE", passive)
            .env("DIR", directory(self.client, self.mode))
            .stdin(Stdio::null())
            .output()
            .expect("coreutils are there");
        let [out, err] = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        format!("{out}{err}({})", output.status)
    }

    /// Whether a file has the time of its original, where the client asks for that and may.
    fn has_its_time(&self, path: &str) -> bool {
        let may = self.site.login().0 != "anonymous";
        let modified = fs::metadata(self.site.path(path)).and_then(|there| there.modified());
        !self.client.keeps_time || !may || modified.is_ok_and(|time| time == leap_day())
    }

    fn differences(&self, here: &Path) -> Vec<String> {
        let there = format!("/{}", directory(self.client, self.mode));
        let of_server = |name: &str| self.site.content(&format!("{there}/{name}"));
        let of_client = |name: &str| fs::read(here.join(name)).ok();
        let listing = of_client("listing.txt").unwrap_or_default();
        let listed = String::from_utf8_lossy(&listing).contains("big.bin");
        [
            ("the listing", listed),
            ("the download", of_client("got.bin") == Some(down())),
            ("the resumed download", of_client("resumed.bin") == Some(down())),
            ("the upload", of_server("up.bin") == Some(up())),
            ("the time of the upload", self.has_its_time(&format!("{there}/up.bin"))),
            ("the resumed upload", of_server("half.bin") == Some(up())),
            ("the rename", of_server("new-name").as_deref() == Some(b"renamed\n")),
            ("the old name", of_server("old-name").is_none()),
            ("the deletion", of_server("unwanted").is_none()),
            ("what else is there", self.site.names(&there) == ["half.bin", "new-name", "up.bin"]),
        ]
        .into_iter()
        .filter(|(_, is_right)| !is_right)
        .map(|(what, _)| what.to_owned())
        .collect()
    }
}
