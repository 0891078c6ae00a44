//! MODE Z: whole transfers, both ways, and streams that are not what they should be.

use std::io::{Read, Write};
use std::thread;

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};

use crate::config::Partial;
use crate::wire::event::Outcome;
use crate::worker::testing::{Ftp, Site, site};

fn compressing() -> Site {
    site().set(|settings| {
        settings.transfer.compress = true;
        settings.transfer.partial = Partial::Discard;
    })
}

fn in_mode_z(site: Site) -> Ftp {
    let mut ftp = site.start();
    ftp.say("TYPE I", "200 ");
    ftp.say("MODE Z", "200 ");
    ftp
}

fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(vec![], Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut decoder = flate2::bufread::ZlibDecoder::new(bytes);
    let mut plain = vec![];
    decoder.read_to_end(&mut plain).unwrap();
    assert_eq!(decoder.total_in(), bytes.len() as u64);
    plain
}

/// Half of it compresses well.
fn large() -> Vec<u8> {
    (0..2_000_000u32).map(|n| if n & 1 << 16 == 0 { 7 } else { (n ^ n >> 9) as u8 }).collect()
}

#[test]
fn a_file_goes_both_ways_at_every_level() {
    let mut ftp = in_mode_z(compressing().file("f", large()));
    for level in 0..=9 {
        ftp.say(&format!("OPTS MODE Z LEVEL {level}"), "200 ");
        let sent = ftp.get("RETR f");
        assert!(inflated(&sent) == large(), "{level}");
        assert_eq!(ftp.transfer().bytes, sent.len() as u64);
        ftp.put("STOR g", &sent, "226 ");
        assert!(ftp.content("g").unwrap() == large(), "{level}");
        assert_eq!(ftp.transfer().bytes, sent.len() as u64);
    }
}

#[test]
fn offsets_count_octets_of_the_file() {
    let mut ftp = in_mode_z(compressing().file("f", "0123456789"));
    ftp.say("REST 4", "350 ");
    assert_eq!(inflated(&ftp.get("RETR f")), b"456789");
    ftp.say("REST 8", "350 ");
    ftp.put("STOR f", deflated(b"89ab"), "226 ");
    ftp.put("APPE f", deflated(b"cdef"), "226 ");
    assert_eq!(ftp.content("f").unwrap(), b"0123456789abcdef");
}

#[test]
fn text_is_converted_within_the_stream() {
    let mut ftp = in_mode_z(compressing().file("f", "a\nb\r\nc"));
    ftp.say("TYPE A", "200 ");
    assert_eq!(inflated(&ftp.get("RETR f")), b"a\r\nb\r\nc");
    ftp.put("STOR g", deflated(b"a\r\nb\rc\r"), "226 ");
    assert_eq!(ftp.content("g").unwrap(), b"a\nb\rc\r");
}

#[test]
fn listings_are_compressed() {
    let mut ftp = in_mode_z(compressing().file("f", "").dir("d"));
    for command in ["LIST", "NLST", "MLSD"] {
        let text = String::from_utf8(inflated(&ftp.get(command))).unwrap();
        assert_eq!(
            (text.matches("f\r\n").count(), text.matches("d\r\n").count()),
            (1, 1),
            "{text}"
        );
    }
    ftp.say("MODE S", "200 ");
    assert!(ftp.get_text("NLST").contains("f\r\n"));
}

#[test]
fn what_is_no_whole_stream_is_not_stored() {
    let whole = deflated(&large());
    let (last, body) = whole.split_last().unwrap();
    let dictionary = b"\x78\xbb\x00\x00\x00\x01\x03\x00\x00\x00\x00\x01";
    for (what, stream, reply) in [
        ("cut in its checksum", body.to_vec(), "426 "),
        ("cut in the middle", body[..body.len() / 2].to_vec(), "426 "),
        ("cut in its header", vec![0x78], "426 "),
        ("a wrong checksum", [body, &[last ^ 1]].concat(), "451 "),
        ("something behind it", [whole.as_slice(), b"x"].concat(), "451 "),
        ("a second one behind it", [whole.as_slice(), &whole].concat(), "451 "),
        ("no stream at all", large(), "451 "),
        ("a dictionary", dictionary.to_vec(), "451 "),
    ] {
        let mut ftp = in_mode_z(compressing().file("f", "old"));
        let mut data = ftp.passive();
        ftp.say("STOR f", "150 ");
        // It may be refused before it is whole.
        let _ = data.write_all(&stream);
        drop(data);
        ftp.expect(reply);
        let transfer = ftp.transfer();
        assert_eq!(
            (transfer.outcome, transfer.cause.is_empty()),
            (Outcome::Failed, false),
            "{what}"
        );
        assert_eq!((ftp.content("f").unwrap(), ftp.names().len()), (b"old".to_vec(), 1), "{what}");
        ftp.quit();
    }
}

#[test]
fn a_part_is_kept_unless_the_stream_was_damaged() {
    let keeping = || compressing().set(|settings| settings.transfer.partial = Partial::Keep);
    let whole = deflated(&large());
    let (last, body) = whole.split_last().unwrap();
    let mut ftp = in_mode_z(keeping());
    ftp.put("STOR f", body, "426 ");
    assert!(ftp.content("f").unwrap() == large());
    ftp.put("STOR g", [body, &[last ^ 1]].concat(), "451 ");
    assert_eq!(ftp.names(), ["f"]);
}

#[test]
fn a_bomb_is_552() {
    let mut ftp = in_mode_z(compressing());
    let mut data = ftp.passive();
    ftp.say("STOR f", "150 ");
    let _ = data.write_all(&[b"\x78\x01".to_vec(), zeros().repeat(80)].concat());
    ftp.expect("552 ");
    assert!(ftp.transfer().cause.starts_with(b"a bomb: "));
    assert!(ftp.names().is_empty());
}

#[test]
fn abor_is_answered_while_much_comes_out_of_little() {
    let mut ftp = in_mode_z(compressing());
    let mut data = ftp.passive();
    ftp.say("STOR f", "150 ");
    // A gibibyte, as dense as is allowed.
    let piece = [zeros(), stored(5_000)].concat();
    let sending = thread::spawn(move || {
        data.write_all(b"\x78\x01").unwrap();
        // It breaks when the transfer is aborted.
        (0..1024).take_while(|_| data.write_all(&piece).is_ok()).count()
    });
    while ftp.say("STAT", "211").contains(" 0 bytes") {}
    ftp.say("ABOR", "426 ");
    ftp.expect("226 ");
    assert_eq!(ftp.outcome(), Outcome::Aborted);
    assert!(sending.join().unwrap() < 1024);
    assert!(ftp.names().is_empty());
    ftp.say("NOOP", "200 ");
}

/// A mebibyte of zeros, as blocks within a stream.
fn zeros() -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(vec![], Compression::best());
    encoder.write_all(&vec![0; 1 << 20]).unwrap();
    encoder.flush().unwrap();
    encoder.get_ref().clone()
}

/// So many octets as they are, as a block within a stream (RFC 1951 §3.2.4).
fn stored(length: u16) -> Vec<u8> {
    let [low, high] = length.to_le_bytes();
    [vec![0, low, high, !low, !high], vec![b'x'; length.into()]].concat()
}
