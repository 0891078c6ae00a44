//! cellftpd: an FTP server without a daemon.
#![forbid(unsafe_code)]

pub mod cage;
pub mod config;
pub mod exit;
pub mod log;
pub mod setup;
pub mod transfer;
pub mod verb;
pub mod wire;
pub mod worker;
