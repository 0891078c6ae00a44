//! The system accounts of our processes, from /etc/passwd itself: NSS would load code into the broker. Root, before anyone
//! has spoken.

use std::fs;
use std::io;

/// A line of /etc/passwd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

/// The broker's account, once someone has logged in.
pub const BROKER: &str = "cellftpd";
/// The account of those who read the network before anyone has logged in.
pub const NETWORK: &str = "cellftpd-net";
/// The account of the process that holds the TLS key.
pub const KEY: &str = "cellftpd-key";

/// The ids of an account that stands in /etc/passwd.
pub fn find(name: &[u8]) -> Option<Ids> {
    find_in(&fs::read("/etc/passwd").ok()?, name)
}

/// The three accounts, in the order of their names above, or the names of the missing ones.
pub fn find_ours() -> io::Result<Result<[Ids; 3], Vec<&'static str>>> {
    let passwd = fs::read("/etc/passwd")?;
    let found = [BROKER, NETWORK, KEY].map(|name| find_in(&passwd, name.as_bytes()).ok_or(name));
    Ok(match found {
        [Ok(broker), Ok(network), Ok(key)] => Ok([broker, network, key]),
        found => Err(found.into_iter().filter_map(Result::err).collect()),
    })
}

fn find_in(passwd: &[u8], name: &[u8]) -> Option<Ids> {
    passwd.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let found = fields.next()? == name && !name.is_empty();
        let mut number = |skip| str::from_utf8(fields.nth(skip)?).ok()?.parse().ok();
        found.then(|| Some(Ids { uid: number(1)?, gid: number(0)? }))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd = b"root:x:0:0::/root:/bin/sh\nftp:x:107:65534::/srv/ftp:/usr/sbin/nologin\nbad:x:no:1::/:\n";
        assert_eq!(find_in(passwd, b"ftp"), Some(Ids { uid: 107, gid: 65534 }));
        for unknown in [&b"ft"[..], b"", b"bad", b"x", b"ftp:x"] {
            assert_eq!(find_in(passwd, unknown), None);
        }
    }
}
