//! cellftpd: an FTP server without a daemon. A super-server starts one process for each connection, with the client on
//! its standard streams; that process splits, serves one session, and is gone.
//!
//! A tour, in the order in which a connection goes through it:
//!
//! 1. [`cli`] reads the command line; without a command it serves.
//! 2. [`launch`] runs as root before anyone has spoken: what was inherited, the [`config`]uration, the [`log`], the accounts.
//! 3. [`broker`] is what stays privileged, less with every step. It forks a login worker and answers its few requests.
//! 4. [`cage`] is how a worker gives up everything before it reads a byte, and proves it.
//! 5. [`worker`] talks to the client; [`verb`] has one file for each FTP verb and a table with one row for each.
//! 6. [`auth`] judges one login attempt, in a process of its own where a password is read.
//! 7. With TLS, [`relay`] is a process that speaks it and one that holds the key; workers see plain bytes.
//! 8. After login another worker, the user in the user's jail, goes on; [`transfer`] moves the bytes.
//!
//! All of them share nothing but [`wire`], the typed messages between them.
#![forbid(unsafe_code)]

pub mod auth;
pub mod broker;
pub mod cage;
pub mod cli;
pub mod config;
pub mod exit;
pub mod launch;
pub mod log;
pub mod relay;
pub mod setup;
pub mod transfer;
pub mod verb;
pub mod wire;
pub mod worker;
