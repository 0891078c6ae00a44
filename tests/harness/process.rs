//! Processes as the kernel shows them below /proc. A process is its id and its start, so that a number that was given
//! to another one meanwhile is never taken for it.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A process that was seen alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Process {
    pub pid: i32,
    start: u64,
}

/// One open descriptor of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    pub number: i32,
    /// What /proc shows it to be: a path, or `socket:[…]`, `pipe:[…]`, `anon_inode:…`.
    pub target: String,
    /// Its flags, from /proc/…/fdinfo.
    pub flags: i32,
    pub is_directory: bool,
}

impl Process {
    /// The process that has this id now, a zombie too.
    pub fn find(pid: i32) -> Option<Process> {
        let start = stat(pid)?.start;
        Some(Process { pid, start })
    }

    /// Those that this one started, or inherited as a subreaper.
    pub fn children(&self) -> Vec<Process> {
        let numbers = fs::read_dir("/proc").expect("/proc is mounted").flatten();
        let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let ours = |pid: &i32| stat(*pid).is_some_and(|stat| stat.parent == self.pid);
        pids.filter(ours).filter_map(Process::find).collect()
    }

    /// This one, its children, theirs, and so on.
    pub fn family(&self) -> Vec<Process> {
        let mut family = vec![*self];
        let mut next = 0;
        while let Some(member) = family.get(next).copied() {
            family.extend(member.children());
            next += 1;
        }
        family
    }

    /// Whether nothing is left of it, not even a zombie. An orphan that came to us is reaped, as init would.
    pub fn is_gone(&self) -> bool {
        let _ = self.reap();
        stat(self.pid).is_none_or(|stat| stat.start != self.start)
    }

    /// How it ended, if it is a child of ours that has; once only.
    pub fn reap(&self) -> Option<WaitStatus> {
        let status = waitpid(Pid::from_raw(self.pid), Some(WaitPidFlag::WNOHANG)).ok()?;
        (status != WaitStatus::StillAlive).then_some(status)
    }

    /// Whether it runs or sleeps: neither gone nor a zombie.
    pub fn is_alive(&self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.start == self.start && stat.state != 'Z')
    }

    /// Sends a signal, if it is still the same process.
    pub fn signal(&self, signal: Signal) {
        if stat(self.pid).is_some_and(|stat| stat.start == self.start) {
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// What it calls itself: its command line with blanks for NULs.
    pub fn title(&self) -> String {
        let bytes = fs::read(self.path("cmdline")).unwrap_or_default();
        let parts: Vec<_> = bytes.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        parts.join(" ").trim_end().to_owned()
    }

    /// The fields of /proc/…/status.
    pub fn status(&self) -> HashMap<String, String> {
        let text = fs::read_to_string(self.path("status")).unwrap_or_default();
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
    }

    /// The system call that it sleeps in, by number; nothing while it runs.
    pub fn system_call(&self) -> Option<i64> {
        let text = fs::read_to_string(self.path("syscall")).ok()?;
        text.split(' ').next()?.parse().ok()
    }

    /// Its root directory, as we see it.
    pub fn root(&self) -> PathBuf {
        fs::read_link(self.path("root"))
            .unwrap_or_else(|error| panic!("{self:?} has no root: {error}"))
    }

    /// What it has open.
    pub fn descriptors(&self) -> Vec<Descriptor> {
        let entries =
            fs::read_dir(self.path("fd")).expect("root may see all descriptors").flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut descriptors: Vec<_> =
            numbers.filter_map(|number| self.descriptor(number)).collect();
        descriptors.sort_by_key(|descriptor| descriptor.number);
        descriptors
    }

    fn descriptor(&self, number: i32) -> Option<Descriptor> {
        let link = self.path(&format!("fd/{number}"));
        let target = fs::read_link(&link).ok()?.to_string_lossy().into_owned();
        let info = fs::read_to_string(self.path(&format!("fdinfo/{number}"))).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        Some(Descriptor {
            number,
            target,
            flags: i32::from_str_radix(flags.trim(), 8).ok()?,
            is_directory: fs::metadata(link).is_ok_and(|metadata| metadata.is_dir()),
        })
    }

    /// A file of its directory in /proc.
    pub fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }
}

/// What /proc/…/stat tells.
struct Stat {
    state: char,
    parent: i32,
    start: u64,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; what follows it may not.
    let fields: Vec<_> = text[text.rfind(')')? + 2..].split(' ').collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}
