//! What a dialogue leaves behind: every name of the site's tree with its kind, mode, time and content.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::outcome::{cut, digest};
use crate::harness::client::shown;

/// Every path below the root, and the root, with what it is.
pub fn of(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    add(root, root, &mut found);
    found
}

fn add(root: &Path, path: &Path, found: &mut BTreeMap<String, String>) {
    let below = path.strip_prefix(root).expect("it is below its root");
    found.insert(cut(&format!("/{}", shown(below.as_os_str().as_bytes()))), state(path));
    if path.is_dir() && !path.is_symlink() {
        let entries = fs::read_dir(path).expect("root may read it").flatten();
        entries.for_each(|entry| add(root, &entry.path(), found));
    }
}

fn state(path: &Path) -> String {
    let metadata = fs::symlink_metadata(path).expect("nobody else is at it");
    let mode = format!("{:03o}", metadata.permissions().mode() & 0o7777);
    if metadata.is_symlink() {
        let target = fs::read_link(path).expect("it is a link");
        return format!("link to {}", target.display());
    }
    if metadata.is_dir() {
        return format!("directory {mode}");
    }
    if !metadata.is_file() {
        return format!("special {mode}");
    }
    let bytes = fs::read(path).expect("root may read it");
    let content = if bytes.len() <= 64 { format!("`{}`", shown(&bytes)) } else { digest(&bytes) };
    format!("file {mode} {} {content}", time(metadata.modified().ok(), metadata.mtime()))
}

/// A time of its own, or that of the test.
fn time(modified: Option<SystemTime>, seconds: i64) -> String {
    let age = modified.and_then(|then| SystemTime::now().duration_since(then).ok());
    match age {
        Some(age) if age < Duration::from_secs(3600) => "now".to_owned(),
        _ => format!("@{seconds}"),
    }
}
