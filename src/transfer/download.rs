//! RETR. Session worker. The kernel copies a file to the stream; TYPE A, MODE Z, and files that the kernel can't
//! copy so, go through a buffer.

use std::fs::File;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

use ftp::ascii::ToNetwork;
use ftp::reply::Reply;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::PollFlags;
use nix::sys::sendfile::sendfile64;

use super::outgoing::{Outgoing, Source, send_made};
use super::pump::{Flow, Step};
use super::{Broken, Job, Span, became_shorter, carry};
use crate::verb::Target;
use crate::wire::event::Direction;
use crate::worker::failure::Failure;
use crate::worker::session::{Mode, Session, Type};

/// Sends a file, or a part of it.
pub fn run(session: &mut Session, target: Target, span: Span) -> Result<Reply, Failure> {
    let (file, stat) = session.tree.open_file(&target.real, OFlag::O_RDONLY)?;
    let (file, size) = (Rc::new(File::from(file)), stat.st_size.unsigned_abs());
    let converts = session.converts();
    // In TYPE A the offset counts octets of the network, at most two for each of the file (RFC 3659 §5.1).
    let most = if converts { size.saturating_mul(2) } else { size };
    let span = match span {
        Span { start, end: None } if start > most => {
            return Err(Failure::new(554, "The offset is beyond the end."));
        }
        // Of a range there is as much as there is.
        Span { start, end: Some(_) } if start > most => Span { start: most, end: Some(most) },
        span => span,
    };
    let opening = match converts {
        true => "Opening a text data connection.".to_owned(),
        // Clients look for the number at the end.
        false => format!("Opening a data connection ({} bytes).", announced(size, span)),
    };
    let job = Job {
        verb: "RETR",
        direction: Direction::Download,
        path: target.path,
        opening: opening.into(),
    };
    match converts {
        true => send_made(session, &job, Text::new(file, span, size)),
        // What the kernel copies it does not compress.
        false if session.mode == Mode::Deflate => {
            send_made(session, &job, Bytes::new(file, span, size))
        }
        false => carry(session, &job, |_| Ok(Download::new(Bytes::new(file, span, size)))),
    }
}

/// The size of the file, whatever the offset, as clients have it from every server; of a range what there is of it.
fn announced(size: u64, span: Span) -> u64 {
    span.length().map_or(size, |length| length.min(size.saturating_sub(span.start)))
}

impl Session {
    /// Whether line ends are converted on data connections.
    pub fn converts(&self) -> bool {
        self.representation == Type::Ascii && self.settings.transfer.ascii
    }
}

/// A file as it is, up to an end.
#[derive(Debug)]
struct Download {
    bytes: Bytes,
    /// Where the kernel would not copy.
    buffered: Option<Outgoing<Bytes>>,
}

impl Download {
    fn new(bytes: Bytes) -> Self {
        Download { bytes, buffered: None }
    }

    fn buffered(&mut self, data: BorrowedFd) -> Result<Step, Broken> {
        self.buffered.insert(Outgoing::new(self.bytes.clone())).step(data)
    }
}

impl Flow for Download {
    fn wants(&self) -> PollFlags {
        PollFlags::POLLOUT
    }

    fn step(&mut self, data: BorrowedFd) -> Result<Step, Broken> {
        if let Some(buffered) = &mut self.buffered {
            return buffered.step(data);
        }
        let mut offset = self.bytes.offset.try_into().unwrap_or(i64::MAX);
        match sendfile64(data, &self.bytes.file, Some(&mut offset), self.bytes.ahead(PIECE)) {
            Ok(0) => Ok(self.bytes.at_end().map(|()| Step::Done)?),
            Ok(length) => {
                self.bytes.offset = offset.unsigned_abs();
                Ok(Step::Moved(length as u64))
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Step::Blocked),
            // Not every file system can (sendfile(2)).
            Err(Errno::EINVAL | Errno::ENOSYS) => self.buffered(data),
            Err(Errno::EIO) => Err(Failure::from(Errno::EIO).into()),
            Err(errno) => Err(Broken::Lost(errno)),
        }
    }
}

/// Octets of a file, the next one first.
#[derive(Debug, Clone)]
struct Bytes {
    file: Rc<File>,
    offset: u64,
    end: u64,
    /// As far as the file must reach: what it had when 150 was said.
    least: u64,
}

impl Bytes {
    fn new(file: Rc<File>, span: Span, size: u64) -> Self {
        let end = span.end.unwrap_or(u64::MAX);
        Bytes { file, offset: span.start, end, least: size.min(end) }
    }

    fn ahead(&self, most: usize) -> usize {
        at_most(most, self.end.saturating_sub(self.offset))
    }

    /// A file that has become shorter than 150 said is not whole; one that has grown is sent to its new end.
    fn at_end(&self) -> Result<(), Failure> {
        match self.offset < self.least {
            true => Err(became_shorter()),
            false => Ok(()),
        }
    }
}

impl Source for Bytes {
    fn produce(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        out.resize(self.ahead(BUFFER), 0);
        let length = self.file.read_at(out, self.offset)?;
        out.truncate(length);
        self.offset += length as u64;
        if length == 0 { self.at_end() } else { Ok(()) }
    }
}

/// A file as lines, of which a part is sent that counts octets of the network.
#[derive(Debug)]
struct Text {
    bytes: Bytes,
    converter: ToNetwork,
    skip: u64,
    left: u64,
    read: Vec<u8>,
    /// All that was read last is before the part.
    is_skipping: bool,
}

impl Text {
    fn new(file: Rc<File>, span: Span, size: u64) -> Self {
        Text {
            bytes: Bytes::new(file, Span::default(), size),
            converter: ToNetwork::new(),
            skip: span.start,
            left: span.length().unwrap_or(u64::MAX),
            read: vec![],
            is_skipping: false,
        }
    }
}

impl Source for Text {
    fn produce(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.read.clear();
        if self.left > 0 {
            self.bytes.produce(&mut self.read)?;
        }
        self.converter.convert(&self.read, out);
        let skipped = at_most(out.len(), self.skip);
        out.drain(..skipped);
        self.skip -= skipped as u64;
        out.truncate(at_most(out.len(), self.left));
        self.left -= out.len() as u64;
        self.is_skipping = out.is_empty() && !self.read.is_empty();
        Ok(())
    }

    fn is_busy(&self) -> bool {
        self.is_skipping
    }
}

fn at_most(length: usize, limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).min(length)
}

/// As much as is copied before the client is listened to again.
const PIECE: usize = 1024 * 1024;
const BUFFER: usize = 64 * 1024;
