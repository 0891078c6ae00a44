//! LIST, NLST, MLSD, and the listings of MLST and STAT. Session worker; names in the tree are not trusted.
//!
//! A directory is read as it is sent, sorted in runs, never whole in memory, however many names it has. What could
//! not be listed to its end, or was not because of a bound of ours, ends with 451 and never with 226.

use std::ffi::CString;
use std::rc::Rc;

use ftp::glob;
use ftp::options::Options;
use ftp::reply::Reply;
use nix::errno::Errno;
use nix::sys::stat::SFlag;

use super::Job;
use super::below::Below;
use super::expand::Matches;
use super::line::{Lines, is_passed_over};
use super::manner::Manner;
pub use super::manner::Style;
use super::names::{Entries, Filter, Next};
use super::outgoing::{Source, send_made};
use crate::config::Rights;
use crate::verb::Target;
use crate::wire::event::Direction;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::stream::file_type;
use crate::worker::tree::Real;

/// Sends a listing over a data connection.
pub fn run(session: &mut Session, target: Target, style: Style) -> Result<Reply, Failure> {
    let listing = Listing::of(session, &target, style)?;
    let job = Job {
        verb: match style {
            Style::Long => "LIST",
            Style::Names => "NLST",
            Style::Facts => "MLSD",
        },
        direction: Direction::Listing,
        path: target.path,
        opening: b"Here comes the listing.".to_vec(),
    };
    send_made(session, &job, listing)
}

/// The line of MLST (RFC 3659 §7.2).
pub fn facts_of(session: &Session, target: &Target) -> Result<Vec<u8>, Failure> {
    // The space before it, which stands even where no fact does.
    let mut line = vec![b' '];
    let manner = Manner::of(session, Options::default(), Style::Facts);
    let (lines, name) = Lines::beside(&manner, &target.real)?;
    lines.write(name, target.path.as_bytes(), &mut line)?;
    let line = line.strip_suffix(b"\r\n").map(<[u8]>::to_vec);
    line.ok_or_else(|| Failure::new(550, "Its name can't be shown."))
}

/// The lines of STAT with a path, as many as are reasonable on a control connection; and whether that is all.
pub fn on_control(session: &mut Session, target: &Target) -> Result<(Vec<Vec<u8>>, bool), Failure> {
    let mut listing = Listing::of(session, target, Style::Long)?;
    let mut text = vec![];
    let mut whole = false;
    // Nobody is listened to meanwhile, so the work is bounded like the text.
    for _ in 0..CONTROL_STEPS {
        let mut piece = vec![];
        listing.produce(&mut piece)?;
        whole = piece.is_empty() && !listing.busy;
        text.append(&mut piece);
        if whole || text.len() >= CONTROL_MAX {
            break;
        }
    }
    let lines = text.split(|&byte| byte == b'\n');
    Ok((lines.filter_map(|line| line.strip_suffix(b"\r")).map(<[u8]>::to_vec).collect(), whole))
}

/// A listing that is being made.
struct Listing {
    manner: Rc<Manner>,
    /// What is made already.
    made: Vec<u8>,
    opened: Option<Opened>,
    ahead: Ahead,
    /// Whether anything was said at all.
    spoken: bool,
    /// Whether names are still read that may or may not be shown.
    busy: bool,
}

/// A directory that is being listed.
struct Opened {
    entries: Entries,
    lines: Lines,
}

/// The directories after that.
enum Ahead {
    None,
    Below(Below),
    Matching(Matches),
}

impl Listing {
    fn of(session: &mut Session, target: &Target, style: Style) -> Result<Self, Failure> {
        let manner = Manner::of(session, target.options, style);
        let stat = match session.tree.stat(&target.real) {
            Err(Errno::ENOENT | Errno::ENOTDIR) if is_pattern(target, style) => {
                return Listing::of_pattern(manner, target);
            }
            stat => stat?,
        };
        let is_directory = file_type(stat.st_mode) == SFlag::S_IFDIR;
        match is_directory && !manner.options.directory {
            true => Listing::of_directory(session, manner, target),
            // RFC 3659 §7.2.1
            false if style == Style::Facts => Err(Failure::new(501, "Not a directory.")),
            false => Listing::of_file(manner, target),
        }
    }

    fn of_directory(
        session: &mut Session,
        manner: Rc<Manner>,
        target: &Target,
    ) -> Result<Self, Failure> {
        let opened = Opened::new(&manner, &target.real, &target.said, None)?;
        session.sweep(&target.real);
        let top = match target.said.as_slice() {
            b"" if manner.has_headers() => b".",
            said => said,
        };
        let ahead = match manner.options.recursive {
            true => Ahead::Below(Below::new(target.real.clone(), top)),
            false => Ahead::None,
        };
        Ok(Listing { opened: Some(opened), ahead, ..Listing::new(manner) })
    }

    fn of_file(manner: Rc<Manner>, target: &Target) -> Result<Self, Failure> {
        let (lines, name) = Lines::beside(&manner, &target.real)?;
        let mut made = vec![];
        lines.write(name, shown(target, manner.style), &mut made)?;
        Ok(Listing { made, ..Listing::new(manner) })
    }

    fn new(manner: Rc<Manner>) -> Self {
        let (opened, ahead) = (None, Ahead::None);
        Listing { manner, made: vec![], opened, ahead, spoken: false, busy: false }
    }

    /// What is of a pattern. As far as can be seen at once, one that nothing is like is refused before 150.
    fn of_pattern(manner: Rc<Manner>, target: &Target) -> Result<Self, Failure> {
        let ahead = Ahead::Matching(Matches::of(&manner.tree, &target.said)?);
        let mut listing = Listing { ahead, ..Listing::new(manner) };
        let mut made = vec![];
        for _ in 0..CONTROL_STEPS {
            listing.produce(&mut made)?;
            if !listing.busy {
                break;
            }
        }
        listing.made = made;
        Ok(listing)
    }

    /// Opens the next directory. One that can't be read is passed over; a tree is not whole then.
    fn advance(&mut self, out: &mut Vec<u8>) -> bool {
        let Listing { manner, ahead, .. } = self;
        self.opened = match ahead {
            Ahead::None => return false,
            Ahead::Below(below) => {
                let Some((real, said)) = below.next(&manner.tree) else { return false };
                let opened = Opened::below(manner, &real, &said);
                below.is_unread |= opened.is_err();
                let opened = opened.ok().flatten();
                if opened.is_some() && manner.has_headers() {
                    out.extend([b"\r\n", said.as_slice(), b":\r\n"].concat());
                }
                opened
            }
            Ahead::Matching(matches) => {
                let Some((real, said)) = matches.next(&manner.tree) else { return false };
                Opened::matching(manner, &real, &said, &matches.name)
            }
        };
        true
    }

    /// Says something of the next name.
    fn step(&mut self, opened: &mut Opened, out: &mut Vec<u8>) -> nix::Result<Next> {
        let next = opened.entries.next(&opened.lines)?;
        if let Next::Name(named) = &next {
            let name = named.name.to_bytes();
            match opened.lines.write(name, name, out) {
                Err(errno) if !is_passed_over(errno) => return Err(errno),
                _ => {}
            }
            if let (Ahead::Below(below), true) = (&mut self.ahead, named.is_directory) {
                below.add(name);
            }
        }
        Ok(next)
    }

    /// The end, and whether it is a good one.
    fn end(&self) -> Result<(), Failure> {
        match &self.ahead {
            Ahead::Below(below) if below.is_cut => Err(Failure::new(
                451,
                "Not all of it was listed: too deep, or too many directories.",
            )
            .because("a tree too deep or too large")),
            Ahead::Below(below) if below.is_unread => Err(unreadable(Errno::EACCES)),
            Ahead::Matching(_) if !self.spoken => Err(Failure::new(550, "Nothing matches.")),
            _ => Ok(()),
        }
    }
}

impl Source for Listing {
    fn produce(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.busy = false;
        out.append(&mut self.made);
        let mut directories = 0;
        while out.len() < PIECE {
            let Some(mut opened) = self.opened.take() else {
                match self.advance(out) {
                    true if directories == DIRECTORIES => {
                        self.busy = true;
                        break;
                    }
                    true => directories += 1,
                    false => break,
                }
                continue;
            };
            match self.step(&mut opened, out).map_err(unreadable)? {
                Next::Name(_) => self.opened = Some(opened),
                Next::Busy => {
                    self.opened = Some(opened);
                    self.busy = true;
                    break;
                }
                Next::End => {}
            }
        }
        self.spoken |= !out.is_empty();
        if out.is_empty() && !self.busy { self.end() } else { Ok(()) }
    }

    fn is_busy(&self) -> bool {
        self.busy
    }
}

impl Opened {
    fn new(
        manner: &Rc<Manner>,
        at: &Real,
        said: &[u8],
        pattern: Option<&[u8]>,
    ) -> nix::Result<Self> {
        let names = manner.tree.names(at)?;
        let entries = Entries::of(names, manner, Filter::of(manner, pattern));
        Ok(Opened { entries, lines: Lines::within(manner, at, said)? })
    }

    /// Nothing, for one that the session may not list, or that has gone since its name was read.
    fn below(manner: &Rc<Manner>, at: &Real, said: &[u8]) -> nix::Result<Option<Self>> {
        if !manner.tree.rights(at).contains(Rights::LIST) {
            return Ok(None);
        }
        match Opened::new(manner, at, said, None) {
            Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// What is like `name` in a directory.
    fn matching(manner: &Rc<Manner>, at: &Real, said: &[u8], name: &[u8]) -> Option<Self> {
        if glob::is_pattern(name) {
            return Opened::new(manner, at, said, Some(name)).ok();
        }
        let lines = Lines::within(manner, at, said).ok()?;
        manner.tree.child(at, name).and_then(|_| lines.stat(name).ok())?;
        Some(Opened { entries: Entries::only(CString::new(name).ok()?), lines })
    }
}

/// Whether a name that is not there may be a pattern. MLSD has none (RFC 3659 §2.2.2).
fn is_pattern(target: &Target, style: Style) -> bool {
    style != Style::Facts && glob::is_pattern(&target.said)
}

/// What a single file is called: by NLST as the client calls it, otherwise without its directory, which most clients
/// would not read a line with.
fn shown(target: &Target, style: Style) -> &[u8] {
    let said = target.said.as_slice();
    let base = || said.rsplit(|&byte| byte == b'/').find(|name| !name.is_empty());
    match style {
        _ if said.is_empty() => b".",
        Style::Names => said,
        Style::Long | Style::Facts => base().unwrap_or(b"/"),
    }
}

/// A directory that was opened, and could not be read to its end.
pub(super) fn unreadable(errno: Errno) -> Failure {
    Failure::new(451, "Not all of it could be read.").because(errno.desc())
}

/// As much as is made before the client is listened to again.
const PIECE: usize = 64 * 1024;
const CONTROL_MAX: usize = 128 * 1024;
/// Directories that are opened while nobody is listened to.
const DIRECTORIES: usize = 4;
/// Pieces that are made, or reads of a directory, while nobody is listened to.
const CONTROL_STEPS: usize = 16;
