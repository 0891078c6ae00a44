//! What the kernel itself holds back from a session's process. `check` tells it; tests ask the kernel.

use landlock::{AccessFs, BitFlags};

use super::landlock::access_for;
use super::seccomp::Filter;
use crate::config::Rights;

/// What one way to exercise a right asks of the kernel: a system call, and all of these accesses.
type Way = (libc::c_long, &'static [AccessFs]);

/// A rename takes one name away and makes another, over an existing file too.
const RENAME_FILE: Way = (libc::SYS_renameat2, &[AccessFs::RemoveFile, AccessFs::MakeReg]);
const RENAME_DIRECTORY: Way = (libc::SYS_renameat2, &[AccessFs::RemoveDir, AccessFs::MakeDir]);
const WRITE: Way = (libc::SYS_openat2, &[AccessFs::WriteFile]);

/// The ways to exercise each right.
const WAYS: [(Rights, &[Way]); 13] = [
    (Rights::LIST, &[(libc::SYS_getdents64, &[AccessFs::ReadDir])]),
    (Rights::READ, &[(libc::SYS_openat2, &[AccessFs::ReadFile])]),
    (Rights::CREATE, &[(libc::SYS_openat2, &[AccessFs::MakeReg])]),
    (Rights::OVERWRITE, &[WRITE, RENAME_FILE]),
    (Rights::APPEND, &[WRITE]),
    (Rights::DELETE, &[(libc::SYS_unlinkat, &[AccessFs::RemoveFile]), RENAME_FILE]),
    (Rights::REMOVE_DIR, &[(libc::SYS_unlinkat, &[AccessFs::RemoveDir])]),
    (Rights::RENAME, &[RENAME_FILE, RENAME_DIRECTORY]),
    (Rights::MAKE_DIR, &[(libc::SYS_mkdirat, &[AccessFs::MakeDir])]),
    (
        Rights::CHMOD,
        &[(libc::SYS_fchmod, &[]), (sys::file::SYS_FCHMODAT2, &[]), (libc::SYS_fchownat, &[])],
    ),
    (Rights::SET_TIME, &[(libc::SYS_utimensat, &[])]),
    (Rights::HASH, &[(libc::SYS_openat2, &[AccessFs::ReadFile])]),
    (Rights::LINK, &[(libc::SYS_symlinkat, &[AccessFs::MakeSym])]),
];

/// Whether the kernel holds a right back from a session, where these are what the site gives somewhere.
pub fn kernel_holds_back(right: Rights, given: Rights) -> bool {
    let (access, calls) = (access_for(given), Filter::session(given).calls());
    let open = |way: &Way| {
        let needed: BitFlags<AccessFs> = way.1.iter().copied().collect();
        calls.contains(&way.0) && access.contains(needed)
    };
    let mut ways = WAYS.iter().filter(|(one, _)| right.contains(*one));
    !ways.any(|(_, ways)| ways.iter().any(open))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_atomic_store_needs_is_not_held_back() {
        let given = Rights::LIST | Rights::CREATE;
        for right in [Rights::OVERWRITE, Rights::APPEND, Rights::DELETE, Rights::RENAME] {
            assert!(!kernel_holds_back(right, given), "{right}");
        }
        for right in [Rights::READ, Rights::REMOVE_DIR, Rights::MAKE_DIR, Rights::SET_TIME] {
            assert!(kernel_holds_back(right, given), "{right}");
        }
    }

    #[test]
    fn a_right_that_is_given_is_never_held_back() {
        for (right, _) in WAYS {
            assert!(!kernel_holds_back(right, right), "{right}");
        }
    }

    #[test]
    fn links_are_held_back_from_who_may_do_all_else() {
        assert!(kernel_holds_back(Rights::LINK, Rights::ALL.without(Rights::LINK)));
    }
}
