//! LIST, NLST, MLSD, and the listings of MLST and STAT. Session worker; names in the tree are not trusted.
//!
//! A directory is read as it is sent, sorted in runs, never whole in memory, however many names it has.

use std::ffi::CString;

use ftp::reply::Reply;
use nix::dir::{Dir, OwningIter};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::SFlag;

use super::line::Lines;
use super::outgoing::{Outgoing, Source};
use super::{Job, carry};
use crate::verb::Target;
use crate::wire::event::Direction;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::stream::file_type;
use crate::worker::tree::is_reserved;

/// What is said of each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// LIST: a line as of `ls -l`.
    Long,
    /// NLST: what RETR would take.
    Names,
    /// MLSD.
    Facts,
}

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
        opening: "Here comes the listing.".to_owned(),
    };
    carry(session, &job, |_| Ok(Outgoing::new(listing)))
}

/// The line of MLST (RFC 3659 §7.2).
pub fn facts_of(session: &Session, target: &Target) -> Result<Vec<u8>, Failure> {
    // The space before it, which stands even where no fact does.
    let mut line = vec![b' '];
    let (lines, name) = Lines::beside(session, &target.real, Style::Facts)?;
    lines.write(name, target.path.as_bytes(), &mut line)?;
    let line = line.strip_suffix(b"\r\n").map(<[u8]>::to_vec);
    line.ok_or_else(|| Failure::new(550, "Its name can't be shown."))
}

/// The lines of STAT with a path, as many as are reasonable on a control connection.
pub fn on_control(session: &mut Session, target: &Target) -> Result<Vec<Vec<u8>>, Failure> {
    let mut listing = Listing::of(session, target, Style::Long)?;
    let mut text = vec![];
    while text.len() < CONTROL_MAX {
        let before = text.len();
        listing.produce(&mut text)?;
        if text.len() == before {
            break;
        }
    }
    let lines = text.split(|&byte| byte == b'\n');
    Ok(lines.filter_map(|line| line.strip_suffix(b"\r")).map(<[u8]>::to_vec).collect())
}

/// A listing that is being made.
struct Listing {
    lines: Lines,
    /// The line of a single file.
    single: Vec<u8>,
    names: Option<OwningIter>,
    /// Names that were read and sorted, and still have to be said.
    run: std::vec::IntoIter<CString>,
    /// Whether names that start with a dot are left out.
    no_hidden: bool,
}

impl Listing {
    fn of(session: &mut Session, target: &Target, style: Style) -> Result<Self, Failure> {
        let stat = session.tree.stat(&target.real)?;
        let is_directory = file_type(stat.st_mode) == SFlag::S_IFDIR;
        match is_directory && !target.before.contains(&b'd') {
            true => Listing::of_directory(session, target, style),
            // RFC 3659 §7.2.1
            false if style == Style::Facts => Err(Failure::new(501, "Not a directory.")),
            false => Listing::of_file(session, target, style),
        }
    }

    fn of_directory(session: &mut Session, target: &Target, style: Style) -> Result<Self, Failure> {
        let names = session.tree.open(&target.real, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        session.sweep(&target.real);
        Ok(Listing {
            lines: Lines::within(session, target, style)?,
            single: vec![],
            names: Some(Dir::from_fd(names)?.into_iter()),
            run: vec![].into_iter(),
            no_hidden: !session.settings.listing.hidden && !target.before.contains(&b'a'),
        })
    }

    fn of_file(session: &Session, target: &Target, style: Style) -> Result<Self, Failure> {
        let (lines, name) = Lines::beside(session, &target.real, style)?;
        let shown = if target.said.is_empty() { b".".as_slice() } else { &target.said };
        let mut single = vec![];
        lines.write(name, shown, &mut single)?;
        Ok(Listing { lines, single, names: None, run: vec![].into_iter(), no_hidden: false })
    }

    /// The next run of names.
    fn read(&mut self) -> Result<Vec<CString>, Failure> {
        let mut run = vec![];
        while run.len() < RUN_MAX {
            match self.names.as_mut().and_then(Iterator::next) {
                Some(entry) => run.push(entry?.file_name().to_owned()),
                None => break,
            }
        }
        run.sort_unstable();
        Ok(run)
    }

    fn shows(&self, name: &[u8]) -> bool {
        let hidden = name.starts_with(b".") && self.no_hidden;
        !matches!(name, b"." | b"..") && !is_reserved(name) && !hidden
    }
}

impl Source for Listing {
    fn produce(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        out.append(&mut self.single);
        let end = out.len() + PIECE;
        while out.len() < end {
            let Some(name) = self.run.next() else {
                self.run = self.read()?.into_iter();
                match self.run.len() {
                    0 => break,
                    _ => continue,
                }
            };
            let name = name.to_bytes();
            if self.shows(name) {
                match self.lines.write(name, name, out) {
                    // It has gone since it was read, or may not be looked at.
                    Ok(()) | Err(Errno::ENOENT | Errno::EACCES) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
        }
        Ok(())
    }
}

/// Names that are sorted together.
const RUN_MAX: usize = 65_536;
/// As much as is made before the client is listened to again.
const PIECE: usize = 64 * 1024;
const CONTROL_MAX: usize = 128 * 1024;
