//! The user's file tree, below one directory descriptor. Session worker, as the user, in the jail; trusts neither
//! the names that the client says nor the links that are in the tree.
//!
//! A path is made real first, symbolic links resolved by hand; rights are decided on the real path, and it is
//! opened with links forbidden. So a link that is swapped in between leads to an error, not elsewhere.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use ftp::path::VirtualPath;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::sys::stat::{FileStat, SFlag, fstat};

use super::failure::Failure;
use super::stream::file_type;
use crate::config::{Rights, RightsTable};

/// What may be touched, and where we are in it.
#[derive(Debug, Clone)]
pub struct Tree {
    root: Rc<OwnedFd>,
    rights: RightsTable,
    /// The working directory, as the client sees it: CDUP goes where PWD says (RFC 3659 §6).
    pub cwd: VirtualPath,
}

/// A path on which there was no symbolic link, but perhaps as its last name. Made by [`Tree`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Real(VirtualPath);

/// What becomes of a symbolic link that is the last name of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// The file that it leads to is meant.
    Followed,
    /// The link is meant.
    Itself,
    /// The file that it leads to is meant; the link, if there is none.
    FollowedIfThere,
}

impl Real {
    /// The path from the root of the jail.
    pub fn path(&self) -> &VirtualPath {
        &self.0
    }

    /// Its last name; the root has none, and can't be made, renamed or removed.
    pub fn name(&self) -> Result<&[u8], Errno> {
        self.0.name().ok_or(Errno::EINVAL)
    }
}

impl Tree {
    /// The tree below `root`.
    pub fn new(root: OwnedFd, rights: RightsTable, cwd: VirtualPath) -> Self {
        Tree { root: Rc::new(root), rights, cwd }
    }

    /// Where a path really leads; the last name need not exist.
    pub fn real(&self, path: &VirtualPath, last: Last) -> Result<Real, Failure> {
        refuse_reserved(path)?;
        let flags = match last {
            Last::Followed => OFlag::O_PATH,
            Last::Itself => OFlag::O_PATH | OFlag::O_NOFOLLOW,
            Last::FollowedIfThere => {
                let followed = self.real(path, Last::Followed).ok();
                let there = followed.filter(|real| self.stat(real).is_ok());
                return there.map_or_else(|| self.real(path, Last::Itself), Ok);
            }
        };
        let real = Real(path.clone());
        // Most paths have no link on them, and the kernel says so in one call.
        if self.open(&real, flags).is_ok() {
            return Ok(real);
        }
        let real = Real(self.walk(path, last)?);
        refuse_reserved(real.path())?;
        Ok(real)
    }

    /// What the session may do there.
    pub fn rights(&self, at: &Real) -> Rights {
        self.rights.at(at.path().as_bytes())
    }

    /// What the session may do where.
    pub fn rights_table(&self) -> &RightsTable {
        &self.rights
    }

    /// Whether the configuration names this directory or one below it: then it must keep its name.
    pub fn is_named(&self, at: &Real) -> bool {
        let named =
            |dir: &[u8]| VirtualPath::root().join(dir).is_ok_and(|dir| dir.starts_with(at.path()));
        self.rights.named_directories().any(named)
    }

    /// Opens what is there, never blocking on it and never following a link.
    pub fn open(&self, at: &Real, flags: OFlag) -> nix::Result<OwnedFd> {
        // openat2 takes few flags beside O_PATH.
        let flags = match flags.contains(OFlag::O_PATH) {
            true => flags,
            false => flags | OFlag::O_NOCTTY | OFlag::O_NONBLOCK,
        };
        let resolve = ResolveFlag::RESOLVE_IN_ROOT
            | ResolveFlag::RESOLVE_NO_MAGICLINKS
            | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve);
        openat2(&*self.root, at.path().relative(), how)
    }

    /// Opens a directory, to make calls on names in it.
    pub fn directory(&self, at: &Real) -> nix::Result<OwnedFd> {
        self.open(at, OFlag::O_PATH | OFlag::O_DIRECTORY)
    }

    /// Opens a directory, to read the names in it.
    pub fn names(&self, at: &Real) -> nix::Result<Dir> {
        Dir::from_fd(self.open(at, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?)
    }

    /// Opens the directory that holds a name.
    pub fn parent(&self, at: &Real) -> nix::Result<OwnedFd> {
        self.directory(&Real(at.path().parent()))
    }

    /// The directory that holds a name, as a path.
    pub fn parent_of(&self, at: &Real) -> Real {
        Real(at.path().parent())
    }

    /// A name in a directory; none for one that no directory can have, or that is reserved.
    pub fn child(&self, directory: &Real, name: &[u8]) -> Option<Real> {
        let is_name = !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/');
        let path = directory.path().join(name).ok()?;
        (is_name && !is_reserved(name)).then_some(Real(path))
    }

    /// The attributes of what is there, a link's own if it is one.
    pub fn stat(&self, at: &Real) -> nix::Result<FileStat> {
        fstat(self.open(at, OFlag::O_PATH | OFlag::O_NOFOLLOW)?)
    }

    /// Opens a plain file. Anything else is refused before it is opened, which would mean something to a FIFO's
    /// other end or to a device; and once more after.
    pub fn open_file(&self, at: &Real, flags: OFlag) -> Result<(OwnedFd, FileStat), Failure> {
        require_plain(&self.stat(at)?)?;
        let file = self.open(at, flags)?;
        let stat = fstat(&file)?;
        require_plain(&stat)?;
        Ok((file, stat))
    }

    fn walk(&self, path: &VirtualPath, last: Last) -> Result<VirtualPath, Failure> {
        let mut done = VirtualPath::root();
        let mut ahead = names(path.as_bytes());
        let (mut links, mut steps) = (0, 0);
        while let Some(name) = ahead.pop() {
            steps += 1;
            if steps > STEPS_MAX {
                return Err(Errno::ELOOP.into());
            }
            let next = done.join(&name)?;
            let followed = !ahead.is_empty() || last == Last::Followed;
            done = match readlinkat(self.root.as_fd(), next.relative()) {
                Ok(_) if links == LINKS_MAX => return Err(Errno::ELOOP.into()),
                Ok(target) if followed => {
                    links += 1;
                    ahead.extend(names(target.as_bytes()));
                    if target.as_bytes().starts_with(b"/") { VirtualPath::root() } else { done }
                }
                // Not a link, or not there: whoever opens it will find out.
                _ => next,
            };
        }
        Ok(done)
    }
}

/// Nothing, where a directory has gone since its name was read, has become something else, or is not the user's to read.
pub fn if_there<T>(opened: nix::Result<T>) -> nix::Result<Option<T>> {
    match opened {
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES | Errno::ELOOP) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Says 550 of what is no plain file.
pub fn require_plain(stat: &FileStat) -> Result<(), Failure> {
    match file_type(stat.st_mode) {
        SFlag::S_IFREG => Ok(()),
        _ => Err(Failure::new(550, "Not a plain file.")),
    }
}

/// Whether a name is one of ours: a live or abandoned upload.
pub fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(RESERVED)
}

fn refuse_reserved(path: &VirtualPath) -> Result<(), Failure> {
    match path.as_bytes().split(|&byte| byte == b'/').any(is_reserved) {
        true => Err(Failure::new(550, "This name is reserved.").because("a reserved name")),
        false => Ok(()),
    }
}

/// The names on a path, the first one last.
fn names(path: &[u8]) -> Vec<Vec<u8>> {
    let is_name = |name: &&[u8]| !matches!(*name, b"" | b".");
    let names = path.split(|&byte| byte == b'/').filter(is_name);
    names.rev().map(<[u8]>::to_vec).collect()
}

/// What hidden names of ours begin with.
pub const RESERVED: &[u8] = b".cellftpd.";
/// As many as the kernel follows on one path.
const LINKS_MAX: u32 = 40;
/// Names on one path and on all links of it: a link may have two thousand, and each costs a call.
const STEPS_MAX: u32 = 4096;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;
    use crate::worker::testing::rights;

    fn tree(dir: &tempfile::TempDir) -> Tree {
        let root = std::fs::File::open(dir.path()).unwrap().into();
        Tree::new(root, rights(&[("/", Rights::ALL)]), VirtualPath::root())
    }

    fn real(tree: &Tree, path: &str, last: Last) -> String {
        let path = tree.cwd.join(path.as_bytes()).unwrap();
        let real = tree.real(&path, last).unwrap();
        String::from_utf8(real.path().as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn links_are_resolved_within_the_root() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        symlink("../../..", dir.path().join("a/b/up")).unwrap();
        symlink("/a", dir.path().join("abs")).unwrap();
        symlink("b/missing", dir.path().join("a/dangling")).unwrap();
        let tree = tree(&dir);
        assert_eq!(real(&tree, "/abs/b", Last::Followed), "/a/b");
        assert_eq!(real(&tree, "/a/b/up/abs", Last::Followed), "/a");
        assert_eq!(real(&tree, "/abs", Last::Itself), "/abs");
        assert_eq!(real(&tree, "/abs/b/up", Last::Itself), "/a/b/up");
        assert_eq!(real(&tree, "/abs/dangling", Last::Followed), "/a/b/missing");
        assert_eq!(real(&tree, "/none/x", Last::Followed), "/none/x");
    }

    #[test]
    fn a_loop_of_links_ends() {
        let dir = tempfile::tempdir().unwrap();
        symlink("y", dir.path().join("x")).unwrap();
        symlink("x", dir.path().join("y")).unwrap();
        let tree = tree(&dir);
        let path = tree.cwd.join(b"x").unwrap();
        assert!(matches!(tree.real(&path, Last::Followed), Err(Failure::Refused(_))));
    }

    #[test]
    fn reserved_names_are_refused_through_links_too() {
        let dir = tempfile::tempdir().unwrap();
        symlink(".cellftpd.1", dir.path().join("innocent")).unwrap();
        let tree = tree(&dir);
        for name in ["innocent", ".cellftpd.1", "a/.cellftpd./b"] {
            let path = tree.cwd.join(name.as_bytes()).unwrap();
            assert!(tree.real(&path, Last::Followed).is_err(), "{name}");
        }
    }

    #[test]
    fn a_child_is_a_name_and_not_a_path() {
        let dir = tempfile::tempdir().unwrap();
        let tree = tree(&dir);
        let top = tree.real(&tree.cwd, Last::Followed).unwrap();
        assert!(tree.child(&top, b"a b").is_some());
        for name in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0", b".cellftpd.1", &[b'x'; 256]] {
            assert!(tree.child(&top, name).is_none(), "{}", name.escape_ascii());
        }
    }

    /// Names that meet often, and what leads up, down and out.
    fn path() -> impl Strategy<Value = String> {
        let component = prop::sample::select(vec!["a", "b", "c", "..", "..", ".", "jail", "etc"]);
        let components = prop::collection::vec(component, 1..6);
        (any::<bool>(), components)
            .prop_map(|(rooted, names)| if rooted { "/" } else { "" }.to_owned() + &names.join("/"))
    }

    /// Where in the tree something is made, and the link that it is; a directory otherwise.
    fn thing() -> impl Strategy<Value = (String, Option<String>)> {
        let inside = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4);
        (inside.prop_map(|names| names.join("/")), prop::option::of(path()))
    }

    proptest! {
        #[test]
        fn nothing_outside_is_ever_opened(
            things in prop::collection::vec(thing(), 0..12),
            paths in prop::collection::vec(path(), 1..12),
        ) {
            let dir = tempfile::tempdir().unwrap();
            // What a way out would find there.
            std::fs::create_dir_all(dir.path().join("jail/a")).unwrap();
            std::fs::create_dir_all(dir.path().join("a/b/c")).unwrap();
            let jail = dir.path().join("jail").canonicalize().unwrap();
            for (at, link) in &things {
                // One that is in the way of another is no matter.
                let _ = match link {
                    Some(target) => symlink(target, jail.join(at)),
                    None => std::fs::create_dir_all(jail.join(at)),
                };
            }
            let root = std::fs::File::open(&jail).unwrap().into();
            let tree = Tree::new(root, rights(&[("/", Rights::ALL)]), VirtualPath::root());
            for (path, last) in paths.iter().flat_map(|path| [(path, Last::Followed), (path, Last::Itself)]) {
                let Ok(real) = tree.real(&tree.cwd.join(path.as_bytes()).unwrap(), last) else { continue };
                let Ok(opened) = tree.open(&real, OFlag::O_PATH | OFlag::O_NOFOLLOW) else { continue };
                let shown = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&opened));
                let place = std::fs::read_link(shown).unwrap();
                prop_assert!(place.starts_with(&jail), "{path} opens {}", place.display());
                let own = jail.join(std::str::from_utf8(real.path().relative()).unwrap());
                prop_assert_eq!(own.components().as_path().strip_prefix(&jail).ok(), place.strip_prefix(&jail).ok());
            }
        }
    }
}
