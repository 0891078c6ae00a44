//! Whether an account may have a session, judged again on what auth ended with. The broker, before login; the auth
//! process is not trusted to have looked.

use std::fs;
use std::io::ErrorKind;

use crate::config::{Class, Settings};
use crate::wire::auth::{Account, GROUPS_MAX};

/// Refuses an account, for a reason that only the log tells.
pub fn admit(
    class: Class,
    account: &Account,
    settings: &Settings,
    tls: bool,
) -> Result<(), String> {
    if !settings.tls.admits_login(class, tls) {
        return Err(if tls { "tls.login forbids TLS" } else { "tls.login requires TLS" }.into());
    }
    if account.uid == 0 {
        return Err("uid 0 is never served".into());
    }
    if account.gid == 0 || account.groups.contains(&0) {
        // Root's files are often its group's too; an account in that group is a mistake more often than a wish.
        return Err("group 0 is never served".into());
    }
    if account.groups.len() > GROUPS_MAX {
        return Err(format!("more than {GROUPS_MAX} groups"));
    }
    if class != Class::Local {
        return Ok(());
    }
    if !settings.local.ignore_ftpusers && is_listed("/etc/ftpusers", &account.name)? {
        return Err("listed in /etc/ftpusers".into());
    }
    if !settings.local.any_shell && !is_listed("/etc/shells", &account.shell)? {
        return Err(format!("shell {} is not in /etc/shells", account.shell.escape_ascii()));
    }
    if account.home.first() != Some(&b'/') {
        return Err("the home directory is not an absolute path".into());
    }
    Ok(())
}

/// Whether a file of root's has this line; comments and blanks aside. A missing file has no lines; one that can't be read
/// is no reason to let anybody in.
fn is_listed(file: &str, entry: &[u8]) -> Result<bool, String> {
    match fs::read(file) {
        Ok(text) => Ok(has_line(&text, entry)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("{file} can't be read: {error}")),
    }
}

fn has_line(text: &[u8], entry: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
        line == entry && !entry.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_by_whole_lines() {
        let text = b"# who may not\nroot\n  bin # the old one\n\n#daemon\n";
        assert!(has_line(text, b"root") && has_line(text, b"bin"));
        for absent in [&b"daemon"[..], b"", b"roo", b"bin # the old one"] {
            assert!(!has_line(text, absent));
        }
    }

    #[test]
    fn root_is_never_served() {
        let account = |uid, gid| Account {
            name: b"x"[..].try_into().unwrap(),
            uid,
            gid,
            groups: vec![gid],
            group_names: Vec::new(),
            home: b"/"[..].try_into().unwrap(),
            shell: Default::default(),
        };
        let judge = |account| admit(Class::Anonymous, &account, &Settings::default(), false);
        assert!(judge(account(0, 100)).is_err() && judge(account(100, 0)).is_err());
        assert!(judge(account(100, 100)).is_ok());
    }
}
