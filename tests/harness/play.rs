//! Playing a dialogue against the real server, step by step, until it is over or something is not as written.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ftp::time::time_val;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::mkfifo;

use super::client::shown;
use super::data::{Data, Door};
use super::glob;
use super::launch::Line;
use super::patience::PATIENCE;
use super::script::{Script, Step, bytes};
use super::session::{Session, address};
use super::site::Site;
use super::tls::Tls;
use super::zlib;

/// Plays it; on failure tells where, what, and all that was said.
pub fn play(script: &Script) -> Result<(), String> {
    let scene = Scene::of(script)?;
    let mut play = Play {
        session: scene.site.connect_over(scene.line),
        stays_away: scene.stays_away,
        site: scene.site,
        data: Channel::None,
        wish: None,
        over: false,
    };
    let told = |play: &Play, line: usize, why: String| {
        format!("{}: {why}\n{}\n", script.place(line), play.session.story())
    };
    for (line, step) in &script.steps {
        caught(|| play.step(step)).map_err(|why| told(&play, *line, why))?;
    }
    let last = script.steps.last().map_or(0, |(line, _)| *line);
    play.closing().map_err(|why| told(&play, last, format!("at the closing QUIT: {why}")))?;
    play.session.is_over_within(PATIENCE);
    let faults = play.site.log().faults();
    if faults.is_empty() { Ok(()) } else { Err(told(&play, last, faults.join("\n"))) }
}

/// A step that panics in the harness has failed like any other.
fn caught(step: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| match panic.downcast::<String>() {
        Ok(text) => Err(*text),
        Err(_) => Err("the harness panicked".to_owned()),
    })
}

/// What a script says before its first step.
pub struct Scene {
    pub site: Site,
    pub line: Line,
    pub stays_away: bool,
}

impl Scene {
    /// Builds it: a fresh tree each time.
    pub fn of(script: &Script) -> Result<Scene, String> {
        let mut scene = Scene { site: Site::bare(), line: Line::Tcp4, stays_away: false };
        for (number, line) in &script.scene {
            scene =
                scene.with(line).ok_or_else(|| format!("{}: `{line}`?", script.place(*number)))?;
        }
        Ok(scene)
    }

    fn with(mut self, line: &str) -> Option<Scene> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let site = self.site;
        self.site = match (word, rest) {
            ("site", "readonly") => Site::readonly(),
            ("site", "writable") => Site::writable(),
            ("site", "incoming") => Site::with_incoming(),
            ("site", "local") => Site::local(),
            ("site", "nobody") => Site::bare(),
            ("tls", "") => site.with_tls(),
            ("line", name) => {
                self.line = line_named(name)?;
                site
            }
            ("stays", "away") => {
                self.stays_away = true;
                site
            }
            _ => with(site, word, rest)?,
        };
        Some(self)
    }
}

fn with(site: Site, word: &str, rest: &str) -> Option<Site> {
    Some(match word {
        "set" => {
            let (name, value) = rest.split_once(" = ")?;
            site.set(name, value)
        }
        "match" => site.matching(&format!("[[match]]\n{}", rest.replace("; ", "\n"))),
        "rights" => {
            let (directory, words) = rest.split_once(" = ")?;
            let words: Vec<_> = words.split(", ").collect();
            site.set(&format!("rights.{directory:?}"), &format!("{words:?}"))
        }
        "file" => {
            let (path, content) = rest.split_once(" = ")?;
            site.file(&String::from_utf8(bytes(path)).ok()?, &bytes(content))
        }
        "directory" => site.directory(&String::from_utf8(bytes(rest)).ok()?),
        "sparse" => {
            let (path, size) = rest.split_once(" = ")?;
            let size = size.parse().ok()?;
            site.prepared(|root| {
                fs::File::create(below(root, path)).unwrap().set_len(size).unwrap()
            })
        }
        "many" => {
            let (path, count) = rest.split_once(' ')?;
            let count: usize = count.parse().ok()?;
            site.prepared(|root| {
                for number in 0..count {
                    std::fs::File::create(below(root, path).join(format!("{number:06}"))).unwrap();
                }
            })
        }
        "link" => {
            let (path, target) = rest.split_once(" -> ")?;
            let target = OsString::from_vec(bytes(target));
            site.prepared(|root| std::os::unix::fs::symlink(target, below(root, path)).unwrap())
        }
        "hardlink" => {
            let (path, other) = rest.split_once(" -> ")?;
            site.prepared(|root| fs::hard_link(below(root, other), below(root, path)).unwrap())
        }
        "mode" => {
            let (path, mode) = rest.split_once(" = ")?;
            let mode = Permissions::from_mode(u32::from_str_radix(mode, 8).ok()?);
            site.prepared(|root| fs::set_permissions(below(root, path), mode).unwrap())
        }
        "fifo" => site.prepared(|root| mkfifo(&below(root, rest), Mode::all()).unwrap()),
        "device" => site.prepared(|root| {
            mknod(&below(root, rest), SFlag::S_IFCHR, Mode::all(), makedev(1, 3)).unwrap();
        }),
        _ => return None,
    })
}

fn below(root: &Path, path: &str) -> std::path::PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn line_named(name: &str) -> Option<Line> {
    Some(match name {
        "tcp4" => Line::Tcp4,
        "tcp6" => Line::Tcp6,
        "socketpair" => Line::SocketPair,
        "pipes" => Line::Pipes,
        _ => return None,
    })
}

/// The data connection of a dialogue: the last one that was spoken of.
pub enum Channel {
    None,
    /// We listen, and the server will come.
    Door(Door),
    Open(Data),
}

struct Play {
    session: Session,
    site: Site,
    stays_away: bool,
    data: Channel,
    /// What PROT has asked for, as long as that has no reply.
    wish: Option<bool>,
    /// Whether the server has hung up, as written.
    over: bool,
}

impl Play {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Login { tls } => self.log_in(*tls),
            Step::Handshake(what) => {
                self.session.shakes_hands(&tls_named(what));
                Ok(())
            }
            Step::Clear => {
                self.session.leaves_tls().map_err(|error| format!("cannot leave TLS: {error}"))
            }
            Step::Say(line) => self.say(line),
            Step::Raw(bytes) => self.offer(bytes),
            Step::Spell(line) => {
                let line = [line.as_slice(), b"\r\n"].concat();
                line.iter().try_for_each(|byte| self.offer(&[*byte]))
            }
            Step::Urge(bytes) => {
                self.session.urges(bytes);
                Ok(())
            }
            Step::HalfClose => {
                self.session.stops_sending();
                Ok(())
            }
            Step::Hear(lines) => self.hear(lines),
            Step::HearRaw(wanted) => match self.session.bytes(wanted.len()) {
                Ok(found) if found == *wanted => Ok(()),
                Ok(found) => Err(format!("expected {}\n     got {}", shown(wanted), shown(&found))),
                Err(silence) => Err(format!("expected {}\n     got {silence}", shown(wanted))),
            },
            Step::HearEnd => match self.session.reply() {
                Err(super::client::Silence::End) => {
                    self.over = true;
                    Ok(())
                }
                Ok(reply) => Err(format!("expected the end\n     got {}", reply.text())),
                Err(silence) => Err(format!("expected the end\n     got {silence}")),
            },
            Step::DiskIs(path, content) => match self.site.content(path) {
                Some(found) if found == *content => Ok(()),
                Some(found) => {
                    Err(format!("{path} is\n  {}\nand not\n  {}", cut(&found), cut(content)))
                }
                None => Err(format!("{path} can't be read")),
            },
            Step::DiskState(path, what) => self.disk(path, what),
            Step::Log(pattern) => {
                self.site.log().tells(pattern);
                Ok(())
            }
            data => self.data_step(data),
        }
    }

    fn log_in(&mut self, tls: bool) -> Result<(), String> {
        let (user, password) = self.site.login();
        self.hear(&[b"220 *".to_vec()])?;
        if tls {
            self.session.starts_tls(&Tls::new());
        }
        self.offer(format!("USER {user}\r\n").as_bytes())?;
        self.hear(&[b"331 *".to_vec()])?;
        self.offer(format!("PASS {password}\r\n").as_bytes())?;
        self.hear(&[b"230 *".to_vec()])
    }

    fn say(&mut self, line: &[u8]) -> Result<(), String> {
        let (user, password) = self.site.login();
        let who = (user, password, self.site.owner().1);
        let (line, door) = filled(line, who, self.session.host());
        if let Some(door) = door {
            self.data = Channel::Door(door);
        }
        let wish = line.strip_prefix(b"PROT ");
        self.wish = wish.map(|level| level.starts_with(b"P"));
        self.offer(&line)
    }

    fn offer(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.session.offers(bytes).map_err(|error| format!("cannot send: {error}"))
    }

    fn hear(&mut self, wanted: &[Vec<u8>]) -> Result<(), String> {
        let reply = self.session.reply();
        let reply =
            reply.map_err(|silence| format!("expected {}\n     got {silence}", joined(wanted)))?;
        let is_right = match wanted {
            [code] if code.len() == 3 && code.is_ascii() && !code.contains(&b'*') => {
                reply.code.to_string().as_bytes() == code.as_slice()
            }
            [line] => reply.lines.last().is_some_and(|last| glob::matches(line, last)),
            lines => are(lines, &reply.lines),
        };
        if !is_right {
            return Err(format!("expected {}\n     got {}", joined(wanted), reply.text()));
        }
        if let Some(wish) = self.wish.take().filter(|_| reply.code == 200) {
            self.session.private = wish;
        }
        if let Some(there) =
            address(&reply.text(), self.session.host()).filter(|_| matches!(reply.code, 227 | 229))
        {
            self.data = Channel::None;
            if !self.stays_away {
                let data = Data::connect(there).protected(self.session.data_tls());
                self.data = Channel::Open(data);
            }
        }
        Ok(())
    }

    fn data_step(&mut self, step: &Step) -> Result<(), String> {
        let mut data = match std::mem::replace(&mut self.data, Channel::None) {
            Channel::Open(data) => data,
            Channel::Door(door) => door.opens().protected(self.session.data_tls()),
            Channel::None => return Err("there is no data connection".to_owned()),
        };
        match step {
            Step::DataIs(wanted) => return same(&data.all(), wanted),
            Step::InflatedIs(wanted) => return same(&zlib::inflated(&data.all())?, wanted),
            Step::ListIs(wanted) => return listing(&data.all(), wanted),
            Step::DataBreaks => drop(data.rest()),
            Step::Close => data.closes(),
            Step::Forget => {
                let tls = self.session.data_tls().map(|tls| tls.clone().forgetful());
                self.data = Channel::Open(data.protected(tls.as_ref()));
            }
            Step::Plain => self.data = Channel::Open(data.protected(None)),
            Step::Reset => {
                data.settles();
                data.resets();
            }
            Step::DataTakes(count) => {
                data.takes(*count);
                self.data = Channel::Open(data);
            }
            Step::Give(bytes) => {
                data.gives(bytes);
                self.data = Channel::Open(data);
            }
            Step::Deflate(bytes) => {
                data.gives(&zlib::deflated(bytes));
                self.data = Channel::Open(data);
            }
            _ => unreachable!("Play::step has done it"),
        }
        Ok(())
    }

    fn disk(&self, path: &str, what: &str) -> Result<(), String> {
        let kind = match fs::symlink_metadata(self.site.path(path)) {
            Err(_) => "absent",
            Ok(metadata) if metadata.is_dir() => "directory",
            Ok(metadata) if metadata.is_file() => "file",
            Ok(metadata) if metadata.is_symlink() => "link",
            Ok(_) => "special",
        };
        match what.split_once(' ').unwrap_or((what, "")) {
            ("is", wanted) if wanted == kind => Ok(()),
            ("is", wanted) => Err(format!("{path} is {kind} and not {wanted}")),
            (what, wanted) => match self.known(path, what)? {
                found if found == String::from_utf8_lossy(&bytes(wanted)) => Ok(()),
                found => Err(format!("{path} {what} {found} and not {wanted}")),
            },
        }
    }

    /// What the disk knows of a file, or of the names in a directory.
    fn known(&self, path: &str, what: &str) -> Result<String, String> {
        let real = self.site.path(path);
        let metadata = fs::symlink_metadata(&real).map_err(|error| format!("{path}: {error}"))?;
        match what {
            "has-mode" => Ok(format!("{:04o}", metadata.mode() & 0o7777)),
            "has-time" => time_val(metadata.mtime()).ok_or(format!("{path}: an odd time")),
            "leads-to" => fs::read_link(&real)
                .map(|target| target.to_string_lossy().into_owned())
                .map_err(|error| format!("{path}: {error}")),
            _ => Ok(self.site.names(path).join(" ")),
        }
    }

    /// Every dialogue ends well: QUIT gets its one reply and the end, so nothing unexpected was left unread.
    fn closing(&mut self) -> Result<(), String> {
        if self.over {
            return Ok(());
        }
        self.data = Channel::None;
        self.offer(b"QUIT\r\n")?;
        self.hear(&[b"221 *".to_vec()])?;
        self.step(&Step::HearEnd)?;
        if self.session.tls().is_some() {
            self.session.hangs_up();
        }
        Ok(())
    }
}

/// How `handshake` speaks TLS.
fn tls_named(what: &str) -> Tls {
    match what {
        "" => Tls::new(),
        "1.2" => Tls::old(),
        host => Tls::new().named(host),
    }
}

/// Whether the data is as wanted.
fn same(found: &[u8], wanted: &[u8]) -> Result<(), String> {
    let why = || format!("the data was\n  {}\nand not\n  {}", cut(found), cut(wanted));
    if found == wanted { Ok(()) } else { Err(why()) }
}

/// Whether lines are of these patterns in turn; `…` stands for any number of them.
fn are(patterns: &[Vec<u8>], lines: &[Vec<u8>]) -> bool {
    match patterns {
        [] => lines.is_empty(),
        [any, rest @ ..] if any == "…".as_bytes() => {
            (0..=lines.len()).any(|skip| are(rest, &lines[skip..]))
        }
        [first, rest @ ..] => {
            lines.first().is_some_and(|line| glob::matches(first, line)) && are(rest, &lines[1..])
        }
    }
}

/// Whether a listing has exactly these lines, each ended by CRLF, in any order.
fn listing(found: &[u8], wanted: &[Vec<u8>]) -> Result<(), String> {
    let told = || {
        format!(
            "the listing was\n{}\nand not\n{}",
            shown(found).replace("\\r\\n", "\n"),
            joined(wanted)
        )
    };
    let text = match found {
        [] => &[],
        [text @ .., b'\r', b'\n'] => text,
        _ => return Err(told()),
    };
    let mut left: Vec<&[u8]> = if found.is_empty() { vec![] } else { split(text) };
    for pattern in wanted {
        let place = left.iter().position(|line| glob::matches(pattern, line)).ok_or_else(told)?;
        left.swap_remove(place);
    }
    if left.is_empty() { Ok(()) } else { Err(told()) }
}

fn split(text: &[u8]) -> Vec<&[u8]> {
    text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect()
}

fn joined(lines: &[Vec<u8>]) -> String {
    lines.iter().map(|line| shown(line)).collect::<Vec<_>>().join("\n")
}

fn cut(bytes: &[u8]) -> String {
    match bytes.get(..200) {
        Some(head) => format!("{}… ({} bytes)", shown(head), bytes.len()),
        None => shown(bytes),
    }
}

/// A line with its CRLF and with what only this run knows; and the port that it names, if it does.
pub fn filled(
    line: &[u8],
    (user, password, gid): (String, String, u32),
    host: IpAddr,
) -> (Vec<u8>, Option<Door>) {
    let mut line = [line, b"\r\n"].concat();
    fill(&mut line, "{user}", &user);
    fill(&mut line, "{password}", &password);
    fill(&mut line, "{gid}", &gid.to_string());
    if ![&b"{port}"[..], b"{eprt}", b"{eprt-any}"].iter().any(|name| contains(&line, name)) {
        return (line, None);
    }
    let door = Door::on(host);
    fill(&mut line, "{port}", &door.six_numbers());
    fill(&mut line, "{eprt}", &door.extended(door.address().ip()));
    let any = if door.address().is_ipv4() { "0.0.0.0" } else { "::" };
    fill(&mut line, "{eprt-any}", &door.extended(any.parse().expect("an address")));
    (line, Some(door))
}

fn contains(line: &[u8], what: &[u8]) -> bool {
    line.windows(what.len()).any(|part| part == what)
}

fn fill(line: &mut Vec<u8>, name: &str, value: &str) {
    while let Some(at) = line.windows(name.len()).position(|part| part == name.as_bytes()) {
        line.splice(at..at + name.len(), value.bytes());
    }
}

#[test]
fn lines_are_matched_in_turn() {
    let lines = |text: &str| text.lines().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>();
    assert!(are(
        &lines("211-*\n…\n SIZE\n…\n211 *"),
        &lines("211-Features:\n MDTM\n SIZE\n211 End")
    ));
    assert!(!are(&lines("211-*\n SIZE\n211 *"), &lines("211-Features:\n MDTM\n SIZE\n211 End")));
}
