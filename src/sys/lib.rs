//! The wall. Every `unsafe` of the main program is in this crate, one contract a block; what it gives out is safe.
//! Every process runs it; nothing here decides policy.

pub mod channel;
pub mod fd;
pub mod file;
pub mod leash;
pub mod power;
pub mod process;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod title;
pub mod watch;

use std::io;

/// Turns the C convention of -1 and errno into a result.
fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
