//! Reading the files of TLS: keys, which nobody else may know, and certificates, which nobody else may change.
//!
//! Run by the launcher as root before anyone has spoken, and by `cellftpd check`. The bytes are not looked at here: a parser
//! is no work for root.

use std::path::Path;

use zeroize::Zeroizing;

use super::trusted::{self, Bounds, EXPOSED, Unread, WRITABLE};

const KEY: Bounds = Bounds { size: 64 << 10, forbidden: EXPOSED };
const CHAIN: Bounds = Bounds { size: 256 << 10, forbidden: WRITABLE };
const REVOKED: Bounds = Bounds { size: 1 << 20, forbidden: WRITABLE };

/// A key: a regular file of root's, or of the user's who runs this; its group may read it (a group such as ssl-cert),
/// others nothing.
pub fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, Unread> {
    trusted::read(path, KEY)
}

/// A chain, what the authority says of it (OCSP), or the authorities of clients: nobody else may write them.
pub fn read_chain(path: &Path) -> Result<Vec<u8>, Unread> {
    trusted::read(path, CHAIN).map(taken)
}

/// A list of certificates that are revoked.
pub fn read_revoked(path: &Path) -> Result<Vec<u8>, Unread> {
    trusted::read(path, REVOKED).map(taken)
}

/// What is no secret.
fn taken(mut bytes: Zeroizing<Vec<u8>>) -> Vec<u8> {
    std::mem::take(&mut *bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// Each mode of a file with what is said of it, as a key and as a chain.
    const MODES: &[(u32, &str, &str)] = &[
        (0o600, "", ""),
        (0o640, "", ""),
        (
            0o660,
            "may be written by group or others (mode 660)",
            "may be written by group or others (mode 660)",
        ),
        (0o644, "may be used by others (mode 644)", ""),
        (0o641, "may be used by others (mode 641)", ""),
        (
            0o602,
            "may be written by group or others (mode 602)",
            "may be written by group or others (mode 602)",
        ),
        (0o666, "may be used by others (mode 666)", "may be written by group or others (mode 666)"),
    ];

    fn said<T>(read: Result<T, Unread>) -> String {
        read.err().map(|unread| unread.to_string()).unwrap_or_default()
    }

    #[test]
    fn who_else_may_use_a_file_decides() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("file"), directory.path().join("link"));
        std::fs::write(&path, "text").unwrap();
        symlink(&path, &link).unwrap();
        for (mode, key, chain) in MODES {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(*mode)).unwrap();
            for path in [&path, &link] {
                assert_eq!(
                    (said(read_key(path)).as_str(), said(read_chain(path)).as_str()),
                    (*key, *chain),
                    "{mode:o}"
                );
            }
        }
        assert_eq!(
            read_key(&path).unwrap_err().problem(&path).one_line(),
            format!("{0}: may be used by others (mode 666) (chmod g-w,o= {0})", path.display())
        );
    }

    #[test]
    fn only_files_of_a_bounded_size_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for (size, key, chain) in [
            (64 << 10, "", ""),
            ((64 << 10) + 1, "is larger than 64 KiB", ""),
            ((256 << 10) + 1, "is larger than 64 KiB", "is larger than 256 KiB"),
        ] {
            std::fs::write(&path, vec![b'x'; size]).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            assert_eq!(
                (said(read_key(&path)).as_str(), said(read_chain(&path)).as_str()),
                (key, chain),
                "{size}"
            );
        }
        assert_eq!(said(read_key(directory.path())), "is not a regular file");
        let pipe = directory.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert_eq!(said(read_key(&pipe)), "is not a regular file");
        assert!(
            said(read_key(&directory.path().join("none")))
                .starts_with("can't be read: No such file")
        );
    }
}
