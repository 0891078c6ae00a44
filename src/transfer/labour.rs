//! Long work without a data connection, piece by piece: a checksum, a copy. Session worker; the client is not trusted
//! to wait, and may change its mind.
//!
//! Between two pieces client and broker are listened to: ABOR stops the work, the end of either ends the session, and
//! whatever else the client says waits for its turn. Nothing counts as idle meanwhile.

use std::time::{Duration, Instant};

use ftp::path::VirtualPath;
use ftp::reply::Reply;

use crate::wire::Bounded;
use crate::wire::event::{End, Note};
use crate::worker::failure::{Failure, Refusal};
use crate::worker::session::Session;

/// Work that is going on.
#[derive(Debug)]
pub struct Labour {
    verb: &'static str,
    path: VirtualPath,
    /// The code of its reply, where all its use is that reply: the client is told now and then that it will come.
    code: Option<u16>,
    next: Instant,
    announced: bool,
}

impl Labour {
    /// Work that changes files: it goes on for a client that has said QUIT and is gone.
    pub fn new(verb: &'static str, path: &VirtualPath) -> Self {
        let next = Instant::now() + INTERVAL;
        Labour { verb, path: path.clone(), code: None, next, announced: false }
    }

    /// Work of which nothing is left but a reply of this code. Nobody to hear it, no work.
    #[must_use]
    pub fn for_reply(self, code: u16) -> Self {
        Labour { code: Some(code), ..self }
    }

    /// Does piece after piece till one of them has the result; nothing, if the client has stopped it.
    pub fn work<T>(
        &mut self,
        session: &mut Session,
        mut piece: impl FnMut(&mut Session) -> Result<Option<T>, Failure>,
    ) -> Result<Option<T>, Failure> {
        session.status(&[self.verb.as_bytes(), b" ", self.path.as_bytes()].concat())?;
        loop {
            let result = piece(session)?;
            if result.is_some() || self.is_stopped(session)? {
                return Ok(result);
            }
        }
    }

    /// The reply that fits to what was said before it; to ABOR there is one more (RFC 959 §4.1.3).
    pub fn conclude(
        &self,
        session: &mut Session,
        worked: Result<Option<Reply>, Failure>,
    ) -> Result<Reply, Failure> {
        let reply = match worked {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => {
                let aborted = Failure::new(426, "Aborted.");
                if let Failure::Refused(refusal) = self.fitting(aborted) {
                    session.control.send(&refusal.reply)?;
                }
                Ok(Reply::new(226, "Abort successful."))
            }
            Err(failure) => Err(self.fitting(failure)),
        };
        session.status(b"idle").and(reply)
    }

    /// Tells the log that work which was to change files has been stopped.
    pub fn note_aborted(&self, session: &Session) -> Result<(), Failure> {
        session.note(Note::Refused {
            verb: Bounded::cut(self.verb.as_bytes()),
            path: Bounded::cut(self.path.as_bytes()),
            cause: Bounded::cut(b"aborted"),
        })
    }

    /// Listens to whoever has something to say, and says that the work goes on.
    fn is_stopped(&mut self, session: &mut Session) -> Result<bool, Failure> {
        if session.is_stopped()? {
            return Ok(true);
        }
        match self.code {
            // Behind QUIT the end of what the client says tells nothing.
            Some(_) if session.control.is_unheard() => Err(Failure::Over(End::Closed)),
            Some(code) if Instant::now() >= self.next => {
                self.next = Instant::now() + INTERVAL;
                self.announced = true;
                session.control.announce(code, "Working.").map(|()| false)
            }
            _ => Ok(false),
        }
    }

    /// Lines that were sent have fixed the code of the reply: only its text can still say that there was a failure.
    fn fitting(&self, failure: Failure) -> Failure {
        match (failure, self.code) {
            (Failure::Refused(Refusal { reply, cause }), Some(code)) if self.announced => {
                let text = String::from_utf8_lossy(reply.text()).into_owned();
                let reply = Reply::new(code, format!("Failed: {text}"));
                Failure::Refused(Refusal { reply, cause: cause.or(Some(text)) })
            }
            (failure, _) => failure,
        }
    }
}

/// Shorter than clients wait for a reply; not much, because some take no reply of several lines here.
const INTERVAL: Duration = Duration::from_secs(10);
