//! Listening to client and broker while a transfer or other work goes on (RFC 959 §4.2). Session worker.
//!
//! ABOR ends it, during a transfer a bare STAT or NOOP is answered at once unless something said before it waits; all
//! else waits for the end, in order. The rows of the verbs say which is which.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags};

use crate::verb::{self, Client, Meanwhile};
use crate::wire::session::Answer;
use crate::worker::control::Said;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::wait::{ready, wait};

/// What has happened that matters to a transfer.
#[derive(Debug)]
pub enum Signal {
    /// The data connection is ready, or broken.
    Data,
    /// The relay has said something.
    Relay,
    /// The broker has said something.
    Answer(Answer, Option<OwnedFd>),
    /// The client wants the transfer stopped.
    Aborted,
    /// The deadline has passed.
    Late,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Broker,
    Relay,
    Data,
    Input,
    Output,
}

impl Session {
    /// Waits for something that matters to a transfer, and serves the control connection meanwhile.
    pub fn watch(
        &mut self,
        data: Option<(BorrowedFd, PollFlags)>,
        deadline: Instant,
    ) -> Result<Signal, Failure> {
        loop {
            if self.heed()? {
                return Ok(Signal::Aborted);
            }
            let sources = self.poll(data, deadline)?;
            if sources.is_empty() {
                return Ok(Signal::Late);
            }
            if sources.contains(&Source::Broker) {
                match self.broker.hear()? {
                    (Answer::Stop(stop), _) => return Err(self.control.stopped(stop)),
                    (answer, fd) => return Ok(Signal::Answer(answer, fd)),
                }
            }
            if sources.contains(&Source::Relay) {
                self.take_word()?;
                return Ok(Signal::Relay);
            }
            if sources.contains(&Source::Output) {
                self.control.flush()?;
            }
            if sources.contains(&Source::Input) {
                self.listen_on()?;
            }
            if sources.contains(&Source::Data) {
                return Ok(Signal::Data);
            }
        }
    }

    /// Listens to whoever has something to say by now; true if the client wants it stopped.
    pub fn is_stopped(&mut self) -> Result<bool, Failure> {
        loop {
            match self.watch(None, Instant::now())? {
                Signal::Aborted => return Ok(true),
                Signal::Answer(answer, fd) => self.take_answer(answer, fd)?,
                Signal::Relay => {}
                Signal::Late | Signal::Data => return Ok(false),
            }
        }
    }

    /// Reads what the client says. One that only stops sending may still want what is on its way to it.
    fn listen_on(&mut self) -> Result<(), Failure> {
        match self.control.fill() {
            Err(_) if self.control.is_cut_off() && self.goes_on() => Ok(()),
            filled => filled,
        }
    }

    fn goes_on(&self) -> bool {
        self.progress.is_some_and(|progress| progress.outlasts_client())
    }

    /// Judges what the client says meanwhile; true if it wants the transfer stopped.
    fn heed(&mut self) -> Result<bool, Failure> {
        while let Some(said) = self.control.fresh() {
            match verb::recognize(&said).map(|(row, bare)| (row.meanwhile, bare)) {
                Some((Meanwhile::Stops, _)) => return Ok(true),
                Some((Meanwhile::Now, true)) if self.answers_now() => self.answer_now(&said)?,
                Some((Meanwhile::Ends, _)) => {
                    self.control.expect_end();
                    self.control.hold(said);
                }
                _ => self.control.hold(said),
            }
        }
        Ok(false)
    }

    /// Only the 150 of a transfer has told the client that its turn is over: an answer before the reply to another
    /// command would be taken for that reply.
    fn answers_now(&self) -> bool {
        self.progress.is_some() && !self.control.holds()
    }

    fn answer_now(&mut self, said: &Said) -> Result<(), Failure> {
        let Said::Line(line) = said else {
            return Ok(());
        };
        match verb::obey(&mut Client::User(self), line) {
            Ok(reply) => self.control.push(&reply),
            Err(Failure::Refused(refusal)) => self.control.push(&refusal.reply),
            Err(over) => Err(over),
        }
    }

    /// Who has something to say; nobody, if the deadline comes first.
    fn poll(
        &self,
        data: Option<(BorrowedFd, PollFlags)>,
        deadline: Instant,
    ) -> Result<Vec<Source>, Failure> {
        // What is of no interest is left out: its hang-up would be told again and again.
        let watched = [
            Some((Source::Broker, self.broker.as_fd(), PollFlags::POLLIN)),
            self.relay.as_ref().map(|relay| (Source::Relay, relay.as_fd(), PollFlags::POLLIN)),
            data.map(|(fd, flags)| (Source::Data, fd, flags)),
            self.control.input().map(|fd| (Source::Input, fd, PollFlags::POLLIN)),
            self.control.output().map(|fd| (Source::Output, fd, PollFlags::POLLOUT)),
        ];
        let watched: Vec<_> = watched.into_iter().flatten().collect();
        let mut fds: Vec<_> =
            watched.iter().map(|&(_, fd, flags)| PollFd::new(fd, flags)).collect();
        wait(&mut fds, deadline)?;
        let ready = watched.iter().zip(&fds).filter(|(_, fd)| ready(fd));
        Ok(ready.map(|((source, ..), _)| *source).collect())
    }
}
