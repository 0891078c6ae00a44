//! A jail that its user may write is safe because nothing in it is ever loaded: no NSS module, no zone, no locale, no
//! library. Tried with everything there that a program could be tempted by, in the dynamic and in the static build.
#![cfg(test)]

mod harness;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Site, program};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// What the C library, NSS, PAM and the dynamic linker look for.
const TEMPTATIONS: [&str; 23] = [
    "etc/passwd",
    "etc/group",
    "etc/shadow",
    "etc/nsswitch.conf",
    "etc/hosts",
    "etc/resolv.conf",
    "etc/localtime",
    "etc/locale.alias",
    "etc/ld.so.cache",
    "etc/ld.so.preload",
    "etc/cellftpd/cellftpd.toml",
    "etc/ftpusers",
    "etc/shells",
    "lib/x86_64-linux-gnu/libc.so.6",
    "lib/x86_64-linux-gnu/libnss_files.so.2",
    "lib/x86_64-linux-gnu/libgcc_s.so.1",
    "lib64/ld-linux-x86-64.so.2",
    "usr/lib/locale/locale-archive",
    "usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache",
    "usr/share/zoneinfo/UTC",
    "usr/share/zoneinfo/Europe/Berlin",
    "dev/log",
    "proc/self/status",
];

/// A session that does all that a session can, in such a home.
fn tempting_home() -> Site {
    let site = TEMPTATIONS
        .iter()
        .fold(Site::local(), |site, path| site.file(&format!("/{path}"), b"a trap\n"));
    let site = site.file("/note.txt", b"one\ntwo\n").directory("/work");
    site.set("listing.time", "\"Europe/Berlin\"").set("listing.names", "true")
}

/// Notices from now on whatever is opened below these directories.
fn watching(site: &Site, tops: &[&str]) -> Inotify {
    let notice = Inotify::init(InitFlags::IN_NONBLOCK).expect("inotify is to be had");
    tops.iter().for_each(|top| watch(&site.path(top), &notice));
    // What the walk itself has opened.
    while notice.read_events().is_ok() {}
    notice
}

fn watch(directory: &Path, notice: &Inotify) {
    let flags = AddWatchFlags::IN_OPEN | AddWatchFlags::IN_ACCESS;
    notice.add_watch(directory, flags).expect("inotify is to be had");
    for entry in fs::read_dir(directory).expect("it is there") {
        let path = entry.expect("it is readable").path();
        if path.is_dir() {
            watch(&path, notice);
        }
    }
}

#[test]
fn nothing_in_a_jail_is_opened_but_what_the_client_asks_for() {
    let site = tempting_home();
    // The traps, and not the root and the places that the client goes to.
    let notice = watching(&site, &["/etc", "/lib", "/lib64", "/usr", "/dev", "/proc"]);
    let mut session = site.connect().logged_in();
    assert!(session.lists("/").iter().any(|line| line.ends_with("note.txt")));
    for command in
        ["STAT -l /", "STAT n*", "MLST note.txt", "MDTM note.txt", "SIZE note.txt", "HELP", "FEAT"]
    {
        session.asks(command, "2*");
    }
    session.asks("RETR missing", "5*");
    assert_eq!(session.gets("/note.txt"), b"one\r\ntwo\r\n");
    session.puts("/work/new", b"content");
    session.asks("RNFR work/new", "350");
    session.asks("RNTO work/old", "250");
    session.asks("DELE work/old", "250");
    session.asks("MKD work/sub", "257");
    session.asks("RMD work/sub", "250");
    session.quits();
    let seen: Vec<_> = match notice.read_events() {
        Ok(events) => events.into_iter().map(|event| (event.mask, event.name)).collect(),
        Err(nix::errno::Errno::EAGAIN) => vec![],
        Err(errno) => panic!("inotify: {errno}"),
    };
    assert!(seen.is_empty(), "opened in the jail: {seen:?}");
}

/// The watch above would see it: a trap that the client opens is seen.
#[test]
fn an_opened_trap_is_seen() {
    let site = tempting_home();
    let notice = watching(&site, &["/etc"]);
    let mut session = site.connect().logged_in();
    session.gets("/etc/passwd");
    session.quits();
    assert!(notice.read_events().is_ok_and(|events| !events.is_empty()));
}

/// The same test again, in a process of its own that runs the static build.
#[test]
fn the_static_build_opens_nothing_either() {
    if std::env::var_os("CELLFTPD").is_some() {
        return;
    }
    let built = static_build();
    let again = Command::new(std::env::current_exe().expect("we run"))
        .args(["--exact", "nothing_in_a_jail_is_opened_but_what_the_client_asks_for"])
        .env("CELLFTPD", built)
        .output()
        .expect("we can be started again");
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success() && said.contains("1 passed"), "with the static build: {said}");
}

/// `cellftpd` without a dynamic linker, and beside it a link to `cellftpd-pam`, which can't be static.
fn static_build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static");
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let build = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--package", "cellftpd", "--bin", "cellftpd"])
        .args(["--target", &host, "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .output()
        .expect("cargo is there");
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let built = target.join(host).join("debug/cellftpd");
    let headers = Command::new(program("readelf", "binutils"))
        .args(["--wide", "--program-headers"])
        .arg(&built)
        .output()
        .expect("readelf runs");
    assert!(!String::from_utf8_lossy(&headers.stdout).contains("INTERP"), "it is not static");
    let pam = Path::new(env!("CARGO_BIN_EXE_cellftpd")).with_file_name("cellftpd-pam");
    let beside = built.with_file_name("cellftpd-pam");
    let _ = fs::remove_file(&beside);
    std::os::unix::fs::symlink(pam, &beside).expect("the target directory is writable");
    built
}
