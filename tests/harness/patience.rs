//! Waiting for what happens elsewhere: the one place where the tests let time pass.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything that must happen may take before a test gives up on it. A loaded machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Looks until there is something to see, or the time is over.
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        // The last look is after the deadline, so that a slow look is not the last one.
        let over = Instant::now() >= deadline;
        if let Some(seen) = look() {
            return Some(seen);
        }
        if over {
            return None;
        }
        thread::park_timeout(Duration::from_millis(3));
    }
}

/// Looks until there is something to see; fails the test when it never comes.
#[track_caller]
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    match within(PATIENCE, look) {
        Some(seen) => seen,
        None => panic!("waited {PATIENCE:?} in vain: {what}"),
    }
}
