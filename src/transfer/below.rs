//! `-R`: the directories below the one that is listed, in the order of `ls -R`. Session worker; the tree
//! is not trusted.
//!
//! A symbolic link is never entered, so there are no loops, and what is still to be listed is bounded: a tree that is deeper
//! or has more waiting directories is listed as far as that, and the listing says at its end that it is not whole.

use ftp::listing::listable;

use crate::worker::tree::{Real, Tree};

/// Where a listing is in its tree.
#[derive(Debug)]
pub(super) struct Below {
    top: Real,
    /// What the client calls it.
    said: Vec<u8>,
    /// The names from the top to the directory that is being listed.
    trail: Vec<Vec<u8>>,
    /// Directories of that one.
    found: Vec<Vec<u8>>,
    /// Directories to come, the next one last, each with its depth.
    waiting: Vec<(usize, Vec<u8>)>,
    /// What those and the found ones take.
    weight: usize,
    /// Whether something was left out.
    pub(super) is_cut: bool,
    /// Whether a directory could not be read.
    pub(super) is_unread: bool,
}

impl Below {
    /// At the top, which the client calls `said`.
    pub(super) fn new(top: Real, said: &[u8]) -> Self {
        let said = said.to_vec();
        let (trail, found, waiting) = (vec![], vec![], vec![]);
        Below { top, said, trail, found, waiting, weight: 0, is_cut: false, is_unread: false }
    }

    /// Takes note of a directory in the one that is being listed.
    pub(super) fn add(&mut self, name: &[u8]) {
        if !listable(name) {
            return;
        }
        if self.trail.len() == DEPTH_MAX || self.weight + weight(name) > WEIGHT_MAX {
            self.is_cut = true;
            return;
        }
        self.weight += weight(name);
        self.found.push(name.to_vec());
    }

    /// The next directory, and what it is called.
    pub(super) fn next(&mut self, tree: &Tree) -> Option<(Real, Vec<u8>)> {
        let depth = self.trail.len();
        self.waiting.extend(self.found.drain(..).rev().map(|name| (depth, name)));
        while let Some((depth, name)) = self.waiting.pop() {
            self.weight -= weight(&name);
            self.trail.truncate(depth);
            self.trail.push(name);
            let path = |at: Option<Real>, name: &Vec<u8>| tree.child(&at?, name);
            match self.trail.iter().fold(Some(self.top.clone()), path) {
                Some(real) => return Some((real, self.shown())),
                // Its path is too long for one.
                None => self.is_cut = true,
            }
        }
        None
    }

    fn shown(&self) -> Vec<u8> {
        self.trail.iter().fold(self.said.clone(), |mut shown, name| {
            if !shown.is_empty() && !shown.ends_with(b"/") {
                shown.push(b'/');
            }
            shown.extend(name);
            shown
        })
    }
}

fn weight(name: &[u8]) -> usize {
    name.len() + size_of::<(usize, Vec<u8>)>()
}

/// More than people make; fewer than would be felt.
const DEPTH_MAX: usize = 64;
/// What directories that wait for their turn may take, in bytes.
const WEIGHT_MAX: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use ftp::path::VirtualPath;

    use super::*;
    use crate::config::Rights;
    use crate::worker::testing::rights;
    use crate::worker::tree::Last;

    fn tree() -> (Tree, Real) {
        let root = std::fs::File::open("/").unwrap().into();
        let tree = Tree::new(root, rights(&[("/", Rights::ALL)]), VirtualPath::root());
        let top = tree.real(&VirtualPath::root(), Last::Followed).unwrap();
        (tree, top)
    }

    #[test]
    fn directories_come_in_their_order_each_before_its_neighbour() {
        let (tree, top) = tree();
        let mut below = Below::new(top, b".");
        let mut seen = vec![];
        [b"a", b"b"].iter().for_each(|name| below.add(*name));
        while let Some((real, said)) = below.next(&tree) {
            if said.len() < 6 {
                [b"x", b"y"].iter().for_each(|name| below.add(*name));
            }
            assert_eq!(said.strip_prefix(b"."), Some(real.path().as_bytes()));
            seen.push(String::from_utf8(said).unwrap());
        }
        let below_a = ["./a", "./a/x", "./a/x/x", "./a/x/y", "./a/y", "./a/y/x", "./a/y/y"];
        assert_eq!(seen[..7], below_a);
        assert_eq!((seen.len(), below.weight, below.is_cut), (14, 0, false));
    }

    #[test]
    fn what_waits_is_bounded() {
        let (tree, top) = tree();
        let mut below = Below::new(top, b"/");
        for number in 0..100_000 {
            below.add(format!("{number:0200}").as_bytes());
        }
        assert!(below.is_cut && below.weight <= WEIGHT_MAX && !below.found.is_empty());
        assert!(below.next(&tree).unwrap().1.starts_with(b"/000"));
    }

    #[test]
    fn a_path_too_long_is_left_out() {
        let (tree, top) = tree();
        let mut below = Below::new(top, b"");
        for _ in 0..20 {
            below.add(&[b'd'; 255]);
            if below.next(&tree).is_none() {
                break;
            }
        }
        assert!(below.is_cut && below.trail.len() < 20);
    }
}
