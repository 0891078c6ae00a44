//! The ways to start it besides the super-servers of tests/superserver.rs: by a service manager that wants to know, with one
//! accepted connection as descriptor 3, over a pipe as an ordinary user; and `check`, which starts nothing.
#![cfg(test)]

mod harness;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use harness::launch::server_program;
use harness::{Line, Session, Site};

/// The account that owns nothing and that every system has.
const NOBODY: u32 = 65534;

#[test]
fn a_service_manager_hears_what_a_session_does() {
    let site = Site::readonly();
    let path = site.beside("notify");
    let manager = UnixDatagram::bind(&path).expect("our own directory");
    manager.set_read_timeout(Some(Duration::from_secs(20))).expect("it is a socket");
    let hears = |wanted: &str| {
        let mut text = [0; 4096];
        let length = manager.recv(&mut text).expect("the manager is told");
        let text = String::from_utf8_lossy(&text[..length]).into_owned();
        assert!(text.contains(wanted), "wanted {wanted}, heard {text}");
    };
    let mut command = Command::new(server_program());
    command.arg("--config").arg(site.configuration()).env_clear().env("NOTIFY_SOCKET", &path);
    let mut session = site.connect_by(Line::Tcp4, command).logged_in();
    hears("READY=1\nSTATUS=127.0.0.1: login");
    hears("STATUS=anonymous from 127.0.0.1: logged in");
    session.gets("/welcome.txt");
    hears("STATUS=anonymous from 127.0.0.1: RETR /welcome.txt");
    hears("STATUS=anonymous from 127.0.0.1: idle");
    session.quits();
}

#[test]
fn an_accepted_connection_may_come_as_descriptor_3() {
    let site = Site::readonly();
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg("LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" --config \"$1\" 3<&0 0</dev/null 1>/dev/null");
    shell.arg(server_program()).arg(site.configuration());
    let mut session = site.connect_by(Line::Tcp4, shell).logged_in();
    assert_eq!(session.gets("/welcome.txt"), b"Welcome.\r\n");
    session.quits();
    site.log().tells("login session=* from=127.0.0.1 user=anonymous");
}

/// A copy that anybody may run, wherever the target directory is. Another process writes it: a child that another test
/// starts meanwhile would hold our descriptor of it until its own exec, and what is open to be written can't be run.
fn program_for_anybody(site: &Site) -> std::path::PathBuf {
    let copy = site.beside("cellftpd");
    let mut install = Command::new("install");
    install.arg("--mode=755").arg(server_program()).arg(&copy);
    assert!(install.status().expect("coreutils are there").success(), "there is room");
    copy
}

/// What the server answers to a script, started by nobody in particular.
fn as_nobody(site: &Site, script: &str) -> (Output, String) {
    let configuration = site.configuration();
    let mut child = Command::new(program_for_anybody(site))
        .arg("--config")
        .arg(configuration)
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be run");
    let mut input = child.stdin.take().expect("it was asked for");
    input.write_all(script.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, said)
}

#[test]
fn an_ordinary_user_serves_as_that_user_and_caged() {
    let site = Site::readonly().set("server.user", "\"self\"").set("log.to", "\"stderr\"");
    let script = "USER anonymous\r\nPASS x\r\nMLST welcome.txt\r\nDELE welcome.txt\r\nQUIT\r\n";
    let (output, said) = as_nobody(&site, script);
    for reply in ["220 ", "331 ", "230 ", "250-", "550 ", "221 "] {
        assert!(said.lines().any(|line| line.starts_with(reply)), "no {reply} in {said}");
    }
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("root=jail landlock=full seccomp="), "{told}");
    assert!(output.status.success(), "{:?}", output.status);
}

#[test]
fn an_ordinary_user_is_told_how_to_serve() {
    let site = Site::readonly().set("log.to", "\"stderr\"");
    let (output, said) = as_nobody(&site, "");
    assert!(said.starts_with("421 "), "{said}");
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("set server.user = \"self\""), "{told}");
}

#[test]
fn without_a_jail_a_user_begins_at_home_and_may_go_where_the_system_lets_it() {
    let site = Site::local().set("local.jail", "false");
    let mut session = site.connect().logged_in();
    let home = site.path("/").display().to_string();
    let home = home.trim_end_matches('/');
    session.asks("PWD", &format!("257 \"{home}\"*"));
    session.asks("MLST /etc/passwd", "250*");
    session.asks("MLST welcome.txt", "250*");
    session.asks("DELE /etc/passwd", "550");
    session.asks("MKD /etc/mine", "550");
    session.puts("incoming/new", b"content");
    session.quits();
}

/// What `check` says of a site, and its exit status.
fn check(site: &Site) -> (String, i32) {
    let configuration = site.configuration();
    let mut command = Command::new(server_program());
    let output = command.arg("check").arg("--config").arg(configuration).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output.status.code().unwrap_or(-1))
}

#[test]
fn check_tells_what_a_configuration_means() {
    let (text, status) = check(&Site::with_incoming());
    for line in [
        "this configuration serves",
        "broker, before login   user root",
        "broker, after login    user cellftpd      root empty     system calls: ",
        "login worker           user cellftpd-net  root empty     system calls: ",
        "/incoming ",
        "  chmod        given nowhere              held back by the server",
        "  make-dir     given in some directories  held back by the server",
        "openat2            opening below the root",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    assert_eq!(status, 0);
    let (text, _) = check(&Site::readonly());
    assert!(text.contains("  delete       given nowhere              held back by the kernel"));
}

#[test]
fn check_tells_all_that_is_wrong() {
    let broken = Site::readonly().set("limits.idel", "\"5 s\"").set("login.max_failures", "\"x\"");
    let (text, status) = check(&broken);
    for cause in ["has no setting `idel`", "did you mean `idle`", "expected a whole number", "^^^"]
    {
        assert!(text.contains(cause), "no {cause:?} in {text}");
    }
    assert!(text.ends_with("\n\n# Verdict\nno connection is served (2 errors)\n"), "{text}");
    assert_eq!(status, 78);
    let missing = Site::readonly().set("anonymous.root", "\"/no/such/place\"");
    let (text, status) = check(&missing);
    assert!(
        text.contains("error: anonymous logins: anonymous.root /no/such/place is no directory"),
        "{text}"
    );
    assert_eq!(status, 78);
}

#[test]
fn a_new_certificate_is_good_until_somebody_else_may_read_its_key() {
    let site = Site::local();
    let (text, _) = check(&site);
    assert!(text.contains("warning: tls.enabled: without TLS, local logins send"), "{text}");

    let mut command = Command::new(server_program());
    command.args(["tls", "new", "--names", "ftp.example.org", "--out"]).arg(site.beside(""));
    let output = command.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, settings) = text.split_once("For the configuration:\n").expect("it says what to do");
    let site = site.matching(settings);
    let (text, status) = check(&site);
    let line = "ftp.example.org.pem: CN=ftp.example.org, signed by CN=ftp.example.org, until 20";
    assert!(
        text.contains(line) && text.contains(", ECDSA key; hosts: ftp.example.org\n"),
        "{text}"
    );
    assert!(!text.contains("warning:") && status == 0, "{text}");

    let key = site.beside("ftp.example.org.key");
    fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).expect("our own file");
    let (text, status) = check(&site);
    for said in
        ["may be used by others (mode 644)", " = chmod g-w,o= /", "TLS can't be served as it is"]
    {
        assert!(text.contains(said), "no {said:?} in {text}");
    }
    assert_eq!(status, 78);
}

#[test]
fn a_reader_of_the_log_who_does_not_read_holds_nobody_up() {
    let site = Site::readonly().set("log.to", "\"stderr\"").set("log.level", "\"debug\"");
    let (reader, writer) = nix::unistd::pipe().expect("pipes are to be had");
    let (client, mut ends) = Line::Tcp4.lay();
    ends.errors = writer;
    let broker = harness::launch::serve(ends, &site.configuration());
    let mut session = Session::new(client, broker, Line::Tcp4.host(), site.login()).logged_in();
    // More lines than a pipe holds.
    for _ in 0..600 {
        session.asks("DELE welcome.txt", "550");
    }
    session.quits();
    session_is_told(reader);
}

/// What was lost is not only lost: the lines that came through are whole.
fn session_is_told(reader: std::os::fd::OwnedFd) {
    let mut text = String::new();
    let read = std::io::Read::read_to_string(&mut fs::File::from(reader), &mut text);
    assert!(read.is_ok() && text.lines().all(|line| line.contains(" session=")), "{text}");
}

#[test]
fn a_match_changes_what_it_names_and_the_later_one_wins() {
    let site = Site::with_incoming().matching(
        "[[match]]\nclass = \"anonymous\"\nrights.\"/incoming\" = [\"list\"]\n\
         [[match]]\nfrom = [\"127.0.0.0/8\"]\nlogin.banner = \"Hello, neighbour.\"\n\
         [[match]]\nfrom = [\"127.0.0.1\"]\nlogin.banner = \"Hello, you.\"\n\
         [[match]]\nfrom = [\"192.0.2.0/24\"]\nlogin.banner = \"Hello, far away.\"\n",
    );
    let mut session = site.connect();
    session.hears("220 Hello, you.");
    session.logs_in();
    session.asks("MKD incoming/new", "550");
    session.quits();
}

#[test]
fn a_match_may_turn_on_what_needs_a_low_port() {
    let site = Site::readonly()
        .set("network.active", "false")
        .set("network.active_source_port", "20")
        .matching("[[match]]\nclass = \"anonymous\"\nnetwork.active = true\n");
    let mut session = site.connect().logged_in();
    let door = session.active();
    session.asks("RETR welcome.txt", "150");
    let data = door.opens();
    assert_eq!(data.peer().port(), 20);
    assert_eq!(data.all(), b"Welcome.\r\n");
    session.hears("226");
    session.quits();
}

#[test]
fn a_wrong_command_line_is_told_to_everybody_in_their_own_words() {
    let mut command = Command::new(server_program());
    let output = command.arg("--no-such-option").stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(64));
    assert!(output.stdout.starts_with(b"421 "), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("--no-such-option"), "{told}");
}

/// Whatever is wrong with a command is for the person who gave it, by whatever way errors are read.
#[test]
fn a_command_tells_its_errors_where_errors_belong() {
    let site = Site::readonly();
    let there = site.beside("");
    let there = there.to_str().expect("plain letters");
    for (words, status, said) in [
        (&["tls"][..], 64, "there is no command `tls`"),
        (&["tls", "new"], 64, "tls new needs --names"),
        (&["--nmaes=a", "tls", "new"], 64, "invalid option '--nmaes'"),
        (&["tls", "new", "--names"], 64, "missing argument"),
        (&["check", "--implicit-tls"], 64, "--implicit-tls is for serving"),
        (&["--names=a"], 64, "--names and --out are for tls new"),
        (&["tls", "new", "--names=a b", "--out", there], 64, "\"a b\" is neither the name"),
        (&["tls", "new", "--names=a", "--out=/no/such/place"], 71, "/no/such/place: No such file"),
    ] {
        let mut command = Command::new(server_program());
        let output = command.args(words).stdin(Stdio::null()).output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.starts_with("cellftpd: ") && told.contains(said), "{words:?}: {told}");
        assert_eq!((output.status.code(), output.stdout), (Some(status), vec![]), "{words:?}");
    }
}

/// As on a machine with a system logger: /dev/log is there when the server starts, before it has looked at what it inherited.
#[test]
fn with_a_system_logger_the_log_goes_there() {
    for to in ["\"syslog\"".to_owned(), String::new()] {
        let mut site = Site::readonly();
        if !to.is_empty() {
            site = site.set("log.to", &to);
        }
        let path = site.beside("system-logger");
        let logger = UnixDatagram::bind(&path).expect("our own directory");
        logger.set_read_timeout(Some(Duration::from_secs(20))).expect("it is a socket");
        let mut shell = Command::new(harness::program("unshare", "util-linux"));
        // A /dev of its own, in a mount namespace that goes with the session.
        shell.args(["--mount", "/bin/sh", "-c"]).arg(
            "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && ln -s \"$2\" /dev/log && \
             exec \"$0\" --config \"$1\"",
        );
        shell.arg(server_program()).arg(site.configuration()).arg(&path);
        let mut session = site.connect_by(Line::Tcp4, shell).logged_in();
        assert_eq!(session.gets("/welcome.txt"), b"Welcome.\r\n");
        session.quits();
        if to.is_empty() {
            site.log().tells("end session=*end=quit");
        } else {
            let mut text = [0; 4096];
            let length = logger.recv(&mut text).expect("the logger is told");
            let text = String::from_utf8_lossy(&text[..length]).into_owned();
            assert!(text.starts_with("<94>cellftpd[") && text.contains("login session="), "{text}");
        }
    }
}

/// A refusal to serve for want of an account: the client hears 421, the cure goes where errors go, the status is 78.
#[test]
fn without_its_accounts_it_does_not_serve_and_names_the_cure() {
    let site = Site::readonly();
    let passwd = fs::read_to_string("/etc/passwd").expect("every system has it");
    let others: Vec<_> = passwd.lines().filter(|line| !line.starts_with("cellftpd")).collect();
    let stripped = site.beside("passwd");
    fs::write(&stripped, others.join("\n") + "\n").expect("our own directory");
    let output = Command::new(harness::program("unshare", "util-linux"))
        .args(["--mount", "/bin/sh", "-c"])
        .arg("mount --bind \"$2\" /etc/passwd && exec \"$0\" --config \"$1\"")
        .arg(server_program())
        .arg(site.configuration())
        .arg(stripped)
        .stdin(Stdio::null())
        .output()
        .expect("it can be run");
    assert!(output.stdout.starts_with(b"421 "), "{output:?}");
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8_lossy(&output.stderr);
    for word in ["no account cellftpd, cellftpd-net", "systemd-sysusers", "useradd"] {
        assert!(told.contains(word), "no {word:?} in {told}");
    }
}

#[test]
fn at_a_terminal_a_person_reads_both_the_replies_and_the_log() {
    let site = Site::readonly().set("log.to", "\"stderr\"");
    let line =
        format!("{} --config {}", server_program().display(), site.configuration().display());
    let mut terminal = Command::new(harness::program("script", "bsdutils"))
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can be run");
    let mut keys = terminal.stdin.take().expect("it was asked for");
    keys.write_all(b"USER anonymous\nPASS x\nQUIT\n").expect("it reads");
    let output = terminal.wait_with_output().expect("it ends");
    drop(keys);
    let said = String::from_utf8_lossy(&output.stdout);
    for text in ["220 ", "230 ", "221 ", "login session="] {
        assert!(said.contains(text), "no {text:?} in {said}");
    }
    assert!(output.status.success(), "{:?}", output.status);
}
