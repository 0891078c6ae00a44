//! What launch hands to the broker: the client, and all that was found out and opened for it. Root at first; each child
//! takes its part of it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};

use crate::cage::Identity;
use crate::config::{Config, Settings};
use crate::log::Book;
use crate::wire::Place;

/// The client's two ends, one socket twice or a pair of pipes. Shared with whoever made them: never made non-blocking.
#[derive(Debug)]
pub struct Client {
    /// What the client says.
    pub input: OwnedFd,
    /// What the client reads.
    pub output: OwnedFd,
    /// Where the two ends are.
    pub place: Place,
}

/// What launch has found out and opened.
#[derive(Debug)]
pub struct Setup {
    /// The client.
    pub client: Client,
    /// The whole configuration; matches for users are still to be applied.
    pub config: Config,
    /// The host that the client has asked for, in small letters.
    pub host: Option<Vec<u8>>,
    /// Whether the client speaks TLS: what stands in `client` is the relay's plain side then.
    pub tls: bool,
    /// Whether it speaks TLS from the first byte on (port 990).
    pub implicit: bool,
    /// The settings for this client's address, and for that host.
    pub settings: Settings,
    /// The session's book, with the log behind it.
    pub book: Book,
    /// Who the broker becomes after login.
    pub own: Identity,
    /// Who the login worker and the relay are.
    pub network: Identity,
    /// Who the key process is.
    pub key: Identity,
    /// Where titles are written.
    pub title: Option<sys::title::Title>,
    /// Where the service manager reads what the session is doing.
    pub status: Option<OwnedFd>,
}

impl Client {
    /// From now on the client is at the other end of this stream.
    pub fn go_through(&mut self, stream: OwnedFd) -> io::Result<()> {
        self.input = stream.try_clone()?;
        self.output = stream;
        Ok(())
    }

    /// The one thing that the broker says to a client itself: when the worker that should have is gone.
    pub fn say_unavailable(&self) {
        const REPLY: &[u8] = b"421 Service not available, closing control connection.\r\n";
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        // A client that can't take one line now does not get it: no client holds the broker up.
        if send(self.output.as_raw_fd(), REPLY, flags) == Err(Errno::ENOTSOCK) {
            let mut fds = [PollFd::new(self.output.as_fd(), PollFlags::POLLOUT)];
            if poll(&mut fds, PollTimeout::ZERO) == Ok(1) {
                let _ = nix::unistd::write(&self.output, REPLY);
            }
        }
    }
}
