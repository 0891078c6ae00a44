//! Real clients, as many as there are, against the server under a super-server: list, get, put, resume both ways,
//! rename, delete, make directories, set times, abort, with awkward names, compared byte for byte.
#![cfg(test)]

mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use harness::Site;
use harness::realclient::{self, ANY, Client};
use harness::superserver::{Kind, SuperServer};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

#[test]
fn every_client_over_ipv4() {
    realclient::all_succeed(Kind::Systemd, V4, Site::local(), chosen);
}

#[test]
fn every_client_over_ipv6() {
    realclient::all_succeed(Kind::Systemd, V6, Site::local(), chosen);
}

/// `CLIENT=prefix` runs those alone whose name begins so, and shows what they print.
fn chosen(client: &Client) -> bool {
    let wanted = std::env::var("CLIENT").unwrap_or_default();
    client.name.starts_with(&wanted)
}

#[test]
fn rclone_takes_every_name() {
    let site = Site::local();
    let here = site.beside("rclone");
    // rclone writes some names otherwise, and takes what is so written for its own: these it can't have from others.
    let served = names_for_rclone().filter(|name| !name.ends_with(' ') && !is_quoted(name));
    let site = site.prepared(|root| fill(&root.join("incoming/served"), served));
    fill(&here.join("here"), names_for_rclone());
    let server = SuperServer::start(Kind::Systemd, V4, &site);
    realclient::story("rclone", &here, &site, &server);
    same(&tree(&here.join("back")), &tree(&here.join("here")));
    same(&tree(&here.join("served")), &tree(&site.path("incoming/served")));
    assert_eq!(fs::read(here.join("moved.bin")).unwrap(), ANY.as_bytes());
    assert_eq!(tree(&site.path("incoming/into")).len(), 0);
    assert!(!site.path("incoming/there").exists());
}

#[test]
fn lftp_mirrors_every_name_both_ways() {
    let site = Site::local();
    let here = site.beside("lftp");
    let site = site.prepared(|root| fill(&root.join("incoming/served"), awkward_names()));
    fill(&here.join("here"), awkward_names());
    let server = SuperServer::start(Kind::Systemd, V4, &site);
    realclient::story("lftp", &here, &site, &server);
    same(&tree(&here.join("served")), &tree(&site.path("incoming/served")));
    same(&tree(&site.path("incoming/there")), &tree(&here.join("here")));
    same(&tree(&here.join("back")), &tree(&here.join("here")));
}

#[test]
fn curl_makes_directories_of_every_name() {
    let site = Site::local();
    let here = site.beside("curl");
    let paths = awkward_names().into_iter().map(|name| format!("{name}/{name}/{name}"));
    let paths: BTreeSet<String> = paths.collect();
    let encoded = paths.iter().map(|path| {
        let parts: Vec<_> = path.split('/').map(realclient::percent).collect();
        parts.join("/")
    });
    fs::create_dir(&here).unwrap();
    fs::write(here.join("up.bin"), "up\n").unwrap();
    fs::write(here.join("paths"), encoded.collect::<Vec<_>>().join("\n") + "\n").unwrap();
    let server = SuperServer::start(Kind::Systemd, V4, &site);
    realclient::story("curl", &here, &site, &server);
    let there = tree(&site.path("incoming")).into_iter().map(|(path, (bytes, _))| (path, bytes));
    let uploaded = paths.into_iter().map(|path| (PathBuf::from(path), b"up\n".to_vec()));
    same(&there.collect(), &uploaded.collect());
}

/// Every printable ASCII character but `/` at the beginning, in the middle, at the end and alone; and what listings,
/// shells and URLs are known to trip over.
fn awkward_names() -> BTreeSet<String> {
    let characters = (b' '..=b'~').map(char::from).filter(|one| *one != '/');
    let names = characters.flat_map(|one| {
        [format!("{one}"), format!("{one}x"), format!("x{one}x"), format!("x{one}")]
    });
    let others = [
        ANY,
        "two  blanks",
        " -> ",
        "a -> b",
        "total 1",
        "-rf",
        "--help",
        "...",
        "%41",
        "&amp;",
        "\\x41",
        "type=file;size=1; x",
        // Composed and not: two names.
        "\u{e9}",
        "e\u{301}",
        "\u{65e5}\u{672c}\u{8a9e}",
        "\u{1f468}\u{200d}\u{1f469}",
        "\u{202e}right to left",
        "\u{a0}",
        "\u{ad}",
        "\u{2028}",
        "\u{feff}",
        "\u{fffd}",
        "\u{10ffff}",
        // What rclone writes instead of characters that it does not write, and the mark before those.
        "\u{2420}",
        "\u{ff0e}",
        "\u{ff0f}",
        "\u{201b}",
        "\u{201b}\u{2420}",
    ];
    let longest = "n".repeat(255);
    let names = names.chain(others.map(str::to_owned)).chain([longest]);
    names.filter(|name| name != "." && name != "..").collect()
}

/// rclone holds two names that look the same for one, and can't open its own mark on a local disk.
fn names_for_rclone() -> impl Iterator<Item = String> {
    awkward_names().into_iter().filter(|name| !name.contains(['\u{301}', '\u{201b}']))
}

/// Whether rclone would take it for another name that it has written so.
fn is_quoted(name: &str) -> bool {
    name.contains(['\u{2420}', '\u{ff0e}', '\u{ff0f}'])
}

/// Makes files of these names, all of different times and each with its name in it; and a directory with one more.
fn fill(directory: &Path, names: impl IntoIterator<Item = String>) {
    fs::create_dir_all(directory.join(ANY.to_uppercase())).unwrap();
    let nested = format!("{}/{ANY}", ANY.to_uppercase());
    for (number, name) in names.into_iter().chain([nested]).enumerate() {
        let path = directory.join(&name);
        fs::write(&path, &name).unwrap();
        let time =
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + 100_001 * number as u64);
        fs::File::open(&path).unwrap().set_modified(time).unwrap();
    }
}

type Tree<T> = BTreeMap<PathBuf, T>;

/// Fails with all differences.
#[track_caller]
fn same<T: PartialEq + std::fmt::Debug>(found: &Tree<T>, expected: &Tree<T>) {
    let names: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let differ = names.into_iter().filter(|name| found.get(*name) != expected.get(*name));
    let differ =
        differ.map(|name| format!("{name:?}: {:?}, not {:?}", found.get(name), expected.get(name)));
    let differ: Vec<_> = differ.collect();
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}

/// All files below a directory, with content and time.
fn tree(directory: &Path) -> Tree<(Vec<u8>, SystemTime)> {
    let mut files = BTreeMap::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(inner) = directories.pop() {
        for entry in fs::read_dir(directory.join(&inner)).unwrap().flatten() {
            let name = inner.join(entry.file_name());
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                directories.push(name);
            } else {
                files.insert(name, (fs::read(entry.path()).unwrap(), metadata.modified().unwrap()));
            }
        }
    }
    files
}
