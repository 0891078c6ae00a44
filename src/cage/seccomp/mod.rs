//! System-call filters: rows in, a program out. Every process, as the last step into its cage.
//!
//! What a filter does not list is not made: the call is refused, told on the process's channel, and ends the process.

mod rows;

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, BorrowedFd};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use sys::seccomp::Instruction;

use super::{CageError, Step};
use crate::config::Rights;

/// One permitted system call: its number, what its arguments must be, and why it is needed.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its number on this machine.
    pub call: libc::c_long,
    name: &'static str,
    arguments: &'static [Argument],
    /// What it is needed for.
    pub why: &'static str,
}

/// What an argument must be.
#[derive(Debug, Clone, Copy)]
enum Argument {
    /// Argument `.0` is `.1`.
    Is(u8, u32),
    /// Of argument `.0`, none of the bits `.1` is set.
    Lacks(u8, u32),
    /// Argument `.0` is a null pointer.
    Null(u8),
    /// Argument `.0` is not the leash's descriptor.
    NotLeash(u8),
}

/// The system calls that a process may make.
#[derive(Debug)]
pub struct Filter {
    rows: Vec<&'static [Row]>,
}

impl Filter {
    /// The login worker's: it reads and writes the control stream and a password's pipe.
    pub fn login() -> Filter {
        Filter { rows: vec![rows::WORKER] }
    }

    /// A session worker's: the files of its jail, as far as any directory of the site gives a right to them.
    pub fn session(rights: Rights) -> Filter {
        let mut rows = vec![rows::WORKER, rows::FILES];
        let write = Rights::CREATE | Rights::OVERWRITE | Rights::APPEND;
        let by_right = [
            (write, rows::WRITE),
            (write | Rights::DELETE | Rights::REMOVE_DIR, rows::UNLINK),
            (write | Rights::RENAME, rows::RENAME),
            (Rights::MAKE_DIR, rows::MAKE_DIRECTORY),
            (write | Rights::CHMOD, rows::CHANGE_MODE),
            (Rights::CHMOD, rows::CHANGE_ATTRIBUTES),
            (Rights::SET_TIME, rows::SET_TIME),
            (Rights::LINK, rows::MAKE_LINK),
        ];
        for (needed_by, group) in by_right {
            if rights.intersects(needed_by) {
                rows.push(group);
            }
        }
        Filter { rows }
    }

    /// The relay's: it moves bytes between streams that it was handed.
    pub fn relay() -> Filter {
        Filter { rows: vec![rows::WORKER, rows::RELAY] }
    }

    /// The key process's: it answers on its channel.
    pub fn key() -> Filter {
        Filter { rows: vec![rows::WORKER] }
    }

    /// The shrunk broker's: data connections, the log, its children.
    pub fn broker() -> Filter {
        Filter { rows: vec![rows::WORKER, rows::HAND_OVER, rows::BROKER] }
    }

    /// Installs it, and tells how many calls are left.
    pub(super) fn install(self, leash: Option<BorrowedFd>) -> Result<String, CageError> {
        let refused = SeccompAction::Trap;
        let rules = self.rules(leash.map(|fd| fd.as_raw_fd())).map_err(compile_failed)?;
        let calls = rules.len();
        install(rules, refused, SeccompAction::Allow)?;
        Ok(format!("seccomp={calls}"))
    }

    fn rules(&self, leash: Option<i32>) -> Result<Rules, seccompiler::BackendError> {
        let mut rules = Rules::new();
        for row in self.rows() {
            // A row without conditions permits the call whole; its rule list stays empty.
            let conditions = row.conditions(leash)?;
            let list = rules.entry(row.call).or_default();
            if !conditions.is_empty() {
                list.push(SeccompRule::new(conditions)?);
            }
        }
        Ok(rules)
    }

    /// The permitted calls.
    pub fn rows(&self) -> impl Iterator<Item = &'static Row> {
        self.rows.iter().copied().flatten()
    }

    /// The permitted calls, by number, in order and once each.
    pub fn calls(&self) -> Vec<libc::c_long> {
        let mut calls: Vec<_> = self.rows().map(|row| row.call).collect();
        calls.sort_unstable();
        calls.dedup();
        calls
    }
}

/// The name of a system call, if a row of anybody's names it.
pub fn name_of(call: libc::c_long) -> Option<&'static str> {
    let everyone = Filter::session(Rights::ALL).rows.into_iter().chain([
        rows::HAND_OVER,
        rows::RELAY,
        rows::BROKER,
        rows::NEVER,
    ]);
    everyone.flatten().find(|row| row.call == call).map(Row::name)
}

impl Row {
    /// Its name, as the manual has it.
    pub fn name(&self) -> &'static str {
        self.name.trim_start_matches("SYS_")
    }
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

impl Row {
    fn conditions(
        &self,
        leash: Option<i32>,
    ) -> Result<Vec<SeccompCondition>, seccompiler::BackendError> {
        use SeccompCmpArgLen::{Dword, Qword};
        let condition = |argument: &Argument| match *argument {
            Argument::Is(index, value) => Some((index, Dword, SeccompCmpOp::Eq, value.into())),
            Argument::Lacks(index, bits) => {
                Some((index, Dword, SeccompCmpOp::MaskedEq(bits.into()), 0))
            }
            Argument::Null(index) => Some((index, Qword, SeccompCmpOp::Eq, 0)),
            Argument::NotLeash(index) => {
                let leash = u64::from(leash?.cast_unsigned());
                Some((index, Dword, SeccompCmpOp::Ne, leash))
            }
        };
        self.arguments
            .iter()
            .filter_map(condition)
            .map(|(index, length, operator, value)| {
                SeccompCondition::new(index, length, operator, value)
            })
            .collect()
    }
}

/// How many calls nobody has, not even before login.
pub fn refused_to_everybody() -> usize {
    rows::NEVER.len()
}

/// Before login the broker may do whatever a PAM stack may, for the auth process inherits its filter; so this one names
/// what neither has any business with. Needs CAP_SYS_ADMIN: no_new_privs would cut PAM's own powers.
pub fn install_for_root() -> Result<String, CageError> {
    let rules: Rules = rows::NEVER.iter().map(|row| (row.call, Vec::new())).collect();
    let calls = rules.len();
    install(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM.cast_unsigned()))?;
    Ok(format!("seccomp=all-but-{calls}"))
}

fn install(rules: Rules, otherwise: SeccompAction, listed: SeccompAction) -> Result<(), CageError> {
    let architecture = std::env::consts::ARCH.try_into().map_err(compile_failed)?;
    let filter =
        SeccompFilter::new(rules, otherwise, listed, architecture).map_err(compile_failed)?;
    let program: BpfProgram = filter.try_into().map_err(compile_failed)?;
    let program: Vec<_> =
        program.iter().map(|i| Instruction { code: i.code, jt: i.jt, jf: i.jf, k: i.k }).collect();
    sys::seccomp::install(&program).map_err(|error| Step::Seccomp.failed(error))
}

fn compile_failed(error: seccompiler::BackendError) -> CageError {
    Step::Seccomp.failed(std::io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_compiles() {
        for filter in [
            Filter::login(),
            Filter::session(Rights::ALL),
            Filter::relay(),
            Filter::key(),
            Filter::broker(),
        ] {
            assert!(filter.rules(Some(7)).unwrap().len() >= 20);
        }
    }

    #[test]
    fn a_read_only_site_has_no_call_that_changes_a_file() {
        let calls = Filter::session(Rights::LIST | Rights::READ).calls();
        for call in [libc::SYS_unlinkat, libc::SYS_mkdirat, libc::SYS_renameat2, libc::SYS_pwrite64]
        {
            assert!(!calls.contains(&call), "{call}");
        }
    }

    #[test]
    fn attributes_and_links_have_calls_of_their_own() {
        for (right, call) in [
            (Rights::CHMOD, sys::file::SYS_FCHMODAT2),
            (Rights::CHMOD, libc::SYS_fchownat),
            (Rights::SET_TIME, libc::SYS_utimensat),
            (Rights::LINK, libc::SYS_symlinkat),
        ] {
            assert!(Filter::session(right).calls().contains(&call), "{right}");
            let others = Rights::ALL.without(right);
            assert!(!Filter::session(others).calls().contains(&call), "{right}");
        }
    }

    #[test]
    fn every_row_says_why() {
        let everyone = Filter::session(Rights::ALL).rows.into_iter();
        for rows in everyone.chain([rows::HAND_OVER, rows::RELAY, rows::BROKER, rows::NEVER]) {
            assert!(rows.iter().all(|row| row.why.len() > 3));
        }
    }
}
