//! The system logger, over a datagram that is opened before the cage and never blocks. Launch and the broker.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use syslog::{Facility, LogFormat, Logger, LoggerBackend, Severity};

use crate::config::Level;

/// Where the system logger listens, seen from the root that the process has at that time.
pub(super) const SOCKET: &str = "/dev/log";

/// A connection to the system logger.
pub(super) struct Syslog {
    logger: Logger<LoggerBackend, Format>,
    path: PathBuf,
}

/// `<priority>name[pid]: text`. Without a time of its own: every logger has the time of receipt, and a jailed
/// process does not know the zone.
struct Format {
    name: String,
    pid: u32,
}

impl Syslog {
    /// Connects; afterwards no call waits for the logger.
    pub(super) fn connect(path: &Path, name: &str) -> Option<Syslog> {
        let format = Format { name: name.to_owned(), pid: std::process::id() };
        let logger = syslog::unix_custom(format, path).ok()?;
        match &logger.backend {
            LoggerBackend::Unix(socket) => socket.set_nonblocking(true).ok()?,
            LoggerBackend::UnixStream(stream) => stream.get_ref().set_nonblocking(true).ok()?,
            LoggerBackend::Udp(..) | LoggerBackend::Tcp(_) => return None,
        }
        Some(Syslog { logger, path: path.to_owned() })
    }

    /// Another connection like this one.
    pub(super) fn again(&self) -> Option<Syslog> {
        Syslog::connect(&self.path, &self.logger.formatter.name)
    }

    /// Sends a line. A logger that was restarted is looked for once more, where its socket can still be seen.
    pub(super) fn put(&mut self, level: Level, line: &str) -> io::Result<()> {
        match self.send(level, line) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                *self = self.again().ok_or(error)?;
                self.send(level, line)
            }
            other => other,
        }
    }

    fn send(&mut self, level: Level, line: &str) -> io::Result<()> {
        let logger = &mut self.logger;
        let sent = match level {
            Level::Error => logger.err(line),
            Level::Notice => logger.notice(line),
            Level::Info => logger.info(line),
            Level::Debug => logger.debug(line),
        };
        sent.map_err(|error| match error {
            syslog::Error::Write(error) | syslog::Error::Io(error) => error,
            other => io::Error::other(other.to_string()),
        })
    }
}

impl LogFormat<&str> for Format {
    fn format<W: Write>(&self, to: &mut W, severity: Severity, line: &str) -> syslog::Result<()> {
        let priority = Facility::LOG_FTP as u8 | severity as u8;
        // One formatted write is one datagram.
        write!(to, "<{priority}>{}[{}]: {line}", self.name, self.pid).map_err(syslog::Error::Write)
    }
}

impl std::fmt::Debug for Syslog {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("Syslog")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    fn heard(logger: &UnixDatagram) -> String {
        let mut line = [0; 8192];
        let length = logger.recv(&mut line).unwrap();
        String::from_utf8_lossy(&line[..length]).into_owned()
    }

    #[test]
    fn a_line_is_one_datagram_with_its_priority() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let logger = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::connect(&path, "cellftpd").unwrap();
        // Facility ftp is 11: times eight, and the severity.
        for (level, number) in [(Level::Error, 91), (Level::Notice, 93), (Level::Info, 94)] {
            syslog.put(level, "login user=alice").unwrap();
            let pid = std::process::id();
            assert_eq!(heard(&logger), format!("<{number}>cellftpd[{pid}]: login user=alice"));
        }
    }

    #[test]
    fn a_logger_that_was_restarted_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let logger = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::connect(&path, "cellftpd").unwrap();
        drop(logger);
        assert!(syslog.put(Level::Info, "lost").is_err());
        std::fs::remove_file(&path).unwrap();
        assert!(syslog.put(Level::Info, "lost").is_err(), "nobody is there");
        let logger = UnixDatagram::bind(&path).unwrap();
        syslog.put(Level::Info, "found").unwrap();
        assert!(heard(&logger).ends_with(": found"));
    }

    #[test]
    fn a_logger_that_is_stuck_holds_nobody_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let _stuck = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::connect(&path, "cellftpd").unwrap();
        let refused = (0..100_000).find_map(|_| syslog.put(Level::Info, "more").err());
        assert_eq!(refused.unwrap().kind(), io::ErrorKind::WouldBlock);
    }
}
