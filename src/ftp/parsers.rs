//! Lines of LIST, read back as three families of clients do it: by a state a column, by words, and by the shape of each
//! field. Only tests have this.

use proptest::prelude::*;

use crate::listing::{Entry, Kind, Owner, list_line};
use crate::time::{Civil, list_date};

/// What a client makes of a line.
#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    kind: u8,
    mode: u32,
    links: u64,
    owner: Vec<u8>,
    group: Vec<u8>,
    size: u64,
    /// The twelve bytes of month, day, and time or year.
    date: Vec<u8>,
    name: Vec<u8>,
    target: Option<Vec<u8>>,
}

/// A state a column, byte by byte, with nothing skipped but blanks: as curl does it for wildcards.
fn by_column(line: &[u8]) -> Option<Parsed> {
    let line = line.strip_suffix(b"\r\n")?;
    let (kind, rest) = line.split_first()?;
    let (letters, rest) = rest.split_at_checked(9)?;
    let mode = mode_of(letters, b"rwx-tTsS")?;
    let mut rest = rest.strip_prefix(b" ")?;
    let mut field = || {
        let start = rest.iter().position(|&byte| byte != b' ')?;
        let length = rest[start..].iter().position(|&byte| byte == b' ')?;
        let (field, behind) = rest[start..].split_at(length);
        rest = behind;
        Some(field.to_vec())
    };
    let (links, owner, group, size) = (field()?, field()?, field()?, field()?);
    let (date, behind) = rest.strip_prefix(b" ")?.split_at_checked(12)?;
    let name = behind.strip_prefix(b" ")?;
    let arrow = name.windows(4).position(|part| part == b" -> ").filter(|_| *kind == b'l');
    let (name, target) = match arrow {
        Some(at) => (&name[..at], Some(name[at + 4..].to_vec())),
        None => (name, None),
    };
    Some(Parsed {
        kind: *kind,
        mode,
        links: number(&links)?,
        owner,
        group,
        size: number(&size)?,
        date: date.to_vec(),
        name: name.to_vec(),
        target,
    })
}

/// Eight words between blanks and the rest, which loses its leading blanks, the last arrow counting: as KIO does it.
fn by_word(line: &[u8]) -> Option<Parsed> {
    let mut rest = line.split(|byte| b"\r\n".contains(byte)).next()?;
    let mut word = || {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|&byte| byte == b' ')?;
        let word = &rest[..end];
        rest = &rest[end + 1..];
        Some(word.to_vec())
    };
    let words = [word()?, word()?, word()?, word()?, word()?, word()?, word()?, word()?];
    let [access, links, owner, group, size, month, day, time] = words;
    let name = &rest[rest.iter().position(|&byte| byte != b' ').unwrap_or(rest.len())..];
    let arrow = name.windows(4).rposition(|part| part == b" -> ").filter(|_| access[0] == b'l');
    let (name, target) = match arrow {
        Some(at) => (&name[..at], Some(name[at + 4..].to_vec())),
        None => (name, None),
    };
    Some(Parsed {
        kind: access[0],
        mode: mode_of(access.get(1..)?, b"rwx-tTsS")?,
        links: number(&links)?,
        owner,
        group,
        size: number(&size)?,
        date: format!(
            "{} {} {:>5}",
            str::from_utf8(&month).ok()?,
            str::from_utf8(&day).ok()?,
            str::from_utf8(&time).ok()?
        )
        .into_bytes(),
        name: name.to_vec(),
        target,
    })
}

/// Fields taken by what they may look like, any blanks between and exactly one before the name: as commons-net does it.
fn by_shape(line: &[u8]) -> Option<Parsed> {
    let line = &line[..line.iter().rposition(|&byte| byte == b'\r')?];
    let (access, rest) = split_where(line, |byte| b"bcdelfmpSs-rwxtTL".contains(&byte));
    let (links, rest) = split_where(blanks(rest)?, |byte| byte.is_ascii_digit());
    let (owner, rest) = split_where(blanks(rest)?, |byte| byte != b' ');
    let (group, rest) = split_where(blanks(rest)?, |byte| byte != b' ');
    let (size, rest) = split_where(blanks(rest)?, |byte| byte.is_ascii_digit());
    let date = blanks(rest)?;
    let (month, rest) = split_where(date, |byte| byte.is_ascii_alphabetic());
    let (day, rest) = split_where(blanks(rest)?, |byte| byte.is_ascii_digit());
    let (time, rest) = split_where(blanks(rest)?, |byte| byte.is_ascii_digit() || byte == b':');
    let is_time = match time {
        [hour @ .., b':', m, n] => number(hour)? < 24 && number(&[*m, *n])? < 60,
        year => year.len() == 4,
    };
    let is_date = MONTHS.map(str::as_bytes).contains(&month) && (1..=31).contains(&number(day)?);
    let (name, target) = match rest.strip_prefix(b" ")? {
        name if access[0] == b'l' => {
            let at = name.windows(4).position(|part| part == b" -> ")?;
            (&name[..at], Some(name[at + 4..].to_vec()))
        }
        name => (name, None),
    };
    (is_time && is_date && !name.is_empty()).then_some(Parsed {
        kind: access[0],
        mode: mode_of(&access[1..], b"rwx-sStTL")?,
        links: number(links)?,
        owner: owner.to_vec(),
        group: group.to_vec(),
        size: number(size)?,
        date: date[..date.len() - rest.len()].to_vec(),
        name: name.to_vec(),
        target,
    })
}

fn split_where(text: &[u8], fits: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|&byte| !fits(byte)).unwrap_or(text.len()))
}

fn blanks(text: &[u8]) -> Option<&[u8]> {
    let (blanks, rest) = split_where(text, |byte| byte == b' ');
    (!blanks.is_empty()).then_some(rest)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn number(text: &[u8]) -> Option<u64> {
    text.iter().all(u8::is_ascii_digit).then(|| str::from_utf8(text).ok()?.parse().ok())?
}

/// The bits that nine letters show.
fn mode_of(letters: &[u8], allowed: &[u8]) -> Option<u32> {
    let mut mode = 0;
    for (index, letter) in letters.iter().enumerate() {
        let (bit, special) = (0o400 >> index, 0o4000 >> (index / 3));
        mode |= match letter {
            _ if !allowed.contains(letter) => return None,
            b'-' => 0,
            b's' | b't' => bit | special,
            b'S' | b'T' => special,
            _ => bit,
        };
    }
    (letters.len() == 9).then_some(mode)
}

/// A name as it may be on a disk and in a line.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let bytes: Vec<u8> = (1..=255).filter(|byte| !b"\r\n/".contains(byte)).collect();
    let odd = prop::sample::select(b" ->:0123456789abJan".to_vec());
    let odd = prop::collection::vec(odd, 1..20);
    prop_oneof![prop::collection::vec(prop::sample::select(bytes), 1..30), odd]
}

fn owner() -> impl Strategy<Value = Option<Vec<u8>>> {
    let byte = prop_oneof![b'!'..=b'~', 0x80..=0xFFu8];
    prop::option::of(prop::collection::vec(byte, 1..40))
}

fn kind() -> impl Strategy<Value = Kind> {
    use Kind::*;
    prop::sample::select(vec![File, Directory, Symlink, Fifo, Socket, CharDevice, BlockDevice])
}

/// How often a client may see an arrow between a name and a target: parts of one may make another.
fn arrows(name: &[u8], target: &[u8]) -> usize {
    [name, b" -> ", target].concat().windows(4).filter(|part| part == b" -> ").count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn three_kinds_of_clients_read_the_same(
        (kind, mode, links, size) in (kind(), 0u32..0o10000, any::<u64>(), any::<u64>()),
        (uid, user, gid, group) in (any::<u32>(), owner(), any::<u32>(), owner()),
        (now, age, offset) in (0i64..4_000_000_000, -40_000_000i64..40_000_000, -50_000i64..50_000),
        (name, target) in (name(), name()),
    ) {
        // Which arrow counts is a matter of the client: MLSD has no such trouble.
        let is_link = kind == Kind::Symlink;
        prop_assume!(!is_link || arrows(&name, &target) == 1);
        prop_assume!(!is_link || name.iter().any(|&byte| byte != b' '));
        let entry = Entry {
            name: &name, kind, mode, links, size,
            owner: Owner { id: uid, name: user.as_deref() },
            group: Owner { id: gid, name: group.as_deref() },
            mtime: now - age,
            target: is_link.then_some(&target),
            device: 0,
            inode: 0,
        };
        let mut line = vec![];
        list_line(&entry, now, offset, &mut line);
        let shown = |id: u32, name: Option<Vec<u8>>| match name {
            Some(name) if !name.contains(&0x7F) => name,
            _ => id.to_string().into_bytes(),
        };
        let wanted = |name: &[u8]| Parsed {
            kind: line[0],
            mode, links, size,
            owner: shown(uid, user.clone()),
            group: shown(gid, group.clone()),
            date: list_date(entry.mtime, now, offset).into_bytes(),
            name: name.to_vec(),
            target: is_link.then(|| target.clone()),
        };
        prop_assert_eq!(by_column(&line), Some(wanted(&name)));
        prop_assert_eq!(by_shape(&line), Some(wanted(&name)));
        let unindented = name.iter().position(|&byte| byte != b' ').unwrap_or(name.len());
        prop_assert_eq!(by_word(&line), Some(wanted(&name[unindented..])));
    }

    #[test]
    fn a_date_is_that_of_the_moment(now in 0i64..200_000_000_000, age in -40_000_000i64..40_000_000, offset in -50_000i64..50_000) {
        let mtime = now - age;
        let date = list_date(mtime, now, offset);
        let civil = Civil::from_unix(mtime + offset);
        let (month, day) = (MONTHS[usize::from(civil.month) - 1], civil.day);
        let wanted = match (-3600..180 * 86_400).contains(&age) {
            true => format!("{month} {day:02} {:02}:{:02}", civil.hour, civil.minute),
            false => format!("{month} {day:02}  {}", civil.year),
        };
        prop_assert_eq!(date, wanted);
    }
}
