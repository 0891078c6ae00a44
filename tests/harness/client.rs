//! The client's side of a control connection: says lines, hears replies.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use rustls::ClientConnection;

use super::glob;
use super::log::Log;
use super::patience::PATIENCE;
use super::tls::{Tls, Wire};

/// A control connection over any pair of descriptors: socket, socket pair or pipes.
#[derive(Debug)]
pub struct Client {
    input: Option<OwnedFd>,
    output: Option<OwnedFd>,
    /// TLS, if it is spoken.
    tls: Option<Box<ClientConnection>>,
    pending: Vec<u8>,
    transcript: String,
    /// Shown with every failure.
    log: Option<Log>,
    /// How long it waits for each reply.
    patience: Duration,
}

/// A reply, line by line, without line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub lines: Vec<Vec<u8>>,
}

impl Reply {
    /// The whole text, for people.
    pub fn text(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(|line| shown(line)).collect();
        lines.join("\n")
    }

    /// Whether the last line, code and text, is of this pattern.
    pub fn is(&self, pattern: &str) -> bool {
        self.lines.last().is_some_and(|line| glob::matches(pattern.as_bytes(), line))
    }
}

impl Client {
    pub fn new(input: OwnedFd, output: OwnedFd) -> Client {
        Client {
            input: Some(input),
            output: Some(output),
            tls: None,
            pending: Vec::new(),
            transcript: String::new(),
            log: None,
            patience: PATIENCE,
        }
    }

    /// A client that waits for each reply no longer than this.
    pub fn waiting(mut self, patience: Duration) -> Client {
        self.patience = patience;
        self
    }

    /// Sends a command with its CRLF.
    #[track_caller]
    pub fn says(&mut self, command: &str) -> &mut Self {
        self.sends([command.as_bytes(), b"\r\n"].concat().as_slice())
    }

    /// Sends bytes as they are, in one segment where the kernel can.
    #[track_caller]
    pub fn sends(&mut self, bytes: &[u8]) -> &mut Self {
        self.offers(bytes).unwrap_or_else(|error| self.fails(&format!("cannot send: {error}")));
        self
    }

    /// Sends bytes to a server that may have hung up by now: the test reads what it said instead.
    pub fn offers(&mut self, bytes: &[u8]) -> io::Result<()> {
        let _ = writeln!(self.transcript, "> {}", shown(bytes));
        let Some(tls) = &mut self.tls else { return self.offers_beneath(bytes) };
        let (input, output) = (self.input.as_ref(), self.output.as_ref());
        let (Some(input), Some(output)) = (input, output) else { panic!("the test has hung up") };
        let mut wire = Wire { input, output, deadline: Instant::now() + PATIENCE };
        wire.under(tls).write_all(bytes)
    }

    /// Sends bytes as they are, in clear where TLS is spoken.
    pub fn offers_beneath(&mut self, bytes: &[u8]) -> io::Result<()> {
        let output = self.output.as_ref().expect("the test has not hung up");
        let mut rest = bytes;
        while !rest.is_empty() {
            ready(output, PollFlags::POLLOUT, Instant::now() + PATIENCE)?;
            match nix::unistd::write(output, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Speaks TLS from now on.
    pub fn shakes_hands(&mut self, tls: &Tls) -> io::Result<&ClientConnection> {
        let mut tls = Box::new(tls.connection());
        let (input, output) = (self.input.as_ref(), self.output.as_ref());
        let (Some(input), Some(output)) = (input, output) else { panic!("the test has hung up") };
        let mut wire = Wire { input, output, deadline: Instant::now() + self.patience };
        while tls.is_handshaking() {
            tls.complete_io(&mut wire)?;
        }
        let _ = writeln!(self.transcript, "- {:?}", tls.protocol_version());
        Ok(self.tls.insert(tls))
    }

    /// Closes TLS, hears that the server does, and speaks in clear again.
    pub fn leaves_tls(&mut self) -> io::Result<()> {
        self.leaves_tls_saying(b"", true, b"")
    }

    /// Speaks in clear again. Either says this under TLS, closes that, and says that in clear, all in one segment, before it
    /// hears that the server closes TLS too; or closes nothing, and says that in clear when it has heard so.
    pub fn leaves_tls_saying(
        &mut self,
        under: &[u8],
        closes: bool,
        clear: &[u8],
    ) -> io::Result<()> {
        let mut tls = self.tls.take().expect("TLS is spoken");
        tls.writer().write_all(under)?;
        if closes {
            tls.send_close_notify();
        }
        let mut segment = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut segment)?;
        }
        if closes {
            segment.extend_from_slice(clear);
        }
        let _ = writeln!(self.transcript, "> {} | {} (in clear)", shown(under), shown(clear));
        self.offers_beneath(&segment)?;
        let (input, output) = (self.input.as_ref(), self.output.as_ref());
        let (Some(input), Some(output)) = (input, output) else { panic!("the test has hung up") };
        let mut wire = Wire { input, output, deadline: Instant::now() + self.patience };
        while !tls.process_new_packets().map_err(io::Error::other)?.peer_has_closed() {
            wire.record_for(&mut tls)?;
        }
        let rest = tls.reader().read_to_end(&mut self.pending)?;
        let _ = writeln!(self.transcript, "- in clear, after {rest} bytes");
        if closes { Ok(()) } else { self.offers_beneath(clear) }
    }

    /// TLS as it is spoken here.
    pub fn tls(&self) -> Option<&ClientConnection> {
        self.tls.as_deref()
    }

    /// Sends one byte per segment.
    #[track_caller]
    pub fn spells(&mut self, bytes: &[u8]) -> &mut Self {
        for byte in bytes {
            self.sends(&[*byte]);
        }
        self
    }

    /// Sends bytes of which the last is urgent, as Telnet's Synch and Python's ftplib do.
    #[track_caller]
    pub fn urges(&mut self, bytes: &[u8]) -> &mut Self {
        use std::os::fd::AsRawFd;
        let _ = writeln!(self.transcript, "> {} (urgent)", shown(bytes));
        let output = self.output.as_ref().expect("the test has not hung up");
        let sent = send(output.as_raw_fd(), bytes, MsgFlags::MSG_OOB);
        assert_eq!(sent, Ok(bytes.len()), "urgent data needs a TCP connection");
        self
    }

    /// Expects a reply whose last line is of this pattern; a bare code stands for any text.
    #[track_caller]
    pub fn hears(&mut self, pattern: &str) -> Reply {
        let bare = pattern.len() == 3 && pattern.bytes().all(|byte| byte.is_ascii_digit());
        let wanted = if bare { format!("{pattern} *") } else { pattern.to_owned() };
        match self.reply() {
            Ok(reply) if reply.is(&wanted) => reply,
            Ok(reply) => self.fails(&format!("expected {wanted}\n     got {}", reply.text())),
            Err(error) => self.fails(&format!("expected {wanted}\n     got {error}")),
        }
    }

    /// Says a command and expects its reply.
    #[track_caller]
    pub fn asks(&mut self, command: &str, pattern: &str) -> Reply {
        self.says(command).hears(pattern)
    }

    /// Expects that the server hangs up, with nothing more to say.
    #[track_caller]
    pub fn hears_the_end(&mut self) {
        match self.reply() {
            Err(Silence::End) => {}
            Ok(reply) => self.fails(&format!("expected the end\n     got {}", reply.text())),
            Err(error) => self.fails(&format!("expected the end\n     got {error}")),
        }
    }

    /// The next reply, of one line or more.
    pub fn reply(&mut self) -> Result<Reply, Silence> {
        let deadline = Instant::now() + self.patience;
        let first = self.line(deadline)?;
        let code = code_of(&first).ok_or_else(|| Silence::Garbage(shown(&first)))?;
        let mut lines = vec![first];
        let last = format!("{code:03} ");
        while lines.len() == 1 && lines[0].get(3) == Some(&b'-')
            || lines.len() > 1 && !lines[lines.len() - 1].starts_with(last.as_bytes())
        {
            lines.push(self.line(deadline)?);
        }
        Ok(Reply { code, lines })
    }

    /// The next bytes, exactly this many, whatever they mean.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Silence> {
        let deadline = Instant::now() + PATIENCE;
        while self.pending.len() < count {
            self.more(deadline)?;
        }
        let bytes: Vec<u8> = self.pending.drain(..count).collect();
        let _ = writeln!(self.transcript, "< {} (raw)", shown(&bytes));
        Ok(bytes)
    }

    /// Takes these bytes if they are the next ones; leaves any others.
    pub fn takes(&mut self, wanted: &[u8]) -> bool {
        let deadline = Instant::now() + self.patience;
        while self.pending.len() < wanted.len() && wanted.starts_with(&self.pending) {
            if self.more(deadline).is_err() {
                return false;
            }
        }
        let are_next = self.pending.starts_with(wanted);
        if are_next {
            self.pending.drain(..wanted.len());
        }
        are_next
    }

    /// Whether anything can be read now: a reply, or the end.
    pub fn is_quiet(&self) -> bool {
        let input = self.input.as_ref().expect("the test has not hung up");
        self.pending.is_empty()
            && !ready(input, PollFlags::POLLIN, Instant::now()).is_ok_and(|is| is)
    }

    /// The log of the server that it speaks to.
    pub fn logged_to(mut self, log: Log) -> Client {
        self.log = Some(log);
        self
    }

    /// What was said on both sides so far, and what the server told its log.
    pub fn story(&self) -> String {
        let log = self.log.as_ref().map(Log::text).unwrap_or_default();
        format!("--- the dialogue was\n{}--- the log has\n{log}---", self.transcript)
    }

    /// Closes both directions, as a client that is gone.
    pub fn hangs_up(&mut self) {
        self.input = None;
        self.output = None;
    }

    /// Closes with a reset, as a client whose machine was switched off and on.
    pub fn resets(&mut self) {
        let now = libc::linger { l_onoff: 1, l_linger: 0 };
        let output = self.output.as_ref().expect("the test has not hung up");
        nix::sys::socket::setsockopt(output, nix::sys::socket::sockopt::Linger, &now)
            .expect("a reset needs a TCP connection");
        self.hangs_up();
    }

    /// Says that nothing more will be sent, and goes on listening.
    pub fn stops_sending(&mut self) {
        let output = self.output.take().expect("the test has not hung up");
        let end = std::os::fd::AsRawFd::as_raw_fd(&output);
        // A pipe is closed by dropping it; a socket has another descriptor in `input`.
        let _ = nix::sys::socket::shutdown(end, nix::sys::socket::Shutdown::Write);
    }

    /// Fails the test, with what was said on both sides.
    #[track_caller]
    pub fn fails(&self, why: &str) -> ! {
        panic!("{why}\n{}", self.story())
    }

    fn line(&mut self, deadline: Instant) -> Result<Vec<u8>, Silence> {
        loop {
            if let Some(end) = self.pending.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.pending.drain(..end + 2).take(end).collect();
                let _ = writeln!(self.transcript, "< {}", shown(&line));
                return Ok(line);
            }
            self.more(deadline)?;
        }
    }

    fn more(&mut self, deadline: Instant) -> Result<(), Silence> {
        let input = self.input.as_ref().expect("the test has not hung up");
        let mut buffer = [0; 4096];
        if let Some(tls) = &mut self.tls {
            let output = self.output.as_ref().unwrap_or(input);
            let mut wire = Wire { input, output, deadline };
            let count = wire.under(tls).read(&mut buffer);
            return match count.map_err(|error| (error.kind(), error)) {
                Ok(0) if self.pending.is_empty() => Err(Silence::End),
                Ok(0) => Err(Silence::Garbage(shown(&self.pending))),
                Ok(count) => {
                    self.pending.extend_from_slice(&buffer[..count]);
                    Ok(())
                }
                Err((io::ErrorKind::TimedOut, _)) => Err(Silence::Late(shown(&self.pending))),
                Err((_, error)) => Err(Silence::System(error)),
            };
        }
        if !ready(input, PollFlags::POLLIN, deadline).map_err(Silence::from)? {
            return Err(Silence::Late(shown(&self.pending)));
        }
        match nix::unistd::read(input, &mut buffer) {
            Ok(0) | Err(Errno::ECONNRESET) if self.pending.is_empty() => Err(Silence::End),
            Ok(0) | Err(Errno::ECONNRESET) => Err(Silence::Garbage(shown(&self.pending))),
            Ok(count) => {
                self.pending.extend_from_slice(&buffer[..count]);
                Ok(())
            }
            Err(errno) => Err(Silence::from(io::Error::from(errno))),
        }
    }
}

/// Why there was no reply.
#[derive(Debug, thiserror::Error)]
pub enum Silence {
    #[error("the end of the connection")]
    End,
    #[error("nothing in time (unfinished: `{0}`)")]
    Late(String),
    #[error("no reply: `{0}`")]
    Garbage(String),
    #[error("{0}")]
    System(#[from] io::Error),
}

fn code_of(line: &[u8]) -> Option<u16> {
    let (digits, rest) = line.split_at_checked(3)?;
    let separated = matches!(rest.first(), Some(b' ' | b'-'));
    separated.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

/// Bytes as people read them; UTF-8 stays itself.
pub fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(|c: char| c.is_control()) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    }
}

/// Waits until the descriptor is ready for this or broken; false when the deadline is first.
pub fn ready(fd: impl AsFd, what: PollFlags, deadline: Instant) -> io::Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout =
            PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(fd.as_fd(), what)], timeout) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(count) => return Ok(count > 0),
        }
    }
}
