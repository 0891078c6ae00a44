//! Starting the server as super-servers do: the client on descriptors 0, 1 and 2 of a fresh process.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::OFlag;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect, socket};

use super::client::Client;
use super::process::Process;

/// What lies between client and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// TCP over IPv4, from 127.0.0.1 to 127.0.0.1: what inetd hands over.
    Tcp4,
    /// The same over IPv6.
    Tcp6,
    /// TCP from another address of this machine to 127.0.0.1.
    From(Ipv4Addr),
    /// TCP from 127.0.0.1 to another address of this machine.
    To(Ipv4Addr),
    /// A Unix socket pair, with no address at all.
    SocketPair,
    /// Two pipes, as from a shell.
    Pipes,
}

/// The server's ends of a line: its standard input and output, and where its errors go.
pub struct Ends {
    pub input: OwnedFd,
    pub output: OwnedFd,
    /// The client too, under inetd; a journal or a terminal elsewhere.
    pub errors: OwnedFd,
}

impl Ends {
    /// As inetd has them: the client gets errors too.
    pub fn new(input: OwnedFd, output: OwnedFd) -> Ends {
        let errors = output.try_clone().expect("descriptors can be doubled");
        Ends { input, output, errors }
    }
}

impl Line {
    /// Lays the line: the client at one side, what the server inherits at the other.
    pub fn lay(self) -> (Client, Ends) {
        match self {
            Line::Tcp4 => tcp(None, Ipv4Addr::LOCALHOST.into()),
            Line::Tcp6 => tcp(None, Ipv6Addr::LOCALHOST.into()),
            Line::From(source) => tcp(Some(source.into()), Ipv4Addr::LOCALHOST.into()),
            Line::To(host) => tcp(Some(Ipv4Addr::LOCALHOST.into()), host.into()),
            Line::SocketPair => {
                let (near, far) = UnixStream::pair().expect("socket pairs are to be had");
                both(near.into(), far.into())
            }
            Line::Pipes => {
                let (server_reads, client_writes) = pipe();
                let (client_reads, server_writes) = pipe();
                let ends = Ends::new(server_reads, server_writes);
                (Client::new(client_reads, client_writes), ends)
            }
        }
    }

    /// Where the server is on this line, for data connections.
    pub fn host(self) -> IpAddr {
        match self {
            Line::Tcp6 => Ipv6Addr::LOCALHOST.into(),
            Line::To(host) => host.into(),
            _ => Ipv4Addr::LOCALHOST.into(),
        }
    }
}

/// The program under test; `CELLFTPD` names another build of it.
pub fn server_program() -> PathBuf {
    std::env::var_os("CELLFTPD")
        .map_or_else(|| env!("CARGO_BIN_EXE_cellftpd").into(), PathBuf::from)
}

/// Starts the server with these ends. The environment is a super-server's: nearly nothing.
#[expect(clippy::zombie_processes, reason = "it is waited for by its number")]
pub fn serve(ends: Ends, configuration: &Path) -> Process {
    // What a careless super-server leaks: the server must not keep it.
    let leaked =
        nix::unistd::dup(std::fs::File::open("/dev/full").unwrap()).expect("it can be doubled");
    let child = Command::new(server_program())
        .arg("--config")
        .arg(configuration)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir("/")
        .stdin(Stdio::from(ends.input))
        .stdout(Stdio::from(ends.output))
        .stderr(Stdio::from(ends.errors))
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", server_program().display()));
    drop(leaked);
    // We wait for it by its number: dropping the handle neither waits nor kills.
    let pid = i32::try_from(child.id()).expect("process ids are small");
    Process::find(pid).expect("a child that was not waited for is there")
}

/// A client connected to `to`, from `from` where that matters.
pub fn dial(from: Option<IpAddr>, to: SocketAddr) -> std::io::Result<TcpStream> {
    let Some(from) = from else {
        return TcpStream::connect(to);
    };
    let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(from, 0)))?;
    connect(socket.as_raw_fd(), &SockaddrStorage::from(to))?;
    Ok(TcpStream::from(socket))
}

fn tcp(from: Option<IpAddr>, host: IpAddr) -> (Client, Ends) {
    let listener = TcpListener::bind((host, 0))
        .unwrap_or_else(|error| panic!("{host} is not to be had on this machine: {error}"));
    let address = listener.local_addr().expect("it is bound");
    let client = dial(from, address).expect("the listener is ours");
    client.set_nodelay(true).expect("it is a TCP socket");
    let (server, _) = listener.accept().expect("the client has connected");
    both(client.into(), server.into())
}

fn both(near: OwnedFd, far: OwnedFd) -> (Client, Ends) {
    let near_again = near.try_clone().expect("descriptors can be doubled");
    let far_again = far.try_clone().expect("descriptors can be doubled");
    (Client::new(near, near_again), Ends::new(far, far_again))
}

/// A pipe that no other child of this test program inherits: one that held an end would keep the line open.
fn pipe() -> (OwnedFd, OwnedFd) {
    nix::unistd::pipe2(OFlag::O_CLOEXEC).expect("pipes are to be had")
}
