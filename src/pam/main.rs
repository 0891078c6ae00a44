//! cellftpd-pam: one login attempt through PAM and NSS, then gone. Started as root by a child of the broker, which has
//! armed the leash and holds the deadline. The broker is trusted; the name, the password and the pipe that it comes in
//! are a stranger's; PAM's modules are root's own choice, but they print, fork, hang and leave things behind.
//!
//! It is a program of its own so that nothing else of cellftpd ever loads PAM, NSS or the password database.
//!
//! ```text
//! broker ─exec─▶ outer        holds the leash; waits
//!                 └─fork─▶ first of a PID namespace    reaps; its end is the end of all in there
//!                           └─fork─▶ the attempt       hears it, reads the password, asks PAM, answers
//! ```

mod account;
mod converse;
mod entry;
mod ffi;
mod namespace;
mod pam;
mod password;
mod refusal;

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use cellftpd::wire::Fault;
use cellftpd::wire::auth::{Account, Attempt, AuthEnd, Verdict};

use converse::Conversation;
use password::Password;
use refusal::Refusal;

fn main() -> ExitCode {
    let Some(entry) = entry::take() else {
        entry::complain();
        return ExitCode::from(USAGE);
    };
    if entry.harden().is_err() {
        return ExitCode::from(SYSTEM);
    }
    // The leash stays open, here, as long as this process lives.
    let (channel, _leash) = entry.into_parts();
    namespace::run(move || serve(&channel)).unwrap_or(ExitCode::from(SYSTEM))
}

/// The one attempt: heard, tried, answered.
fn serve(channel: &AuthEnd) -> ExitCode {
    let (attempt, pipe) = match channel.hear() {
        Ok((attempt, Some(pipe))) => (attempt, pipe),
        // The broker is gone: nobody is left to answer to.
        Err(Fault::Closed) => return ExitCode::SUCCESS,
        Ok((_, None)) | Err(_) => return ExitCode::from(BUG),
    };
    let verdict = match decide(&attempt, pipe) {
        Ok(account) => Verdict::Granted(account),
        Err(refusal) => refusal.into(),
    };
    match answer(channel, &verdict) {
        Ok(()) | Err(Fault::Closed) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(SYSTEM),
    }
}

/// An account whose groups fill more than a message is refused: half a list could miss the group that a rule forbids.
fn answer(channel: &AuthEnd, verdict: &Verdict) -> Result<(), Fault> {
    match channel.tell(verdict) {
        Err(Fault::Oversized) => {
            channel.tell(&Refusal::new("the account's groups do not fit a verdict").into())
        }
        told => told,
    }
}

fn decide(attempt: &Attempt, pipe: OwnedFd) -> Result<Account, Refusal> {
    // Read first, whatever the name: how long a refusal takes should not tell one name from another.
    let password = Password::read(pipe)?;
    let user = user_name(&attempt.user)?;
    let service = service_name(&attempt.service)?;
    let from = CString::new(attempt.from.as_str())
        .map_err(|_| Refusal::new("a NUL in the client's address"))?;

    let conversation = Conversation::new(user, password);
    let mut login = pam::Login::start(&service, &from, &conversation)?;
    // As sshd does with keys: who it is has been shown; whether the account is open is asked all the same.
    if !attempt.certified {
        login.authenticate()?;
    }
    login.check_account()?;
    let name = login.user()?;
    let found = account::find(&name)?;
    // pam_setcred(3) wants the groups in place before: pam_group adds to them.
    account::put_groups_on(&found)?;
    login.establish()?;
    if login.user()? != name {
        return Err(Refusal::new("PAM changed the name while it made credentials"));
    }
    drop(login);
    account::with_groups_worn(found)
}

/// Some modules make a path of the name (pam_faillock, pam_userdb), and the password files have no such names.
fn user_name(name: &[u8]) -> Result<CString, Refusal> {
    let odd = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'/' | b':');
    let refused = matches!(name, [] | [b'-' | b'+', ..] | b"." | b"..") || name.iter().any(odd);
    match CString::new(name) {
        Ok(name) if !refused => Ok(name),
        _ => Err(Refusal::new("a name that no account can have")),
    }
}

/// The name of a file in /etc/pam.d, and nothing that leads elsewhere.
fn service_name(name: &str) -> Result<CString, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match CString::new(name) {
        Ok(service) if !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain) => {
            Ok(service)
        }
        _ => Err(Refusal::new("the PAM service's name is not a file name")),
    }
}

/// What PAM_TTY says: no terminal, but rules in /etc/security want a word.
const TTY: &CStr = c"ftp";

/// sysexits(3), as everywhere in cellftpd.
const USAGE: u8 = 64;
const BUG: u8 = 70;
const SYSTEM: u8 = 71;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_account_can_have() {
        let long = [b'a'; 200];
        for good in [&b"alice"[..], b"a.b-c", b"DOM\\bob", b"x@y.example", &long] {
            assert!(user_name(good).is_ok(), "{}", good.escape_ascii());
        }
        for bad in
            [&b""[..], b".", b"..", b"-f", b"+all", b"../etc", b"a:b", b"a\0b", b"a\nb", b"\x7f"]
        {
            assert!(user_name(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn a_service_is_a_file_name() {
        assert!(service_name("cellftpd").is_ok());
        assert!(service_name("ftp-2.test_a").is_ok());
        for bad in ["", ".", "..", ".hidden", "../shadow", "a/b", "a b", "a\0"] {
            assert!(service_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_account_that_fits_no_message_is_refused() {
        let (broker, auth) = cellftpd::wire::auth::BrokerEnd::pair().unwrap();
        let account = Account {
            name: Default::default(),
            uid: 1,
            gid: 1,
            groups: vec![],
            group_names: vec!["x".repeat(20_000)],
            home: Default::default(),
            shell: Default::default(),
        };
        answer(&auth, &Verdict::Granted(account)).unwrap();
        assert!(matches!(broker.hear(), Ok((Verdict::Refused(_), None))));
    }
}
