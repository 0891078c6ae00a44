//! Dialogues as text: what `tests/dialogue/*.ftp` may say. One line is one step; tests/dialogue/README.md tells them.

use std::fs;
use std::path::{Path, PathBuf};

/// A dialogue that was read.
#[derive(Debug)]
pub struct Script {
    pub path: PathBuf,
    /// The site and what is special about it, before the first step.
    pub scene: Vec<(usize, String)>,
    /// What happens, each with its line.
    pub steps: Vec<(usize, Step)>,
}

/// One step of a dialogue. Bytes have their escapes resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `login`: greeting, USER and PASS of the one whom the site is for. `login tls`: over TLS.
    Login { tls: bool },
    /// `handshake`, `handshake 1.2`, `handshake HOST`: TLS from here on; without anything new to say, 1.2 alone, or
    /// asking for this host.
    Handshake(String),
    /// `clear`: both sides close TLS, and go on in clear text.
    Clear,
    /// `> COMMAND`: a line, in one segment.
    Say(Vec<u8>),
    /// `raw> BYTES`: as they are, in one segment.
    Raw(Vec<u8>),
    /// `bytewise> COMMAND`: a line, one byte per segment.
    Spell(Vec<u8>),
    /// `urgent> BYTES`: the last of them as TCP urgent data.
    Urge(Vec<u8>),
    /// `< REPLY`, over several lines where the reply has them.
    Hear(Vec<Vec<u8>>),
    /// `raw< BYTES`: exactly these, before any reply.
    HearRaw(Vec<u8>),
    /// `< end`: the server hangs up.
    HearEnd,
    /// `data< BYTES`: all that comes on the data connection.
    DataIs(Vec<u8>),
    /// `inflated< BYTES`: all that comes there is one zlib stream of these.
    InflatedIs(Vec<u8>),
    /// `list< LINE`: the same as lines, in any order.
    ListIs(Vec<Vec<u8>>),
    /// `data takes N`: so many bytes, and it goes on.
    DataTakes(usize),
    /// `data forgets`: it will resume no session of TLS.
    Forget,
    /// `data plain`: it is not protected, whatever PROT has said.
    Plain,
    /// `data breaks`: whatever comes, until it ends in whatever way.
    DataBreaks,
    /// `data> BYTES`.
    Give(Vec<u8>),
    /// `half-close`: the client sends nothing more on the control connection.
    HalfClose,
    /// `deflated> BYTES`: as one zlib stream.
    Deflate(Vec<u8>),
    /// `data close`.
    Close,
    /// `data reset`.
    Reset,
    /// `disk PATH == BYTES`.
    DiskIs(String, Vec<u8>),
    /// `disk PATH is directory | file | link | absent`, `disk PATH has NAME NAME …`, and what the disk knows of it:
    /// `has-mode OCTAL`, `has-time YYYYMMDDhhmmss`, `leads-to TARGET`.
    DiskState(String, String),
    /// `log PATTERN`: the log tells it by now or soon.
    Log(String),
}

/// All dialogues, in the order of their names.
pub fn all() -> Vec<Script> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogue");
    let entries = fs::read_dir(directory).expect("tests/dialogue is there").flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ftp"));
    paths.sort();
    paths.into_iter().map(Script::read).collect()
}

impl Script {
    /// Reads a file; what it can't understand fails the test with its place.
    pub fn read(path: PathBuf) -> Script {
        let text = fs::read_to_string(&path).expect("dialogues are UTF-8");
        let mut script = Script { path, scene: Vec::new(), steps: Vec::new() };
        let mut block = (0, 0);
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            match step(line) {
                _ if script.continues(line) => {}
                Some(step) => script.steps.push((number, step)),
                None if line.ends_with(" times") => block = (script.steps.len(), times(line)),
                None if line == "over" => script.repeat(block),
                None if script.steps.is_empty() => script.scene.push((number, line.to_owned())),
                None => panic!("{}: `{line}` is no step", script.place(number)),
            }
        }
        script
    }

    /// Where a line stands, for messages.
    pub fn place(&self, line: usize) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!("tests/dialogue/{name}:{line}")
    }

    /// Its name, without the ending.
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The first word of each line that it sends, and the first two, for SITE and OPTS.
    pub fn verbs(&self) -> Vec<String> {
        let lines = self.steps.iter().flat_map(|(_, step)| match step {
            Step::Say(bytes) | Step::Spell(bytes) | Step::Raw(bytes) | Step::Urge(bytes) => {
                String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
            }
            Step::Login { .. } => vec!["USER".to_owned(), "PASS".to_owned()],
            _ => Vec::new(),
        });
        let words = lines.flat_map(|line| {
            let words: Vec<_> = line.split([' ', '\r']).take(2).map(str::to_uppercase).collect();
            [words.join(" "), words.into_iter().next().unwrap_or_default()]
        });
        words.collect()
    }

    /// Plays the steps from here on so many times in all.
    fn repeat(&mut self, (from, times): (usize, usize)) {
        let block = self.steps[from..].to_vec();
        (1..times).for_each(|_| self.steps.extend_from_slice(&block));
    }

    /// Joins a line to the step before it where the two are one: replies, listings and data of several lines.
    fn continues(&mut self, line: &str) -> bool {
        let Some((_, last)) = self.steps.last_mut() else {
            return false;
        };
        match (last, step(line)) {
            (Step::Hear(lines), Some(Step::Hear(more))) if is_open(lines) => lines.extend(more),
            (Step::ListIs(lines), Some(Step::ListIs(more))) => lines.extend(more),
            (Step::DataIs(bytes), Some(Step::DataIs(more)))
            | (Step::InflatedIs(bytes), Some(Step::InflatedIs(more))) => bytes.extend(more),
            _ => return false,
        }
        true
    }
}

/// Whether a reply of several lines still waits for its last one.
fn is_open(lines: &[Vec<u8>]) -> bool {
    let Some(code) = lines[0].strip_suffix(b"-").or(lines[0].get(..3)) else {
        return false;
    };
    let code = &code[..code.len().min(3)];
    lines[0].get(3) == Some(&b'-')
        && !lines[1..].iter().any(|line| line.starts_with(code) && line.get(3) == Some(&b' '))
}

/// The number in `N times`.
fn times(line: &str) -> usize {
    line.trim_end_matches(" times").parse().expect("a number before times")
}

fn step(line: &str) -> Option<Step> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    Some(match word {
        "login" if rest.is_empty() || rest == "tls" => Step::Login { tls: rest == "tls" },
        "handshake" => Step::Handshake(rest.to_owned()),
        "clear" => Step::Clear,
        ">" => Step::Say(bytes(rest)),
        "raw>" => Step::Raw(bytes(rest)),
        "bytewise>" => Step::Spell(bytes(rest)),
        "urgent>" => Step::Urge(bytes(rest)),
        "raw<" => Step::HearRaw(bytes(rest)),
        "<" if rest == "end" => Step::HearEnd,
        "<" => Step::Hear(vec![bytes(rest)]),
        "data<" => Step::DataIs(bytes(rest)),
        "inflated<" => Step::InflatedIs(bytes(rest)),
        "list<" if rest.is_empty() => Step::ListIs(vec![]),
        "list<" => Step::ListIs(vec![bytes(rest)]),
        "data>" => Step::Give(bytes(rest)),
        "deflated>" => Step::Deflate(bytes(rest)),
        "data" => match rest.split_once(' ').unwrap_or((rest, "")) {
            ("takes", count) => Step::DataTakes(count.parse().ok()?),
            ("forgets", "") => Step::Forget,
            ("plain", "") => Step::Plain,
            ("breaks", "") => Step::DataBreaks,
            ("close", "") => Step::Close,
            ("reset", "") => Step::Reset,
            _ => return None,
        },
        "disk" => {
            // A path may hold spaces.
            let mut halves = rest.match_indices(' ').map(|(at, _)| (&rest[..at], &rest[at + 1..]));
            let (path, what) = halves
                .find(|(_, what)| IS.contains(&what.split(' ').next().unwrap_or_default()))?;
            match what.split_once(' ').unwrap_or((what, "")) {
                ("==", content) => Step::DiskIs(path.to_owned(), bytes(content)),
                _ => Step::DiskState(path.to_owned(), what.to_owned()),
            }
        }
        "half-close" => Step::HalfClose,
        "log" => Step::Log(rest.to_owned()),
        _ => return None,
    })
}

/// What may follow the path of `disk`.
const IS: [&str; 6] = ["==", "is", "has", "has-mode", "has-time", "leads-to"];

/// Resolves `\r \n \t \0 \\ \xNN` and `\(text*count)`.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        rest = escaped(escape, &mut bytes);
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn escaped<'a>(text: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    let (what, rest) = text.split_at(1);
    match what {
        "r" => bytes.push(b'\r'),
        "n" => bytes.push(b'\n'),
        "t" => bytes.push(b'\t'),
        "0" => bytes.push(0),
        "\\" => bytes.push(b'\\'),
        "x" => {
            let (digits, rest) = rest.split_at(2);
            bytes.push(u8::from_str_radix(digits, 16).expect("two hexadecimal digits behind \\x"));
            return rest;
        }
        "(" => {
            let (inside, rest) = rest.split_once(')').expect("\\( has its )");
            let (part, count) = inside.rsplit_once('*').expect("\\(text*count)");
            let count = count.parse().expect("a number behind * in \\(text*count)");
            bytes.extend(self::bytes(part).repeat(count));
            return rest;
        }
        other => panic!("no escape: \\{other}"),
    }
    rest
}

#[test]
fn escapes_are_resolved() {
    assert_eq!(bytes(r"NOOP\r\n"), b"NOOP\r\n");
    assert_eq!(bytes(r"\xff\xF4\\\0"), b"\xff\xf4\\\0");
    assert_eq!(bytes(r"a\(bc*3)d"), b"abcbcbcd");
}
