//! A site: a directory tree of its own, a configuration, and who may log in to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::account::{self, PASSWORD, User};
use super::launch::{Line, serve, server_program};
use super::log::Log;
use super::process::Process;
use super::session::Session;

/// When every file of the default tree was modified: 2024-02-29 12:34:56 UTC.
pub const LEAP_DAY: u64 = 1_709_210_096;

/// What clients may do in a directory, in the words of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Words(pub &'static [&'static str]);

impl Words {
    pub const READ: Words = Words(&["list", "read"]);
    pub const ALL: Words = Words(&["list", "read", "write", "delete", "rename", "make-dir"]);
}

/// A site and all that it needs, gone when dropped.
#[derive(Debug)]
pub struct Site {
    settings: BTreeMap<String, String>,
    matches: String,
    user: Option<User>,
    /// Whose the files are, and from which directory on; the others are root's.
    owner: (u32, u32),
    owned: &'static str,
    directory: TempDir,
}

impl Site {
    /// An anonymous site that nobody may change.
    pub fn readonly() -> Site {
        Site::bare().anonymous().rights("/", Words::READ)
    }

    /// An anonymous site where everything is allowed.
    pub fn writable() -> Site {
        Site::bare().anonymous().rights("/", Words::ALL).given_to_ftp("/")
    }

    /// An anonymous site to be read, where everything is allowed in /incoming.
    pub fn with_incoming() -> Site {
        Site::readonly().rights("/incoming", Words::ALL).given_to_ftp("/incoming")
    }

    fn given_to_ftp(mut self, path: &'static str) -> Site {
        let entry = nix::unistd::User::from_name("ftp");
        let entry = entry.ok().flatten().expect("made by account::prepare");
        self.owner = (entry.uid.as_raw(), entry.gid.as_raw());
        self.owned = path;
        self.belongs_to_its_owner()
    }

    /// The home of a local user, private to that user.
    pub fn local() -> Site {
        Site::local_with_shell("/bin/sh")
    }

    /// The home of a local user with this login shell.
    pub fn local_with_shell(shell: &str) -> Site {
        let mut site = Site::bare().set("local.enabled", "true");
        let user = User::with(&site.path("/"), shell);
        site.owner = (user.uid, user.gid);
        site.user = Some(user);
        fs::set_permissions(site.path("/"), Permissions::from_mode(0o700)).unwrap();
        site.belongs_to_its_owner()
    }

    /// A tree and a log; nobody may log in.
    pub fn bare() -> Site {
        super::as_root();
        account::prepare();
        nix::sys::prctl::set_child_subreaper(true)
            .expect("every kernel that the server runs on has it");
        let directory =
            tempfile::Builder::new().prefix("cellftpd-test-").tempdir().expect("/tmp is writable");
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let log = format!("{:?}", directory.path().join("log"));
        let site = Site {
            settings: BTreeMap::new(),
            matches: String::new(),
            user: None,
            owner: (0, 0),
            owned: "/",
            directory,
        };
        fs::create_dir(site.path("/")).unwrap();
        site.set("log.to", &log)
            .set("local.enabled", "false")
            .set("login.failure_delay", "\"0 s\"")
            .set("network.active_loopback", "true")
            .with_the_usual_files()
    }

    fn anonymous(self) -> Site {
        let root = format!("{:?}", self.path("/"));
        self.set("anonymous.enabled", "true")
            .set("anonymous.root", &root)
            .set("anonymous.user", "\"ftp\"")
    }

    fn with_the_usual_files(self) -> Site {
        let every_byte: Vec<u8> = (0..=255).collect();
        self.file("/welcome.txt", b"Welcome.\n")
            .file("/pub/hello.txt", b"hello, world\n")
            .file("/pub/lines.txt", b"one\ntwo\nthree\n")
            .file("/pub/bytes.bin", &every_byte)
            .file("/pub/empty", b"")
            .file("/pub/deep/er/file.txt", b"deep\n")
            .directory("/incoming")
    }

    /// Sets a setting by its dotted name; the value is TOML. The later of two holds.
    pub fn set(mut self, name: &str, value: &str) -> Site {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets what clients may do in a directory.
    pub fn rights(self, directory: &str, words: Words) -> Site {
        self.set(&format!("rights.{directory:?}"), &format!("{:?}", words.0))
    }

    /// Adds a `[[match]]` block, or whatever else stands behind the settings.
    pub fn matching(mut self, text: &str) -> Site {
        let _ = writeln!(self.matches, "{text}");
        self
    }

    /// Adds a file, with its directories.
    pub fn file(self, path: &str, bytes: &[u8]) -> Site {
        let real = self.path(path);
        fs::create_dir_all(real.parent().expect("files have directories")).unwrap();
        fs::write(&real, bytes).unwrap();
        let leap_day = SystemTime::UNIX_EPOCH + Duration::from_secs(LEAP_DAY);
        File::open(&real).unwrap().set_modified(leap_day).unwrap();
        self.belongs_to_its_owner()
    }

    /// Adds a directory.
    pub fn directory(self, path: &str) -> Site {
        fs::create_dir_all(self.path(path)).unwrap();
        self.belongs_to_its_owner()
    }

    /// Runs something on the site's tree before it is served: links, pipes, odd names.
    pub fn prepared(self, work: impl FnOnce(&Path)) -> Site {
        work(&self.path("/"));
        self.belongs_to_its_owner()
    }

    /// Serves TLS, with a certificate for localhost.
    pub fn with_tls(self) -> Site {
        self.set("tls.enabled", "true").certified(&["localhost"])
    }

    /// Adds a certificate for these hosts, in files named for the first of them: `.pem` and `.key`.
    pub fn certified(self, names: &[&str]) -> Site {
        self.makes_certificate(names);
        let [chain, key] = ["pem", "key"].map(|kind| self.beside(&format!("{}.{kind}", names[0])));
        self.matching(&format!(
            "[[tls.certificate]]\nchain = {chain:?}\nkey = {key:?}\nnames = {names:?}"
        ))
    }

    /// Makes the files of a certificate, as an administrator would to try TLS.
    pub fn makes_certificate(&self, names: &[&str]) {
        let mut program = Command::new(server_program());
        let made = program
            .args(["tls", "new", "--names", &names.join(","), "--out"])
            .arg(self.directory.path())
            .output()
            .expect("the server runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn belongs_to_its_owner(self) -> Site {
        give(&self.path(self.owned), self.owner);
        self
    }

    /// Where a path of the site really is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join("site").join(path.trim_start_matches('/'))
    }

    /// The content of a file of the site; nothing if there is none.
    pub fn content(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.path(path)).ok()
    }

    /// Every name in a directory of the site, the hidden ones too.
    pub fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).expect("a directory of the site");
        let mut names: Vec<_> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// A place for what is not served: configuration, logs, downloads.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Who may log in, and with what.
    pub fn login(&self) -> (String, String) {
        match &self.user {
            Some(user) => (user.name.clone(), PASSWORD.to_owned()),
            None => ("anonymous".to_owned(), "tests@example.org".to_owned()),
        }
    }

    /// Writes a file of its owner's while the site is served: new, or in the place of one.
    pub fn keeps(&self, path: &str, bytes: &[u8]) {
        fs::write(self.path(path), bytes).unwrap();
        give(&self.path(path), self.owner);
    }

    /// Whose the files are: user and group.
    pub fn owner(&self) -> (u32, u32) {
        self.owner
    }

    /// The log.
    pub fn log(&self) -> Log {
        Log(self.beside("log"))
    }

    /// Writes the configuration, and tells where it is.
    pub fn configuration(&self) -> PathBuf {
        let mut text = String::new();
        for (name, value) in &self.settings {
            let _ = writeln!(text, "{name} = {value}");
        }
        let path = self.beside("cellftpd.toml");
        fs::write(&path, text + &self.matches).expect("our own directory");
        path
    }

    /// Starts a session over TCP, as inetd does.
    pub fn connect(&self) -> Session {
        self.connect_over(Line::Tcp4)
    }

    /// Starts a session of a server that `command` becomes.
    #[expect(clippy::zombie_processes, reason = "it is waited for by its number")]
    pub fn connect_by(&self, line: Line, mut command: Command) -> Session {
        let (client, ends) = line.lay();
        let child = command
            .current_dir("/")
            .stdin(Stdio::from(ends.input))
            .stdout(Stdio::from(ends.output))
            .stderr(Stdio::null())
            .spawn()
            .expect("it can be run");
        // It holds our copies of the server's ends, and would keep them open.
        drop(command);
        let pid = i32::try_from(child.id()).expect("process ids are small");
        let broker = Process::find(pid).expect("it was not waited for");
        Session::new(client.logged_to(self.log()), broker, line.host(), self.login())
    }

    /// Starts a session where TLS is spoken from the first byte on (port 990).
    pub fn connect_implicitly(&self) -> Session {
        let mut command = Command::new(server_program());
        command.arg("--config").arg(self.configuration()).arg("--implicit-tls").env_clear();
        self.connect_by(Line::Tcp4, command)
    }

    /// Starts a session over this line.
    pub fn connect_over(&self, line: Line) -> Session {
        let (client, ends) = line.lay();
        let broker = serve(ends, &self.configuration());
        Session::new(client.logged_to(self.log()), broker, line.host(), self.login())
    }
}

fn give(path: &Path, (user, group): (u32, u32)) {
    let metadata = fs::symlink_metadata(path).unwrap();
    std::os::unix::fs::lchown(path, Some(user), Some(group)).unwrap();
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), (user, group));
        }
    }
}
