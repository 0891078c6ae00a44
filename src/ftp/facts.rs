//! Facts of MLST and MLSD: RFC 3659 §7. Session worker; trusts no file name.

use std::io::Write;

use crate::listing::{Entry, Kind, Owner, listable};
use crate::time::time_val;

/// A set of facts: what a session wants to hear of each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts(u16);

/// What the session may do with a file, as far as the caller knows (RFC 3659 §7.5.5). Letters that
/// do not fit the type of the file are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Perm {
    /// `a`: APPE to a file.
    pub append: bool,
    /// `c`: create files in a directory.
    pub create: bool,
    /// `d`: DELE a file, RMD a directory.
    pub delete: bool,
    /// `e`: CWD into a directory.
    pub enter: bool,
    /// `f`: RNFR.
    pub rename: bool,
    /// `l`: list a directory.
    pub list: bool,
    /// `m`: MKD in a directory.
    pub mkdir: bool,
    /// `p`: delete what is in a directory.
    pub purge: bool,
    /// `r`: RETR a file.
    pub read: bool,
    /// `w`: STOR a file.
    pub write: bool,
}

impl Default for Facts {
    /// All but the names of user and group.
    fn default() -> Self {
        Self::all().without(Fact::UnixOwner).without(Fact::UnixGroup)
    }
}

impl Facts {
    /// The line of FEAT: every fact there is, those of this set with an asterisk (RFC 3659 §7.8).
    pub fn feat_line(&self) -> String {
        let mark = |fact| if self.has(fact) { "*;" } else { ";" };
        let facts = ROWS.iter().map(|&(fact, name)| [name, mark(fact)].concat());
        format!("MLST {}", facts.collect::<String>())
    }

    /// The set that `OPTS MLST arg` asks for; facts that do not exist are dropped. `None` for a
    /// list with a space in it, which is a 501 and changes nothing (RFC 3659 §7.9).
    pub fn parse(arg: &[u8]) -> Option<Facts> {
        if arg.contains(&b' ') {
            return None;
        }
        let asked = |name: &str| {
            arg.split(|&byte| byte == b';').any(|said| said.eq_ignore_ascii_case(name.as_bytes()))
        };
        let rows = ROWS.iter().filter(|(_, name)| asked(name));
        Some(Facts(rows.fold(0, |bits, &(fact, _)| bits | bit(fact))))
    }

    /// `type;size;` and so on: what `200 MLST OPTS` says is now on (RFC 3659 §7.9).
    pub fn names(&self) -> String {
        let rows = ROWS.iter().filter(|&&(fact, _)| self.has(fact));
        rows.map(|(_, name)| [name, ";"].concat()).collect()
    }

    fn all() -> Self {
        Self(ROWS.iter().fold(0, |bits, &(fact, _)| bits | bit(fact)))
    }

    fn without(self, fact: Fact) -> Self {
        Self(self.0 & !bit(fact))
    }

    fn has(&self, fact: Fact) -> bool {
        self.0 & bit(fact) != 0
    }
}

/// Appends `fact=value;… name`: the caller adds CR LF for MLSD, and a space before it for MLST
/// (RFC 3659 §7.2). Nothing for a name that is not [`listable`].
pub fn facts_line(entry: &Entry, facts: Facts, perm: &Perm, out: &mut Vec<u8>) {
    if !listable(entry.name) {
        return;
    }
    for &(fact, name) in ROWS.iter().filter(|&&(fact, _)| facts.has(fact)) {
        let start = out.len();
        out.extend(name.as_bytes());
        out.push(b'=');
        match write_value(fact, entry, perm, out) {
            Some(()) => out.push(b';'),
            None => out.truncate(start),
        }
    }
    out.push(b' ');
    out.extend(entry.name);
}

/// `None` for a fact that the file does not have.
fn write_value(fact: Fact, entry: &Entry, perm: &Perm, out: &mut Vec<u8>) -> Option<()> {
    match fact {
        Fact::Type => write_type(entry, out),
        Fact::Size if entry.kind == Kind::Directory => return None,
        Fact::Size => write!(out, "{}", entry.size).ok()?,
        Fact::Modify => out.extend(time_val(entry.mtime)?.as_bytes()),
        Fact::Perm => out.extend(perm.letters(entry.kind)),
        // The same for hard links, and as long as the file is there (RFC 3659 §7.5.2).
        Fact::Unique => write!(out, "{:x}U{:x}", entry.device, entry.inode).ok()?,
        Fact::UnixMode => write!(out, "{:04o}", entry.mode & 0o7777).ok()?,
        Fact::UnixUid => write!(out, "{}", entry.owner.id).ok()?,
        Fact::UnixGid => write!(out, "{}", entry.group.id).ok()?,
        Fact::UnixOwner => write_owner(&entry.owner, out),
        Fact::UnixGroup => write_owner(&entry.group, out),
    }
    Some(())
}

fn write_type(entry: &Entry, out: &mut Vec<u8>) {
    // Neither the listed directory (cdir) nor the one above it (pdir) is an entry: RFC 3659 §7.5.1 leaves that open.
    let text = match entry.kind {
        Kind::Directory => "dir",
        Kind::File => "file",
        Kind::Symlink => "OS.unix=slink",
        Kind::Fifo => "OS.unix=fifo",
        Kind::Socket => "OS.unix=socket",
        Kind::CharDevice => "OS.unix=chr",
        Kind::BlockDevice => "OS.unix=blk",
    };
    out.extend(text.as_bytes());
    if let (Kind::Symlink, Some(target)) = (entry.kind, entry.target.filter(|text| is_value(text)))
    {
        out.push(b':');
        out.extend(target);
    }
}

fn write_owner(owner: &Owner, out: &mut Vec<u8>) {
    match owner.name.filter(|name| is_value(name)) {
        Some(name) => out.extend(name),
        None => write!(out, "{}", owner.id).unwrap_or_default(),
    }
}

/// Whether every byte is an RCHAR (RFC 3659 §2.1), so that no value ends a fact.
fn is_value(text: &[u8]) -> bool {
    let rchar =
        |byte: &u8| byte.is_ascii_alphanumeric() || br#",.:!@#$%^&()-_+?/\'""#.contains(byte);
    !text.is_empty() && text.iter().all(rchar)
}

impl Perm {
    /// In alphabetical order. `d` and `f` fit every type.
    fn letters(&self, kind: Kind) -> impl Iterator<Item = u8> {
        let dir = kind == Kind::Directory;
        let rows = [
            (b'a', self.append && !dir),
            (b'c', self.create && dir),
            (b'd', self.delete),
            (b'e', self.enter && dir),
            (b'f', self.rename),
            (b'l', self.list && dir),
            (b'm', self.mkdir && dir),
            (b'p', self.purge && dir),
            (b'r', self.read && !dir),
            (b'w', self.write && !dir),
        ];
        rows.into_iter().filter_map(|(letter, may)| may.then_some(letter))
    }
}

#[derive(Clone, Copy)]
enum Fact {
    Type,
    Size,
    Modify,
    Perm,
    Unique,
    UnixMode,
    UnixUid,
    UnixGid,
    UnixOwner,
    UnixGroup,
}

fn bit(fact: Fact) -> u16 {
    1 << fact as u16
}

const ROWS: [(Fact, &str); 10] = [
    (Fact::Type, "type"),
    (Fact::Size, "size"),
    (Fact::Modify, "modify"),
    (Fact::Perm, "perm"),
    (Fact::Unique, "unique"),
    (Fact::UnixMode, "UNIX.mode"),
    (Fact::UnixUid, "UNIX.uid"),
    (Fact::UnixGid, "UNIX.gid"),
    (Fact::UnixOwner, "UNIX.owner"),
    (Fact::UnixGroup, "UNIX.group"),
];

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Perm = Perm {
        append: true,
        create: true,
        delete: true,
        enter: true,
        rename: true,
        list: true,
        mkdir: true,
        purge: true,
        read: true,
        write: true,
    };

    fn entry(kind: Kind) -> Entry<'static> {
        Entry {
            name: b"a b",
            kind,
            mode: 0o100644,
            links: 1,
            owner: Owner { id: 1000, name: Some(b"ann") },
            group: Owner { id: 100, name: Some(b"x;y") },
            size: 5,
            mtime: 0,
            target: None,
            device: 0x10,
            inode: 0xAB,
        }
    }

    fn line(entry: &Entry, facts: &str, perm: Perm) -> String {
        let mut out = vec![];
        facts_line(entry, Facts::parse(facts.as_bytes()).unwrap(), &perm, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_file_has_all_the_usual_facts() {
        let mut out = vec![];
        facts_line(&entry(Kind::File), Facts::default(), &ALL, &mut out);
        let facts = "type=file;size=5;modify=19700101000000;perm=adfrw;unique=10Uab;";
        let unix = "UNIX.mode=0644;UNIX.uid=1000;UNIX.gid=100;";
        assert_eq!(String::from_utf8(out).unwrap(), format!("{facts}{unix} a b"));
    }

    #[test]
    fn a_directory_has_its_letters_and_no_size() {
        // RFC 3659 §7.5.1, §7.5.5
        let line = line(&entry(Kind::Directory), "type;size;perm;", ALL);
        assert_eq!(line, "type=dir;perm=cdeflmp; a b");
    }

    #[test]
    fn a_link_shows_its_target_unless_that_would_end_the_fact() {
        for (target, text) in
            [("/a/b-1", "slink:/a/b-1"), ("a;b", "slink"), ("a b", "slink"), ("", "slink")]
        {
            let link = Entry { target: Some(target.as_bytes()), ..entry(Kind::Symlink) };
            assert_eq!(line(&link, "type;", ALL), format!("type=OS.unix={text}; a b"));
        }
    }

    #[test]
    fn a_time_that_has_no_text_is_left_out() {
        let file = Entry { mtime: i64::MAX, ..entry(Kind::File) };
        assert_eq!(line(&file, "size;modify;", ALL), "size=5; a b");
    }

    #[test]
    fn an_owner_whose_name_is_no_value_is_a_number() {
        let line = line(&entry(Kind::File), "unix.owner;unix.group;", ALL);
        assert_eq!(line, "UNIX.owner=ann;UNIX.group=100; a b");
    }

    #[test]
    fn no_facts_leave_the_space_and_the_name() {
        // RFC 3659 §7.9
        assert_eq!(line(&entry(Kind::File), "", ALL), " a b");
    }

    #[test]
    fn no_rights_are_an_empty_fact() {
        assert_eq!(line(&entry(Kind::File), "perm;", Perm::default()), "perm=; a b");
    }

    #[test]
    fn a_name_with_a_line_end_gives_no_line() {
        // RFC 3659 §2.2
        let file = Entry { name: b"a\n", ..entry(Kind::File) };
        assert_eq!(line(&file, "type;", ALL), "");
    }

    #[test]
    fn feat_marks_what_is_on() {
        // RFC 3659 §7.8
        let on = "type*;size*;modify*;perm*;unique*;UNIX.mode*;UNIX.uid*;UNIX.gid*;";
        let line = format!("MLST {on}UNIX.owner;UNIX.group;");
        assert_eq!(Facts::default().feat_line(), line);
    }

    #[test]
    fn opts_takes_known_facts_in_any_case_and_order() {
        // RFC 3659 §7.9
        for (arg, names) in [
            ("Size;TYPE;", Some("type;size;")),
            ("type;none;unix.MODE", Some("type;UNIX.mode;")),
            ("", Some("")),
            ("types;", Some("")),
            ("type; size;", None),
        ] {
            assert_eq!(Facts::parse(arg.as_bytes()).map(|facts| facts.names()).as_deref(), names);
        }
    }
}
