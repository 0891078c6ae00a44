//! Real super-servers, each with one service: the server under test on a loopback port.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::sys::socket::{setsockopt, sockopt};

use super::launch::{Ends, serve, server_program};
use super::patience::{PATIENCE, eventually, within};
use super::process::Process;
use super::program;
use super::site::Site;

/// What starts the server for each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Xinetd,
    Inetd,
    Systemd,
    /// Nobody's super-server: two pipes instead of a socket.
    Pipes,
}

/// A super-server that runs; dropping it ends it and all that it started.
#[derive(Debug)]
pub struct SuperServer {
    pub host: IpAddr,
    pub port: u16,
    /// Nothing for [`Kind::Pipes`], whose sessions are our own children.
    process: Option<Process>,
    /// What it has to say, for failures.
    log: PathBuf,
}

/// What a super-server starts for each connection.
#[derive(Debug)]
pub struct ServerProgram {
    pub path: PathBuf,
    pub arguments: Vec<String>,
}

impl ServerProgram {
    /// The server under test, with this site.
    pub fn under_test(site: &Site) -> ServerProgram {
        let configuration = site.configuration().display().to_string();
        ServerProgram {
            path: server_program(),
            arguments: vec!["--config".to_owned(), configuration],
        }
    }
}

impl SuperServer {
    /// Starts it on a free port of this address, with this site.
    pub fn start(kind: Kind, host: IpAddr, site: &Site) -> SuperServer {
        if kind == Kind::Pipes {
            let port = serve_over_pipes(host, site.configuration());
            let log = site.beside("super-server.log");
            return SuperServer { host, port, process: None, log };
        }
        SuperServer::start_program(kind, host, site, &ServerProgram::under_test(site))
    }

    /// The same with any server that takes the client on its standard streams.
    pub fn start_program(
        kind: Kind,
        host: IpAddr,
        site: &Site,
        server: &ServerProgram,
    ) -> SuperServer {
        let port = free_port(host);
        let command = match kind {
            Kind::Xinetd => xinetd(host, port, site, server),
            Kind::Inetd => inetd(host, port, site, server),
            _ => systemd(host, port, server),
        };
        SuperServer::run(kind, host, port, site, command)
    }

    /// The same by the entry for implicit TLS that was installed there, on another port and with this site. Of systemd there
    /// is its activation alone, which reads no units: it is told what they say.
    pub fn start_installed(
        kind: Kind,
        host: IpAddr,
        site: &Site,
        there: &Installed,
    ) -> SuperServer {
        let port = free_port(host);
        let configuration = site.configuration();
        let command = match kind {
            Kind::Xinetd => {
                let entry = there.xinetd_entry(port, &configuration);
                xinetd_with(&entry, site)
            }
            _ => systemd(host, port, &there.unit(&configuration)),
        };
        SuperServer::run(kind, host, port, site, command)
    }

    #[expect(clippy::zombie_processes, reason = "it is waited for by its number")]
    fn run(kind: Kind, host: IpAddr, port: u16, site: &Site, mut command: Command) -> SuperServer {
        let log = site.beside("super-server.log");
        let output = File::create(&log).expect("our own directory");
        let child = command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("files can be doubled"))
            .stderr(output)
            .spawn()
            .expect("it can be run");
        let pid = i32::try_from(child.id()).expect("process ids are small");
        let process = Process::find(pid);
        let server = SuperServer { host, port, process, log };
        if within(PATIENCE, || is_listening(port).then_some(())).is_none() {
            panic!("{kind:?} does not listen on {host} port {port}: {}", server.log());
        }
        server
    }

    /// What it printed.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends by force what is left of its sessions after this time.
    pub fn ends_its_sessions(&self, limit: Duration) {
        let Some(process) = self.process else { return };
        let sessions = || process.children().iter().flat_map(Process::family).collect::<Vec<_>>();
        if within(limit, || sessions().is_empty().then_some(())).is_none() {
            sessions().iter().for_each(|one| one.signal(Signal::SIGKILL));
            self.has_no_sessions();
        }
    }

    /// Expects that every session has ended, without a trace in the process table.
    #[track_caller]
    pub fn has_no_sessions(&self) {
        let Some(process) = self.process else { return };
        eventually("the end of all sessions", || process.children().is_empty().then_some(()));
    }
}

impl Drop for SuperServer {
    fn drop(&mut self) {
        let Some(process) = self.process else { return };
        let family = process.family();
        process.signal(Signal::SIGTERM);
        let is_over = || family.iter().all(Process::is_gone).then_some(());
        if within(PATIENCE, is_over).is_none() {
            family.iter().for_each(|one| one.signal(Signal::SIGKILL));
            within(PATIENCE, is_over);
        }
    }
}

fn xinetd(host: IpAddr, port: u16, site: &Site, server: &ServerProgram) -> Command {
    let family = if host.is_ipv4() { "IPv4" } else { "IPv6" };
    let text = format!(
        "service cellftpd-test\n{{\n\
         \ttype = UNLISTED\n\tport = {port}\n\tbind = {host}\n\tflags = {family}\n\
         \tsocket_type = stream\n\tprotocol = tcp\n\twait = no\n\tuser = root\n\tpassenv =\n\
         \tserver = {}\n\tserver_args = {}\n\
         \tcps = 2000 1\n\tinstances = UNLIMITED\n\tper_source = UNLIMITED\n\
         \tlog_type = FILE {}\n\tdisable = no\n}}\n",
        server.path.display(),
        server.arguments.join(" "),
        site.beside("xinetd.log").display(),
    );
    xinetd_with(&text, site)
}

fn xinetd_with(text: &str, site: &Site) -> Command {
    let file = site.beside("xinetd.conf");
    fs::write(&file, text).expect("our own directory");
    let mut command = Command::new(program("xinetd", "xinetd"));
    command.arg("-dontfork").arg("-f").arg(file).arg("-pidfile").arg(site.beside("xinetd.pid"));
    command
}

/// What `make install` has made, below a directory of its own.
#[derive(Debug)]
pub struct Installed(PathBuf);

impl Installed {
    /// Installs the programs under test beside this site.
    pub fn beside(site: &Site) -> Installed {
        let (prefix, built) = (site.beside("usr"), site.beside("built"));
        fs::create_dir(&built).expect("our own directory");
        let programs = server_program();
        for name in ["cellftpd", "cellftpd-pam"] {
            fs::copy(programs.with_file_name(name), built.join(name)).expect("both are built");
        }
        let set = |name: &str, to: &Path| format!("{name}={}", to.display());
        let made = Command::new(program("make", "make"))
            // Nothing of a make, or of places, that runs these tests.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .args(["--silent", "-C", env!("CARGO_MANIFEST_DIR"), "install"])
            .args([set("PREFIX", &prefix), set("SYSCONFDIR", &prefix.join("etc"))])
            .arg(set("RELEASE", &built))
            .output()
            .expect("make runs");
        assert!(made.status.success(), "{made:?}");
        // The program looks for the other one beside itself first; its second place was chosen when it was built.
        let [pam, beside] =
            ["libexec/cellftpd", "sbin"].map(|to| prefix.join(to).join("cellftpd-pam"));
        fs::copy(pam, beside).expect("it was installed");
        Installed(prefix)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The entry for implicit TLS, enabled, on another port.
    fn xinetd_entry(&self, port: u16, configuration: &Path) -> String {
        let changed = [
            ("disable         = yes", "disable = no".to_owned()),
            ("port            = 990", format!("port = {port}")),
            (
                "server_args     = --implicit-tls",
                format!("server_args = --implicit-tls --config {}", configuration.display()),
            ),
        ];
        changed.iter().fold(self.text("etc/xinetd.d/cellftpd-implicit"), |text, (old, new)| {
            assert_eq!(text.matches(old).count(), 1, "`{old}` in {text}");
            text.replace(old, new)
        })
    }

    /// What the units for implicit TLS start.
    fn unit(&self, configuration: &Path) -> ServerProgram {
        let socket = self.text("lib/systemd/system/cellftpd-implicit.socket");
        for line in ["ListenStream=990", "Accept=yes"] {
            assert!(socket.lines().any(|one| one == line), "{line} in {socket}");
        }
        let service = self.text("lib/systemd/system/cellftpd-implicit@.service");
        let started = service.lines().find_map(|line| line.strip_prefix("ExecStart="));
        let mut words = started.expect("ExecStart=").split(' ').map(str::to_owned);
        let path = words.next().expect("a program").into();
        let more = ["--config".to_owned(), configuration.display().to_string()];
        ServerProgram { path, arguments: words.chain(more).collect() }
    }
}

fn inetd(host: IpAddr, port: u16, site: &Site, server: &ServerProgram) -> Command {
    let (host, protocol) =
        if host.is_ipv4() { (host.to_string(), "tcp") } else { (format!("[{host}]"), "tcp6") };
    let text = format!(
        "{host}:{port} stream {protocol} nowait root {} {} {}\n",
        server.path.display(),
        server.path.file_name().unwrap_or_default().to_string_lossy(),
        server.arguments.join(" "),
    );
    let file = site.beside("inetd.conf");
    fs::write(&file, text).expect("our own directory");
    let mut command = Command::new(program("inetd", "openbsd-inetd"));
    // In the foreground, with as many connections a minute as there are.
    command.arg("-i").arg("-R").arg("0").arg(file);
    command
}

fn systemd(host: IpAddr, port: u16, server: &ServerProgram) -> Command {
    let mut command = Command::new(program("systemd-socket-activate", "systemd"));
    let address = std::net::SocketAddr::new(host, port).to_string();
    command.args(["--accept", "--inetd", "--listen", &address]).arg(&server.path);
    command.args(&server.arguments);
    command
}

/// A port that was free a moment ago; super-servers can't tell which one they were given. It is below those that the
/// kernel and the server hand out, or another test could have it first.
fn free_port(host: IpAddr) -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number =
            std::process::id().wrapping_mul(16).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 10_000 + u16::try_from(number % 20_000).expect("it is small");
        if !claimed(port) {
            continue;
        }
        match TcpListener::bind((host, port)) {
            Ok(_) => return port,
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => panic!("{host} is not to be had on this machine: {error}"),
        }
    }
}

/// Whether the port is ours among all test programs that run, as long as this one does.
fn claimed(port: u16) -> bool {
    static CLAIMS: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());
    let name = SocketAddr::from_abstract_name(format!("cellftpd-tests/port/{port}"));
    let claim = UnixListener::bind_addr(&name.expect("it is short"));
    claim.map(|claim| CLAIMS.lock().expect("nobody panics here").push(claim)).is_ok()
}

/// Whether somebody listens on this port; connecting would start a session.
fn is_listening(port: u16) -> bool {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    let local = format!(":{port:04X} ");
    let listens = |line: &str| line.contains(&local) && line.contains(" 0A ");
    tables.iter().flat_map(|table| table.lines()).any(listens)
}

/// Accepts for ever and serves each connection over two pipes. The thread ends with the test program.
fn serve_over_pipes(host: IpAddr, configuration: PathBuf) -> u16 {
    let listener = TcpListener::bind((host, 0)).expect("loopback has free ports");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            over_pipes(client, &configuration);
        }
    });
    port
}

fn over_pipes(client: TcpStream, configuration: &Path) {
    let pipe = || nix::unistd::pipe2(OFlag::O_CLOEXEC).expect("pipes are to be had");
    let ((server_reads, to_server), (from_server, server_writes)) = (pipe(), pipe());
    let broker = serve(Ends::new(server_reads, server_writes), configuration);
    let reader = client.try_clone().expect("sockets can be doubled");
    // A pipe has no urgent data: what is urgent comes in its place, or ABOR would lose its end.
    setsockopt(&reader, sockopt::OobInline, &true).expect("it is a TCP socket");
    thread::spawn(move || pump(reader, File::from(to_server)));
    thread::spawn(move || {
        pump(File::from(from_server), &client);
        let _ = client.shutdown(Shutdown::Write);
        eventually("the end of a session over pipes", || broker.is_gone().then_some(()));
    });
}

/// Copies to the end. (`io::copy` splices, and splice(2) locks the pipe while it waits for the socket: who reads the pipe
/// would wait with it.)
fn pump(mut from: impl Read, mut to: impl Write) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}
