//! Virtual paths: what a client calls a file. Session worker; trusts no one.
//!
//! A path is resolved by its text alone and never leaves its root. That keeps what PWD shows sound;
//! what the kernel opens is guarded again, by the jail and by `openat2`.

use std::fmt;

/// The longest path, in bytes, and the longest component: Linux's own limits.
pub const PATH_MAX: usize = 4095;
/// See [`PATH_MAX`].
pub const NAME_MAX: usize = 255;

/// An absolute path, with neither `.`, `..`, `//` nor a slash at its end.
// The root is the one path that ends with a slash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualPath(Vec<u8>);

/// Why text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPath {
    /// No text at all.
    Empty,
    /// A NUL byte.
    Nul,
    /// More than [`PATH_MAX`] bytes, or a component of more than [`NAME_MAX`].
    TooLong,
}

impl VirtualPath {
    /// `/`.
    pub fn root() -> Self {
        Self(b"/".to_vec())
    }

    /// What `said` means in this directory. `..` above the root is the root (RFC 3659 §6).
    pub fn join(&self, said: &[u8]) -> Result<VirtualPath, BadPath> {
        check(said)?;
        let mut path = if said.starts_with(b"/") { Self::root() } else { self.clone() };
        for component in said.split(|&byte| byte == b'/') {
            path.enter(component);
        }
        if path.0.len() > PATH_MAX { Err(BadPath::TooLong) } else { Ok(path) }
    }

    /// The directory that holds it; the root holds itself.
    pub fn parent(&self) -> VirtualPath {
        let mut path = self.clone();
        path.leave();
        path
    }

    /// The last component; the root has none.
    pub fn name(&self) -> Option<&[u8]> {
        self.0.rsplit(|&byte| byte == b'/').next().filter(|name| !name.is_empty())
    }

    /// The path as it is shown.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as seen from the root: without the leading slash, `.` for the root itself.
    pub fn relative(&self) -> &[u8] {
        match self.0.strip_prefix(b"/") {
            Some([]) | None => b".",
            Some(relative) => relative,
        }
    }

    /// Whether it is `dir` or lies below it.
    pub fn starts_with(&self, dir: &VirtualPath) -> bool {
        match self.0.strip_prefix(dir.0.as_slice()) {
            Some(rest) => rest.is_empty() || rest.starts_with(b"/") || dir.name().is_none(),
            None => false,
        }
    }

    fn enter(&mut self, component: &[u8]) {
        match component {
            b"" | b"." => {}
            b".." => self.leave(),
            name => {
                if self.0 != b"/" {
                    self.0.push(b'/');
                }
                self.0.extend(name);
            }
        }
    }

    fn leave(&mut self) {
        let slash = self.0.iter().rposition(|&byte| byte == b'/');
        self.0.truncate(slash.unwrap_or_default().max(1));
    }
}

fn check(said: &[u8]) -> Result<(), BadPath> {
    if said.is_empty() {
        return Err(BadPath::Empty);
    }
    if said.len() > PATH_MAX || said.split(|&byte| byte == b'/').any(|name| name.len() > NAME_MAX) {
        return Err(BadPath::TooLong);
    }
    if said.contains(&0) { Err(BadPath::Nul) } else { Ok(()) }
}

impl fmt::Debug for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty path",
            Self::Nul => "a path with a NUL",
            Self::TooLong => "a path too long",
        })
    }
}

impl std::error::Error for BadPath {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> VirtualPath {
        VirtualPath::root().join(text.as_bytes()).unwrap()
    }

    #[test]
    fn paths_resolve_by_their_text() {
        for (dir, said, meant) in [
            ("/", "a", "/a"),
            ("/a", "b", "/a/b"),
            ("/a", "/b", "/b"),
            ("/a/b", "..", "/a"),
            ("/a", "../../..", "/"),
            ("/a", "/../../etc", "/etc"),
            ("/a", "./b//c/.", "/a/b/c"),
            ("/a", "b/", "/a/b"),
            ("/a", "//", "/"),
            ("/a", " ", "/a/ "),
            ("/a", "...", "/a/..."),
            ("/a", "..\\b", "/a/..\\b"),
            ("/a", "-rf", "/a/-rf"),
        ] {
            assert_eq!(path(dir).join(said.as_bytes()).unwrap(), path(meant), "{dir} {said}");
        }
    }

    #[test]
    fn text_that_is_no_path_is_refused() {
        let root = VirtualPath::root();
        assert_eq!(root.join(b""), Err(BadPath::Empty));
        assert_eq!(root.join(b"a\0b"), Err(BadPath::Nul));
        assert_eq!(root.join(&[b'x'; 256]), Err(BadPath::TooLong));
        assert!(root.join(&[b'x'; 255]).is_ok());
        assert_eq!(root.join(&b"x/".repeat(2048)), Err(BadPath::TooLong));
        // As said it may have 4,095 bytes, dots and all; and so may what it comes to.
        assert_eq!(root.join(&b"./".repeat(2048)), Err(BadPath::TooLong));
        assert!(root.join(&b"./".repeat(2048)[..4095]).is_ok());
        let whole = [b"/".as_slice(), &b"x/".repeat(2047)].concat();
        assert!(root.join(&whole[..4094]).is_ok());
        assert!(root.join(&[b'x'; 255]).is_ok());
    }

    #[test]
    fn a_joined_path_is_as_short_as_a_path_must_be() {
        let deep = VirtualPath::root().join(&b"x/".repeat(2000)).unwrap();
        assert_eq!(deep.join(&b"y/".repeat(60)), Err(BadPath::TooLong));
        let longest = [b"yy/".as_slice(), &b"y/".repeat(46)].concat();
        assert_eq!(deep.join(&longest).map(|path| path.as_bytes().len()), Ok(PATH_MAX));
        assert_eq!(deep.join(&b"y/".repeat(48)), Err(BadPath::TooLong));
    }

    #[test]
    fn the_root_is_its_own_parent_and_has_no_name() {
        let root = VirtualPath::root();
        assert_eq!((root.parent(), root.name(), root.relative()), (root.clone(), None, &b"."[..]));
    }

    #[test]
    fn a_path_has_a_parent_and_a_name() {
        let deep = path("/a/b");
        assert_eq!(
            (deep.parent(), deep.name(), deep.relative()),
            (path("/a"), Some(&b"b"[..]), &b"a/b"[..])
        );
        assert_eq!(path("/a").parent(), VirtualPath::root());
    }

    #[test]
    fn a_path_starts_with_whole_components() {
        for (below, dir, yes) in [
            ("/a/b", "/a", true),
            ("/a", "/a", true),
            ("/ab", "/a", false),
            ("/a", "/a/b", false),
            ("/a", "/", true),
            ("/", "/", true),
        ] {
            assert_eq!(path(below).starts_with(&path(dir)), yes, "{below} {dir}");
        }
    }

    fn said() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(b".././/ab \xFF".to_vec()), 1..40)
    }

    proptest! {
        #[test]
        fn a_join_never_leaves_the_root(dir in said(), text in said()) {
            let path = VirtualPath::root().join(&dir).unwrap().join(&text).unwrap();
            prop_assert!(path.as_bytes().starts_with(b"/"));
            let resolved = |name: &[u8]| !matches!(name, b"" | b"." | b"..");
            let mut components = path.relative().split(|&byte| byte == b'/');
            prop_assert!(path.relative() == b"." || components.all(resolved));
            prop_assert!(path.starts_with(&path.parent()));
        }

        #[test]
        fn a_join_is_idempotent(dir in said(), text in said()) {
            let path = VirtualPath::root().join(&text).unwrap();
            let dir = VirtualPath::root().join(&dir).unwrap();
            prop_assert_eq!(dir.join(path.as_bytes()).unwrap(), path);
        }

        #[test]
        fn parent_and_name_make_the_path(text in said()) {
            let path = VirtualPath::root().join(&text).unwrap();
            let again = path.name().map(|name| path.parent().join(name).unwrap());
            prop_assert_eq!(again.unwrap_or(VirtualPath::root()), path);
        }
    }
}
