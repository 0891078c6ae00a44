//! RETR. Session worker. The kernel copies a file to the stream; TYPE A, and files that the kernel can't copy so,
//! go through a buffer.

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

use super::outgoing::{Outgoing, Source};
use super::pump::{Flow, Step};
use super::{Broken, Job, Span, carry};
use crate::verb::Target;
use crate::wire::event::Direction;
use crate::worker::failure::Failure;
use crate::worker::session::{Session, Type};

/// Sends a file from an offset.
pub fn run(session: &mut Session, target: Target, span: Span) -> Result<Reply, Failure> {
    let offset = span.start;
    let (file, stat) = session.tree.open_file(&target.real, OFlag::O_RDONLY)?;
    let (file, size) = (Rc::new(File::from(file)), stat.st_size.unsigned_abs());
    let converts = session.converts();
    // In TYPE A the offset counts octets of the network, at most two for each of the file (RFC 3659 §5.1).
    if offset > if converts { size.saturating_mul(2) } else { size } {
        return Err(Failure::new(554, "The offset is beyond the end."));
    }
    let opening = match converts {
        true => "Opening a text data connection.".to_owned(),
        // Clients look for the number at the end.
        false => format!("Opening a data connection ({size} bytes)."),
    };
    let job = Job { verb: "RETR", direction: Direction::Download, path: target.path, opening };
    match converts {
        true => carry(session, &job, |_| Ok(Outgoing::new(Text::new(file, offset)))),
        false => carry(session, &job, |_| Ok(Download::new(file, offset, size))),
    }
}

impl Session {
    /// Whether line ends are converted on data connections.
    pub fn converts(&self) -> bool {
        self.representation == Type::Ascii && self.settings.transfer.ascii
    }
}

/// A file as it is.
#[derive(Debug)]
struct Download {
    file: Rc<File>,
    offset: i64,
    size: u64,
    /// Where the kernel would not copy.
    buffered: Option<Outgoing<Bytes>>,
}

impl Download {
    fn new(file: Rc<File>, offset: u64, size: u64) -> Self {
        let offset = offset.try_into().unwrap_or(i64::MAX);
        Download { file, offset, size, buffered: None }
    }

    fn buffered(&mut self, data: BorrowedFd) -> Result<Step, Broken> {
        let bytes = Bytes { file: Rc::clone(&self.file), offset: self.offset.unsigned_abs() };
        self.buffered.insert(Outgoing::new(bytes)).step(data)
    }

    /// A file that has become shorter than 150 said is not whole; one that has grown is sent to its new end.
    fn at_end(&self) -> Result<Step, Broken> {
        match self.offset.unsigned_abs() < self.size {
            true => Err(Failure::new(451, "The file became shorter.")
                .because("the file became shorter")
                .into()),
            false => Ok(Step::Done),
        }
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
        match sendfile64(data, &self.file, Some(&mut self.offset), PIECE) {
            Ok(0) => self.at_end(),
            Ok(length) => Ok(Step::Moved(length as u64)),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Step::Blocked),
            // Not every file system can (sendfile(2)).
            Err(Errno::EINVAL | Errno::ENOSYS) => self.buffered(data),
            Err(Errno::EIO) => Err(Failure::from(Errno::EIO).into()),
            Err(errno) => Err(Broken::Lost(errno)),
        }
    }
}

/// The same, through a buffer.
#[derive(Debug)]
struct Bytes {
    file: Rc<File>,
    offset: u64,
}

impl Source for Bytes {
    fn produce(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        out.resize(BUFFER, 0);
        let length = self.file.read_at(out, self.offset)?;
        out.truncate(length);
        self.offset += length as u64;
        Ok(())
    }
}

/// A file as lines, from an offset that counts octets of the network.
#[derive(Debug)]
struct Text {
    bytes: Bytes,
    converter: ToNetwork,
    skip: u64,
    read: Vec<u8>,
}

impl Text {
    fn new(file: Rc<File>, skip: u64) -> Self {
        Text { bytes: Bytes { file, offset: 0 }, converter: ToNetwork::new(), skip, read: vec![] }
    }
}

impl Source for Text {
    fn produce(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        while out.is_empty() {
            self.bytes.produce(&mut self.read)?;
            if self.read.is_empty() {
                return Ok(());
            }
            self.converter.convert(&self.read, out);
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(out.len());
            out.drain(..skipped);
            self.skip -= skipped as u64;
        }
        Ok(())
    }
}

/// As much as is copied before the client is listened to again.
const PIECE: usize = 1024 * 1024;
const BUFFER: usize = 64 * 1024;
