//! Checksums of files: HASH and its kin. Session worker; the file may change meanwhile.

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::FileExt;

use ftp::reply::Reply;
use nix::fcntl::OFlag;
use nix::sys::stat::SFlag;

use super::digest::{Algorithm, Sum};
use super::labour::Labour;
use super::{Span, became_shorter};
use crate::config::Rights;
use crate::verb::Target;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::stream::file_type;

/// Which checksum is wanted, and by whom.
#[derive(Debug)]
pub struct Order {
    /// The verb, for the status line.
    pub verb: &'static str,
    /// The code of its reply.
    pub code: u16,
    /// What is computed.
    pub algorithm: &'static Algorithm,
}

/// A checksum, and of what it is.
#[derive(Debug)]
pub struct Checksum {
    bytes: Vec<u8>,
    /// The octets that it is of.
    pub start: u64,
    /// The octet behind the last of them.
    pub end: u64,
}

impl Checksum {
    /// The checksum itself, in hexadecimal digits.
    pub fn hex(&self) -> String {
        self.bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Computes a checksum, and has it said.
pub fn run(
    session: &mut Session,
    order: &Order,
    target: &Target,
    span: Span,
    say: impl FnOnce(Checksum) -> Vec<u8>,
) -> Result<Reply, Failure> {
    let mut reading = Reading::open(session, order, target, span)?;
    let mut labour = Labour::for_reply(order.verb, &target.path, order.code);
    let worked = labour.work(session, |_| reading.step());
    let said = worked.map(|done| done.map(|sum| Reply::new(order.code, say(reading.over(sum)))));
    labour.conclude(session, said)
}

/// A file that is being read for its checksum.
struct Reading {
    file: File,
    sum: Option<Box<dyn Sum>>,
    start: u64,
    at: u64,
    end: u64,
    buffer: Vec<u8>,
}

impl Reading {
    fn open(
        session: &Session,
        order: &Order,
        target: &Target,
        span: Span,
    ) -> Result<Self, Failure> {
        if file_type(session.tree.stat(&target.real)?.st_mode) != SFlag::S_IFREG {
            return Err(Failure::new(553, "Not a plain file."));
        }
        // The checksums of its octets, one by one, would be the file.
        if span != Span::default() {
            session.require(Rights::READ, target)?;
        }
        let (file, stat) = session.tree.open_file(&target.real, OFlag::O_RDONLY)?;
        // What is added to the file from now on does not count: the reply says where the end was.
        let size = stat.st_size.unsigned_abs();
        if span.start > size {
            return Err(Failure::new(554, "The offset is beyond the end."));
        }
        let (start, end) = (span.start, span.end.map_or(size, |end| end.clamp(span.start, size)));
        let most = session.settings.limits.hash_max.0;
        if most != 0 && end - start > most {
            return Err(Failure::new(556, "Too large for a checksum.")
                .because(format!("more than limits.hash_max = {most} bytes")));
        }
        let sum = Some(order.algorithm.start());
        Ok(Reading { file: file.into(), sum, start, at: start, end, buffer: vec![0; PIECE] })
    }

    /// Reads a piece; the sum, when there is none left.
    fn step(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(PIECE);
        if left == 0 {
            return Ok(self.sum.take().map(Sum::finish));
        }
        let buffer = self.buffer.get_mut(..left).unwrap_or_default();
        let length = self.file.read_at(buffer, self.at)?;
        if length == 0 {
            return Err(became_shorter());
        }
        if let Some(sum) = &mut self.sum {
            sum.add(buffer.get(..length).unwrap_or_default());
        }
        self.at += length as u64;
        Ok(None)
    }

    fn over(&self, bytes: Vec<u8>) -> Checksum {
        Checksum { bytes, start: self.start, end: self.end }
    }
}

/// As much as is read before the client is listened to again.
const PIECE: usize = 1024 * 1024;
