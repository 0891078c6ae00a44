//! A privilege that neither nix nor caps reaches: the secure bits. Every process, on its way down.

use std::io;

use crate::checked;

/// SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP and SECBIT_NO_CAP_AMBIENT_RAISE with their locks, and the lock of
/// SECBIT_KEEP_CAPS: uid 0 means nothing, a change of uid moves no capability, and none of this can be undone.
const NO_ROOT: libc::c_ulong = 0b1110_1111;

/// Makes capabilities independent of uids, for good. Needs CAP_SETPCAP.
pub fn lock_secure_bits() -> io::Result<()> {
    // SAFETY: PR_SET_SECUREBITS takes an integer and touches no memory.
    checked(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, NO_ROOT, 0, 0, 0) }).map(drop)
}
