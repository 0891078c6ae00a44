//! Transfers, from the command to the event: check → 150 → data connection → open → pump → close → 226. Session
//! worker; trusts neither the client nor the file.
//!
//! `data` knows where the data connection comes from, `pump` moves bytes, `watch` listens to the client and the
//! broker meanwhile. What is moved is a [`pump::Flow`]: `download`, `upload` (with `store`), `listing`; in MODE Z
//! `deflate` and `inflate` stand between. Long work without
//! a data connection is [`labour`].

pub mod attributes;
mod below;
pub mod combine;
#[cfg(test)]
mod compressed_tests;
pub mod copy;
pub mod data;
mod deflate;
pub mod digest;
pub mod download;
mod expand;
pub mod hash;
mod inflate;
pub mod labour;
mod line;
pub mod listing;
#[cfg(test)]
mod listing_tests;
mod manner;
mod names;
mod outgoing;
mod perm;
mod protected;
pub mod pump;
pub mod space;
mod span;
pub mod store;
pub mod sweep;
mod temporary;
#[cfg(test)]
mod tests;
mod unique;
pub mod upload;
mod watch;

use std::time::Instant;

use ftp::path::VirtualPath;
use ftp::reply::Reply;
use nix::errno::Errno;

use crate::wire::Bounded;
use crate::wire::event::{self, Direction, End, Event, Outcome};
use crate::wire::relay::Close;
use crate::wire::session::Ask;
use crate::worker::failure::{Failure, Refusal};
use crate::worker::session::Session;
pub use span::Span;

use pump::Flow;

/// A transfer that has passed its checks.
#[derive(Debug)]
pub struct Job {
    /// The verb, for the status line.
    pub verb: &'static str,
    /// Which way.
    pub direction: Direction,
    /// The file, as the client sees it.
    pub path: VirtualPath,
    /// What 150 says.
    pub opening: Vec<u8>,
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Bytes that have crossed the data connection.
    pub bytes: u64,
    /// How TLS ended, where there is some.
    pub tls: Option<Close>,
    direction: Direction,
    began: Instant,
}

impl Progress {
    /// Whether it goes on for a client that has stopped sending. The system closes both connections of a client that
    /// was killed: then the end of its data is not the end of its file.
    fn outlasts_client(&self) -> bool {
        self.direction != Direction::Upload
    }
}

/// Why a transfer did not reach its end.
#[derive(Debug)]
pub enum Broken {
    /// ABOR.
    Aborted,
    /// Nothing moved for too long.
    Stalled,
    /// The data connection broke.
    Lost(Errno),
    /// Something else than the data connection.
    Refused(Refusal),
    /// The session is over.
    Over(End),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Broken::Refused(refusal),
            Failure::Over(end) => Broken::Over(end),
        }
    }
}

/// A file that lost its end while it was read.
fn became_shorter() -> Failure {
    Failure::new(451, "The file became shorter.").because("the file became shorter")
}

/// Carries a transfer out. `open` touches the target, and is called when the data connection is there.
pub fn carry<F: Flow>(
    session: &mut Session,
    job: &Job,
    open: impl FnOnce(&mut Session) -> Result<F, Failure>,
) -> Result<Reply, Failure> {
    session.require_plan()?;
    session.require_proof()?;
    session.control.send(&Reply::new(150, job.opening.as_slice()))?;
    session.status(&[job.verb.as_bytes(), b" ", job.path.as_bytes()].concat())?;
    session.progress =
        Some(Progress { bytes: 0, tls: None, direction: job.direction, began: Instant::now() });
    let (moved, remark) = move_all(session, job.direction, open);
    let progress = session.progress.take();
    let told = report(session, job, progress, &moved, remark);
    let reply = conclude(session, moved, progress)?;
    told.and(session.status(b"idle")).and(Ok(reply))
}

fn move_all<F: Flow>(
    session: &mut Session,
    direction: Direction,
    open: impl FnOnce(&mut Session) -> Result<F, Failure>,
) -> (Result<(), Broken>, Option<String>) {
    let opened = session.open_stream(direction).and_then(|data| Ok((data, open(session)?)));
    let (data, mut flow) = match opened {
        Ok(opened) => opened,
        Err(broken) => return (Err(broken), None),
    };
    let pumped = pump::pump(session, &data.fd, &mut flow)
        .and_then(|()| session.settle(&data, direction))
        .and_then(|()| confirm(session, direction));
    drop(data);
    let finished = flow.finish(pumped.is_ok());
    (pumped.and(finished.map_err(Broken::from)), flow.remark())
}

/// An upload is whole if its client is still there as its data ends, or has said QUIT.
fn confirm(session: &mut Session, direction: Direction) -> Result<(), Broken> {
    match direction == Direction::Upload && session.is_stopped()? {
        true => Err(Broken::Aborted),
        false => Ok(()),
    }
}

/// Tells the log, before the client has its reply. The broker writes the line at once, but does not answer.
fn report(
    session: &Session,
    job: &Job,
    progress: Option<Progress>,
    moved: &Result<(), Broken>,
    remark: Option<String>,
) -> Result<(), Failure> {
    let (outcome, cause) = match moved {
        Ok(()) => (Outcome::Complete, String::new()),
        Err(Broken::Aborted) => (Outcome::Aborted, String::new()),
        Err(Broken::Stalled) => (Outcome::Failed, "stalled".to_owned()),
        Err(Broken::Lost(errno)) => (Outcome::Failed, errno.desc().to_owned()),
        Err(Broken::Refused(refusal)) => {
            (Outcome::Failed, refusal.cause.clone().unwrap_or_default())
        }
        Err(Broken::Over(_)) => (Outcome::Failed, "the session ended".to_owned()),
    };
    let causes: Vec<String> =
        [Some(cause), remark].into_iter().flatten().filter(|text| !text.is_empty()).collect();
    session.broker.tell(&Ask::Event(Event::Transfer(event::Transfer {
        direction: job.direction,
        path: Bounded::cut(job.path.as_bytes()),
        bytes: progress.map_or(0, |progress| progress.bytes),
        millis: progress.map_or(0, |progress| millis_since(progress.began)),
        outcome,
        tls: progress.and_then(|progress| progress.tls),
        cause: Bounded::cut(causes.join("; ").as_bytes()),
    })))
}

fn conclude(
    session: &mut Session,
    moved: Result<(), Broken>,
    progress: Option<Progress>,
) -> Result<Reply, Failure> {
    match moved {
        // Whoever sent it can see whether the end is missing.
        Ok(()) if let Some(Progress { bytes, tls: Some(Close::Truncated), .. }) = progress => {
            Ok(Reply::new(226, format!("{bytes} bytes, and TLS was not closed: compare.")))
        }
        Ok(()) => Ok(Reply::new(226, "Transfer complete.")),
        Err(Broken::Aborted) => {
            // Two replies: for the transfer, and for ABOR (RFC 959 §4.1.3).
            session.control.send(&Reply::new(426, "Transfer aborted."))?;
            Ok(Reply::new(226, "Abort successful."))
        }
        Err(Broken::Stalled) => Ok(Reply::new(426, "Nothing moved for too long.")),
        Err(Broken::Lost(_)) => Ok(Reply::new(426, "Data connection lost.")),
        Err(Broken::Refused(refusal)) => Ok(refusal.reply),
        Err(Broken::Over(end)) => Err(Failure::Over(end)),
    }
}

fn millis_since(began: Instant) -> u64 {
    began.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
}
