//! The control connection: lines in, replies out, never one without room for the other. Both workers; the
//! client is not trusted to send, to read, or to stop.
//!
//! Memory is bounded by not reading on: not while replies stand unsent, not above a limit of unread bytes.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use ftp::line::{Input, LineReader};
use ftp::reply::{self, Reply};
use nix::errno::Errno;
use nix::poll::PollFlags;
use zeroize::{Zeroize, Zeroizing};

use super::failure::Failure;
use super::stream::Stream;
use super::wait::wait_for;
use crate::wire::event::End;
use crate::wire::session::Stop;

/// What a client has said.
#[derive(Debug)]
pub enum Said {
    /// A line without its end; it may hold a password.
    Line(Zeroizing<Vec<u8>>),
    /// A line that was too long to be one; nothing of it is executed.
    TooLong,
}

/// The client's end of the conversation.
#[derive(Debug)]
pub struct Control {
    input: Stream,
    output: Stream,
    lines: LineReader,
    /// Said during a transfer, and waiting for its end.
    held: VecDeque<Said>,
    unsent: Vec<u8>,
    /// Bytes that may stand unread.
    limit: usize,
    /// How long a client may leave replies unread.
    patience: Duration,
    /// The client has said goodbye and need not stay to hear the answer.
    leaving: bool,
    ended: bool,
}

impl Control {
    /// Takes the two directions of the stream.
    pub fn new(input: OwnedFd, output: OwnedFd, limit: usize, patience: Duration) -> Self {
        Control {
            input: Stream::new(input),
            output: Stream::new(output),
            lines: LineReader::new(),
            held: VecDeque::new(),
            unsent: vec![],
            limit,
            patience,
            leaving: false,
            ended: false,
        }
    }

    /// Goes on with what another process has read but not executed.
    #[must_use]
    pub fn with_unread(mut self, unread: &[u8]) -> Self {
        self.lines = LineReader::with_unread(unread);
        self
    }

    /// Copies what has been read but not executed, for another process to go on with.
    pub fn unread(&mut self) -> Vec<u8> {
        let unread = std::mem::take(&mut self.lines).into_unread();
        self.lines.push(&unread);
        unread
    }

    /// The descriptor to poll for commands, if more of them may be read now.
    pub fn input(&self) -> Option<BorrowedFd<'_>> {
        let room = self.lines.buffered() + self.held_bytes() < self.limit;
        (room && self.unsent.is_empty() && !self.ended).then(|| self.input.as_fd())
    }

    /// The descriptor that tells when the client is gone for good.
    pub fn client(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }

    /// The descriptor to poll for room, if there is something to send.
    pub fn output(&self) -> Option<BorrowedFd<'_>> {
        (!self.unsent.is_empty()).then(|| self.output.as_fd())
    }

    /// Reads what the client has sent; to be called when poll says so.
    pub fn fill(&mut self) -> Result<(), Failure> {
        let mut buffer = Zeroizing::new([0; CHUNK]);
        let room = self.limit.saturating_sub(self.lines.buffered()).clamp(1, CHUNK);
        match self.input.receive(buffer.get_mut(..room).unwrap_or_default()) {
            Ok(0) => {
                self.ended = true;
                return if self.leaving { Ok(()) } else { Err(CLOSED) };
            }
            Ok(length) => self.lines.push(buffer.get(..length).unwrap_or_default()),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => return Err(CLOSED),
        }
        Ok(())
    }

    /// The next thing to obey, the oldest first; nothing before all is sent that there was to say.
    pub fn hear(&mut self) -> Result<Option<Said>, Failure> {
        loop {
            self.drain()?;
            match self.held.pop_front().or_else(|| self.fresh()) {
                None if !self.unsent.is_empty() => {}
                None if self.ended => return Err(CLOSED),
                said => return Ok(said),
            }
        }
    }

    /// The next thing that nobody has seen yet, for a transfer to judge whether it can wait. Nothing while
    /// replies stand unsent.
    pub fn fresh(&mut self) -> Option<Said> {
        while self.unsent.is_empty() {
            match self.lines.next()? {
                // Sent by clients and address translators to stay connected: a reply would be taken for the next one's.
                Input::Line(line) if line.is_empty() => {}
                Input::Line(line) => return Some(Said::Line(Zeroizing::new(line))),
                Input::TooLong => return Some(Said::TooLong),
                Input::Refuse(answer) => self.unsent.extend(answer),
            }
        }
        None
    }

    /// Puts something off till the transfer is over.
    pub fn hold(&mut self, said: Said) {
        self.held.push_back(said);
    }

    /// Whether something waits for its turn.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// The client has said QUIT: that it closes its end is no accident then.
    pub fn expect_end(&mut self) {
        self.leaving = true;
    }

    /// Whether the client has stopped sending, and has not said QUIT.
    pub fn is_cut_off(&self) -> bool {
        self.ended && !self.leaving
    }

    /// Sends a reply as far as there is room, and the rest when the output is polled.
    pub fn push(&mut self, reply: &Reply) -> Result<(), Failure> {
        reply.write_to(&mut self.unsent);
        self.flush()
    }

    /// Sends a line ahead of a reply of this code, unless the client has not even read what was said before.
    pub fn announce(&mut self, code: u16, text: &str) -> Result<(), Failure> {
        if self.unsent.is_empty() {
            reply::write_ahead(code, text, &mut self.unsent);
        }
        self.flush()
    }

    /// Whether nobody is there any more to hear a reply, as far as the kernel knows.
    pub fn is_unheard(&self) -> bool {
        wait_for(&self.output, PollFlags::empty(), Instant::now()).unwrap_or(true)
    }

    /// Sends what fits; to be called when poll says so.
    pub fn flush(&mut self) -> Result<(), Failure> {
        while !self.unsent.is_empty() {
            match self.output.transmit(&self.unsent) {
                Ok(length) => drop(self.unsent.drain(..length)),
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(_) => return Err(CLOSED),
            }
        }
        Ok(())
    }

    /// Sends a reply, whole. A client that does not read for too long is given up.
    pub fn send(&mut self, reply: &Reply) -> Result<(), Failure> {
        reply.write_to(&mut self.unsent);
        self.drain()
    }

    fn drain(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + self.patience;
        loop {
            self.flush()?;
            if self.unsent.is_empty() {
                return Ok(());
            }
            match wait_for(&self.output, PollFlags::POLLOUT, deadline) {
                Ok(true) => {}
                Ok(false) => return Err(Failure::Over(End::Idle)),
                Err(_) => return Err(CLOSED),
            }
        }
    }

    /// Says a last thing as far as there is room, for a client that may not be reading. Behind lines ahead of a reply it
    /// is one more of them: that reply is left open, which tells that there is none.
    pub fn farewell(&mut self, text: &str, end: End) -> Failure {
        match self.push(&Reply::new(421, text)) {
            Ok(()) => Failure::Over(end),
            Err(failure) => failure,
        }
    }

    /// Says why the broker ends the session.
    pub fn stopped(&mut self, stop: Stop) -> Failure {
        match stop {
            Stop::LoginTimeout => self.farewell("Login timeout.", End::LoginTimeout),
            Stop::Shutdown => self.farewell("Service closing.", End::Stopped),
        }
    }

    fn held_bytes(&self) -> usize {
        let length = |said: &Said| match said {
            Said::Line(line) => line.len() + LINE_COST,
            Said::TooLong => LINE_COST,
        };
        self.held.iter().map(length).sum()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Half a PASS may stand in it.
        std::mem::take(&mut self.lines).into_unread().zeroize();
    }
}

const CLOSED: Failure = Failure::Over(End::Closed);
const CHUNK: usize = 4096;
/// What a held line costs besides its bytes, about: ten thousand short lines are not free.
const LINE_COST: usize = 64;

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn over_pipes() -> (std::io::PipeWriter, Control, std::io::PipeReader) {
        let (input, client_out) = std::io::pipe().unwrap();
        let (client_in, output) = std::io::pipe().unwrap();
        let patience = Duration::from_secs(20);
        let control = Control::new(input.into(), output.into(), 64 * 1024, patience);
        (client_out, control, client_in)
    }

    #[test]
    fn pipes_will_do() {
        let (client, mut control, mut heard) = over_pipes();
        nix::unistd::write(&client, b"NOOP\r\nQUIT").unwrap();
        control.fill().unwrap();
        assert!(matches!(control.hear(), Ok(Some(Said::Line(line))) if *line == b"NOOP"));
        assert!(matches!(control.hear(), Ok(None)));
        let reader = std::thread::spawn(move || {
            let mut text = vec![];
            heard.read_to_end(&mut text).map(|_| text.len()).unwrap()
        });
        let lines = vec![vec![b'x'; 1000]; 300];
        control.send(&Reply::lines(211, "Long:", lines, "End")).unwrap();
        drop(client);
        assert!(matches!(control.fill(), Err(Failure::Over(End::Closed))));
        drop(control);
        assert!(reader.join().unwrap() > 300_000, "more than a pipe holds");
    }

    #[test]
    fn a_client_that_does_not_read_is_given_up_and_not_read_from() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let input = theirs.try_clone().unwrap().into();
        let patience = Duration::from_millis(30);
        let mut control = Control::new(input, theirs.into(), 64 * 1024, patience);
        let long = Reply::lines(211, "Long:", vec![vec![b'x'; 8000]; 300], "End");
        control.push(&long).unwrap();
        assert!(control.input().is_none() && control.output().is_some());
        assert!(matches!(control.hear(), Err(Failure::Over(End::Idle))));
        drop(ours);
    }

    #[test]
    fn what_is_not_obeyed_is_not_read_on_for_ever() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let input = theirs.try_clone().unwrap().into();
        let mut control = Control::new(input, theirs.into(), 8 * 1024, Duration::from_secs(20));
        while control.input().is_some() {
            nix::unistd::write(&ours, b"NOOP\r\n").unwrap();
            control.fill().unwrap();
        }
        assert_eq!(control.unread().len(), 8 * 1024);
    }
}
