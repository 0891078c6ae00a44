//! The typed channel between our processes: the only thing that all of them share. Each end distrusts the other.
//!
//! One datagram is one message with at most one descriptor. The two ends of a channel are mirror types, so that
//! sending the wrong way does not compile. Whatever is truncated, oversized, empty, trailing or undecodable is a
//! [`Fault`], and a fault ends the session: there is no error reply to probe with.

pub mod auth;
mod bounded;
pub mod event;
pub mod key;
pub mod login;
pub mod relay;
pub mod session;

use std::io;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sys::channel;

pub use bounded::{Bounded, TooLong};

/// Where the two ends of the control connection are. Launch finds out; workers and broker read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The client's address (IPv4-mapped shown as IPv4); loopback where the control stream is no Internet socket.
    pub peer: IpAddr,
    /// Our own address on that connection.
    pub local: IpAddr,
}

/// The most bytes that any message has: two paths of 4 KiB, or the unread part of a command stream.
pub const MESSAGE_MAX: usize = 16 * 1024;

/// Why a message was not taken.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The other process has closed its end or is gone.
    #[error("the channel is closed")]
    Closed,
    /// A datagram of no bytes.
    #[error("an empty message")]
    Empty,
    /// Longer than [`MESSAGE_MAX`].
    #[error("an oversized message")]
    Oversized,
    /// More than one descriptor.
    #[error("more than one descriptor in a message")]
    Descriptors,
    /// Not the encoding of any message of this channel, or followed by more bytes.
    #[error("an undecodable message")]
    Undecodable,
    /// The peer does not read what it is sent.
    #[error("the peer does not read its channel")]
    Full,
    /// The kernel refused.
    #[error("the channel failed: {0}")]
    System(nix::errno::Errno),
}

/// What can cross a channel.
pub trait Message: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Message for T {}

/// One end of a channel: sends `S`, receives `R`.
#[derive(Debug)]
pub struct Channel<S, R> {
    socket: OwnedFd,
    direction: PhantomData<fn(S) -> R>,
}

impl<S: Serialize, R: DeserializeOwned> Channel<S, R> {
    /// Makes both ends at once, the second with the directions swapped.
    pub fn pair() -> io::Result<(Channel<S, R>, Channel<R, S>)> {
        let (near, far) = channel::pair()?;
        Ok((Channel::from(near), Channel::from(far)))
    }

    /// Sends a message. Does not block.
    pub fn tell(&self, message: &S) -> Result<(), Fault> {
        self.send(message, None)
    }

    /// Sends a message with a descriptor. Does not block.
    pub fn tell_with(&self, message: &S, fd: BorrowedFd) -> Result<(), Fault> {
        self.send(message, Some(fd))
    }

    fn send(&self, message: &S, fd: Option<BorrowedFd>) -> Result<(), Fault> {
        let bytes = postcard::to_allocvec(message).map_err(|_| Fault::Oversized)?;
        if bytes.len() > MESSAGE_MAX {
            return Err(Fault::Oversized);
        }
        Ok(channel::send(self.socket.as_fd(), &bytes, fd)?)
    }

    /// Receives a message and the descriptor that came with it. Blocks until there is one.
    pub fn hear(&self) -> Result<(R, Option<OwnedFd>), Fault> {
        let mut buffer = [0; MESSAGE_MAX];
        let (length, fd) = channel::receive(self.socket.as_fd(), &mut buffer)?;
        let bytes = buffer.get(..length).ok_or(Fault::Oversized)?;
        // from_bytes would accept trailing bytes.
        match postcard::take_from_bytes(bytes) {
            Ok((message, [])) => Ok((message, fd)),
            _ => Err(Fault::Undecodable),
        }
    }
}

impl<S, R> From<OwnedFd> for Channel<S, R> {
    fn from(socket: OwnedFd) -> Self {
        Channel { socket, direction: PhantomData }
    }
}

impl<S, R> AsFd for Channel<S, R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<channel::Fault> for Fault {
    fn from(fault: channel::Fault) -> Self {
        match fault {
            channel::Fault::Closed => Fault::Closed,
            channel::Fault::Empty => Fault::Empty,
            channel::Fault::Oversized => Fault::Oversized,
            channel::Fault::Descriptors => Fault::Descriptors,
            channel::Fault::System(nix::errno::Errno::EAGAIN) => Fault::Full,
            channel::Fault::System(errno) => Fault::System(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Near = Channel<u32, String>;

    #[test]
    fn a_message_and_its_descriptor_cross() {
        let (near, far) = Near::pair().unwrap();
        let (pipe, _) = nix::unistd::pipe().unwrap();
        near.tell_with(&7, pipe.as_fd()).unwrap();
        far.tell(&"seven".to_owned()).unwrap();
        assert!(matches!(far.hear(), Ok((7, Some(_)))));
        assert!(matches!(near.hear(), Ok((text, None)) if text == "seven"));
    }

    #[test]
    fn what_is_not_a_message_is_a_fault() {
        let (near, far) = channel::pair().unwrap();
        let far = Channel::<(), u32>::from(far);
        let send = |bytes: &[u8]| channel::send(near.as_fd(), bytes, None).unwrap();
        send(&[]);
        assert_eq!(far.hear().unwrap_err(), Fault::Empty);
        send(&[7, 0]);
        assert_eq!(far.hear().unwrap_err(), Fault::Undecodable, "trailing bytes");
        send(&[0xff]);
        assert_eq!(far.hear().unwrap_err(), Fault::Undecodable, "cut short");
        send(&[0; MESSAGE_MAX + 1]);
        assert_eq!(far.hear().unwrap_err(), Fault::Oversized);
        drop(near);
        assert_eq!(far.hear().unwrap_err(), Fault::Closed);
    }
}
