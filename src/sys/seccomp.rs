//! Installing a system-call filter, and telling which call broke it. Every process, as its last step into the cage.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// One instruction of a filter, as the kernel takes it (linux/filter.h, struct sock_filter).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Jump if true.
    pub jt: u8,
    /// Jump if false.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// The exit status of a process that broke its filter.
pub const VIOLATION: u8 = 159;

/// Where the signal handler reports; -1 is nowhere.
static REPORT: AtomicI32 = AtomicI32::new(-1);

/// Installs a filter on this process. Needs no_new_privs or CAP_SYS_ADMIN.
pub fn install(program: &[Instruction]) -> io::Result<()> {
    let length =
        libc::c_ushort::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let filter = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    // SAFETY: the kernel reads `length` instructions of the layout above, which live until the call is over.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// From now on a refused system call is told on `channel` and ends the process.
///
/// The message is one byte 0 and the number of the call, four bytes in the machine's order: the first variant of every
/// ask. A process that blocks or ignores the signal is killed by the kernel instead (force_sig), so that this
/// adds a report and takes nothing away.
pub fn report_violations(channel: BorrowedFd) -> io::Result<()> {
    REPORT.store(channel.as_raw_fd(), Ordering::Relaxed);
    let handler = SigHandler::SigAction(on_violation);
    let action = SigAction::new(handler, SaFlags::SA_NODEFER, SigSet::empty());
    // SAFETY: the handler calls nothing but send and _exit, which are async-signal-safe.
    unsafe { sigaction(Signal::SIGSYS, &action) }?;
    Ok(())
}

extern "C" fn on_violation(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // asm-generic/siginfo.h, _sigsys: after three ints and padding, the call's address, then its number.
    const NUMBER_AT: usize = 24;
    let place = info.cast::<u8>().wrapping_add(NUMBER_AT).cast::<i32>();
    // SAFETY: the kernel gives a handler with SA_SIGINFO a whole siginfo_t, 128 bytes, aligned to 8.
    let number = unsafe { place.read() };
    let [a, b, c, d] = number.to_ne_bytes();
    let message = [0, a, b, c, d];
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: pointer and length are those of the live array above.
    unsafe { libc::send(REPORT.load(Ordering::Relaxed), message.as_ptr().cast(), 5, flags) };
    crate::process::exit(VIOLATION);
}
