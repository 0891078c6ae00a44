//! Files of the machine that a session worker can't open from its jail, read for it while it still stands outside. Root, in
//! the worker to be, before its cage; the files are root's, and are not looked into here.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::worker::machine::{Machine, UTC};

/// What these settings want.
pub(super) fn read(settings: &Settings) -> Machine {
    let listing = &settings.listing;
    let account = |path: &str| match listing.names {
        true => read_file(Path::new(path), ACCOUNTS_MAX).unwrap_or_default(),
        false => vec![],
    };
    Machine {
        zone: read_zone(&listing.time),
        passwd: account("/etc/passwd"),
        group: account("/etc/group"),
    }
}

/// The file of a time zone; the settings have checked its name.
pub fn read_zone(name: &str) -> Option<Vec<u8>> {
    let path = match name {
        UTC => return None,
        "local" => PathBuf::from("/etc/localtime"),
        name => Path::new("/usr/share/zoneinfo").join(name),
    };
    read_file(&path, ZONE_MAX).ok()
}

/// A plain file, as far as is allowed.
fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = vec![];
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The largest of them has less than four thousand bytes.
const ZONE_MAX: u64 = 64 * 1024;
/// Some twenty thousand accounts; those behind them are shown as numbers.
const ACCOUNTS_MAX: u64 = 1024 * 1024;
