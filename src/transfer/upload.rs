//! STOR, STOU and APPE: from the stream into a store. Session worker; the peer is not trusted.

use std::io::Write;
use std::os::fd::{AsRawFd, BorrowedFd};

use ftp::ascii::FromNetwork;
use ftp::reply::Reply;
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{MsgFlags, recv};

use super::inflate::Inflate;
use super::pump::{Flow, Step};
use super::store::{Opened, Store, Way};
use super::{Broken, Job, carry};
use crate::verb::Target;
use crate::wire::event::Direction;
use crate::worker::failure::Failure;
use crate::worker::session::{Mode, Session};

/// Receives a file.
pub fn run(session: &mut Session, target: Target, way: Way) -> Result<Reply, Failure> {
    if session.converts() && matches!(way, Way::At(_)) {
        // The offset would count octets of the network, which the file does not have.
        return Err(Failure::new(554, "REST and RANG need TYPE I for an upload."));
    }
    let store = Store::plan(session, &target, way)?;
    receive(session, target, store, b"Opening a data connection.".to_vec())
}

/// Receives a file under a name that nothing has yet, and tells the name (RFC 1123 §4.1.2.9).
pub fn run_unique(session: &mut Session, wish: Option<&[u8]>) -> Result<Reply, Failure> {
    session.require_plan()?;
    let (target, reservation) = session.reserve(wish)?;
    let opening = [b"FILE: ", target.said.as_slice()].concat();
    let store = Store::reserved(session, &target, reservation);
    receive(session, target, store, opening)
}

fn receive(
    session: &mut Session,
    target: Target,
    store: Store,
    opening: Vec<u8>,
) -> Result<Reply, Failure> {
    let converts = session.converts();
    session.sweep(&session.tree.parent_of(&target.real));
    let inflate = (session.mode == Mode::Deflate).then(Inflate::new);
    let direction = Direction::Upload;
    let job = Job { verb: store.verb(), direction, path: target.path, opening };
    carry(session, &job, |_| Upload::open(store, inflate, converts))
}

struct Upload {
    store: Store,
    opened: Opened,
    /// In MODE Z.
    inflate: Option<Inflate>,
    converter: Option<FromNetwork>,
    buffer: Vec<u8>,
    converted: Vec<u8>,
    received: bool,
    /// As much as may still be written.
    room: u64,
}

impl Upload {
    fn open(store: Store, inflate: Option<Inflate>, converts: bool) -> Result<Self, Failure> {
        let opened = store.open()?;
        let room = store.room();
        Ok(Upload {
            store,
            opened,
            inflate,
            converter: converts.then(FromNetwork::new),
            buffer: vec![0; BUFFER],
            converted: vec![],
            received: false,
            room,
        })
    }

    /// Takes what has come: in MODE Z for later, as what comes out of it may be too much for one step.
    fn take(&mut self, length: usize) -> Result<Step, Broken> {
        let Some(inflate) = &mut self.inflate else { return self.write(length) };
        inflate.feed(self.buffer.get(..length).unwrap_or_default());
        Ok(Step::Moved(length as u64))
    }

    /// Writes a piece of what came before. Nothing crosses the data connection for that.
    fn inflate(&mut self) -> Result<Step, Broken> {
        if let Some(inflate) = &mut self.inflate {
            let made = inflate.piece(&mut self.buffer);
            // What has come out of a damaged stream may be damaged too: nobody should go on from there.
            self.received &= made.is_ok();
            let length = made?;
            if length > 0 {
                self.write(length)?;
            }
        }
        Ok(Step::Moved(0))
    }

    fn has_more(&self) -> bool {
        self.inflate.as_ref().is_some_and(Inflate::has_more)
    }

    fn write(&mut self, length: usize) -> Result<Step, Broken> {
        let kept = usize::try_from(self.room).unwrap_or(usize::MAX).min(length);
        let bytes = self.buffer.get(..kept).unwrap_or_default();
        let bytes = match &mut self.converter {
            Some(converter) => {
                self.converted.clear();
                converter.convert(bytes, &mut self.converted);
                &self.converted
            }
            None => bytes,
        };
        self.opened.file.write_all(bytes).map_err(Failure::from)?;
        self.received = true;
        self.room -= kept as u64;
        if kept < length {
            return Err(Failure::new(552, "More than the range has room for.").into());
        }
        Ok(Step::Moved(length as u64))
    }

    fn end(&mut self) -> Result<Step, Broken> {
        self.inflate.as_ref().map_or(Ok(()), Inflate::finish)?;
        if let Some(converter) = &mut self.converter {
            self.converted.clear();
            converter.finish(&mut self.converted);
            self.opened.file.write_all(&self.converted).map_err(Failure::from)?;
        }
        Ok(Step::Done)
    }
}

impl Flow for Upload {
    fn wants(&self) -> PollFlags {
        // A stream that nobody writes to can always be written to: there is work, whether more comes or not.
        if self.has_more() { PollFlags::POLLOUT } else { PollFlags::POLLIN }
    }

    fn step(&mut self, data: BorrowedFd) -> Result<Step, Broken> {
        if self.has_more() {
            return self.inflate();
        }
        match recv(data.as_raw_fd(), &mut self.buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(0) => self.end(),
            Ok(length) => self.take(length),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Step::Blocked),
            Err(errno) => Err(Broken::Lost(errno)),
        }
    }

    fn finish(&mut self, whole: bool) -> Result<(), Failure> {
        if whole {
            return self.store.commit(&self.opened);
        }
        self.store.abandon(&self.opened, self.received);
        Ok(())
    }

    fn remark(&self) -> Option<String> {
        self.opened.remark.map(str::to_owned)
    }
}

const BUFFER: usize = 256 * 1024;
