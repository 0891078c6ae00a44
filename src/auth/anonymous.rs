//! Anonymous logins: `anonymous` or `ftp`, any password, one system account. The broker, before login.

use super::accounts;
use super::{Backend, Decides};
use crate::config::{Class, Settings};
use crate::wire::Bounded;
use crate::wire::auth::{Account, Verdict};

pub(super) const BACKEND: Backend =
    Backend { class: Class::Anonymous, serves, decides: Decides::Here(verdict) };

fn serves(settings: &Settings, user: &[u8]) -> bool {
    let named = user.eq_ignore_ascii_case(b"anonymous") || user.eq_ignore_ascii_case(b"ftp");
    settings.anonymous.enabled && named
}

fn verdict(settings: &Settings) -> Verdict {
    let name = &settings.anonymous.user;
    match account(settings, name) {
        Some(account) => Verdict::Granted(account),
        None => {
            Verdict::Refused(Bounded::cut(format!("no account {name} (anonymous.user)").as_bytes()))
        }
    }
}

/// As the account says who it is, or, where an ordinary user serves, that user.
fn account(settings: &Settings, name: &str) -> Option<Account> {
    let (uid, gid) = if nix::unistd::geteuid().is_root() {
        let entry = accounts::find(name.as_bytes())?;
        (entry.uid, entry.gid)
    } else {
        (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw())
    };
    let root = settings.anonymous.root.as_os_str().as_encoded_bytes();
    Some(Account {
        name: Bounded::cut(b"anonymous"),
        uid,
        gid,
        groups: vec![gid],
        group_names: Vec::new(),
        home: root.try_into().ok()?,
        shell: Bounded::default(),
    })
}
