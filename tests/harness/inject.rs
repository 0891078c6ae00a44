//! Makes a real, caged process of the server perform any system call, as an attacker who owns it
//! would.
//!
//! The production binary has no hooks for this: the process is stopped by ptrace while it waits,
//! its registers are set so that it makes the call from the very instruction that it waits in, and
//! afterwards it goes on waiting as if nothing had happened. A refused call shows as a SIGSYS,
//! which is kept from it unless the test wants it to die.
//!
//! ptrace belongs to a thread, so an [`Inject`] stays in the one that made it.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::ptr::null_mut;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use self::machine::Registers;
use super::patience::{PATIENCE, eventually, within};
use super::process::{Descriptor, Process};

/// An argument of a system call.
#[derive(Debug, Clone)]
pub enum Arg {
    /// A number: flags, a length, a descriptor, an address.
    Int(i64),
    /// The address of these bytes.
    Bytes(Vec<u8>),
}

impl Arg {
    /// The address of a path, with its NUL.
    pub fn path(path: &str) -> Arg {
        Arg::Bytes([path.as_bytes(), b"\0"].concat())
    }

    /// The address of so many zeros, to be written to.
    pub fn room(count: usize) -> Arg {
        Arg::Bytes(vec![0; count])
    }
}

impl<N: Into<i64>> From<N> for Arg {
    fn from(number: N) -> Arg {
        Arg::Int(number.into())
    }
}

/// How a system call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The cage refused it.
    Refused,
    /// The kernel made it, and returned this: a negative errno where it failed.
    Returned(i64),
    /// The process ended meanwhile.
    Ended,
}

impl Outcome {
    /// The error of a call that was made and failed.
    pub fn error(self) -> Option<Errno> {
        match self {
            Outcome::Returned(value @ -4095..=-1) => {
                Some(Errno::from_raw(i32::try_from(-value).ok()?))
            }
            _ => None,
        }
    }

    /// The value of a call that succeeded.
    pub fn value(self) -> Option<i64> {
        match self {
            Outcome::Returned(value) if self.error().is_none() => Some(value),
            _ => None,
        }
    }
}

/// A process under control; it goes on as before when this is dropped.
#[derive(Debug)]
pub struct Inject {
    process: Process,
    /// The registers with which it goes on waiting.
    home: Registers,
    /// The address of its system-call instruction.
    gate: u64,
    /// Memory of its own for arguments, and how much of it is taken.
    scratch: u64,
    taken: usize,
    memory: File,
    attached: bool,
    thread: PhantomData<*const ()>,
}

/// Enough for the longest message and one byte more.
const SCRATCH: usize = 128 * 1024;

/// What the traced process did.
enum Stop {
    Call,
    Signal(Signal),
    Ended,
    /// Nothing in time.
    Late,
}

impl Inject {
    /// Takes control of a process while it waits in the kernel.
    #[track_caller]
    pub fn into(process: Process) -> Inject {
        eventually("a process that waits", || {
            machine::WAITS.contains(&process.system_call()?).then_some(())
        });
        seize(process.pid).unwrap_or_else(|error| {
            panic!("ptrace of {}: {error}; this test needs CAP_SYS_PTRACE", process.pid)
        });
        let memory = File::options().read(true).write(true).open(process.path("mem"));
        let mut inject = Inject {
            process,
            home: machine::blank(),
            gate: 0,
            scratch: 0,
            taken: 0,
            memory: memory.expect("who may trace a process may write its memory"),
            attached: true,
            thread: PhantomData,
        };
        inject.settle();
        inject
    }

    /// The first stop: where it waits, how it will go on, and memory for arguments.
    #[track_caller]
    fn settle(&mut self) {
        // Between the look and the stop it may have gone on.
        let registers = eventually("a process that is stopped while it waits", || {
            let _ = ptrace(libc::PTRACE_INTERRUPT, self.process.pid, 0, 0);
            let stopped = matches!(self.wait(), Stop::Signal(Signal::SIGTRAP));
            let registers = self.registers();
            if !stopped || machine::waits(&registers) {
                return Some(registers);
            }
            let _ = ptrace(libc::PTRACE_CONT, self.process.pid, 0, 0);
            None
        });
        self.gate = machine::gates(&registers)
            .into_iter()
            .find(|address| self.peek(*address, machine::CALL.len()) == machine::CALL)
            .expect("a process that waits stands at its system call");
        self.home = machine::waiting_again(&registers);
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let size = i64::try_from(SCRATCH).expect("it is small");
        let arguments = [0.into(), size.into(), access.into(), kind.into(), (-1).into(), 0.into()];
        let made = self.call(libc::SYS_mmap, &arguments);
        let address = made.value().unwrap_or_else(|| panic!("no memory for arguments: {made:?}"));
        self.scratch = address.cast_unsigned();
    }

    /// Makes it perform a system call.
    #[track_caller]
    pub fn call(&mut self, number: libc::c_long, arguments: &[Arg]) -> Outcome {
        let mut words = [0; 6];
        for (word, argument) in words.iter_mut().zip(arguments) {
            *word = match argument {
                Arg::Int(number) => number.cast_unsigned(),
                Arg::Bytes(bytes) => self.place(bytes),
            };
        }
        self.taken = 0;
        self.perform(number, words)
            .unwrap_or_else(|| panic!("system call {number} did not return: {arguments:?}"))
    }

    /// Makes it perform a system call that its cage refuses, and lets it bear what follows.
    #[track_caller]
    pub fn commits(mut self, number: libc::c_long, arguments: &[Arg]) {
        let outcome = self.call(number, arguments);
        assert_eq!(outcome, Outcome::Refused, "system call {number}");
        self.detach(libc::SIGSYS);
    }

    /// Makes it perform a system call of the 32-bit machine that this one can also be, where
    /// numbers mean other calls.
    #[cfg(target_arch = "x86_64")]
    #[track_caller]
    pub fn by_the_32_bit_door(mut self, number: libc::c_long) -> Outcome {
        // `int 0x80` in place of `syscall`, in this process's own copy of the page; nothing is put
        // back.
        self.memory.write_all_at(&[0xcd, 0x80], self.gate).expect("its code can be written");
        self.call(number, &[])
    }

    /// Sends a datagram without descriptors.
    #[track_caller]
    pub fn sends(&mut self, socket: i32, bytes: &[u8]) -> Outcome {
        let length = i64::try_from(bytes.len()).expect("it is small");
        let arguments =
            [socket.into(), Arg::Bytes(bytes.to_vec()), length.into(), libc::MSG_NOSIGNAL.into()];
        self.call(libc::SYS_sendto, &arguments)
    }

    /// Sends a datagram with these of its descriptors.
    #[track_caller]
    pub fn sends_with(&mut self, socket: i32, bytes: &[u8], fds: &[i32]) -> Outcome {
        let words = |words: &[u64]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_ne_bytes()).collect()
        };
        let size = |count: usize| u64::try_from(count).expect("it is small");
        let text = self.place(bytes);
        let slice = self.place(&words(&[text, size(bytes.len())]));
        // struct cmsghdr: its own length, then level and type, then the descriptors.
        let mut control = words(&[16 + 4 * size(fds.len())]);
        let numbers = [libc::SOL_SOCKET, libc::SCM_RIGHTS].into_iter().chain(fds.iter().copied());
        control.extend(numbers.flat_map(i32::to_ne_bytes));
        control.resize(control.len().next_multiple_of(8), 0);
        let length = size(control.len());
        let control = self.place(&control);
        // struct msghdr: no name, one slice, the control data, no flags.
        let header = words(&[0, 0, slice, 1, control, length, 0]);
        self.call(
            libc::SYS_sendmsg,
            &[socket.into(), Arg::Bytes(header), libc::MSG_NOSIGNAL.into()],
        )
    }

    /// What poll tells of one of its descriptors at once, of all that it is asked for.
    #[track_caller]
    pub fn polls(&mut self, fd: i32, flags: PollFlags) -> bool {
        let (fd, flags) = (fd.to_ne_bytes(), flags.bits().to_ne_bytes());
        let asked = Arg::Bytes([&fd[..], &flags, &[0; 2]].concat());
        let told = self.call(libc::SYS_ppoll, &[asked, 1.into(), Arg::room(16), 0.into()]);
        told.value().expect("every cage has ppoll") > 0
    }

    /// Receives a datagram, without descriptors; nothing where the other end is closed.
    #[track_caller]
    pub fn receives(&mut self, socket: i32) -> Option<Vec<u8>> {
        let arguments = [socket.into(), Arg::room(256), 256.into(), 0.into(), 0.into(), 0.into()];
        let length = usize::try_from(self.call(libc::SYS_recvfrom, &arguments).value()?).ok()?;
        (length > 0).then(|| self.peek(self.scratch, length))
    }

    /// Makes it open a pipe, and gives the test a copy of the writing end: reading end, writing
    /// end, copy.
    #[track_caller]
    pub fn pipe(&mut self) -> (i32, i32, OwnedFd) {
        let outcome = self.call(libc::SYS_pipe2, &[Arg::room(8), libc::O_CLOEXEC.into()]);
        assert_eq!(outcome, Outcome::Returned(0), "pipe2");
        let bytes = self.peek(self.scratch, 8);
        let number =
            |at: usize| i32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let copy =
            copy_of(self.process.pid, number(4)).expect("pidfd_getfd of a process that is traced");
        (number(0), number(4), copy)
    }

    /// Puts bytes into its memory until the next call is over; tells where.
    #[track_caller]
    pub fn place(&mut self, bytes: &[u8]) -> u64 {
        let address = self.scratch + u64::try_from(self.taken).expect("it is small");
        self.taken += bytes.len().next_multiple_of(16);
        assert!(self.taken <= SCRATCH, "no room for {} bytes", bytes.len());
        // It may be gone by now; the call will tell.
        let _ = self.memory.write_all_at(bytes, address);
        address
    }

    /// Bytes of its memory.
    fn peek(&self, address: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let _ = self.memory.read_exact_at(&mut bytes, address);
        bytes
    }

    /// Through the gate and back. Nothing when it never returned.
    fn perform(&mut self, number: libc::c_long, words: [u64; 6]) -> Option<Outcome> {
        self.load(&machine::calling(&self.home, self.gate, number, words));
        for _ in ["on its way in", "on its way out"] {
            match self.until_call() {
                Stop::Call => {}
                Stop::Ended => return Some(Outcome::Ended),
                Stop::Signal(_) => return Some(Outcome::Refused),
                Stop::Late => return None,
            }
        }
        let result = machine::result(&self.registers());
        self.load(&self.home);
        if !self.has_pending(Signal::SIGSYS) {
            return Some(Outcome::Returned(result));
        }
        // Now the signal itself: it is not handed on by whoever resumes the process.
        match self.until_call() {
            Stop::Signal(Signal::SIGSYS) => Some(Outcome::Refused),
            Stop::Ended => Some(Outcome::Ended),
            _ => None,
        }
    }

    /// Resumes it until it enters or leaves a system call, or is told that it broke its cage.
    fn until_call(&mut self) -> Stop {
        let mut signal = 0;
        loop {
            if ptrace(libc::PTRACE_SYSCALL, self.process.pid, 0, signal).is_err() {
                self.bury();
                return Stop::Ended;
            }
            match self.wait() {
                // The mark of our own interruption, or somebody else's signal.
                Stop::Signal(Signal::SIGTRAP) => signal = 0,
                Stop::Signal(other) if other != Signal::SIGSYS => signal = other as i64,
                stop => return stop,
            }
        }
    }

    /// Its next stop. Mostly there at once, so a few looks are for free.
    fn wait(&mut self) -> Stop {
        let look = || look(self.process.pid);
        let soon = (0..2_000).find_map(|_| {
            std::thread::yield_now();
            look()
        });
        let stop = soon.or_else(|| within(PATIENCE, look)).unwrap_or(Stop::Late);
        self.attached &= !matches!(stop, Stop::Ended);
        stop
    }

    /// It was killed while it stood still: nobody else can reap it before its tracer has.
    fn bury(&mut self) {
        while self.attached && matches!(self.wait(), Stop::Call | Stop::Signal(_)) {
            let _ = ptrace(libc::PTRACE_CONT, self.process.pid, 0, 0);
        }
    }

    fn has_pending(&self, signal: Signal) -> bool {
        let status = self.process.status();
        let set = status.get("SigPnd").and_then(|set| u64::from_str_radix(set, 16).ok());
        set.unwrap_or(0) & 1 << (signal as u32 - 1) != 0
    }

    fn registers(&self) -> Registers {
        let mut registers = machine::blank();
        let _ = exchange(libc::PTRACE_GETREGSET, self.process.pid, &mut registers);
        registers
    }

    fn load(&self, registers: &Registers) {
        let mut registers = *registers;
        // It may be gone by now; resuming it will tell.
        let _ = exchange(libc::PTRACE_SETREGSET, self.process.pid, &mut registers);
    }

    fn detach(&mut self, signal: i32) {
        if self.attached && ptrace(libc::PTRACE_DETACH, self.process.pid, 0, signal.into()).is_err()
        {
            self.bury();
        }
        self.attached = false;
    }
}

impl Drop for Inject {
    fn drop(&mut self) {
        if self.attached && self.scratch != 0 {
            let size = u64::try_from(SCRATCH).unwrap_or(0);
            let _ = self.perform(libc::SYS_munmap, [self.scratch, size, 0, 0, 0, 0]);
        }
        self.load(&self.home);
        self.detach(0);
    }
}

/// The reading end of its leash: the pipe that is armed.
#[track_caller]
pub fn leash_of(process: Process) -> i32 {
    let armed =
        |one: &&Descriptor| one.flags & libc::O_ASYNC != 0 && one.target.starts_with("pipe:");
    descriptor(process, "an armed pipe", armed)
}

/// Its end of the channel to the other process.
#[track_caller]
pub fn channel_of(process: Process) -> i32 {
    let channels = channels();
    descriptor(process, "a channel", |one| channels.contains(&one.target))
}

/// Its ends of all its channels, one descriptor each.
pub fn channels_of(process: Process) -> Vec<i32> {
    let channels = channels();
    let mut own = process.descriptors();
    own.retain(|one| channels.contains(&one.target));
    own.sort_by(|one, other| one.target.cmp(&other.target));
    own.dedup_by(|one, other| one.target == other.target);
    own.into_iter().map(|one| one.number).collect()
}

/// The client's stream, where it is TCP.
#[track_caller]
pub fn control_of(process: Process) -> i32 {
    let channels = channels();
    let is_tcp =
        |one: &&Descriptor| one.target.starts_with("socket:") && !channels.contains(&one.target);
    descriptor(process, "a control connection", is_tcp)
}

#[track_caller]
fn descriptor(process: Process, what: &str, is: impl Fn(&&Descriptor) -> bool) -> i32 {
    let all = process.descriptors();
    let found = all.iter().find(is).map(|one| one.number);
    found.unwrap_or_else(|| panic!("{process:?} has no {what}: {all:?}"))
}

/// All datagram channels of this machine, as /proc/…/fd shows them.
fn channels() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/unix").expect("/proc is mounted");
    let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    // The fifth field is the type; 5 is SOCK_SEQPACKET. The seventh is the number of the inode.
    let packets = fields.filter(|fields| fields.get(4) == Some(&"0005"));
    packets.filter_map(|fields| Some(format!("socket:[{}]", fields.get(6)?))).collect()
}

/// What a traced process did since the last look, if anything.
fn look(pid: i32) -> Option<Stop> {
    let flags = WaitPidFlag::__WALL | WaitPidFlag::WNOHANG;
    match waitpid(Pid::from_raw(pid), Some(flags)) {
        Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => None,
        Ok(WaitStatus::PtraceSyscall(_)) => Some(Stop::Call),
        Ok(WaitStatus::PtraceEvent(_, signal, _) | WaitStatus::Stopped(_, signal)) => {
            Some(Stop::Signal(signal))
        }
        _ => Some(Stop::Ended),
    }
}

/// Becomes its tracer. It is killed should the tests be.
fn seize(pid: i32) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL;
    ptrace(libc::PTRACE_SEIZE, pid, 0, options.into())
}

fn ptrace(request: Request, pid: i32, address: usize, data: i64) -> io::Result<()> {
    let (address, data) = (null_mut::<u8>().wrapping_add(address), data.cast_unsigned() as *mut u8);
    // SAFETY: these requests take numbers, or the address of an iovec that `exchange` keeps alive.
    match unsafe { libc::ptrace(request, pid, address, data) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Reads or writes the general registers.
fn exchange(request: Request, pid: i32, registers: &mut Registers) -> io::Result<()> {
    let slice = libc::iovec {
        iov_base: std::ptr::from_mut(registers).cast(),
        iov_len: size_of::<Registers>(),
    };
    ptrace(request, pid, libc::NT_PRSTATUS as usize, &raw const slice as i64)
}

/// The type of a request differs between C libraries.
#[cfg(target_env = "musl")]
type Request = libc::c_int;
#[cfg(not(target_env = "musl"))]
type Request = libc::c_uint;

/// A copy of another process's descriptor.
fn copy_of(pid: i32, number: i32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes two numbers.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let process = std::os::fd::AsRawFd::as_raw_fd(&process);
    // SAFETY: pidfd_getfd takes three numbers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, number, 0) })
}

fn owned(number: libc::c_long) -> io::Result<OwnedFd> {
    let number = i32::try_from(number).ok().filter(|number| *number >= 0);
    let number = number.ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(target_arch = "x86_64")]
mod machine {
    pub use libc::user_regs_struct as Registers;

    /// `syscall`.
    pub const CALL: &[u8] = &[0x0f, 0x05];
    /// The calls in which a process waits for what is next.
    pub const WAITS: &[i64] = &[libc::SYS_poll, libc::SYS_ppoll, libc::SYS_recvmsg];

    pub fn blank() -> Registers {
        // SAFETY: registers are numbers, and 0 is one.
        unsafe { std::mem::zeroed() }
    }

    /// Where the instruction may be that a stopped process is in.
    pub fn gates(registers: &Registers) -> Vec<u64> {
        vec![registers.rip - 2]
    }

    /// Whether it was interrupted in a call that goes on afterwards.
    pub fn waits(registers: &Registers) -> bool {
        // ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK of linux/errno.h.
        matches!(result(registers), -514..=-512 | -516)
    }

    /// The interrupted call is yet to be made. The kernel would see to it itself, but only for the
    /// call that it interrupted last.
    pub fn waiting_again(registers: &Registers) -> Registers {
        let (rax, rip) = (registers.orig_rax, registers.rip - 2);
        Registers { rax, rip, orig_rax: u64::MAX, ..*registers }
    }

    pub fn calling(
        home: &Registers,
        gate: u64,
        number: libc::c_long,
        words: [u64; 6],
    ) -> Registers {
        let [rdi, rsi, rdx, r10, r8, r9] = words;
        let rax = number.cast_unsigned();
        Registers { rip: gate, rax, orig_rax: u64::MAX, rdi, rsi, rdx, r10, r8, r9, ..*home }
    }

    pub fn result(registers: &Registers) -> i64 {
        registers.rax.cast_signed()
    }
}

/// Written after arch/arm64/kernel/signal.c and never run: the machines at hand are x86_64.
#[cfg(target_arch = "aarch64")]
mod machine {
    pub use libc::user_regs_struct as Registers;

    /// `svc #0`.
    pub const CALL: &[u8] = &[0x01, 0x00, 0x00, 0xd4];
    /// The calls in which a process waits for what is next.
    pub const WAITS: &[i64] = &[libc::SYS_ppoll, libc::SYS_recvmsg];

    pub fn blank() -> Registers {
        // SAFETY: registers are numbers, and 0 is one.
        unsafe { std::mem::zeroed() }
    }

    /// Where the instruction may be that a stopped process is in.
    pub fn gates(registers: &Registers) -> Vec<u64> {
        vec![registers.pc, registers.pc - 4]
    }

    /// Whether it was interrupted in a call that goes on afterwards.
    pub fn waits(registers: &Registers) -> bool {
        WAITS.contains(&registers.regs[8].cast_signed())
    }

    /// Here the kernel steps back to the call before a tracer sees it, with its first argument
    /// restored.
    pub fn waiting_again(registers: &Registers) -> Registers {
        *registers
    }

    pub fn calling(
        home: &Registers,
        gate: u64,
        number: libc::c_long,
        words: [u64; 6],
    ) -> Registers {
        let mut registers = *home;
        registers.pc = gate;
        registers.regs[8] = number.cast_unsigned();
        registers.regs[..6].copy_from_slice(&words);
        registers
    }

    pub fn result(registers: &Registers) -> i64 {
        registers.regs[0].cast_signed()
    }
}
