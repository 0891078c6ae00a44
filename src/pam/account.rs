//! Who the name is, as NSS has it, with the groups as PAM left them. Runs in the process of the attempt, after PAM said
//! yes; NSS is trusted as root's own choice, the name that PAM ended with is not taken for the name that it began with.

use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cellftpd::wire::Bounded;
use cellftpd::wire::auth::{Account, GROUPS_MAX};
use nix::unistd::{Gid, Group, User, getgrouplist, getgroups, setgroups};

use crate::refusal::Refusal;

/// The account of that name, with its supplementary groups but without their names. Its `name` is the one that NSS
/// has on record: where NSS knows no case, `BOB` must not slip past a list that forbids `bob`.
pub fn find(name: &CStr) -> Result<Account, Refusal> {
    let name =
        name.to_str().map_err(|_| Refusal::new("PAM ended with a name that is not UTF-8"))?;
    let user = User::from_name(name)
        .map_err(|errno| Refusal::new(format!("looking up the account: {errno}")))?
        .ok_or_else(|| Refusal::new("PAM knows the user, but there is no such account"))?;
    let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
    if uid == 0 {
        return Err(Refusal::new("uid 0 may not log in"));
    }
    if uid == u32::MAX || gid == u32::MAX {
        // setresuid(2) and setresgid(2) read -1 as "leave it as it is", which would be root.
        return Err(Refusal::new("an account whose id is -1"));
    }
    let owner = std::ffi::CString::new(user.name.as_str())
        .map_err(|_| Refusal::new("an account with a NUL in its name"))?;
    let groups = getgrouplist(&owner, user.gid)
        .map_err(|errno| Refusal::new(format!("looking up the groups: {errno}")))?;
    Ok(Account {
        name: bounded(user.name.as_bytes(), "name")?,
        uid,
        gid,
        groups: numbers(&groups)?,
        group_names: Vec::new(),
        home: bounded(path_bytes(&user.dir), "home directory")?,
        shell: bounded(path_bytes(&user.shell), "shell")?,
    })
}

/// Gives this process the account's groups, as modules expect them when credentials are made.
pub fn put_groups_on(account: &Account) -> Result<(), Refusal> {
    let groups: Vec<Gid> = account.groups.iter().copied().map(Gid::from_raw).collect();
    setgroups(&groups).map_err(|errno| Refusal::new(format!("setting the groups: {errno}")))
}

/// The account with the groups that this process has now, and their names where they have one.
pub fn with_groups_worn(account: Account) -> Result<Account, Refusal> {
    let worn = getgroups().map_err(|errno| Refusal::new(format!("reading the groups: {errno}")))?;
    let groups = numbers(&worn)?;
    let mut group_names = Vec::with_capacity(worn.len());
    for gid in worn {
        let group = Group::from_gid(gid)
            .map_err(|errno| Refusal::new(format!("looking up group {gid}: {errno}")))?;
        group_names.extend(group.map(|group| group.name));
    }
    Ok(Account { groups, group_names, ..account })
}

fn numbers(groups: &[Gid]) -> Result<Vec<u32>, Refusal> {
    if groups.len() > GROUPS_MAX {
        return Err(Refusal::new("an account in too many groups"));
    }
    Ok(groups.iter().map(|gid| gid.as_raw()).collect())
}

fn bounded<const MAX: usize>(bytes: &[u8], what: &str) -> Result<Bounded<MAX>, Refusal> {
    Bounded::try_from(bytes).map_err(|too_long| Refusal::new(format!("a {what} {too_long}")))
}

fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_as_nss_has_it() {
        let account = find(c"nobody").unwrap();
        let user = User::from_name("nobody").unwrap().unwrap();
        assert_eq!(account.uid, user.uid.as_raw());
        assert_eq!(&*account.name, b"nobody");
        assert_eq!(&*account.home, path_bytes(&user.dir));
        assert!(account.groups.contains(&account.gid));
    }

    #[test]
    fn root_and_nobody_at_all_are_refused() {
        assert_eq!(find(c"root"), Err(Refusal::new("uid 0 may not log in")));
        assert!(find(c"no-such-account").is_err());
        assert!(find(c"\xff").is_err());
    }
}
