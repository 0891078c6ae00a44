//! Whole transfers, both ways, and every way in which they end early.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use crate::config::{Durability, Partial, Rights, Store};
use crate::wire::event::{Direction, End, Outcome};
use crate::wire::session::Ask;
use crate::worker::testing::{Ftp, site};

/// More than socket buffers hold, and no pattern that hides a shift.
fn large() -> Vec<u8> {
    (0..8_000_000u32).map(|n| (n ^ n >> 9 ^ n >> 17) as u8).collect()
}

fn binary(mut ftp: Ftp) -> Ftp {
    ftp.say("TYPE I", "200 ");
    ftp
}

#[test]
fn a_file_that_shrinks_has_no_checksum() {
    let mut ftp = site().file("f", "").start();
    let file = std::fs::File::options().write(true).open(ftp.path("f")).unwrap();
    file.set_len(1 << 36).unwrap();
    ftp.send("HASH f");
    ftp.asked(|ask| match ask {
        Ask::Status(text) => text.starts_with(b"HASH").then_some(()),
        _ => None,
    });
    file.set_len(0).unwrap();
    ftp.expect("451 ");
    ftp.say("HASH f", "213 SHA-256 0-0 e3b0");
    ftp.quit();
}

#[test]
fn what_is_said_during_long_work_waits_and_quit_too() {
    let mut ftp = site().file("f", "one").file("g", "two").start();
    ftp.send_raw(b"SITE COPY f h\r\nNOOP\r\nCOMB h g\r\nQUIT\r\n");
    ftp.close_output();
    for reply in ["250 ", "200 ", "250 ", "221 "] {
        ftp.expect(reply);
    }
    assert_eq!(ftp.end(), End::Quit);
    assert_eq!(ftp.content("h").unwrap(), b"onetwo");
    assert_eq!(ftp.names(), ["f", "h"]);
}

/// Puts something else under a name that STOU has taken.
fn replace(ftp: &Ftp, name: &str) {
    std::fs::write(ftp.path("beside"), "theirs").unwrap();
    std::fs::rename(ftp.path("beside"), ftp.path(name)).unwrap();
}

#[test]
fn what_replaces_a_reserved_name_is_neither_overwritten_nor_removed() {
    for (store, partial, ends, reply) in [
        (Store::Atomic, Partial::Keep, true, "553 "),
        (Store::Atomic, Partial::Keep, false, "426 "),
        (Store::Atomic, Partial::Discard, false, "426 "),
        (Store::InPlace, Partial::Keep, true, "553 "),
        (Store::InPlace, Partial::Discard, false, "426 "),
    ] {
        let site = site().set(|settings| {
            settings.transfer.store = store;
            settings.transfer.partial = partial;
        });
        let mut ftp = binary(site.start());
        let data = ftp.begin("STOU f", b"ours");
        replace(&ftp, "f");
        if !ends {
            ftp.send("ABOR");
            ftp.expect(reply);
            ftp.expect("226 ");
        }
        drop(data);
        if ends {
            ftp.expect(reply);
        }
        assert_eq!(ftp.content("f").unwrap(), b"theirs", "{store:?}, {partial:?}, {reply}");
        assert_eq!(ftp.names(), ["f"]);
        ftp.quit();
    }
}

#[test]
fn what_replaces_a_reserved_name_stays_where_no_data_comes() {
    let mut ftp = site().start();
    ftp.say("EPSV", "229 ");
    ftp.send("STOU f");
    ftp.expect("150 FILE: f");
    replace(&ftp, "f");
    ftp.send("ABOR");
    ftp.expect("426 ");
    ftp.expect("226 ");
    assert_eq!(ftp.content("f").unwrap(), b"theirs");
    ftp.quit();
}

#[test]
fn a_reserved_name_that_was_removed_is_given_all_the_same_or_refused() {
    for (store, reply, content) in
        [(Store::Atomic, "226 ", Some(&b"ours"[..])), (Store::InPlace, "553 ", None)]
    {
        let mut ftp = binary(site().set(|settings| settings.transfer.store = store).start());
        let data = ftp.begin("STOU f", b"ours");
        std::fs::remove_file(ftp.path("f")).unwrap();
        drop(data);
        ftp.expect(reply);
        assert_eq!(ftp.content("f").as_deref(), content);
        ftp.quit();
    }
}

#[test]
fn a_download_is_whole_and_told() {
    let mut ftp = binary(site().file("f", large()).start());
    assert!(ftp.get("RETR f") == large());
    let transfer = ftp.transfer();
    assert_eq!((transfer.direction, transfer.outcome), (Direction::Download, Outcome::Complete));
    assert_eq!((transfer.bytes, &*transfer.path), (8_000_000, b"/f".as_slice()));
    ftp.passive();
    ftp.say("RETR f", "150 Opening a data connection (8000000 bytes).");
}

#[test]
fn downloads_that_cannot_be() {
    let mut ftp = site().file("f", "x").dir("d").start();
    ftp.say("RETR f", "425 ");
    ftp.passive();
    ftp.say("RETR none", "550 ");
    ftp.say("RETR d", "550 ");
    ftp.say("RETR", "501 ");
    let mut ftp = site().file("f", "x").rights(&[("/", Rights::LIST)]).start();
    ftp.passive();
    ftp.say("RETR f", "550 ");
}

#[test]
fn text_is_converted_both_ways() {
    let mut ftp = site().file("f", "a\nb\r\nc").start();
    assert_eq!(ftp.get("RETR f"), b"a\r\nb\r\nc");
    ftp.put("STOR g", "a\r\nb\rc\r", "226 ");
    assert_eq!(ftp.content("g").unwrap(), b"a\nb\rc\r");
    ftp.say("REST 3", "350 ");
    assert_eq!(ftp.get("RETR f"), b"b\r\nc");
    let mut ftp = site().file("f", "a\n").set(|settings| settings.transfer.ascii = false).start();
    assert_eq!(ftp.get("RETR f"), b"a\n");
}

#[test]
fn an_offset_holds_for_one_transfer() {
    let mut ftp = binary(site().file("f", "0123456789").start());
    ftp.say("REST 4", "350 ");
    ftp.say("SIZE f", "213 10");
    assert_eq!(ftp.get("RETR f"), b"456789");
    assert_eq!(ftp.get("RETR f"), b"0123456789");
    ftp.say("REST 10", "350 ");
    assert_eq!(ftp.get("RETR f"), b"");
    ftp.say("REST 11", "350 ");
    ftp.passive();
    ftp.say("RETR f", "554 ");
    assert_eq!(ftp.get("RETR f"), b"0123456789");
    ftp.say("REST 3", "350 ");
    ftp.say("RETR none", "550 ");
    assert_eq!(ftp.get("RETR f"), b"0123456789");
    ftp.say("REST 3", "350 ");
    ftp.say("REST 0", "350 ");
    assert_eq!(ftp.get("RETR f"), b"0123456789");
}

#[test]
fn uploads_at_an_offset_write_into_the_file() {
    let mut ftp = binary(site().file("f", "0123456789").start());
    ftp.say("REST 4", "350 ");
    ftp.put("STOR f", "xy", "226 ");
    assert_eq!(ftp.content("f").unwrap(), b"0123xy6789");
    ftp.say("REST 10", "350 ");
    ftp.put("STOR f", "ab", "226 ");
    assert_eq!(ftp.content("f").unwrap(), b"0123xy6789ab");
    ftp.say("REST 2", "350 ");
    ftp.put("APPE f", "--", "226 ");
    assert_eq!(ftp.content("f").unwrap(), b"01--xy6789ab");
    ftp.say("REST 13", "350 ");
    ftp.passive();
    ftp.say("STOR f", "554 ");
    ftp.say("REST 1", "350 ");
    ftp.say("STOR new", "554 ");
    ftp.say("TYPE A", "200 ");
    ftp.say("REST 1", "350 ");
    ftp.say("STOR f", "554 ");
}

#[test]
fn appending() {
    let mut ftp = binary(site().start());
    ftp.put("APPE f", "one", "226 ");
    ftp.put("APPE f", "two", "226 ");
    assert_eq!(ftp.content("f").unwrap(), b"onetwo");
    assert_eq!(ftp.names(), ["f"]);
}

#[test]
fn an_upload_is_whole_and_told() {
    let mut ftp = binary(site().start());
    ftp.put("STOR f", large(), "226 ");
    assert!(ftp.content("f").unwrap() == large());
    assert_eq!(ftp.names(), ["f"]);
    let transfer = ftp.transfer();
    assert_eq!((transfer.direction, transfer.outcome), (Direction::Upload, Outcome::Complete));
    assert_eq!((transfer.bytes, transfer.cause.len()), (8_000_000, 0));
}

#[test]
fn an_upload_of_nothing_is_a_file() {
    for durability in [Durability::None, Durability::Data, Durability::Full] {
        let mut ftp = site().set(|settings| settings.transfer.durability = durability).start();
        ftp.put("STOR f", "", "226 ");
        assert_eq!(ftp.content("f").unwrap(), b"");
    }
}

#[test]
fn an_overwritten_file_keeps_its_mode() {
    let mut ftp = site().file("f", "old").start();
    std::fs::set_permissions(ftp.path("f"), PermissionsExt::from_mode(0o640)).unwrap();
    let inode = std::fs::metadata(ftp.path("f")).unwrap().ino();
    ftp.put("STOR f", "new", "226 ");
    let new = std::fs::metadata(ftp.path("f")).unwrap();
    assert_eq!(new.mode() & 0o777, 0o640);
    assert_ne!(new.ino(), inode, "another file under the same name");
}

#[test]
fn a_file_with_two_links_is_stored_in_place() {
    let mut ftp = site().file("f", "old").start();
    std::fs::hard_link(ftp.path("f"), ftp.path("g")).unwrap();
    ftp.put("STOR f", "new", "226 ");
    assert_eq!(ftp.content("g").unwrap(), b"new");
    assert_eq!(ftp.names(), ["f", "g"]);
    assert_eq!(&*ftp.transfer().cause, b"in place: it has more than one link");
}

#[test]
fn a_store_in_place_writes_into_the_same_file() {
    let mut ftp = site()
        .file("f", "much older")
        .set(|settings| settings.transfer.store = Store::InPlace)
        .start();
    let inode = std::fs::metadata(ftp.path("f")).unwrap().ino();
    ftp.put("STOR f", "new", "226 ");
    assert_eq!(ftp.content("f").unwrap(), b"new");
    assert_eq!(std::fs::metadata(ftp.path("f")).unwrap().ino(), inode);
    ftp.put("STOR g", "new", "226 ");
    assert_eq!(ftp.content("g").unwrap(), b"new");
}

#[test]
fn a_store_through_a_link_replaces_what_it_leads_to() {
    let mut ftp = site().file("d/f", "old").link("l", "d/f").start();
    ftp.put("STOR l", "new", "226 ");
    assert_eq!(ftp.content("d/f").unwrap(), b"new");
    assert!(ftp.path("l").is_symlink());
}

#[test]
fn rights_of_uploads() {
    let mut ftp = site().file("f", "old").rights(&[("/", Rights::CREATE)]).start();
    ftp.put("STOR new", "x", "226 ");
    ftp.passive();
    ftp.say("STOR f", "550 ");
    ftp.say("APPE f", "550 ");
    let mut ftp = site().file("f", "old").rights(&[("/", Rights::OVERWRITE)]).start();
    ftp.put("STOR f", "x", "226 ");
    ftp.passive();
    ftp.say("STOR new", "550 ");
    let mut ftp = site().file("f", "old").rights(&[("/", Rights::APPEND)]).start();
    ftp.put("APPE f", "x", "226 ");
    ftp.passive();
    ftp.say("STOR f", "550 ");
    ftp.say("TYPE I", "200 ");
    ftp.say("REST 2", "350 ");
    ftp.say("STOR f", "550 ");
    ftp.say("REST 4", "350 ");
    ftp.put("STOR f", "y", "226 ");
    assert_eq!(ftp.content("f").unwrap(), b"oldxy");
}

#[test]
fn who_may_only_create_does_not_replace_what_came_meanwhile() {
    let mut ftp = site().rights(&[("/", Rights::CREATE)]).start();
    let data = ftp.begin("STOR f", b"mine");
    std::fs::write(ftp.path("f"), "theirs").unwrap();
    drop(data);
    ftp.expect("553 ");
    assert_eq!(ftp.content("f").unwrap(), b"theirs");
    assert_eq!(ftp.names(), ["f"]);
}

#[test]
fn a_live_upload_is_hidden_and_locked() {
    let mut ftp = site().start();
    let data = ftp.begin("STOR f", b"part");
    let names = ftp.names();
    assert!(names.len() == 1 && names[0].starts_with(".cellftpd."), "{names:?}");
    let file = std::fs::File::open(ftp.path(&names[0])).unwrap();
    assert!(Flock::lock(file, FlockArg::LockExclusiveNonblock).is_err());
    drop(data);
    ftp.expect("226 ");
    assert_eq!(ftp.names(), ["f"]);
}

#[test]
fn abor_is_answered_twice_and_the_part_is_kept_for_a_name_that_was_new() {
    let mut ftp = site().start();
    let data = ftp.begin("STOR f", b"part");
    ftp.say("ABOR", "426 ");
    ftp.expect("226 ");
    drop(data);
    assert_eq!(ftp.content("f").unwrap(), b"part");
    assert_eq!(ftp.names(), ["f"]);
    assert_eq!(ftp.outcome(), Outcome::Aborted);
    ftp.say("ABOR", "226 ");
}

#[test]
fn a_broken_upload_leaves_the_file_that_was_there() {
    let mut ftp = site().file("f", "old").start();
    let _data = ftp.begin("STOR f", b"part");
    ftp.say("ABOR", "426 ");
    ftp.expect("226 ");
    assert_eq!((ftp.content("f").unwrap(), ftp.names().len()), (b"old".to_vec(), 1));
}

#[test]
fn parts_are_discarded_where_that_is_set() {
    for store in [Store::Atomic, Store::InPlace] {
        let mut ftp = site()
            .set(|settings| {
                (settings.transfer.partial, settings.transfer.store) = (Partial::Discard, store)
            })
            .start();
        let _data = ftp.begin("STOR f", b"part");
        ftp.say("ABOR", "426 ");
        ftp.expect("226 ");
        assert!(ftp.names().is_empty(), "{store:?}");
    }
}

#[test]
fn an_upload_of_a_client_that_is_gone_is_a_part() {
    let mut ftp = site().file("f", "old").start();
    let _data = ftp.begin("STOR f", b"part");
    assert_eq!(ftp.hang_up(), End::Closed);
    assert_eq!((ftp.content("f").unwrap(), ftp.names().len()), (b"old".to_vec(), 1));
    assert_eq!(ftp.outcome(), Outcome::Failed);
}

#[test]
fn a_stop_during_an_upload_cleans_up() {
    let mut ftp = site().start();
    let _data = ftp.begin("STOR f", b"part");
    ftp.stop();
    ftp.expect("421 ");
    assert_eq!(ftp.end(), End::Stopped);
    assert_eq!(ftp.content("f").unwrap(), b"part");
}

#[test]
fn a_download_that_nobody_reads_is_aborted_or_stalls() {
    let mut ftp = binary(site().file("f", large()).start());
    let data = ftp.passive();
    ftp.say("RETR f", "150 ");
    ftp.say("ABOR", "426 ");
    ftp.expect("226 ");
    drop(data);
    ftp.say("NOOP", "200 ");
    let stalls = site()
        .file("f", large())
        .set(|settings| settings.limits.stalled = Duration::from_millis(50));
    let mut ftp = binary(stalls.start());
    let _data = ftp.passive();
    ftp.say("RETR f", "150 ");
    ftp.expect("426 ");
    assert_eq!(&*ftp.transfer().cause, b"stalled");
}

#[test]
fn a_reset_data_connection_is_426() {
    let mut ftp = binary(site().file("f", large()).start());
    let mut data = ftp.passive();
    ftp.say("RETR f", "150 ");
    data.read_exact(&mut [0; 10]).unwrap();
    drop(data);
    ftp.expect("426 ");
    assert_eq!(ftp.outcome(), Outcome::Failed);
}

#[test]
fn urgent_telnet_before_abor() {
    let mut ftp = binary(site().file("f", large()).start());
    let _data = ftp.passive();
    ftp.say("RETR f", "150 ");
    ftp.send_raw(b"\xFF\xF4\xFF\xF2ABOR\r\n");
    ftp.expect("426 ");
    ftp.expect("226 ");
}

#[test]
fn commands_during_a_transfer_are_answered_or_wait_in_order() {
    let mut ftp = site().start();
    let mut data = ftp.begin("STOR f", b"part");
    ftp.say("NOOP", "200 ");
    ftp.send("PWD\r\nNOOP\r\nSYST\r\nQUIT");
    data.write_all(b" and more").unwrap();
    drop(data);
    for reply in ["226 ", "257 ", "200 ", "215 ", "221 "] {
        ftp.expect(reply);
    }
    assert_eq!(ftp.end(), End::Quit);
    assert_eq!(ftp.content("f").unwrap(), b"part and more");
}

#[test]
fn after_quit_a_client_may_close_its_end() {
    let mut ftp = site().start();
    let data = ftp.begin("STOR f", b"part");
    ftp.send("QUIT");
    ftp.close_output();
    drop(data);
    ftp.expect("226 ");
    ftp.expect("221 ");
    assert_eq!(ftp.end(), End::Quit);
}

#[test]
fn abor_before_the_data_connection() {
    let mut ftp = site().file("f", "x").start();
    ftp.say("EPSV", "229 ");
    ftp.say("RETR f", "150 ");
    ftp.say("ABOR", "426 ");
    ftp.expect("226 ");
    assert_eq!(ftp.get("RETR f"), b"x");
}

#[test]
fn nobody_comes() {
    let mut ftp = site()
        .file("f", "x")
        .set(|settings| settings.limits.data_connect = Duration::from_millis(30))
        .start();
    ftp.say("PASV", "227 ");
    ftp.say("RETR f", "150 ");
    ftp.expect("425 ");
    ftp.say("RETR f", "425 ");
    ftp.say("EPSV", "229 ");
    ftp.say("STOR f", "150 ");
    ftp.expect("425 ");
    assert_eq!(ftp.content("f").unwrap(), b"x");
}

#[test]
fn a_new_listener_forgets_the_one_before() {
    let mut ftp = site().file("f", "x").start();
    let _stale = ftp.passive();
    assert_eq!(ftp.get("RETR f"), b"x");
    ftp.say("RETR f", "425 ");
}

#[test]
fn passive_replies() {
    let mut ftp = site().start();
    assert!(ftp.say("PASV", "227 Entering Passive Mode (127,0,0,1,").ends_with(").\r\n"));
    ftp.say("EPSV 1", "229 ");
    ftp.say("EPSV 2", "522 ");
    ftp.say("EPSV 3", "522 ");
    ftp.say("EPSV x", "501 ");
    ftp.say("EPSV ALL", "200 ");
    ftp.say("EPSV", "229 ");
    for line in ["PASV", "PORT 127,0,0,1,200,1", "EPRT |1|127.0.0.1|51201|"] {
        ftp.say(line, "503 ");
    }
    let mut ftp = site()
        .set(|settings| settings.network.passive_address = Some("192.0.2.7".parse().unwrap()))
        .start();
    ftp.say("PASV", "227 Entering Passive Mode (192,0,2,7,");
    let mut ftp = site().at("2001:db8::1").start();
    ftp.say("PASV", "425 ");
    ftp.say("EPSV 1", "522 ");
    ftp.say("EPSV 2", "229 ");
    let mut ftp = site().set(|settings| settings.network.passive = false).start();
    ftp.say("PASV", "502 ");
    ftp.say("EPSV", "502 ");
}

#[test]
fn active_transfers() {
    let mut ftp = site().file("f", "x").start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    ftp.say(&format!("PORT 127,0,0,1,{},{}", port / 256, port % 256), "200 ");
    ftp.send("RETR f");
    let mut content = String::new();
    listener.accept().unwrap().0.read_to_string(&mut content).unwrap();
    ftp.expect("150 ");
    ftp.expect("226 ");
    assert_eq!(content, "x");
    ftp.say(&format!("EPRT |1|127.0.0.1|{port}|"), "200 ");
    drop(listener);
    ftp.say("RETR f", "150 ");
    ftp.expect("425 ");
    let asked = ftp.asked(|ask| match ask {
        Ask::Connect(address, _) => Some(*address),
        _ => None,
    });
    assert_eq!(asked.port(), port);
}

#[test]
fn addresses_that_are_not_the_clients() {
    let mut ftp = site().start();
    for (line, reply) in [
        ("PORT 10,0,0,1,200,1", "500 "),
        ("PORT 127,0,0,1,0,22", "504 "),
        ("PORT 127,0,0,1", "501 "),
        ("PORT 127,0,0,256,1,1", "501 "),
        ("EPRT |1|10.0.0.1|51201|", "500 "),
        ("EPRT |1|127.0.0.1|80|", "504 "),
        ("EPRT |1|127.0.0.1|70000|", "501 "),
        ("EPRT |2|::1|51201|", "522 "),
        ("EPRT |2|::ffff:127.0.0.1|51201|", "200 "),
        ("EPRT |9|x|51201|", "522 "),
        ("EPRT x", "501 "),
    ] {
        ftp.say(line, reply);
    }
}

#[test]
fn listings() {
    let mut ftp =
        site().file("d/b", "xyz").file("d/a", "").file("d/.h", "").link("d/l", "b").start();
    assert_eq!(ftp.get_text("NLST d"), "d/.h\r\nd/a\r\nd/b\r\nd/l\r\n");
    assert_eq!(ftp.get_text("NLST"), "d\r\n");
    assert_eq!(ftp.get_text("NLST d/b"), "d/b\r\n");
    let long = ftp.get_text("LIST -la d");
    assert!(long.contains("  3 ") && long.contains(" l -> b\r\n"), "{long}");
    assert_eq!(long.lines().count(), 4);
    assert_eq!(ftp.get_text("LIST d/b").lines().count(), 1);
    assert_eq!(ftp.get_text("LIST -d d").lines().count(), 1);
    ftp.say("OPTS MLST type;size;", "200 ");
    ftp.say("CWD d", "250 ");
    assert_eq!(
        ftp.get_text("MLSD"),
        "type=file;size=0; .h\r\ntype=file;size=0; a\r\ntype=file;size=3; b\r\ntype=OS.unix=slink:b;size=1; l\r\n"
    );
    ftp.passive();
    ftp.say("MLSD b", "501 ");
    ftp.say("MLSD none", "550 ");
    ftp.say("LIST none", "550 ");
    assert_eq!(ftp.outcome(), Outcome::Complete);
}

#[test]
fn listings_leave_out_what_is_hidden_and_what_would_break_a_line() {
    let hidden = site()
        .file(".h", "")
        .file("a\r\nb", "")
        .file("c", "")
        .set(|settings| settings.listing.hidden = false);
    let mut ftp = hidden.start();
    assert_eq!(ftp.get_text("NLST"), "c\r\n");
    assert_eq!(ftp.get_text("NLST -a"), ".h\r\nc\r\n");
    let mut ftp = site().start();
    for verb in ["LIST", "NLST", "MLSD"] {
        assert_eq!(ftp.get(verb), b"");
    }
}

#[test]
fn a_large_directory_is_listed_whole() {
    let mut ftp = site().start();
    for n in 0..3000 {
        std::fs::write(ftp.path(&format!("file with a rather long name, number {n:04}")), "")
            .unwrap();
    }
    let listing = ftp.get_text("LIST");
    assert_eq!(listing.lines().count(), 3000);
    let name = |line: &str| line.split_once("file with").unwrap().1.to_owned();
    assert!(listing.lines().is_sorted_by_key(name));
}

#[test]
fn what_killed_sessions_left_is_swept() {
    let left = site()
        // The user's own, and what stands in the way of the walk.
        .file("own/.cellftpd.notes", "x")
        .link(".cellftpd.0000000000000000", "/etc/passwd")
        .file(".cellftpd.00000000000000dd", "x")
        .file("d/.cellftpd.00000000000000dd", "x")
        .file("e/.cellftpd.00000000000000dd", "x");
    let live = std::fs::File::create(left.dir.path().join("d/.cellftpd.00000000000000ee")).unwrap();
    let _live = Flock::lock(live, FlockArg::LockExclusiveNonblock).unwrap();
    let mut ftp = left.start();
    ftp.say("NOOP", "200 ");
    assert_eq!(ftp.names(), [".cellftpd.0000000000000000", "d", "e", "own"]);
    ftp.say("CWD own", "250 ");
    assert!(ftp.content("own/.cellftpd.notes").is_some());
    ftp.say("CWD /", "250 ");
    ftp.say("CWD d", "250 ");
    assert!(ftp.content("d/.cellftpd.00000000000000dd").is_none());
    assert!(ftp.content("d/.cellftpd.00000000000000ee").is_some());
    ftp.say("RMD /e", "250 ");
}

#[test]
fn who_may_only_append_never_writes_over_what_came_meanwhile() {
    let rights = Rights::LIST | Rights::CREATE | Rights::APPEND;
    let mut ftp = site().file("log", "one.").rights(&[("/", rights)]).start();
    ftp.say("TYPE I", "200 ");
    let mut data = ftp.passive();
    ftp.say("REST 4", "350 ");
    ftp.say("STOR log", "150 ");
    std::io::Write::write_all(&mut data, b"mine").unwrap();
    while ftp.content("log").unwrap() != b"one.mine" {}
    let mut other = std::fs::File::options().append(true).open(ftp.path("log")).unwrap();
    std::io::Write::write_all(&mut other, b"theirs").unwrap();
    std::io::Write::write_all(&mut data, b"again").unwrap();
    drop(data);
    ftp.expect("226 ");
    assert_eq!(ftp.content("log").unwrap(), b"one.minetheirsagain");
}

#[test]
fn a_temporary_is_its_owners_alone_until_it_has_its_mode() {
    let site = site().file("private", "old");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(site.dir.path().join("private"), private).unwrap();
    let mut ftp = site.start();
    let data = ftp.begin("STOR private", b"secret");
    let names = ftp.names();
    let temporary = names.iter().find(|name| name.starts_with(".cellftpd.")).unwrap();
    let mode = std::fs::metadata(ftp.path(temporary)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(data);
    ftp.expect("226 ");
}
