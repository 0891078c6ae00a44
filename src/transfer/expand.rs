//! Patterns in LIST, NLST and STAT: which directories they mean. Session worker; the pattern is the client's, the names are
//! anyone's.
//!
//! Everything but the last name of a pattern gives a list of directories, bounded like the time that it takes to make it.
//! The last name is a filter on each of them while it is read, so a million names go through as they do without it.

use std::collections::BTreeSet;

use ftp::glob;
use ftp::path::VirtualPath;
use nix::dir::{Dir, Type};

use super::listing::unreadable;
use crate::config::Rights;
use crate::worker::failure::Failure;
use crate::worker::tree::{Last, Real, Tree, if_there, is_reserved};

/// A directory, as the server and as the client calls it.
#[derive(Debug, Clone)]
struct Place {
    path: VirtualPath,
    said: Vec<u8>,
}

/// What a pattern means.
#[derive(Debug)]
pub(super) struct Matches {
    places: std::vec::IntoIter<Place>,
    /// What a name in these directories must be like.
    pub(super) name: Vec<u8>,
}

impl Matches {
    /// What a client has asked for.
    pub(super) fn of(tree: &Tree, said: &[u8]) -> Result<Self, Failure> {
        let mut components: Vec<_> =
            said.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).collect();
        let name = components.pop().unwrap_or_default().to_vec();
        let mut places = vec![match said.starts_with(b"/") {
            true => Place { path: VirtualPath::root(), said: b"/".to_vec() },
            false => Place { path: tree.cwd.clone(), said: vec![] },
        }];
        let mut budget = NAMES_MAX;
        for component in components {
            places = match glob::is_pattern(component) {
                true => expanded(tree, &places, component, &mut budget)?,
                false => places.iter().filter_map(|place| place.entered(component)).collect(),
            };
            // Behind `..` all of them may be the same one.
            let mut seen = BTreeSet::new();
            places.retain(|place| seen.insert(place.path.clone()));
        }
        Ok(Matches { places: places.into_iter(), name })
    }

    /// The next directory that may be listed, and what the client calls it.
    pub(super) fn next(&mut self, tree: &Tree) -> Option<(Real, Vec<u8>)> {
        self.places.find_map(|place| Some((place.listable(tree)?, place.said)))
    }
}

impl Place {
    fn entered(&self, name: &[u8]) -> Option<Place> {
        let slash: &[u8] =
            if self.said.is_empty() || self.said.ends_with(b"/") { b"" } else { b"/" };
        let path = self.path.join(name).ok()?;
        Some(Place { path, said: [&self.said, slash, name].concat() })
    }

    fn listable(&self, tree: &Tree) -> Option<Real> {
        let real = tree.real(&self.path, Last::Followed).ok()?;
        tree.rights(&real).contains(Rights::LIST).then_some(real)
    }
}

/// The directories in some directories whose names are of a pattern.
fn expanded(
    tree: &Tree,
    places: &[Place],
    pattern: &[u8],
    budget: &mut usize,
) -> Result<Vec<Place>, Failure> {
    let mut found = vec![];
    for place in places {
        // One that can't be read is left out, as a shell does it.
        let Some(real) = place.listable(tree) else { continue };
        let Some(names) = read(tree, &real)? else { continue };
        let start = found.len();
        for entry in names {
            let entry = entry.map_err(unreadable)?;
            *budget = budget.checked_sub(1).ok_or_else(too_many)?;
            let name = entry.file_name().to_bytes();
            if !glob::matches(pattern, name) || matches!(name, b"." | b"..") || is_reserved(name) {
                continue;
            }
            if entry.file_type() == Some(Type::Symlink) {
                // To follow one may take thousands of calls.
                *budget = budget.checked_sub(LINK_COST).ok_or_else(too_many)?;
            }
            let inner = place.entered(name);
            found.extend(inner.filter(|inner| is_directory(tree, inner, entry.file_type())));
            if found.len() > PLACES_MAX {
                return Err(too_many());
            }
        }
        let new = found.get_mut(start..).unwrap_or_default();
        new.sort_unstable_by(|one: &Place, other| one.said.cmp(&other.said));
    }
    Ok(found)
}

fn read(tree: &Tree, real: &Real) -> Result<Option<Dir>, Failure> {
    if_there(tree.names(real)).map_err(unreadable)
}

/// A link that leads to one is one.
fn is_directory(tree: &Tree, place: &Place, said: Option<Type>) -> bool {
    match said {
        Some(Type::Directory) => true,
        Some(Type::Symlink) | None => {
            tree.real(&place.path, Last::Followed).is_ok_and(|real| tree.directory(&real).is_ok())
        }
        Some(_) => false,
    }
}

fn too_many() -> Failure {
    Failure::new(451, "This pattern matches too many directories.").because("a pattern too broad")
}

/// Directories that a pattern may mean.
const PLACES_MAX: usize = 10_000;
/// Names that may be looked at to find them.
const NAMES_MAX: usize = 1_000_000;
/// What a link costs of that.
const LINK_COST: usize = 400;
