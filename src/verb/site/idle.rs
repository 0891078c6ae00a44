//! SITE IDLE: how long the client may be silent before the session ends. Session worker.

use std::time::Duration;

use ftp::reply::Reply;

use crate::verb::Argument;
use crate::verb::argument::number;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table. What is configured is the most that can be had.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let word = argument.word();
    if !word.is_empty() {
        let most = session.settings.limits.idle;
        session.idle = parse(word, most).ok_or_else(|| {
            Failure::new(501, &format!("From {LEAST} to {} seconds.", most.as_secs()))
        })?;
    }
    Ok(Reply::new(200, format!("Silence may last {} seconds.", session.idle.as_secs())))
}

fn parse(word: &[u8], most: Duration) -> Option<Duration> {
    let seconds = number(word)?;
    (LEAST..=most.as_secs()).contains(&seconds).then(|| Duration::from_secs(seconds))
}

/// Fewer would throw out people who type.
const LEAST: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_times_are_shortened_and_never_lengthened() {
        for (word, seconds) in [
            ("10", Some(10)),
            ("300", Some(300)),
            ("9", None),
            ("301", None),
            ("+60", None),
            ("60s", None),
            ("18446744073709551617", None),
        ] {
            let found = parse(word.as_bytes(), Duration::from_secs(300));
            assert_eq!(found, seconds.map(Duration::from_secs), "{word}");
        }
    }
}
