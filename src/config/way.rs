//! The way to a file: each directory that a name is looked up in, each link that is followed.
//!
//! Run by whoever loads the configuration, for files that decide what is done or who is believed. Where root and the one who runs
//! this are the only ones who may write on the way, nobody can change it meanwhile either.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf, absolute};

use nix::errno::Errno;
use nix::unistd::Uid;

use super::trusted::{Unread, WRITABLE, distrust as distrust_entry};

/// Refuses a way on which others than root and `own` could put something else.
pub(super) fn distrust(path: &Path, own: Uid) -> Result<(), Unread> {
    let mut here = PathBuf::from("/");
    let mut left = names(&absolute(path)?);
    let mut links = 0;
    while let Some(name) = left.pop() {
        if name == ".." {
            here.pop();
            continue;
        }
        let is_shared = is_shared(&here, own).map_err(|cause| reached(&here, cause))?;
        let next = here.join(&name);
        let facts = next.symlink_metadata()?;
        if !facts.is_symlink() {
            here = next;
            continue;
        }
        // The modes of links mean nothing.
        if is_shared && let Err(cause) = distrust_entry(&facts, 0, own) {
            return Err(reached(&next, cause));
        }
        links += 1;
        if links > LINKS_MAX {
            return Err(io::Error::from(Errno::ELOOP).into());
        }
        let target = next.read_link()?;
        if target.is_absolute() {
            here = PathBuf::from("/");
        }
        left.extend(names(&target));
    }
    Ok(())
}

/// Whether anybody may put names into a directory, though (sticky) nobody may take another's out.
fn is_shared(directory: &Path, own: Uid) -> Result<bool, Unread> {
    let facts = directory.metadata()?;
    let is_sticky = facts.mode() & STICKY != 0;
    distrust_entry(&facts, if is_sticky { 0 } else { WRITABLE }, own)?;
    Ok(is_sticky)
}

fn reached(place: &Path, cause: Unread) -> Unread {
    Unread::Reached(place.to_owned(), Box::new(cause))
}

/// The names of a path, the last first.
fn names(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(_) | Component::ParentDir => Some(component.as_os_str().to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    names.rev().collect()
}

/// As many as the kernel follows.
const LINKS_MAX: u32 = 40;
const STICKY: u32 = 0o1000;

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt, lchown, symlink};

    use nix::unistd::getuid;

    use super::*;

    /// `live/file` is a link to `../archive/file`, as certificate tools lay it.
    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Tree {
            let tree = Tree(tempfile::tempdir().unwrap());
            for directory in ["live", "archive"] {
                create_dir_all(tree.at(directory)).unwrap();
                tree.mode(directory, 0o700);
            }
            write(tree.at("archive/file"), "text").unwrap();
            symlink("../archive/file", tree.at("live/file")).unwrap();
            tree
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn mode(&self, name: &str, mode: u32) {
            set_permissions(self.at(name), PermissionsExt::from_mode(mode)).unwrap();
        }

        /// What is said of a way, with the tree's own place left out.
        fn said(&self, name: &str) -> String {
            let said = distrust(&self.at(name), getuid()).err().map(|unread| unread.to_string());
            said.unwrap_or_default().replace(&self.0.path().display().to_string(), "")
        }
    }

    #[test]
    fn all_directories_on_the_way_count() {
        let told = |place: &str, mode: u32| {
            format!(
                "is reached through {place}, which may be written by group or others (mode {mode:o})"
            )
        };
        for (directory, mode, expected) in [
            ("live", 0o710, String::new()),
            ("live", 0o755, String::new()),
            ("live", 0o1777, String::new()),
            ("live", 0o775, told("/live", 0o775)),
            ("live", 0o757, told("/live", 0o757)),
            ("archive", 0o2770, told("/archive", 0o2770)),
            ("", 0o777, told("", 0o777)),
        ] {
            let tree = Tree::new();
            tree.mode(directory, mode);
            assert_eq!(tree.said("live/file"), expected, "{directory} {mode:o}");
            assert_eq!(tree.said("archive/../live/./file"), expected, "{directory} {mode:o}");
        }
    }

    #[test]
    fn who_has_a_directory_or_a_link_counts() {
        assert!(getuid().is_root(), "files are given away here");
        for (name, mode, expected) in [
            ("live", 0o755, "is reached through /live, which belongs to uid 12345"),
            ("archive", 0o755, "is reached through /archive, which belongs to uid 12345"),
            // Only who may write the directory can replace it, and that is root.
            ("live/file", 0o755, ""),
            ("live/file", 0o1777, "is reached through /live/file, which belongs to uid 12345"),
        ] {
            let tree = Tree::new();
            lchown(tree.at(name), Some(12_345), None).unwrap();
            tree.mode("live", mode);
            assert_eq!(tree.said("live/file"), expected, "{name} {mode:o}");
        }
    }

    #[test]
    fn ways_that_lead_nowhere_end() {
        let tree = Tree::new();
        symlink("loop", tree.at("loop")).unwrap();
        assert!(tree.said("loop").contains("Too many levels of symbolic links"));
        assert!(tree.said("live/none").contains("No such file"));
        assert!(tree.said("archive/file/x").contains("Not a directory"));
    }
}
