//! What the launcher is told: an exit status of sysexits(3). Launch and the broker.

/// How a process of ours ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The session ended, whatever the client did.
    Clean = 0,
    /// The command line was wrong (EX_USAGE).
    Usage = 64,
    /// A bug of ours (EX_SOFTWARE).
    Software = 70,
    /// The system refused what we need (EX_OSERR).
    System = 71,
    /// The configuration does not let us serve (EX_CONFIG).
    Config = 78,
}

impl Exit {
    /// The status as a number.
    pub fn status(self) -> u8 {
        self as u8
    }
}
