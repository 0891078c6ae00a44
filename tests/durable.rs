//! 226 means that the file is on the disk: the order of the system calls, as strace sees them; and the shipped units, as
//! systemd reads them.
#![cfg(test)]

mod harness;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use harness::{Site, eventually, program};

/// What a session did for an upload, call by call.
fn upload_traced(site: &Site, path: &str) -> Vec<String> {
    let trace = site.beside("trace");
    let mut session = site.connect();
    session.hears("220");
    let mut strace = Command::new(program("strace", "strace"))
        .args(["--follow-forks", "--quiet=all", "--output"])
        .arg(&trace)
        .args(["--trace", "fdatasync,fsync,renameat,renameat2,sendto"])
        .args(["--attach", &session.broker().pid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace runs");
    let is_traced = || session.broker().status().get("TracerPid").is_some_and(|pid| pid != "0");
    eventually("strace", || is_traced().then_some(()));
    session.logs_in();
    session.puts(path, b"content");
    session.quits();
    strace.wait().expect("it ends with the session");
    let text = fs::read_to_string(trace).expect("strace wrote it");
    let told = |line: &str| line.split_once(' ').map(|(_, call)| call.trim().to_owned());
    text.lines().filter_map(told).collect()
}

/// Where the first call is that begins so and holds this.
#[track_caller]
fn at(calls: &[String], begins: &str, holds: &str) -> usize {
    let found = calls.iter().position(|call| call.starts_with(begins) && call.contains(holds));
    found.unwrap_or_else(|| panic!("no {begins} with {holds} in {calls:#?}"))
}

#[test]
fn a_file_is_on_the_disk_before_226() {
    let calls = upload_traced(&Site::with_incoming(), "incoming/new");
    let told = at(&calls, "sendto", "226 ");
    let order = [at(&calls, "fdatasync", ""), at(&calls, "renameat", ".cellftpd."), told];
    assert!(order.is_sorted(), "{calls:#?}");
    let directory = at(&calls, "fsync", "");
    assert!(order[1] < directory && directory < told, "the name is not on the disk: {calls:#?}");
}

#[test]
fn durability_none_waits_for_no_disk() {
    let site = Site::with_incoming().set("transfer.durability", "\"none\"");
    let calls = upload_traced(&site, "incoming/new");
    let syncs = |call: &&String| call.starts_with("fdatasync") || call.starts_with("fsync");
    assert_eq!(calls.iter().filter(syncs).count(), 0, "{calls:#?}");
}

#[test]
fn systemd_understands_the_units() {
    let directory = tempfile::tempdir().expect("/tmp is writable");
    let stand_in = directory.path().join("cellftpd");
    fs::copy("/bin/true", &stand_in).expect("it is there");
    fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let copies = ["cellftpd.socket", "cellftpd@.service"].map(|name| {
        let text = fs::read_to_string(units.join(name)).expect("it is shipped");
        // systemd would answer openat2 with ENOSYS, and verify does not know that we need it.
        assert!(!text.contains("\nRestrictSUIDSGID="), "{name}");
        let text = text.replace("/usr/sbin/cellftpd", &stand_in.display().to_string());
        let copy = directory.path().join(name);
        fs::write(&copy, text).expect("our own directory");
        copy
    });
    let output = Command::new(program("systemd-analyze", "systemd"))
        .args(["verify", "--man=no"])
        .args(copies)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
