//! The grammar of FTP, pure: bytes in, values out, and back.
//!
//! Both workers run this code, jailed, before and after login; the broker never links it. Nothing
//! here does I/O, holds a secret longer than its caller, or trusts anyone: every byte may be
//! hostile, no input panics, and nothing grows beyond what the caller itself has pushed.
//!
//! A guided tour, in the order in which a command meets it:
//!
//! 1. [`mod@line`] takes bytes from the control stream and gives whole lines, Telnet stripped;
//! 2. [`command`] splits a line into a verb and its argument;
//! 3. [`path`], [`hostport`], [`host`] and [`time`] read what the argument says: a virtual path, an
//!    address for the data connection, a host name, a time stamp; [`options`] and [`glob`] what
//!    listings are asked for;
//! 4. [`listing`] and [`ascii`] shape what goes over the data connection;
//! 5. [`reply`] encodes the answer, so that no file name can forge one.
#![forbid(unsafe_code)]

pub mod ascii;
pub mod command;
mod facts;
pub mod glob;
pub mod host;
pub mod hostport;
pub mod line;
pub mod listing;
pub mod options;
#[cfg(test)]
mod parsers;
pub mod path;
pub mod reply;
mod telnet;
pub mod time;
