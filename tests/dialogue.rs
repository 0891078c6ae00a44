//! Every dialogue of tests/dialogue, played against the real server: a process per connection, cage on.
//! `DIALOGUE=retr cargo test --test dialogue` plays those whose name begins so.
#![cfg(test)]

mod harness;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use harness::play::play;
use harness::script::{self, Script};

/// More than there are processors: a dialogue mostly waits for the server.
const AT_ONCE: usize = 6;

#[test]
fn every_dialogue_goes_as_written() {
    let wanted = std::env::var("DIALOGUE").unwrap_or_default();
    let scripts: Vec<Script> =
        script::all().into_iter().filter(|script| script.name().starts_with(&wanted)).collect();
    assert!(!scripts.is_empty(), "no dialogue begins with {wanted:?}");
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = play(script) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let count = scripts.len();
    assert!(failures.is_empty(), "{} of {count} failed\n\n{}", failures.len(), failures.join("\n"));
}
