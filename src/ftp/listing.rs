//! Lines of LIST, NLST and MLSx. Session worker, in transfers; trusts no file name.
//!
//! LIST has no standard. The one form written here is what the parsers of curl, lftp, FileZilla,
//! KIO, WinSCP, commons-net and wget all read: fixed columns, one space, the name.

use std::io::Write;

use crate::time::list_date;

pub use crate::facts::{Facts, Perm, facts_line};

/// What a listing says about one file.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// As it is to be shown.
    pub name: &'a [u8],
    /// The type.
    pub kind: Kind,
    /// Permission bits, `0o7777`.
    pub mode: u32,
    /// Hard links.
    pub links: u64,
    /// The user.
    pub owner: Owner<'a>,
    /// The group.
    pub group: Owner<'a>,
    /// Bytes.
    pub size: u64,
    /// The last change of its content, in seconds since the epoch.
    pub mtime: i64,
    /// Where a symbolic link leads, if that is to be shown.
    pub target: Option<&'a [u8]>,
    /// The device, for `unique`.
    pub device: u64,
    /// The inode, for `unique`.
    pub inode: u64,
}

/// A user or a group.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The number.
    pub id: u32,
    /// The name, where it is known and may be shown. One that would break a column is not.
    pub name: Option<&'a [u8]>,
}

/// The type of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
}

/// Appends the line of LIST, with CR LF; nothing for a name that is not [`listable`]. Its time is shown `offset`
/// seconds east of UTC.
pub fn list_line(entry: &Entry, now: i64, offset: i64, out: &mut Vec<u8>) {
    if !listable(entry.name) {
        return;
    }
    out.push(letter(entry.kind));
    out.extend(permissions(entry.mode));
    write!(out, " {:4} ", entry.links).ok();
    column(&entry.owner, out);
    column(&entry.group, out);
    write!(out, "{:8} {} ", entry.size, list_date(entry.mtime, now, offset)).ok();
    out.extend(entry.name);
    if let (Kind::Symlink, Some(target)) = (entry.kind, entry.target.filter(|name| listable(name)))
    {
        out.extend(b" -> ");
        out.extend(target);
    }
    out.extend(b"\r\n");
}

/// Appends the line of NLST, with CR LF: a name that RETR takes (RFC 1123 §4.1.2.7), so behind
/// `prefix`, the directory as the client named it, and a slash. Nothing for a name that is not
/// [`listable`].
pub fn nlst_line(prefix: &[u8], name: &[u8], out: &mut Vec<u8>) {
    if !listable(name) || !listable(prefix) {
        return;
    }
    out.extend(prefix);
    if !prefix.is_empty() && !prefix.ends_with(b"/") {
        out.push(b'/');
    }
    out.extend(name);
    out.extend(b"\r\n");
}

/// The mark of `ls -F`: what a file is, in one letter behind its name.
pub fn mark(kind: Kind, mode: u32) -> Option<u8> {
    match kind {
        Kind::Directory => Some(b'/'),
        Kind::Symlink => Some(b'@'),
        Kind::Fifo => Some(b'|'),
        Kind::Socket => Some(b'='),
        Kind::File if mode & 0o111 != 0 => Some(b'*'),
        Kind::File | Kind::CharDevice | Kind::BlockDevice => None,
    }
}

/// Whether a name can be sent in a listing: not with CR, LF or NUL (RFC 3659 §2.2).
pub fn listable(name: &[u8]) -> bool {
    !name.iter().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0'))
}

fn letter(kind: Kind) -> u8 {
    match kind {
        Kind::File => b'-',
        Kind::Directory => b'd',
        Kind::Symlink => b'l',
        Kind::Fifo => b'p',
        Kind::Socket => b's',
        Kind::CharDevice => b'c',
        Kind::BlockDevice => b'b',
    }
}

fn permissions(mode: u32) -> [u8; 9] {
    let bit = |bits: u32, letter: u8| if mode & bits != 0 { letter } else { b'-' };
    let execute =
        |bits: u32, special: u32, letter: u8| match (mode & bits != 0, mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => b'x',
            (false, false) => b'-',
        };
    [
        bit(0o400, b'r'),
        bit(0o200, b'w'),
        execute(0o100, 0o4000, b's'),
        bit(0o040, b'r'),
        bit(0o020, b'w'),
        execute(0o010, 0o2000, b's'),
        bit(0o004, b'r'),
        bit(0o002, b'w'),
        execute(0o001, 0o1000, b't'),
    ]
}

fn column(owner: &Owner, out: &mut Vec<u8>) {
    let start = out.len();
    match owner.name.filter(|name| is_word(name)) {
        Some(name) => out.extend(name),
        None => write!(out, "{}", owner.id).unwrap_or_default(),
    }
    out.resize(out.len().max(start + 8), b' ');
    out.push(b' ');
}

fn is_word(name: &[u8]) -> bool {
    !name.is_empty() && !name.iter().any(|&byte| byte <= b' ' || byte == 0x7F)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_732_350_000; // 2024-11-23 08:20:00

    fn numbered(id: u32) -> Owner<'static> {
        Owner { id, name: None }
    }

    fn file(name: &[u8]) -> Entry<'_> {
        Entry {
            name,
            kind: Kind::File,
            mode: 0o644,
            links: 1,
            owner: numbered(1000),
            group: numbered(1000),
            size: 300_000,
            mtime: NOW,
            target: None,
            device: 1,
            inode: 2,
        }
    }

    fn listed(entry: &Entry) -> String {
        let mut out = vec![];
        list_line(entry, NOW, 0, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_file_is_one_line_that_every_parser_reads() {
        assert_eq!(
            listed(&file(b"name")),
            "-rw-r--r--    1 1000     1000       300000 Nov 23 08:20 name\r\n"
        );
    }

    #[test]
    fn a_link_shows_its_target() {
        let root = numbered(0);
        let link = Entry {
            kind: Kind::Symlink,
            mode: 0o777,
            owner: root,
            group: root,
            size: 5,
            ..file(b"lnk")
        };
        let line = "lrwxrwxrwx    1 0        0               5 Nov 23 08:20 lnk";
        assert_eq!(listed(&link), format!("{line}\r\n"));
        assert_eq!(
            listed(&Entry { target: Some(b"f.bin"), ..link }),
            format!("{line} -> f.bin\r\n")
        );
        assert_eq!(listed(&Entry { target: Some(b"f\r\n"), ..link }), format!("{line}\r\n"));
    }

    #[test]
    fn an_old_directory_shows_its_year() {
        let root = numbered(0);
        let dir =
            Entry { kind: Kind::Directory, mode: 0o755, links: 2, size: 4096, ..file(b"dir") };
        let dir = Entry { owner: root, group: root, mtime: 1_546_646_400, ..dir };
        assert_eq!(listed(&dir), "drwxr-xr-x    2 0        0            4096 Jan 05  2019 dir\r\n");
    }

    #[test]
    fn modes_are_shown_as_ls_shows_them() {
        for (mode, text) in [
            (0o0000, "---------"),
            (0o7777, "rwsrwsrwt"),
            (0o7666, "rwSrwSrwT"),
            (0o1777, "rwxrwxrwt"),
            (0o2750, "rwxr-s---"),
        ] {
            assert_eq!(permissions(mode), text.as_bytes(), "{mode:o}");
        }
    }

    #[test]
    fn kinds_are_shown_as_ls_shows_them() {
        use Kind::*;
        let kinds = [File, Directory, Symlink, Fifo, Socket, CharDevice, BlockDevice];
        assert_eq!(kinds.map(letter), *b"-dlpscb");
    }

    #[test]
    fn marks_are_those_of_ls() {
        use Kind::*;
        let kinds = [File, Directory, Symlink, Fifo, Socket, CharDevice, BlockDevice];
        let marks: Vec<_> = kinds.iter().filter_map(|&kind| mark(kind, 0o711)).collect();
        assert_eq!(marks, b"*/@|=");
        assert_eq!(mark(File, 0o644), None);
    }

    #[test]
    fn a_name_that_would_break_its_column_is_a_number() {
        for (name, shown) in
            [("ftp", "ftp      "), ("a b", "7        "), ("", "7        "), ("a\n", "7        ")]
        {
            let mut out = vec![];
            column(&Owner { id: 7, name: Some(name.as_bytes()) }, &mut out);
            assert_eq!(out, shown.as_bytes());
        }
    }

    #[test]
    fn names_with_line_ends_are_left_out() {
        // RFC 3659 §2.2
        for name in [b"a\r", b"a\n", b"a\0"] {
            let mut out = vec![];
            list_line(&file(name), NOW, 0, &mut out);
            nlst_line(b"", name, &mut out);
            nlst_line(name, b"b", &mut out);
            assert_eq!((listable(name), out), (false, vec![]));
        }
    }

    #[test]
    fn nlst_gives_names_that_retr_takes() {
        // RFC 1123 §4.1.2.7
        for (prefix, line) in
            [("", "f\r\n"), ("pub", "pub/f\r\n"), ("pub/", "pub/f\r\n"), ("/", "/f\r\n")]
        {
            let mut out = vec![];
            nlst_line(prefix.as_bytes(), b"f", &mut out);
            assert_eq!(out, line.as_bytes());
        }
    }

    /// As clients do: words by blanks, and the name as all that follows the ninth, less one space.
    fn columns(line: &[u8]) -> (Vec<String>, Vec<u8>) {
        let mut rest = line.strip_suffix(b"\r\n").unwrap();
        let mut words = vec![];
        while words.len() < 8 {
            let word = rest.split(|&byte| byte == b' ').next().unwrap();
            words.push(String::from_utf8(word.to_vec()).unwrap());
            rest = &rest[word.len()..];
            if words.len() < 8 {
                rest = &rest[rest.iter().position(|&byte| byte != b' ').unwrap()..];
            }
        }
        (words, rest[1..].to_vec())
    }

    proptest! {
        #[test]
        fn a_line_parses_back_by_column(
            name in prop::collection::vec(prop::sample::select(b"\t .->/aZ9\xC3\xFF".to_vec()), 1..20),
            (mode, links, size) in (0u32..0o10000, any::<u64>(), any::<u64>()),
            (uid, gid, mtime) in any::<(u32, u32, i64)>(),
        ) {
            let (owner, group) = (numbered(uid), numbered(gid));
            let entry = Entry { mode, links, size, mtime, owner, group, ..file(&name) };
            let mut line = vec![];
            list_line(&entry, NOW, 0, &mut line);
            let (words, said) = columns(&line);
            prop_assert_eq!(said, name);
            prop_assert_eq!(words[0].len(), 10);
            let numbers = [links, uid.into(), gid.into(), size].map(|number| number.to_string());
            prop_assert_eq!(&words[1..5], &numbers);
        }
    }
}
