//! Names of users and groups, from what /etc/passwd and /etc/group say. Session worker, in its jail: the files were read
//! before it, and are root's. NSS is not asked: it would load code. Pure.

use std::collections::BTreeMap;

/// Who has which number.
#[derive(Debug, Default)]
pub struct Names {
    users: BTreeMap<u32, Vec<u8>>,
    groups: BTreeMap<u32, Vec<u8>>,
}

impl Names {
    /// What the two files say; lines that can't be understood say nothing.
    pub fn parse(passwd: &[u8], group: &[u8]) -> Names {
        Names { users: read(passwd), groups: read(group) }
    }

    /// The name of a user.
    pub fn user(&self, id: u32) -> Option<&[u8]> {
        self.users.get(&id).map(Vec::as_slice)
    }

    /// The name of a group.
    pub fn group(&self, id: u32) -> Option<&[u8]> {
        self.groups.get(&id).map(Vec::as_slice)
    }

    /// The number of a group.
    pub fn group_id(&self, name: &[u8]) -> Option<u32> {
        self.groups.iter().find(|(_, own)| own.as_slice() == name).map(|(id, _)| *id)
    }
}

/// `name:password:number:…`, which both files have. The first name of a number holds, as for the C library.
fn read(file: &[u8]) -> BTreeMap<u32, Vec<u8>> {
    let mut names = BTreeMap::new();
    for line in file.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next().filter(|name| !name.is_empty());
        let number = fields.nth(1).and_then(|number| str::from_utf8(number).ok()?.parse().ok());
        if let (Some(name), Some(number)) = (name, number) {
            names.entry(number).or_insert_with(|| name.to_vec());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_first_name_that_they_are_given() {
        let passwd = b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0:::\nalice:x:1000:1000:::\n+nis\n:x:7:\nbad:x:no:\n";
        let names = Names::parse(passwd, b"staff:x:50:alice\nlast:x:51:");
        assert_eq!(names.user(0), Some(&b"root"[..]));
        assert_eq!(names.user(1000), Some(&b"alice"[..]));
        assert_eq!((names.user(7), names.user(50)), (None, None));
        assert_eq!(names.group(50), Some(&b"staff"[..]));
        assert_eq!((names.group_id(b"last"), names.group_id(b"alice")), (Some(51), None));
    }
}
