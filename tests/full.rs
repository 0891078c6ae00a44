//! A disk that becomes full in the middle of work: a small file system of the test's own, mounted on a part of a site, in a
//! mount namespace of the test's own thread.
#![cfg(test)]

mod harness;

use harness::Site;
use harness::mount::mount_tmpfs;

/// A site where /incoming has room for two megabytes. Who this thread starts sees it so, nobody else does.
fn site() -> Site {
    let site = Site::writable().file("/pub/one", &PART).file("/pub/two", &PART);
    mount_tmpfs(&site, "/incoming", "size=2m");
    site.keeps("/incoming/target", BEFORE);
    site
}

const BEFORE: &[u8] = b"what was there\n";
static PART: [u8; 1_500_000] = [b'x'; 1_500_000];

#[test]
fn a_target_is_as_it_was_when_its_parts_do_not_fit() {
    let site = site();
    let mut session = site.connect().logged_in();
    session.asks("COMB incoming/target pub/one pub/two", "452 *");
    assert_eq!(site.content("/incoming/target").as_deref(), Some(BEFORE));
    assert_eq!(
        site.names("/pub").iter().filter(|name| ["one", "two"].contains(&&***name)).count(),
        2
    );
    session.quits();
}

#[test]
fn a_copy_that_does_not_fit_leaves_nothing() {
    let site = site();
    let mut session = site.connect().logged_in();
    session.asks("SITE COPY pub/one incoming/one", "250 *");
    session.asks("SITE COPY pub/two incoming/two", "452 *");
    assert_eq!(site.names("/incoming"), ["one", "target"]);
    session.quits();
}

#[test]
fn an_upload_under_a_new_name_that_does_not_fit_leaves_no_empty_file() {
    let site = site();
    let mut session = site.connect().logged_in();
    session.asks("CWD incoming", "250");
    session.asks("TYPE I", "200");
    session.asks("SITE COPY /pub/one one", "250 *");
    let mut data = session.passive();
    session.asks("STOU two", "150 FILE: two");
    data.fills(&PART);
    session.hears("452");
    drop(data);
    // Of a broken upload the part is kept, as of any; what is not there is an empty one.
    let empty = |name: &String| {
        site.content(&format!("/incoming/{name}")).is_some_and(|text| text.is_empty())
    };
    assert!(!site.names("/incoming").iter().any(empty), "{:?}", site.names("/incoming"));
    session.quits();
}
