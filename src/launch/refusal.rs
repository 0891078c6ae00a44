//! Why a connection can't be served, told to all three who have to know. Root, before anyone has spoken.

use std::os::fd::OwnedFd;

use crate::config::{Level, Problems};
use crate::exit::Exit;
use crate::log::{Line, Log};
use crate::setup::Client;

/// The name in the system log while no configuration has given another.
pub(super) const NAME: &str = "cellftpd";

/// A refusal to serve.
#[derive(Debug)]
pub struct Refusal {
    exit: Exit,
    /// One line each, for the log.
    lines: Vec<String>,
    /// For whoever looks at a terminal or a journal.
    shown: String,
}

impl Refusal {
    /// The configuration has problems.
    pub(super) fn config(problems: &Problems) -> Refusal {
        let lines = problems.iter().map(|problem| problem.one_line()).collect();
        Refusal { exit: Exit::Config, lines, shown: problems.to_string() }
    }

    /// What the configuration asks for is not there.
    pub(super) fn setup(cause: impl Into<String>) -> Refusal {
        Refusal::of(Exit::Config, cause.into())
    }

    /// The command line was wrong.
    pub(super) fn usage(cause: impl Into<String>) -> Refusal {
        Refusal::of(Exit::Usage, cause.into())
    }

    /// The system refused.
    pub(super) fn system(cause: impl Into<String>) -> Refusal {
        Refusal::of(Exit::System, cause.into())
    }

    fn of(exit: Exit, cause: String) -> Refusal {
        Refusal { exit, lines: vec![cause.clone()], shown: cause }
    }

    /// Tells the client 421, the system log the causes, and a person where there is one; then the status.
    pub(super) fn tell(self, client: Option<&Client>, errors: Option<OwnedFd>) -> Exit {
        if let Some(client) = client {
            client.say_unavailable();
        }
        let mut log = Log::to_syslog(NAME, Level::Error);
        for cause in &self.lines {
            let from = client.map(|client| client.place.peer);
            log.write(
                Level::Error,
                &Line::new("not-serving").with_some("from", from).with("cause", cause),
            );
        }
        if let Some(errors) = errors {
            let _ = nix::unistd::write(&errors, format!("cellftpd: {}\n", self.shown).as_bytes());
        }
        self.exit
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}
