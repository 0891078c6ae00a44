//! How a listing is written: what holds for all of its lines. Session worker, for one command.

use std::rc::Rc;
use std::time::SystemTime;

use ftp::listing::Facts;
use ftp::options::Options;

use super::perm::Identity;
use crate::worker::names::Names;
use crate::worker::session::Session;
use crate::worker::tree::Tree;
use crate::worker::zone::Zone;

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

/// What was asked for, and what it takes to answer.
#[derive(Debug)]
pub(super) struct Manner {
    pub(super) style: Style,
    pub(super) options: Options,
    /// Whether names that begin with a dot are shown.
    pub(super) hidden: bool,
    /// Whether a name has its directory before it, as the client said that (RFC 1123 §4.1.2.7).
    pub(super) prefixed: bool,
    pub(super) tree: Tree,
    pub(super) facts: Facts,
    pub(super) identity: Identity,
    pub(super) names: Rc<Names>,
    pub(super) zone: Rc<Zone>,
    pub(super) now: i64,
}

impl Manner {
    /// For a verb of this style.
    pub(super) fn of(session: &Session, options: Options, style: Style) -> Rc<Self> {
        Rc::new(Manner {
            style: match style {
                Style::Long if options.names && !options.long => Style::Names,
                Style::Names if options.long => Style::Long,
                style => style,
            },
            options,
            hidden: session.settings.listing.hidden || options.all,
            prefixed: style == Style::Names,
            tree: session.tree.clone(),
            facts: session.facts,
            identity: Identity::own(),
            names: session.names.clone(),
            zone: session.zone.clone(),
            now: now(),
        })
    }

    /// Whether each directory of a tree is announced by a line. Among names for RETR that would be one more name.
    pub(super) fn has_headers(&self) -> bool {
        !(self.prefixed && self.style == Style::Names)
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().cast_signed())
}
