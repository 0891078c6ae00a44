//! The log: one line an event, for the administrator alone. Launch opens it, the broker writes it; workers never hold it.
//!
//! A logger that is stuck or restarted never stops a session: nothing here blocks, lost lines are counted and told.

mod book;
mod line;
mod syslog;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::libc::PIPE_BUF;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

pub use book::Book;
pub use line::Line;

use self::syslog::Syslog;
use crate::config::Level;

const NOW: PollTimeout = PollTimeout::ZERO;

/// Where lines go. A target is one row here and, if it is more than a write, one file.
#[derive(Debug)]
enum Sink {
    /// The system logger.
    Syslog(Syslog),
    /// A file, or a descriptor that was inherited; one write a line.
    File(File),
    /// Nowhere: there is no logger on this machine.
    Nothing,
}

/// An open log.
#[derive(Debug)]
pub struct Log {
    sink: Sink,
    level: Level,
    lost: u64,
}

impl Log {
    /// The system logger. Where there is none the lines are lost, and the session goes on.
    pub fn to_syslog(name: &str, level: Level) -> Log {
        let sink = Syslog::connect(Path::new(syslog::SOCKET), name);
        Log::with(sink.map_or(Sink::Nothing, Sink::Syslog), level)
    }

    /// A file, made with mode 0640 where it is missing.
    pub fn to_file(path: &Path, level: Level) -> io::Result<Log> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = File::options();
        options.append(true).create(true).mode(0o640);
        // A pipe without a reader must not hold a session up.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW);
        Ok(Log::with(Sink::File(options.open(path)?), level))
    }

    /// A descriptor that was inherited and is not the client.
    pub fn to_descriptor(fd: OwnedFd, level: Level) -> Log {
        Log::with(Sink::File(File::from(fd)), level)
    }

    /// The same log once more, for a panic to be told in. Where it can't be had the panic goes untold.
    pub fn duplicate(&self) -> Log {
        let sink = match &self.sink {
            Sink::Syslog(syslog) => syslog.again().map(Sink::Syslog),
            Sink::File(file) => file.try_clone().ok().map(Sink::File),
            Sink::Nothing => None,
        };
        Log::with(sink.unwrap_or(Sink::Nothing), self.level)
    }

    fn with(sink: Sink, level: Level) -> Log {
        Log { sink, level, lost: 0 }
    }

    /// Writes a line, if the level asks for it.
    pub fn write(&mut self, level: Level, line: &Line) {
        if level > self.level {
            return;
        }
        if self.lost > 0 {
            let told = Line::new("log-lost").with("lines", self.lost);
            if self.sink.put(Level::Error, told.as_str()).is_err() {
                self.lost += 1;
                return;
            }
            self.lost = 0;
        }
        if self.sink.put(level, line.as_str()).is_err() {
            self.lost += 1;
        }
    }
}

impl Sink {
    fn put(&mut self, level: Level, line: &str) -> io::Result<()> {
        match self {
            Sink::Syslog(syslog) => syslog.put(level, line),
            Sink::File(file) => {
                let text = one_line(&format!("{}{line}", stamp()));
                let ready = poll(&mut [PollFd::new(file.as_fd(), PollFlags::POLLOUT)], NOW)?;
                match ready {
                    1 => file.write_all(text.as_bytes()),
                    _ => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
            Sink::Nothing => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// A line with its end, cut so that a pipe which has room at all takes it at once (PIPE_BUF, pipe(7)).
fn one_line(text: &str) -> String {
    let most = text.len().min(PIPE_BUF - 1);
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}\n", text.get(..end).unwrap_or_default())
}

/// Files have no logger that would add the time: UTC, as MDTM has it.
fn stamp() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(0));
    let time = ftp::time::Civil::from_unix(seconds);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z ",
        time.year, time.month, time.day, time.hour, time.minute, time.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn lines_above_the_level_are_not_written() {
        let mut file = tempfile::tempfile().unwrap();
        let mut log = Log::to_descriptor(file.try_clone().unwrap().into(), Level::Info);
        log.write(Level::Debug, &Line::new("detail"));
        log.write(Level::Info, &Line::new("login").with("user", "alice"));
        let mut text = String::new();
        std::io::Seek::rewind(&mut file).unwrap();
        file.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("Z login user=alice\n") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn a_line_that_is_cut_still_ends() {
        let long = one_line(&"ü".repeat(4000));
        assert!(long.len() <= PIPE_BUF && long.ends_with("ü\n"));
        assert_eq!(one_line("end"), "end\n");
    }

    #[test]
    fn lost_lines_are_counted_and_told() {
        let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_NONBLOCK).unwrap();
        let mut log = Log::to_descriptor(writer, Level::Info);
        let long = "x".repeat(4000);
        (0..200)
            .for_each(|_| log.write(Level::Info, &Line::new("fill").with("with", long.as_str())));
        assert!(log.lost > 0);
        let mut file = File::from(reader);
        let mut buffer = vec![0; 1 << 20];
        let _ = file.read(&mut buffer).unwrap();
        log.write(Level::Info, &Line::new("after"));
        let length = file.read(&mut buffer).unwrap();
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(text.contains("log-lost lines=") && text.ends_with("after\n"), "{text}");
    }
}
