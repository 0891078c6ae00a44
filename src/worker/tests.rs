//! Whole sessions without transfers: one test for each verb and each refusal.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::testing::{rights, site};
use crate::config::Rights;
use crate::wire::event::{Change, End, Event, Note};
use crate::wire::session::Ask;

#[test]
fn a_session_reports_before_it_greets_and_ends_with_quit() {
    let mut ftp = site().start();
    let ready = ftp.asked(|ask| match ask {
        Ask::Ready(text) => Some(text.to_vec()),
        _ => None,
    });
    assert_eq!(ready, b"tested");
    ftp.quit();
    let end = ftp.asked(|ask| match ask {
        Ask::Note(Note::End(end)) => Some(*end),
        _ => None,
    });
    assert_eq!(end, End::Quit);
}

#[test]
fn what_was_unread_is_obeyed_first() {
    let mut ftp = site().unread("SYST\r\nNO").start();
    ftp.expect("215 UNIX Type: L8");
    ftp.say("OP", "200 ");
}

#[test]
fn simple_verbs() {
    let mut ftp = site().start();
    for (line, reply) in [
        ("NOOP", "200 "),
        ("noop", "200 "),
        ("NOOP x", "501 "),
        ("SYST", "215 UNIX Type: L8"),
        ("ALLO 100", "200 "),
        ("ALLO", "200 "),
        ("MODE S", "200 "),
        ("MODE B", "504 "),
        ("MODE", "501 "),
        ("STRU F", "200 "),
        ("STRU R", "504 "),
        ("TYPE I", "200 "),
        ("TYPE a n", "200 "),
        ("TYPE E", "504 "),
        ("TYPE X", "501 "),
        ("ABOR", "226 "),
        ("REST 10", "350 "),
        ("REST -1", "501 "),
        ("USER bob", "530 "),
        ("PASS x", "202 "),
        ("AUTH TLS", "502 "),
        ("SITE CHMOD", "501 "),
        ("SITE XYZZY", "500 "),
        ("XYZZY", "500 "),
        ("1234", "500 "),
        ("RNTO x", "503 "),
        ("OPTS UTF8 ON", "200 "),
        ("opts utf-8", "200 "),
        ("OPTS UTF8 OFF", "501 "),
        ("OPTS X", "501 "),
        ("OPTS", "501 "),
        ("FEAT x", "501 "),
        ("LIST", "425 "),
    ] {
        ftp.say(line, reply);
    }
}

#[test]
fn overlong_lines_are_refused_and_their_tail_is_not_obeyed() {
    let mut ftp = site().file("x", "").start();
    ftp.send(&format!("NOOP {}DELE x", "a".repeat(100_000)));
    ftp.expect("500 ");
    ftp.say("NOOP", "200 ");
    assert!(ftp.content("x").is_some());
}

#[test]
fn commands_come_in_any_pieces() {
    let mut ftp = site().start();
    for byte in b"NOOP\r\nSYST\nNOOP\r\n" {
        ftp.send_raw(&[*byte]);
    }
    for reply in ["200 ", "215 ", "200 "] {
        ftp.expect(reply);
    }
    ftp.send_raw("NOOP\r\n".repeat(2000).as_bytes());
    for _ in 0..2000 {
        ftp.expect("200 ");
    }
}

#[test]
fn telnet_is_answered_and_stripped() {
    let mut ftp = site().start();
    ftp.send_raw(b"\xFF\xFD\x06NO\xFF\xF1OP\r\n");
    assert_eq!(ftp.line(), b"\xFF\xFC\x06200 OK.\r\n");
}

#[test]
fn features_follow_rights_and_settings() {
    let mut ftp = site().start();
    let all = ftp.say("FEAT", "211-");
    for line in [
        " EPRT\r\n",
        " EPSV\r\n",
        " MDTM\r\n",
        " MLST type*;",
        " RANG STREAM\r\n",
        " REST STREAM\r\n",
        " SIZE\r\n",
        " TVFS\r\n",
        " UTF8\r\n",
    ] {
        assert!(all.contains(line), "{line} in {all}");
    }
    let mut ftp = site().set(|settings| settings.network.active = false).start();
    assert!(!ftp.say("FEAT", "211-").contains("EPRT"));
    ftp.say("PORT 127,0,0,1,200,1", "502 ");
    ftp.say("OPTS MLST size;modify;", "200 MLST OPTS size;modify;");
    assert!(ftp.say("FEAT", "211-").contains(" MLST type;size*;modify*;perm;"));
    ftp.say("OPTS MLST size; modify;", "501 ");
    assert!(all.contains(" HASH SHA-256*;") && all.contains(" AVBL\r\n"), "{all}");
    let mut ftp = site().rights(&[("/", Rights::LIST)]).start();
    let few = ftp.say("FEAT", "211-");
    for line in [" HASH", " MD5", " XCRC", " XSHA", " AVBL", " COMB", " SITE COPY"] {
        assert!(all.contains(line) && !few.contains(line), "{line} in {few}");
    }
    let help = ftp.say("HELP", "214-");
    assert!(help.contains("LIST") && !help.contains("DELE") && !help.contains("RETR"), "{help}");
}

#[test]
fn help_explains_a_verb() {
    let mut ftp = site().start();
    assert!(ftp.say("HELP", "214-").contains("XCWD"));
    ftp.say("HELP retr", "214 RETR path: download a file");
    ftp.say("HELP SITE mkdir", "214 SITE MKDIR path: make a directory");
    ftp.say("HELP XYZZY", "502 ");
}

#[test]
fn the_working_directory_is_a_name() {
    let mut ftp = site().dir("a/b\"c").link("l", "a").start();
    ftp.say("PWD", "257 \"/\" ");
    ftp.say("CWD a/b\"c", "250 ");
    ftp.say("XPWD", "257 \"/a/b\"\"c\" ");
    ftp.say("CDUP", "250 ");
    ftp.say("PWD", "257 \"/a\" ");
    ftp.say("CWD ../../..", "250 ");
    ftp.say("PWD", "257 \"/\" ");
    ftp.say("XCUP", "250 ");
    ftp.say("CWD l", "250 ");
    ftp.say("PWD", "257 \"/l\" ");
    ftp.say("CWD none", "550 ");
    ftp.say("CWD ", "501 ");
    ftp.say("CWD", "501 ");
    std::fs::remove_dir(ftp.path("a/b\"c")).unwrap();
    ftp.say("CWD b\"c", "550 ");
}

#[test]
fn directories_are_made_and_removed() {
    let mut ftp = site().file("f", "").start();
    ftp.say("MKD new \"dir\"", "257 \"/new \"\"dir\"\"\" created.");
    ftp.say("XMKD new \"dir\"", "550 ");
    ftp.say("MKD no/dir", "550 ");
    ftp.say("RMD f", "550 ");
    ftp.say("RMD /", "550 ");
    ftp.say("XRMD new \"dir\"", "250 ");
    ftp.say("RMD new \"dir\"", "550 ");
    for change in [Change::MakeDirectory, Change::RemoveDirectory] {
        let told = ftp.asked(|ask| match ask {
            Ask::Event(Event::Change { change, .. }) => Some(*change),
            _ => None,
        });
        assert_eq!(told, change);
    }
}

#[test]
fn a_directory_in_use_is_not_removed_and_one_that_is_gone_is_no_trouble() {
    let mut ftp = site().file("d/f", "").start();
    ftp.say("RMD d", "550 ");
    ftp.say("CWD d", "250 ");
    ftp.say("DELE f", "250 ");
    ftp.say("RMD /d", "250 ");
    ftp.say("PWD", "257 \"/d\" ");
    ftp.passive();
    ftp.say("LIST", "550 ");
    ftp.say("CDUP", "250 ");
}

#[test]
fn files_are_deleted_and_links_are_deleted_themselves() {
    let mut ftp = site().file("f", "x").link("l", "f").dir("d").start();
    ftp.say("DELE l", "250 ");
    assert!(ftp.content("f").is_some());
    ftp.say("DELE f", "250 ");
    ftp.say("DELE f", "550 ");
    ftp.say("DELE d", "550 ");
    ftp.say("DELE", "501 ");
}

#[test]
fn files_are_renamed() {
    let mut ftp = site().file("f", "x").file("g", "y").dir("d").start();
    ftp.say("RNFR f", "350 ");
    ftp.say("RNTO d/h", "250 ");
    assert_eq!(ftp.content("d/h").unwrap(), b"x");
    ftp.say("RNFR none", "550 ");
    ftp.say("RNFR g", "350 ");
    ftp.say("NOOP", "200 ");
    ftp.say("RNTO x", "503 ");
    ftp.say("RNFR g", "350 ");
    ftp.say("RNTO no/such", "550 ");
    ftp.say("RNTO x", "503 ");
}

#[test]
fn a_rename_over_a_file_needs_the_right_to_overwrite() {
    let only = Rights::RENAME | Rights::LIST;
    let mut ftp = site().file("f", "x").file("g", "y").rights(&[("/", only)]).start();
    ftp.say("RNFR f", "350 ");
    ftp.say("RNTO g", "550 ");
    ftp.say("RNFR f", "350 ");
    ftp.say("RNTO h", "250 ");
    assert_eq!(ftp.content("g").unwrap(), b"y");
}

#[test]
fn size_and_time() {
    let mut ftp = site().file("f", "a\nb\r\n\n").dir("d").start();
    ftp.say("SIZE f", "213 8\r\n");
    ftp.say("TYPE I", "200 ");
    ftp.say("SIZE f", "213 6\r\n");
    ftp.say("SIZE d", "550 ");
    ftp.say("SIZE none", "550 ");
    let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_732_350_000);
    std::fs::File::options().write(true).open(ftp.path("f")).unwrap().set_modified(time).unwrap();
    ftp.say("MDTM f", "213 20241123082000\r\n");
    ftp.say("MDTM none", "550 ");
}

#[test]
fn a_large_file_is_not_counted_in_text() {
    let mut ftp = site().file("f", "").start();
    let file = std::fs::File::options().write(true).open(ftp.path("f")).unwrap();
    file.set_len(10 * 1024 * 1024 + 1).unwrap();
    ftp.say("SIZE f", "550 ");
    ftp.say("TYPE I", "200 ");
    ftp.say("SIZE f", "213 10485761\r\n");
}

#[test]
fn facts_of_one_file() {
    let mut ftp = site().file("d/f f", "abc").start();
    ftp.say("OPTS MLST type;size;", "200 ");
    assert_eq!(
        ftp.say("MLST d/f f", "250-"),
        "250-Facts:\r\n type=file;size=3; /d/f f\r\n250 End\r\n"
    );
    assert!(ftp.say("MLST", "250-").contains(" type=dir; /\r\n"));
    ftp.say("OPTS MLST", "200 MLST OPTS\r\n");
    assert!(ftp.say("MLST d", "250-").contains("\r\n  /d\r\n"));
    ftp.say("MLST none", "550 ");
}

#[test]
fn status() {
    let mut ftp = site().file("d/f", "abc").start();
    let status = ftp.say("STAT", "211-");
    assert!(status.contains("alice") && status.contains("TYPE A"), "{status}");
    assert!(ftp.say("STAT -la d", "213-").contains(" f\r\n"));
    ftp.say("STAT none", "550 ");
}

#[test]
fn rights_decide_by_the_real_path() {
    let mut ftp = site()
        .file("in/f", "x")
        .file("out/g", "y")
        .link("out/way-in", "/in")
        .rights(&[("/", Rights::LIST | Rights::READ), ("/in", Rights::ALL)])
        .start();
    ftp.say("DELE out/g", "550 ");
    ftp.say("DELE out/way-in/f", "250 ");
    ftp.say("MKD in/d", "257 ");
    ftp.say("MKD d", "550 ");
    let note = ftp.asked(|ask| match ask {
        Ask::Note(Note::Refused { verb, path, .. }) => Some((verb.to_vec(), path.to_vec())),
        _ => None,
    });
    assert_eq!(note, (b"DELE".to_vec(), b"out/g".to_vec()));
}

#[test]
fn directories_named_in_rights_keep_their_names() {
    let mut ftp =
        site().dir("a/b").dir("c").rights(&[("/", Rights::ALL), ("/a/b", Rights::ALL)]).start();
    ftp.say("RNFR a", "550 ");
    ftp.say("RNFR a/b", "550 ");
    ftp.say("RMD a/b", "550 ");
    ftp.say("RNFR c", "350 ");
    ftp.say("RNTO a/b", "550 ");
    ftp.say("RMD c", "250 ");
}

#[test]
fn reserved_names_and_bad_names() {
    let mut ftp = site().file(".cellftpd.1", "x").start();
    for (line, reply) in [
        ("DELE .cellftpd.1", "550 "),
        ("SIZE .cellftpd.1", "550 "),
        ("MKD .cellftpd.x", "550 "),
        ("MKD a\0b", "550 "),
        ("STOR .cellftpd.2", "553 "),
        ("STOR a\0b", "553 "),
        ("STOR no/such", "553 "),
    ] {
        ftp.say(line, reply);
    }
    ftp.say(&format!("MKD {}", "x".repeat(256)), "550 ");
    assert!(!ftp.get_text("NLST").contains("cellftpd"));
}

#[test]
fn links_do_not_lead_out() {
    let mut ftp = site()
        .file("secret", "inside")
        .link("up", "../../../../secret")
        .link("etc", "/etc")
        .start();
    assert_eq!(ftp.get("RETR up"), b"inside");
    ftp.say("CWD etc", "550 ");
    ftp.passive();
    ftp.say("RETR etc/passwd", "550 ");
    ftp.say("RETR ../../etc/passwd", "550 ");
}

#[test]
fn special_files_are_refused_without_blocking() {
    let mut ftp = site().start();
    nix::unistd::mkfifo(&ftp.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    ftp.passive();
    for line in ["RETR fifo", "STOR fifo", "APPE fifo", "SIZE fifo"] {
        ftp.say(line, "550 ");
    }
}

#[test]
fn a_silent_client_is_told_and_left() {
    let mut ftp = site().set(|settings| settings.limits.idle = Duration::from_millis(50)).start();
    ftp.expect("421 ");
    assert_eq!(ftp.end(), End::Idle);
}

#[test]
fn the_broker_stops_a_session_at_any_time() {
    let mut ftp = site().start();
    ftp.stop();
    ftp.expect("421 ");
    assert_eq!(ftp.end(), End::Stopped);
}

#[test]
fn a_client_that_hangs_up_ends_the_session() {
    assert_eq!(site().start().hang_up(), End::Closed);
}

#[test]
fn what_is_made_has_the_umask_of_the_settings() {
    let mut ftp = site().set(|settings| settings.transfer.umask.0 = 0o077).start();
    ftp.say("MKD d", "257 ");
    ftp.put("STOR f", "x", "226 ");
    let mode = |name: &str| std::fs::metadata(ftp.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("d"), mode("f")), (0o700, 0o600));
}

#[test]
fn tables_of_tests_are_tables() {
    let table = rights(&[("/", Rights::LIST), ("/in", Rights::ALL)]);
    assert_eq!((table.at(b"/x"), table.at(b"/in/x")), (Rights::LIST, Rights::ALL));
}
