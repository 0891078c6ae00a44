//! What the super-server left us: the client on 0 and 1, or one accepted connection as LISTEN_FDS=1. Root, before anyone
//! has spoken; the launcher is trusted, its mistakes are named.

use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::stat::fstat;

use super::Refusal;
use crate::setup::Client;
use crate::wire::Place;

/// Numbers below this are for the standard streams and for what an exec expects.
const FLOOR: i32 = 10;

/// The descriptors of a connection, away from the standard streams, which point to /dev/null from now on.
pub(super) struct Inherited {
    /// The client.
    pub client: Client,
    /// Where the launcher wanted errors, if that is not the client.
    pub errors: Option<OwnedFd>,
}

/// Takes what was inherited, and closes everything else.
pub(super) fn adopt() -> Result<Inherited, Refusal> {
    let [stdin, stdout, stderr, first] = sys::fd::adopt().unwrap_or_default();
    let accepted = accepted_connection(first);
    let (Some(input), Some(output)) =
        (accepted.as_ref().or(stdin.as_ref()), accepted.as_ref().or(stdout.as_ref()))
    else {
        return Err(Refusal::system(
            "descriptors 0 and 1 are closed: a super-server puts the client there",
        ));
    };
    let move_away = || Ok((above(input)?, above(output)?, stderr.as_ref().map(above).transpose()?));
    let (input, output, errors) = move_away().map_err(|error: io::Error| {
        Refusal::system(format!("the inherited descriptors: {error}"))
    })?;
    let errors = errors.filter(|fd| is_for_people(fd, &input, &output));
    // The owners go first: their numbers are about to mean something else.
    drop((stdin, stdout, stderr, accepted));
    settle(&input, &output, errors.as_ref())
        .map_err(|error| Refusal::system(format!("closing what was inherited: {error}")))?;
    let place = place_of(input.as_fd());
    Ok(Inherited { client: Client { input, output, place }, errors })
}

fn settle(input: &OwnedFd, output: &OwnedFd, errors: Option<&OwnedFd>) -> io::Result<()> {
    let mut keep = vec![input.as_raw_fd(), output.as_raw_fd()];
    keep.extend(errors.map(|fd| fd.as_raw_fd()));
    sys::fd::close_all_except(&keep)?;
    sys::fd::silence_standard_streams()?;
    prepare_socket(input.as_fd());
    Ok(())
}

/// systemd passes an accepted connection as descriptor 3 where the unit does not put it on the standard streams.
fn accepted_connection(first: Option<OwnedFd>) -> Option<OwnedFd> {
    let count = sd_notify::listen_fds().ok()?.count();
    first.filter(|_| count == 1)
}

fn above(fd: &OwnedFd) -> io::Result<OwnedFd> {
    sys::fd::duplicate_above(fd.as_fd(), FLOOR)
}

/// Under inetd all three streams are the client. A journal or a file on 2 is not, and at a terminal a person reads on.
fn is_for_people(errors: &OwnedFd, input: &OwnedFd, output: &OwnedFd) -> bool {
    errors.is_terminal() || !is_same(errors, input) && !is_same(errors, output)
}

fn is_same(one: &OwnedFd, other: &OwnedFd) -> bool {
    let (Ok(one), Ok(other)) = (fstat(one), fstat(other)) else {
        return true;
    };
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// A pipe, a terminal and a local socket have no address: the client is on this machine.
fn place_of(client: BorrowedFd) -> Place {
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    // An IPv4 address that came mapped into IPv6 is shown, and compared, as IPv4.
    let shown = |address: Option<SocketAddr>| address.map(|a| a.ip().to_canonical());
    Place {
        peer: shown(sys::socket::peer_address(client)).unwrap_or(HERE),
        local: shown(sys::socket::local_address(client)).unwrap_or(HERE),
    }
}

/// Small replies go out at once, a client that is gone is noticed, and urgent data stays in line. Not every client is a
/// socket, and none of this is worth refusing one.
fn prepare_socket(client: BorrowedFd) {
    let _ = setsockopt(&client, sockopt::TcpNoDelay, &true);
    let _ = setsockopt(&client, sockopt::KeepAlive, &true);
    // Two minutes of silence, then a question every half minute: the kernel's own two hours are for nobody's patience.
    let _ = setsockopt(&client, sockopt::TcpKeepIdle, &120);
    let _ = setsockopt(&client, sockopt::TcpKeepInterval, &30);
    let _ = setsockopt(&client, sockopt::TcpKeepCount, &4);
    let _ = sys::socket::inline_urgent_data(client);
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_mapped_address_is_shown_as_ipv4() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for (listen, reach, shown) in
            [("127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1"), ("::1", "::1", "::1")]
        {
            let listener = TcpListener::bind((ip(listen), 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let client = TcpStream::connect((ip(reach), port)).unwrap();
            let place = place_of(client.as_fd());
            assert_eq!((place.peer, place.local), (ip(shown), ip(shown)));
        }
    }
}
