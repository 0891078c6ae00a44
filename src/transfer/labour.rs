//! Long work without a data connection, piece by piece: a checksum, a copy. Session worker; the client is not trusted
//! to wait, and may change its mind.
//!
//! Between two pieces client and broker are listened to: ABOR stops the work, the end of either ends the session, and
//! whatever else the client says waits for its turn. Nothing counts as idle meanwhile, and the client is told now and
//! then that its reply will come.

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
    /// The code of the reply that it ends with, if all goes well.
    code: u16,
    fruit: Fruit,
    next: Instant,
    announced: bool,
}

/// What is left of work when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fruit {
    /// Files: it goes on for a client that has said QUIT and is gone.
    Files,
    /// Nothing but the reply. Nobody to hear it, no work.
    Reply,
}

impl Labour {
    /// Work that changes files, and ends with a reply of this code.
    pub fn on_files(verb: &'static str, path: &VirtualPath, code: u16) -> Self {
        Labour::new(verb, path, code, Fruit::Files)
    }

    /// Work of which nothing is left but a reply of this code.
    pub fn for_reply(verb: &'static str, path: &VirtualPath, code: u16) -> Self {
        Labour::new(verb, path, code, Fruit::Reply)
    }

    fn new(verb: &'static str, path: &VirtualPath, code: u16, fruit: Fruit) -> Self {
        let next = Instant::now() + INTERVAL;
        Labour { verb, path: path.clone(), code, fruit, next, announced: false }
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
            Err(Failure::Refused(refusal)) if self.announced && self.fruit == Fruit::Files => {
                Err(self.leave_open(session, &refusal))
            }
            Err(failure) => Err(self.fitting(failure)),
        };
        session.status(b"idle").and(reply)
    }

    /// Tells the log that work which was to change files has been stopped.
    pub fn note_aborted(&self, session: &Session) -> Result<(), Failure> {
        self.note(session, "aborted")
    }

    /// A client that reads no more than the code of its reply must not take it that the files are there. So the reply
    /// that was begun is left open, and its end is the session's.
    fn leave_open(&self, session: &Session, refusal: &Refusal) -> Failure {
        let said = String::from_utf8_lossy(refusal.reply.text());
        let noted = self.note(session, refusal.cause.as_deref().unwrap_or(&said));
        noted.err().unwrap_or(Failure::Over(End::Failed))
    }

    fn note(&self, session: &Session, cause: &str) -> Result<(), Failure> {
        session.note(Note::Refused {
            verb: Bounded::cut(self.verb.as_bytes()),
            path: Bounded::cut(self.path.as_bytes()),
            cause: Bounded::cut(cause.as_bytes()),
        })
    }

    /// Listens to whoever has something to say, and says that the work goes on.
    fn is_stopped(&mut self, session: &mut Session) -> Result<bool, Failure> {
        if session.is_stopped()? {
            return Ok(true);
        }
        // Behind QUIT the end of what the client says tells nothing.
        match (session.control.is_unheard(), self.fruit) {
            (true, Fruit::Reply) => Err(Failure::Over(End::Closed)),
            (false, _) if Instant::now() >= self.next => {
                self.next = Instant::now() + INTERVAL;
                self.announced = true;
                session.control.announce(self.code, "Working.").map(|()| false)
            }
            _ => Ok(false),
        }
    }

    /// Lines that were sent have fixed the code of the reply: only its text can still say that there was a failure.
    fn fitting(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Refused(Refusal { reply, cause }) if self.announced => {
                let text = String::from_utf8_lossy(reply.text()).into_owned();
                let reply = Reply::new(self.code, format!("Failed: {text}"));
                Failure::Refused(Refusal { reply, cause: cause.or(Some(text)) })
            }
            failure => failure,
        }
    }
}

/// Shorter than clients wait for a reply; not much, because some take no reply of several lines here.
const INTERVAL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;
    use crate::wire::session::Ask;
    use crate::worker::testing::{Ftp, site};

    /// Work that has something to say after its first piece, what its next pieces are, and what becomes of it.
    fn labour(
        labour: fn(&'static str, &VirtualPath, u16) -> Labour,
        next: fn(&mut Ftp) -> Result<Option<Reply>, Failure>,
    ) -> (Ftp, Result<Reply, Failure>) {
        let (mut ftp, mut session) = site().unstarted();
        let mut labour = labour("WORK", &VirtualPath::root(), 250);
        labour.next = Instant::now();
        let mut is_first = true;
        let worked = labour.work(&mut session, |_| match std::mem::take(&mut is_first) {
            true => Ok(None),
            false => next(&mut ftp),
        });
        let reply = labour.conclude(&mut session, worked);
        assert_eq!(ftp.line(), b"250-Working.\r\n");
        (ftp, reply)
    }

    #[test]
    fn who_waits_is_told_that_it_will_come() {
        for kind in [Labour::on_files, Labour::for_reply] {
            let (_, reply) = labour(kind, |_| Ok(Some(Reply::new(250, "Done."))));
            assert!(matches!(reply, Ok(reply) if reply.text() == b"Done."));
        }
    }

    #[test]
    fn a_failure_behind_that_is_told_in_the_text_of_a_reply_without_files() {
        let (_, reply) = labour(Labour::for_reply, |_| Err(Errno::EIO.into()));
        let Err(Failure::Refused(refusal)) = reply else { panic!("{reply:?}") };
        assert_eq!(refusal.reply.code(), 250);
        assert_eq!(refusal.reply.text(), b"Failed: Local error.");
    }

    #[test]
    fn of_files_that_are_not_there_it_is_never_said_that_they_are() {
        let (mut ftp, reply) = labour(Labour::on_files, |_| Err(Errno::ENOSPC.into()));
        assert!(matches!(reply, Err(Failure::Over(End::Failed))), "{reply:?}");
        assert_eq!(ftp.line(), b"", "nothing more is said");
        let cause = ftp.asked(|ask| match ask {
            Ask::Note(Note::Refused { cause, .. }) => Some(cause.to_vec()),
            _ => None,
        });
        assert_eq!(cause, b"No space left on device");
    }

    #[test]
    fn who_stops_it_behind_that_is_told_so_twice() {
        for kind in [Labour::on_files, Labour::for_reply] {
            let (mut ftp, reply) = labour(kind, |ftp| {
                ftp.send("ABOR");
                Ok(None)
            });
            ftp.expect("250 Failed: Aborted.");
            assert!(matches!(reply, Ok(reply) if reply.code() == 226));
        }
    }
}
