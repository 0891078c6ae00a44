//! Uploads that somebody on the way cuts off, at every place that matters: no strict server calls one whole, and an older file
//! survives it.
#![cfg(test)]

mod harness;

use std::fs;
use std::io::Write;

use harness::{Data, PATIENCE, Session, Site, Tls};

/// Two full records and a small one.
const CONTENT: usize = 2 * RECORD + 100;
/// What a record holds at most (RFC 8446 §5.1).
const RECORD: usize = 16_384;

fn content() -> Vec<u8> {
    (0u8..=250).cycle().take(CONTENT).collect()
}

/// How the connection ends behind what was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
}

/// What was let through of the records of an upload.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Whole records.
    records: usize,
    /// Bytes of the next one.
    more: usize,
}

impl Cut {
    /// None of them, one, … all; and of each the first byte alone, its header, one byte more, half of it, all but a byte.
    fn all(records: &[Vec<u8>]) -> Vec<Cut> {
        let inside = |(index, record): (usize, &Vec<u8>)| {
            let length = record.len();
            let cuts = [0, 1, 5, 6, length / 2, length - 1];
            cuts.map(|more| Cut { records: index, more })
        };
        records.iter().enumerate().flat_map(inside).collect()
    }

    /// The bytes that are on the wire.
    fn wire(self, records: &[Vec<u8>]) -> Vec<u8> {
        let mut wire = records[..self.records].concat();
        if let Some(next) = records.get(self.records) {
            wire.extend(&next[..self.more]);
        }
        wire
    }

    /// What whole records tell.
    fn content(self) -> Vec<u8> {
        content()[..CONTENT.min(self.records * RECORD)].to_vec()
    }
}

/// A session in which an upload has begun, and its data connection.
#[track_caller]
fn begins(site: &Site, tls: &Tls) -> (Session, Data) {
    let mut session = site.connect().protected(tls);
    session.asks("TYPE I", "200");
    let mut data = session.passive();
    session.asks("STOR incoming/f", "150");
    data.shakes_hands().unwrap();
    (session, data)
}

/// Every cut of an upload with its reply; what is left of the file.
#[track_caller]
fn cuts(end: End, strict: bool, expected: impl Fn(Cut) -> (String, Vec<u8>)) {
    let site = Site::writable().with_tls().set("tls.strict_close", &strict.to_string());
    for tls in [Tls::new(), Tls::old()] {
        // As many as any upload of this content has, and as long.
        let records = whole(&site, &tls);
        assert_eq!(records.len(), 4, "three of data, and close_notify");
        for cut in Cut::all(&records) {
            site.keeps("/incoming/f", b"older");
            let (mut session, mut data) = begins(&site, &tls);
            let wire = cut.wire(&data.seals(&content()));
            data.waiting(PATIENCE).write_all(&wire).unwrap();
            match end {
                End::Closed => drop(data),
                End::Reset => data.resets(),
            }
            let (reply, left) = expected(cut);
            println!("{cut:?} {end:?}, strict: {strict}");
            session.hears(&reply);
            assert!(site.content("/incoming/f").unwrap() == left, "{cut:?} {end:?}");
            assert_eq!(fs::read_dir(site.path("/incoming")).unwrap().count(), 1, "{cut:?}");
            session.quits();
        }
    }
    assert_eq!(site.log().faults(), Vec::<String>::new());
}

/// The records of an upload that nobody cuts off.
#[track_caller]
fn whole(site: &Site, tls: &Tls) -> Vec<Vec<u8>> {
    let (mut session, mut data) = begins(site, tls);
    let records = data.seals(&content());
    data.waiting(PATIENCE).write_all(&records.concat()).unwrap();
    drop(data);
    session.hears("226 Transfer complete.");
    assert!(site.content("/incoming/f").unwrap() == content());
    session.quits();
    records
}

/// What whoever is not served hears of a connection that was closed there: no client stops inside a record.
fn refusal(cut: Cut) -> String {
    match cut.more {
        0 => "426 TLS was not closed*",
        _ => "426 Data connection lost*",
    }
    .to_owned()
}

#[test]
fn a_strict_server_takes_no_upload_without_its_end() {
    cuts(End::Closed, true, |cut| (refusal(cut), b"older".to_vec()));
}

/// Clients that never close TLS are many: what came is told by its count. But none of them stops inside a record.
#[test]
fn a_forgiving_server_tells_how_much_has_come() {
    cuts(End::Closed, false, |cut| match cut.more {
        0 => {
            let content = cut.content();
            (format!("226 {} bytes, and TLS was not closed*", content.len()), content)
        }
        _ => (refusal(cut), b"older".to_vec()),
    });
}

#[test]
fn an_upload_that_was_reset_is_never_whole() {
    for strict in [false, true] {
        cuts(End::Reset, strict, |_| ("426".to_owned(), b"older".to_vec()));
    }
}
