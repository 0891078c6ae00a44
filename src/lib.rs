//! cellftpd: an FTP server without a daemon.
#![forbid(unsafe_code)]

pub mod config;
pub mod wire;
