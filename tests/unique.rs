//! STOU of many at once: every file is stored, each under a name of its own.
#![cfg(test)]

mod harness;

use std::collections::BTreeSet;

use harness::{Data, Session, Site};

/// As many as say the same name at the same time.
const SESSIONS: usize = 20;

/// All say it before any of them hears an answer; each is told a name, and there is its own file. RFC 1123 §4.1.2.9.
/// Item 72.
#[test]
fn twenty_sessions_that_wish_for_one_name_get_twenty() {
    for store in ["atomic", "in-place"] {
        let site = Site::writable().set("transfer.store", &format!("{store:?}"));
        let mut sessions: Vec<_> = (0..SESSIONS).map(|_| ready(&site)).collect();
        for (session, _) in &mut sessions {
            session.says("STOU scan");
        }
        let uploads = sessions.into_iter().zip(0..);
        let names: BTreeSet<String> =
            uploads.map(|(session, number)| stored(&site, session, number)).collect();
        let mut wanted: BTreeSet<String> = (1..SESSIONS).map(|one| format!("scan.{one}")).collect();
        wanted.insert("scan".to_owned());
        assert_eq!(names, wanted, "{store}");
        assert_eq!(site.names("/incoming").into_iter().collect::<BTreeSet<_>>(), wanted, "{store}");
    }
}

/// Where the names are to be, and with a data connection.
fn ready(site: &Site) -> (Session, Data) {
    let mut session = site.connect().logged_in();
    session.asks("CWD incoming", "250");
    let data = session.passive();
    (session, data)
}

/// The name that the file of this number got, and has.
fn stored(site: &Site, (mut session, mut data): (Session, Data), number: usize) -> String {
    let told = session.hears("150 FILE: scan*").text();
    let name = told.trim_start_matches("150 FILE: ").trim_end().to_owned();
    let content = format!("content {number}");
    data.gives(content.as_bytes());
    drop(data);
    session.hears("226");
    assert_eq!(site.content(&format!("/incoming/{name}")), Some(content.into_bytes()));
    session.quits();
    name
}
