//! The server's log, as `[log] to = FILE` writes it.

use std::fs;
use std::path::PathBuf;

use super::glob;
use super::patience::{PATIENCE, within};

/// A log file that a test reads along.
#[derive(Debug, Clone)]
pub struct Log(pub PathBuf);

impl Log {
    /// All that was written so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.0).unwrap_or_default()).into_owned()
    }

    /// Lines that tell of a fault of the server's own: no client may cause one, whatever it does.
    pub fn faults(&self) -> Vec<String> {
        const FAULTS: [&str; 4] = ["violation", "panic", "worker-died", "failure"];
        let text = self.text();
        // The first word is the time.
        let is_fault =
            |line: &&str| line.split(' ').nth(1).is_some_and(|event| FAULTS.contains(&event));
        text.lines().filter(is_fault).map(str::to_owned).collect()
    }

    /// The first line in which this pattern is found; fails with the whole log when it never comes.
    #[track_caller]
    pub fn tells(&self, pattern: &str) -> String {
        let wanted = format!("*{pattern}*");
        let found = |text: String| {
            text.lines()
                .find(|line| glob::matches(wanted.as_bytes(), line.as_bytes()))
                .map(str::to_owned)
        };
        within(PATIENCE, || found(self.text())).unwrap_or_else(|| {
            panic!("the log never told `{pattern}`; it has:\n{}", self.text());
        })
    }
}
