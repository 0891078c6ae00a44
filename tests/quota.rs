//! Quotas, as a real file system keeps them: mounted on a site, in a mount namespace of the test's own thread.
#![cfg(test)]

mod harness;

use harness::mount::mount_tmpfs;
use harness::{Session, Site};

/// A session on a tmpfs of its own, which belongs to its user. Who this thread starts sees the mount, nobody else does.
fn on_tmpfs(site: &Site, options: &str) -> Session {
    mount_tmpfs(site, "/", options);
    let mut session = site.connect().logged_in();
    session.asks("TYPE I", "200");
    session
}

#[test]
fn where_no_quota_is_kept_all_that_is_free_is_available() {
    let site = Site::writable();
    let mut session = on_tmpfs(&site, "size=4m");
    session.asks("SITE QUOTA", "211 No quota here.");
    session.asks("AVBL", "213 4194304");
    session.puts("file", &[b'x'; 8192]);
    session.asks("AVBL", "213 4186112");
    session.quits();
}

#[test]
#[ignore = "needs a kernel with CONFIG_TMPFS_QUOTA (6.6)"]
fn a_quota_is_told_and_bounds_what_is_available() {
    let site = Site::writable();
    let limits = "size=4m,usrquota,usrquota_block_hardlimit=1m,usrquota_inode_hardlimit=10";
    let mut session = on_tmpfs(&site, limits);
    session.puts("file", &[b'x'; 8192]);
    let told = session.asks("SITE QUOTA", "211 End").text();
    assert!(told.contains("\n Bytes: 8192 used of 1048576\n"), "{told}");
    assert!(told.contains(" used of 10\n"), "{told}");
    session.asks("AVBL", "213 1040384");
    session.quits();
}
