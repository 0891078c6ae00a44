//! What went wrong with a command: one text for the client, another for the log. Both workers; pure.
//!
//! The only place that knows which reply code an error of the kernel is.

use ftp::path::BadPath;
use ftp::reply::Reply;
use nix::errno::Errno;

use crate::wire::event::End;

/// Why a command has no ordinary reply.
#[derive(Debug)]
pub enum Failure {
    /// The client is told, and perhaps the log.
    Refused(Refusal),
    /// The session is over; the client has been told what there was to tell.
    Over(End),
}

/// A refusal, for its two audiences.
#[derive(Debug)]
pub struct Refusal {
    /// What the client is told.
    pub reply: Reply,
    /// What the log is told, if an administrator would want to see it.
    pub cause: Option<String>,
}

impl Failure {
    /// A refusal that is the client's own business.
    pub fn new(code: u16, text: &str) -> Self {
        let reply = Reply::new(code, text);
        Failure::Refused(Refusal { reply, cause: None })
    }

    /// The same refusal, with a cause for the log.
    #[must_use]
    pub fn because(self, cause: impl Into<String>) -> Self {
        match self {
            Failure::Refused(Refusal { reply, .. }) => {
                let cause = Some(cause.into());
                Failure::Refused(Refusal { reply, cause })
            }
            over => over,
        }
    }

    /// Where a name is to be made, what is wrong with the name is a 553 (RFC 959 §5.4).
    #[must_use]
    pub fn of_new_name(self) -> Self {
        match self {
            Failure::Refused(Refusal { reply, cause }) if reply.code() == 550 => {
                let reply = Reply::new(553, "File name not allowed.");
                Failure::Refused(Refusal { reply, cause })
            }
            other => other,
        }
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        let (code, text) = spoken(errno);
        let failure = Failure::new(code, text);
        match errno {
            // Everyday mistakes of a client.
            Errno::ENOENT | Errno::ENOTDIR | Errno::EISDIR => failure,
            Errno::EEXIST | Errno::ENOTEMPTY | Errno::ENAMETOOLONG => failure,
            errno => failure.because(errno.desc()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Errno::from_raw(error.raw_os_error().unwrap_or_default()).into()
    }
}

impl From<BadPath> for Failure {
    fn from(bad: BadPath) -> Self {
        Failure::new(550, "Not a valid path name.").because(bad.to_string())
    }
}

/// No path, no number: a stranger learns what an ordinary user of the machine would.
fn spoken(errno: Errno) -> (u16, &'static str) {
    match errno {
        Errno::ENOENT => (550, "No such file or directory."),
        Errno::ENOTDIR => (550, "Not a directory."),
        Errno::EISDIR => (550, "Is a directory."),
        Errno::EEXIST => (550, "Exists already."),
        Errno::ENOTEMPTY => (550, "Directory is not empty."),
        Errno::EACCES | Errno::EPERM | Errno::EROFS => (550, "Permission denied."),
        Errno::ELOOP => (550, "Too many symbolic links."),
        Errno::ENAMETOOLONG => (550, "Name is too long."),
        Errno::ENXIO | Errno::ENODEV | Errno::EOPNOTSUPP => (550, "Not a plain file."),
        Errno::EXDEV | Errno::EINVAL => (550, "Not possible."),
        Errno::EBUSY | Errno::ETXTBSY | Errno::EAGAIN => (450, "File is busy."),
        Errno::ENOSPC => (452, "No space left."),
        Errno::EDQUOT | Errno::EFBIG => (552, "Quota or size limit exceeded."),
        _ => (451, "Local error."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(failure: Failure) -> (u16, Option<String>) {
        match failure {
            Failure::Refused(refusal) => (refusal.reply.code(), refusal.cause),
            Failure::Over(end) => panic!("{end:?}"),
        }
    }

    #[test]
    fn a_full_disk_is_told_to_both_a_missing_file_to_the_client_alone() {
        assert_eq!(refusal(Errno::ENOENT.into()), (550, None));
        let (code, cause) = refusal(Errno::ENOSPC.into());
        assert_eq!((code, cause.is_some()), (452, true));
    }

    #[test]
    fn a_name_that_cannot_be_made_is_553() {
        assert_eq!(refusal(Failure::from(BadPath::Nul).of_new_name()).0, 553);
        assert_eq!(refusal(Failure::from(Errno::EIO).of_new_name()).0, 451);
    }
}
