//! A home whose owner swaps it for a link while it is entered. A test program of its own: renames all the time make the
//! kernel give up on `..` elsewhere (EAGAIN, openat2(2)), and other tests look at just that.
#![cfg(test)]

mod harness;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use harness::account::{PASSWORD, User};
use harness::{PATIENCE, Site, eventually};

/// Swapped again and again while the way is walked, each step of it slowed down.
#[test]
fn a_jail_that_its_owner_swaps_for_a_link_meanwhile_is_never_etc() {
    let site = Site::bare().set("local.enabled", "true");
    let (home, away) = (site.beside("theirs/home"), site.beside("theirs/away"));
    fs::create_dir_all(&home).expect("our own directory");
    let user = User::with_home(&home);
    std::os::unix::fs::chown(site.beside("theirs"), Some(user.uid), Some(user.gid)).unwrap();
    fs::write(home.join("hostname"), "at home").expect("our own directory");
    fs::write(home.join("marker"), "at home").expect("our own directory");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                fs::rename(&home, &away).expect("our own directory");
                symlink("/etc", &home).expect("our own directory");
                fs::remove_file(&home).expect("our own directory");
                fs::rename(&away, &home).expect("our own directory");
            }
        });
        let _stop = Stop(&over);
        let outcomes: Vec<_> = (0..12).map(|_| logs_in_slowly(&site, &user)).collect();
        assert!(outcomes.contains(&421), "the swap was never met: {outcomes:?}");
    });
}

/// Stops the swapping, also when a test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A login with strace holding up every call of the way into the jail. If it is let in, it is at home.
fn logs_in_slowly(site: &Site, user: &User) -> u16 {
    let mut session = site.connect();
    session.hears("220");
    let mut strace = Command::new(harness::program("strace", "strace"))
        .args(["--follow-forks", "--quiet=all", "--output=/dev/null"])
        .args(["--trace", "openat2,fchdir,chroot"])
        .args(["--inject", "openat2,fchdir,chroot:delay_enter=2000"])
        .args(["--attach", &session.broker().pid.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .expect("strace runs");
    let is_traced = || session.broker().status().get("TracerPid").is_some_and(|pid| pid != "0");
    eventually("strace", || is_traced().then_some(()));
    session.asks(&format!("USER {}", user.name), "331");
    let reply = session.asks(&format!("PASS {PASSWORD}"), "*");
    if reply.code == 230 {
        session.asks("MLST marker", "250");
        session.asks("MLST passwd", "550");
        session.quits();
    } else {
        session.hears_the_end();
        session.is_over_within(PATIENCE);
    }
    strace.wait().expect("it ends with the session");
    reply.code
}
