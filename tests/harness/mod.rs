//! What the system tests stand on: a [`Site`] to serve, a [`Session`] of the real binary as a super-server starts it,
//! a client that speaks and listens, and the processes of that session as the kernel shows them.
//!
//! Everything here cleans up after itself by process id, and a missing part makes a test fail with what to install.
//! Each test program uses its own share of this, so unused parts are not reported.
#![allow(dead_code, unused_imports)]

pub mod account;
pub mod client;
pub mod data;
pub mod ftps;
pub mod glob;
pub mod hang;
pub mod inject;
pub mod launch;
pub mod log;
pub mod mount;
pub mod patience;
pub mod phase;
pub mod play;
pub mod process;
pub mod realclient;
pub mod script;
pub mod session;
pub mod site;
pub mod superserver;
pub mod tls;
pub mod zlib;

pub use client::{Client, Reply};
pub use data::{Data, Door};
pub use launch::Line;
pub use patience::{PATIENCE, eventually, within};
pub use process::Process;
pub use session::Session;
pub use site::{Site, Words};
pub use tls::Tls;

/// The system tests make accounts, jails and foreign processes: there is no half of that to be had without root.
pub fn as_root() {
    assert!(
        nix::unistd::geteuid().is_root(),
        "the system tests need root: run `make test` as root, in a container or a virtual machine"
    );
}

/// The path of a program that a test drives, or a failure that says what to install.
pub fn program(name: &str, package: &str) -> std::path::PathBuf {
    let places = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    places
        .split(':')
        .map(str::to_owned)
        .chain(UNPACKED.map(|package| format!("/var/lib/cellftpd-tests/{package}/usr/sbin")))
        .map(|place| std::path::PathBuf::from(place).join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is missing: `sh tests/install/packages.sh test` installs it (Debian: {package})")
        })
}

/// What tests/install/packages.sh unpacks instead of installing it.
const UNPACKED: [&str; 2] = ["openbsd-inetd", "vsftpd"];
