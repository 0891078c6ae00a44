//! A real client in MODE Z: lftp compresses by itself as soon as FEAT has it. draft-preston-ftpext-deflate.
#![cfg(test)]

mod harness;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Stdio};

use harness::superserver::{Kind, SuperServer};
use harness::{Site, program};

/// It compresses to a fraction, and no two lines are the same.
fn content() -> Vec<u8> {
    (0..100_000_u32).flat_map(|n| format!("{n}: the quick brown fox\n").into_bytes()).collect()
}

fn half() -> Vec<u8> {
    let content = content();
    content[..content.len() / 2].to_vec()
}

#[test]
fn lftp_compresses_by_itself() {
    let site = Site::local()
        .set("transfer.compress", "true")
        .file("/pub/big.bin", &content())
        .file("/incoming/half.bin", &half());
    let server = SuperServer::start(Kind::Xinetd, IpAddr::V4(Ipv4Addr::LOCALHOST), &site);
    let here = here(&site);
    let said = run(&site, &server, &here);
    let trouble = format!("{said}\nthe server's log:\n{}", site.log().text());

    let listing = fs::read_to_string(here.join("listing.txt")).unwrap_or_default();
    assert!(listing.contains("big.bin"), "{trouble}");
    for name in ["got.bin", "resumed.bin", "down/big.bin"] {
        assert!(fs::read(here.join(name)).is_ok_and(|got| got == content()), "{name}\n{trouble}");
    }
    for name in ["up.bin", "half.bin", "up/deep/one.bin"] {
        let stored = site.content(&format!("/incoming/{name}"));
        assert!(stored.is_some_and(|stored| stored == content()), "{name}\n{trouble}");
    }
    for name in ["down/empty", "down/deep/er/file.txt", "down/hello.txt"] {
        let original = site.content(&name.replace("down", "/pub"));
        assert!(fs::read(here.join(name)).ok() == original, "{name}\n{trouble}");
    }
    for name in ["empty", "up/empty"] {
        let stored = site.content(&format!("/incoming/{name}"));
        assert!(stored.is_some_and(|stored| stored.is_empty()), "{name}\n{trouble}");
    }
    is_compressed(&site, &trouble);
    server.has_no_sessions();
}

/// Each transfer of a large file took far fewer octets than the file has.
fn is_compressed(site: &Site, trouble: &str) {
    let text = site.log().text();
    for event in ["download", "upload"] {
        let lines = text.lines().filter(|line| line.split(' ').nth(1) == Some(event));
        let is_large = |line: &&str| line.contains(".bin ") && !line.contains("/bytes.bin ");
        let large: Vec<u64> = lines.filter(is_large).map(octets).collect();
        assert_eq!(large.len(), 3, "{event}s\n{trouble}");
        assert!(
            large.iter().all(|&octets| octets < content().len() as u64 / 3),
            "{large:?}\n{trouble}"
        );
    }
}

fn octets(line: &str) -> u64 {
    let (_, rest) = line.split_once(" bytes=").expect("transfers tell their bytes");
    rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

/// The client's directory, with what it uploads.
fn here(site: &Site) -> std::path::PathBuf {
    let here = site.beside("client");
    fs::create_dir_all(here.join("up/deep")).expect("our own directory");
    for name in ["up.bin", "half.bin", "up/deep/one.bin"] {
        fs::write(here.join(name), content()).expect("our own directory");
    }
    fs::write(here.join("resumed.bin"), half()).expect("our own directory");
    for name in ["empty", "up/empty"] {
        fs::write(here.join(name), "").expect("our own directory");
    }
    here
}

/// What the client printed, and how it ended.
fn run(site: &Site, server: &SuperServer, here: &Path) -> String {
    program("lftp", "lftp");
    let (user, password) = site.login();
    let output = Command::new("timeout")
        .args(["--kill-after=5", "60", "sh"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/story/lftp-mode-z.sh"))
        .current_dir(here)
        .env("URL", server.host.to_string())
        .env("PORT", server.port.to_string())
        .env("FTP_USER", user)
        .env("FTP_PASSWORD", password)
        .env("DIR", "incoming")
        .stdin(Stdio::null())
        .output()
        .expect("coreutils are there");
    let [out, err] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    format!("{out}{err}({})", output.status)
}
