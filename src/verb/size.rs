//! SIZE: as many octets as RETR would send (RFC 3659 §4). Session worker.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use ftp::ascii::Counter;
use ftp::reply::Reply;
use nix::fcntl::OFlag;

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::tree::require_plain;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    // curl asks with its data connection open, and closes that if there is no such file.
    session.await_client()?;
    let real = argument.target()?.real;
    let stat = session.tree.stat(&real)?;
    require_plain(&stat)?;
    let size = stat.st_size.unsigned_abs();
    let octets = match session.converts() {
        true if size > COUNTED_MAX => {
            return Err(Failure::new(550, "Too large to count in TYPE A."));
        }
        true => count(session.tree.open_file(&real, OFlag::O_RDONLY)?.0)?,
        false => size,
    };
    Ok(Reply::new(213, octets.to_string()))
}

fn count(file: OwnedFd) -> Result<u64, Failure> {
    let mut counter = Counter::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut file = File::from(file);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(counter.octets()),
            length => counter.count(buffer.get(..length).unwrap_or_default()),
        }
    }
}

/// A larger file would keep the client waiting, and an estimate must not be given (RFC 3659 §4).
const COUNTED_MAX: u64 = 10 * 1024 * 1024;
