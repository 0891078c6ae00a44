//! Accounts: the server's own, made where they are missing and left there; test users, made and removed.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{Pid, User as Entry};

/// The password of every test user.
pub const PASSWORD: &str = "open sesame";
/// The same as shadow keeps it: `openssl passwd -6 -salt cellftpd 'open sesame'`.
const SHADOW: &str = "$6$cellftpd$pikYXh3HAQXEUkitjrViHvHp0TG8yFocYP78Iq//kmt/uwG3mEY97Qbca1rohdtnaxlEz9lECTG0m8lliqvHR0";
/// Who made them: sweeping leaves every other account alone.
const MARK: &str = "cellftpd system test";
const PREFIX: &str = "cellt";
/// Where PAM services are, and how those begin that a test makes.
const SERVICES: &str = "/etc/pam.d";
const SERVICE: &str = "cellftpd-test-";
const PAM: &str = "@include common-auth\n@include common-account\n";

/// A local user with a home and a password, gone when dropped.
#[derive(Debug)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl User {
    /// Makes a user with this home, which exists already and becomes the user's.
    pub fn with_home(home: &Path) -> User {
        User::with(home, "/bin/sh")
    }

    /// Makes a user with this home and shell.
    pub fn with(home: &Path, shell: &str) -> User {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{count}", Pid::this());
        let home = home.to_str().expect("temporary directories have plain names");
        let made = ["--no-create-home", "--user-group", "--home-dir", home, "--shell", shell];
        let marked = ["--comment", MARK, "--password", SHADOW, name.as_str()];
        locked(|| run("useradd", made.iter().chain(&marked)));
        let entry = entry(&name).expect("useradd made it");
        User { name, uid: entry.uid.as_raw(), gid: entry.gid.as_raw() }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // Not `run`: a panic while a failing test unwinds would hide its message.
        locked(|| Command::new("userdel").arg("--force").arg(&self.name).output().ok());
    }
}

/// A PAM service of one rule, for a server that asks PAM about everybody; gone when dropped.
#[derive(Debug)]
pub struct Service {
    pub name: String,
}

impl Service {
    /// Of this module with its options: `pam_permit.so` lets everybody in, `pam_deny.so` nobody.
    pub fn of(module: &str) -> Service {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{SERVICE}{}-{count}", Pid::this());
        let text = format!("auth required {module}\naccount required {module}\n");
        fs::write(Path::new(SERVICES).join(&name), text).expect("root may write /etc/pam.d");
        Service { name }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = fs::remove_file(Path::new(SERVICES).join(&self.name));
    }
}

/// The accounts and the PAM service of the server itself, made once where they are missing.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        locked(|| {
            for name in ["cellftpd", "cellftpd-net", "cellftpd-key", "ftp"] {
                if entry(name).is_none() {
                    let shell = ["--shell", "/usr/sbin/nologin", "--home-dir", "/nonexistent"];
                    run(
                        "useradd",
                        ["--system", "--user-group"].iter().chain(&shell).chain(&[name]),
                    );
                }
            }
            let service = Path::new("/etc/pam.d/cellftpd");
            if !service.exists() {
                fs::write(service, PAM).expect("root may write /etc/pam.d");
                fs::set_permissions(service, fs::Permissions::from_mode(0o644)).unwrap();
            }
            sweep();
        });
    });
}

/// Removes users and services of test runs that were killed: their name tells the process that made them.
fn sweep() {
    for service in fs::read_dir(SERVICES).expect("it was written to").flatten() {
        let name = service.file_name().to_string_lossy().into_owned();
        if name.strip_prefix(SERVICE).is_some_and(is_orphaned) {
            let _ = fs::remove_file(service.path());
        }
    }
    let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd is readable");
    let ours =
        passwd.lines().filter(|line| line.contains(MARK)).filter_map(|line| line.split(':').next());
    for name in ours {
        if is_orphaned(name.trim_start_matches(PREFIX)) {
            run("userdel", ["--force", name].iter());
        }
    }
}

/// Whether the process that made `PID-COUNT` is gone.
fn is_orphaned(name: &str) -> bool {
    let maker = name.split('-').next().unwrap_or_default();
    !Path::new("/proc").join(maker).exists()
}

/// One at a time, over all test programs: useradd gives up when the password file stays locked.
fn locked<T>(work: impl FnOnce() -> T) -> T {
    let file = File::create("/run/lock/cellftpd-tests").expect("/run/lock is there");
    let _lock = Flock::lock(file, FlockArg::LockExclusive).expect("flock works");
    work()
}

fn entry(name: &str) -> Option<Entry> {
    Entry::from_name(name).expect("the user database can be read")
}

fn run<'a>(command: &str, arguments: impl Iterator<Item = &'a &'a str>) {
    let path = super::program(command, "passwd");
    let output = Command::new(path).args(arguments).output().expect("it can be run");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}
