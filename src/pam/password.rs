//! The password: read from the stranger's pipe into memory that is wiped. Runs in the process of the attempt, and no
//! other process of cellftpd ever reads it. The pipe was made by the broker; the login worker holds only the writing end, which is not trusted.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use cellftpd::wire::auth::PASSWORD_MAX;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::read;
use zeroize::Zeroizing;

use crate::refusal::Refusal;

/// A password, wiped when it is dropped. Its buffer is made once at full size: growing would leave copies behind.
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Reads to the end of the pipe. What is longer than [`PASSWORD_MAX`] or has a NUL inside is refused unheard,
    /// because PAM would take its beginning for the whole.
    pub fn read(pipe: OwnedFd) -> Result<Self, Refusal> {
        if !is_pipe(&pipe) {
            return Err(Refusal::new("the password came in something else than a pipe"));
        }
        // One byte to tell "too long", one for the NUL at the end.
        let mut buffer = Zeroizing::new(vec![0; PASSWORD_MAX + 2]);
        let mut length = 0;
        while length <= PASSWORD_MAX {
            let room = buffer.get_mut(length..=PASSWORD_MAX).unwrap_or_default();
            match read_some(&pipe, room) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(errno) => return Err(Refusal::new(format!("reading the password: {errno}"))),
            }
        }
        let password = Password(buffer);
        if length > PASSWORD_MAX {
            Err(Refusal::new("a password that is too long"))
        } else if password.as_c_str().count_bytes() != length {
            Err(Refusal::new("a NUL in the password"))
        } else {
            Ok(password)
        }
    }

    /// As PAM wants it.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

fn is_pipe(fd: &OwnedFd) -> bool {
    fstat(fd)
        .is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO)
}

/// The worker may have made the pipe non-blocking, or do so at any time: wait by poll. The deadline is the broker's.
fn read_some(pipe: &OwnedFd, room: &mut [u8]) -> Result<usize, Errno> {
    loop {
        poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)?;
        match read(pipe, room) {
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use nix::unistd::{pipe, write};

    use super::*;

    fn read_bytes(bytes: &[u8]) -> Result<Password, Refusal> {
        let (reading, writing) = pipe().unwrap();
        write(&writing, bytes).unwrap();
        drop(writing);
        Password::read(reading)
    }

    #[test]
    fn every_byte_but_nul_is_kept() {
        let all: Vec<u8> = (1..=255).collect();
        assert_eq!(read_bytes(&all).ok().unwrap().as_c_str().to_bytes(), all);
        assert!(read_bytes(b"").ok().unwrap().as_c_str().is_empty());
        let longest = [b'x'; PASSWORD_MAX];
        let password = read_bytes(&longest).ok().unwrap();
        assert_eq!(password.as_c_str().to_bytes(), longest);
    }

    #[test]
    fn what_pam_would_cut_short_is_refused() {
        for bad in [&b"se\0cret"[..], b"secret\0", b"\0", &[b'x'; PASSWORD_MAX + 1], &[b'x'; 9999]]
        {
            assert!(read_bytes(bad).is_err());
        }
    }

    #[test]
    fn a_non_blocking_pipe_is_waited_for() {
        let (reading, writing) = pipe().unwrap();
        fcntl(&reading, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            write(&writing, b"se").unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            write(&writing, b"cret").unwrap();
        });
        let password = Password::read(reading).ok().unwrap();
        assert_eq!(password.as_c_str(), c"secret");
        writer.join().unwrap();
    }

    #[test]
    fn only_a_pipe_is_read() {
        let file = std::fs::File::open("/etc/passwd").unwrap();
        assert!(Password::read(file.into()).is_err());
    }
}
