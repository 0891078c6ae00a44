//! Sessions that list: what options, patterns, zones and names make of a directory.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use crate::config::Rights;
use crate::wire::event::{Note, Outcome};
use crate::wire::session::Ask;
use crate::worker::machine::Machine;
use crate::worker::testing::{Ftp, Site, site};

/// The names at the ends of lines.
fn last_words(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.rsplit(' ').next().unwrap()).collect()
}

/// Asks for a listing of which nothing comes: refused before a data connection is needed.
fn refused(ftp: &mut Ftp, command: &str, reply: &str) {
    ftp.passive();
    ftp.send(command);
    let said = ftp.expect("");
    assert!(said.starts_with(reply), "{command}: {said}");
}

/// Gets a listing that does not end well.
fn cut(ftp: &mut Ftp, command: &str) -> String {
    let mut data = ftp.passive();
    ftp.say(command, "150 ");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut data, &mut text).unwrap();
    ftp.expect("451 ");
    text
}

fn aged(site: Site, name: &str, content: &str, seconds: u64) -> Site {
    let site = site.file(name, content);
    let file = std::fs::File::options().append(true).open(site.dir.path().join(name)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    site
}

#[test]
fn options_choose_form_and_order() {
    let site = aged(site(), "a", "22", 3000);
    let site = aged(site, "b", "1", 1000);
    let site = aged(site, "c", "333", 2000);
    let mut ftp = aged(site, "d", "22", 3000).start();
    for (options, names) in [
        ("", "abcd"),
        ("-r", "dcba"),
        ("-t", "adcb"),
        ("-t -r", "bcda"),
        ("-S", "cadb"),
        ("-rS", "bdac"),
        ("-Sxyz", "cadb"),
    ] {
        let wanted: Vec<String> = names.chars().map(String::from).collect();
        assert_eq!(last_words(&ftp.get_text(&format!("LIST {options}"))), wanted, "{options}");
        assert_eq!(last_words(&ftp.get_text(&format!("NLST {options}"))), wanted, "{options}");
    }
    assert_eq!(ftp.get_text("LIST -1"), "a\r\nb\r\nc\r\nd\r\n");
    assert_eq!(ftp.get_text("NLST -l a"), ftp.get_text("LIST a"));
    assert_eq!(ftp.get_text("LIST -1l a"), ftp.get_text("LIST a"));
    assert!(ftp.get_text("LIST a").starts_with("-rw"));
}

#[test]
fn marks_and_links_are_as_ls_has_them() {
    let site = site().file("d/f", "xyz").file("x", "").link("l", "d/f").link("gone", "/etc/passwd");
    std::fs::set_permissions(site.dir.path().join("x"), PermissionsExt::from_mode(0o700)).unwrap();
    let mut ftp = site.link("to-d", "d").start();
    assert_eq!(ftp.get_text("NLST -F"), "d/\r\ngone@\r\nl@\r\nto-d@\r\nx*\r\n");
    assert_eq!(ftp.get_text("NLST -FL"), "d/\r\ngone@\r\nl\r\nto-d/\r\nx*\r\n");
    let long = ftp.get_text("LIST -L");
    let lines: Vec<_> = long.lines().collect();
    // What leads out of the jail is still a link.
    assert!(lines[1].starts_with('l') && lines[1].ends_with("gone -> /etc/passwd"), "{long}");
    assert!(lines[2].starts_with("-rw") && lines[2].ends_with(" l"), "{long}");
    assert!(lines[3].starts_with('d') && lines[3].ends_with(" to-d"), "{long}");
    assert!(ftp.get_text("LIST -F").contains(" l -> d/f\r\n"));
}

#[test]
fn a_link_is_not_followed_to_where_nothing_may_be_listed() {
    let site = site().file("secret/f", "xyz").link("l", "secret/f");
    let mut ftp = site.rights(&[("/", Rights::LIST), ("/secret", Rights::READ)]).start();
    assert!(ftp.get_text("LIST -L l*").ends_with(" l -> secret/f\r\n"));
}

#[test]
fn a_directory_itself_and_a_single_file_are_one_line() {
    let mut ftp = site().file("a/b/f", "x").start();
    assert_eq!(last_words(&ftp.get_text("LIST -d a/b")), ["b"]);
    assert_eq!(last_words(&ftp.get_text("LIST -d")), ["."]);
    assert_eq!(last_words(&ftp.get_text("LIST a/b/f")), ["f"]);
    assert_eq!(ftp.get_text("NLST a/b/f"), "a/b/f\r\n");
    assert_eq!(ftp.get_text("NLST -d a/b"), "a/b\r\n");
}

#[test]
fn a_tree_is_listed_as_ls_has_it() {
    let site = site().file("t/b/deep/f", "").file("t/a/x", "").file("t/z", "").link("t/loop", "..");
    let mut ftp = site.dir("t/.h/i").dir("t/.cellftpd.1").start();
    let names = "a\r\nb\r\nloop\r\nz\r\n";
    let hidden = "\r\nt/.h:\r\ni\r\n\r\nt/.h/i:\r\n";
    let rest = "\r\nt/a:\r\nx\r\n\r\nt/b:\r\ndeep\r\n\r\nt/b/deep:\r\nf\r\n";
    assert_eq!(ftp.get_text("LIST -1R t"), format!(".h\r\n{names}{hidden}{rest}"));
    assert!(ftp.get_text("NLST -R t").ends_with("\r\nt/a/x\r\nt/b/deep\r\nt/b/deep/f\r\n"));
    ftp.say("CWD t/b", "250 ");
    assert_eq!(ftp.get_text("LIST -1R"), "deep\r\n\r\n./deep:\r\nf\r\n");
    assert_eq!(ftp.get_text("LIST -1R /t/b"), "deep\r\n\r\n/t/b/deep:\r\nf\r\n");
    assert_eq!(ftp.outcome(), Outcome::Complete);
}

#[test]
fn a_tree_leaves_out_what_may_not_be_listed() {
    let rights = [("/", Rights::LIST), ("/no", Rights::READ), ("/no/yes", Rights::LIST)];
    let mut ftp = site().file("no/yes/f", "").file("a/f", "").rights(&rights).start();
    assert_eq!(ftp.get_text("LIST -1R"), "a\r\nno\r\n\r\n./a:\r\nf\r\n");
}

#[test]
fn a_tree_too_deep_is_cut_and_says_so() {
    let deep = "d/".repeat(70);
    let mut ftp = site().file(&format!("{deep}f"), "").file("z/f", "").start();
    let text = cut(&mut ftp, "NLST -R");
    // Nothing else is lost by it.
    assert!(text.ends_with("/d\r\nz/f\r\n"), "{text}");
    assert_eq!(text.lines().count(), 65 + 2);
    assert_eq!(ftp.outcome(), Outcome::Failed);
}

#[test]
fn patterns_are_for_names_that_are_not_there() {
    let site = site().file("p/a.txt", "1").file("p/b.txt", "").file("p/c", "").file("p/.h.txt", "");
    let site =
        site.file("p/[c]", "literal").file("q/a.txt", "").file("p/d/x.txt", "").dir("p/e.txt");
    let mut ftp = site.link("to-p", "p").start();
    for (command, text) in [
        ("NLST p/*.txt", "p/a.txt\r\np/b.txt\r\np/e.txt\r\n"),
        ("NLST /p/?.txt", "/p/a.txt\r\n/p/b.txt\r\n/p/e.txt\r\n"),
        ("NLST ./p/[!b-z]*", "./p/[c]\r\n./p/a.txt\r\n"),
        ("NLST p/.*", "p/.h.txt\r\n"),
        ("NLST p/[c]", "p/[c]\r\n"),
        ("NLST */a.txt", "p/a.txt\r\nq/a.txt\r\nto-p/a.txt\r\n"),
        ("NLST [pq]/a*", "p/a.txt\r\nq/a.txt\r\n"),
        ("NLST p/*/*", "p/d/x.txt\r\n"),
        ("NLST p/../q/*", "p/../q/a.txt\r\n"),
        ("NLST *", "p\r\nq\r\nto-p\r\n"),
        ("NLST p*/", "p\r\n"),
        ("LIST -1 p/*.txt", "a.txt\r\nb.txt\r\ne.txt\r\n"),
        ("NLST -r p/?.*", "p/e.txt\r\np/b.txt\r\np/a.txt\r\n"),
    ] {
        assert_eq!(ftp.get_text(command), text, "{command}");
    }
    for nothing in ["p/*.gz", "x*/y", "*/../y", "p/{a,b}.txt", "~", "p/*/nowhere", "none/*"] {
        refused(&mut ftp, &format!("NLST {nothing}"), "550 ");
        refused(&mut ftp, &format!("LIST {nothing}"), "550 ");
        ftp.say(&format!("STAT {nothing}"), "550 ");
    }
    for literal in ["MLSD p*", "RETR p/a.tx?", "MLST p*", "DELE p/*", "CWD p*"] {
        refused(&mut ftp, literal, "550 ");
    }
    ftp.say("STAT p/*.txt", "213-");
}

#[test]
fn a_pattern_shows_nothing_that_may_not_be_listed() {
    let rights = [("/", Rights::LIST), ("/no", Rights::READ)];
    let site = site().file("no/f", "").file("yes/f", "").file(".cellftpd.1", "");
    let mut ftp = site.link("over", "no").rights(&rights).start();
    assert_eq!(ftp.get_text("NLST */f"), "yes/f\r\n");
    refused(&mut ftp, "NLST no/*", "550 ");
    refused(&mut ftp, "NLST .cell*", "550 ");
}

#[test]
fn a_pattern_that_means_too_many_directories_is_refused() {
    let site = site();
    for n in 0..10_001 {
        std::fs::create_dir(site.dir.path().join(format!("{n}"))).unwrap();
    }
    let mut ftp = site.start();
    refused(&mut ftp, "NLST */x", "451 ");
    assert_eq!(ftp.get_text("NLST *").lines().count(), 10_001);
}

#[test]
fn bombs_of_stars_end_at_once() {
    let mut ftp =
        site().dir(&"a/".repeat(40)).file("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "").start();
    for bomb in
        ["*a".repeat(120) + "b", "*/".repeat(200) + "x", "*".repeat(255), "*/../".repeat(100) + "*"]
    {
        ftp.passive();
        ftp.send(&format!("NLST {bomb}"));
        let reply = ftp.expect("");
        if reply.starts_with("150") {
            ftp.expect("226 ");
        }
    }
}

#[test]
fn stat_says_when_it_is_not_all() {
    let site = site().file("few/f", "");
    for n in 0..3000 {
        std::fs::create_dir_all(site.dir.path().join("many")).unwrap();
        std::fs::write(site.dir.path().join(format!("many/{n:05}")), "").unwrap();
    }
    let mut ftp = site.start();
    let reply = ftp.say("STAT few", "213-");
    assert!(reply.contains(" f\r\n") && reply.contains("\r\n213 "), "{reply}");
    let reply = ftp.say("STAT many", "451-");
    assert!(reply.contains(" 00000\r\n") && reply.contains("\r\n451 "), "{reply}");
    assert_eq!(ftp.say("STAT -1 few", "213-").lines().nth(1), Some(" f"));
}

#[test]
fn list_shows_the_time_of_the_zone_and_everything_else_utc() {
    let zone = std::fs::read("/usr/share/zoneinfo/Asia/Kolkata").unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    // Ten o'clock in the morning, UTC, three days ago.
    let then = now / 86_400 * 86_400 - 3 * 86_400 + 36_000;
    let site =
        aged(site(), "f", "", then).machine(Machine { zone: Some(zone), ..Machine::default() });
    let mut ftp = site.set(|settings| settings.listing.time = "Asia/Kolkata".to_owned()).start();
    assert!(ftp.get_text("LIST").contains(" 15:30 f\r\n"));
    let utc = ftp::time::time_val(then.cast_signed()).unwrap();
    ftp.say("MDTM f", &format!("213 {utc}"));
    assert!(ftp.get_text("MLSD").contains(&format!("modify={utc};")));
}

#[test]
fn a_zone_that_is_not_there_is_told_to_the_log() {
    for zone in [None, Some(b"no zone".to_vec())] {
        let site = site().file("f", "").machine(Machine { zone, ..Machine::default() });
        let mut ftp =
            site.set(|settings| settings.listing.time = "Mars/Olympus".to_owned()).start();
        let text = ftp.asked(|ask| match ask {
            Ask::Note(Note::Trouble(text)) => Some(String::from_utf8(text.to_vec()).unwrap()),
            _ => None,
        });
        assert!(text.contains("Mars/Olympus"), "{text}");
        assert!(ftp.get_text("LIST").ends_with(" f\r\n"));
    }
}

#[test]
fn owners_have_names_where_there_are_some() {
    let site = site().file("f", "");
    let meta = std::fs::metadata(site.dir.path().join("f")).unwrap();
    let passwd = format!("somebody:x:{}:0:::\n", meta.uid()).into_bytes();
    let mut ftp = site.machine(Machine { passwd, ..Machine::default() }).start();
    let line = ftp.get_text("LIST");
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[2..4], ["somebody", &meta.gid().to_string()]);
    ftp.say("OPTS MLST UNIX.owner;UNIX.group;", "200 ");
    assert_eq!(
        ftp.get_text("MLSD"),
        format!("UNIX.owner=somebody;UNIX.group={}; f\r\n", meta.gid())
    );
}

#[test]
fn perm_is_what_would_be_allowed() {
    let site = site().file("f", "").dir("kept/on").link("l", "f").link("gone", "nowhere");
    let site = site.link("out", "no/f").file("no/f", "");
    let rights = [("/", Rights::ALL), ("/kept/on", Rights::ALL), ("/no", Rights::MAKE_DIR)];
    let mut ftp = site.rights(&rights).start();
    ftp.say("OPTS MLST perm;", "200 ");
    let text = ftp.get_text("MLSD");
    for line in [
        "perm=adfrw; f",
        // The configuration names what is in it.
        "perm=celmp; kept",
        "perm=adfrw; l",
        "perm=df; gone",
        "perm=df; out",
        "perm=em; no",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line} in {text}");
    }
    assert!(ftp.say("MLST /", "250-").contains(" perm=celmp; /\r\n"));
}

#[test]
fn a_directory_that_goes_while_it_is_listed_is_no_whole_listing() {
    let mut ftp = site().start();
    std::fs::create_dir(ftp.path("d")).unwrap();
    for n in 0..70_000 {
        std::fs::File::create(ftp.path(&format!("d/{n:0200}"))).unwrap();
    }
    let data = ftp.passive();
    ftp.say("NLST d", "150 ");
    std::fs::remove_dir_all(ftp.path("d")).unwrap();
    let mut text = vec![];
    std::io::Read::read_to_end(&mut { data }, &mut text).unwrap();
    ftp.expect("451 ");
    assert!(text.ends_with(b"\r\n"));
}

/// A file in a temporary directory, as it comes.
fn any_file() -> impl Strategy<Value = (Vec<u8>, u32, u16, i64)> {
    let name =
        prop::collection::vec(prop::sample::select(b"aZ9 .;=-\xC3\xA9\xFF*".to_vec()), 1..30);
    let name = name.prop_filter("a name", |name| !matches!(&name[..], b"." | b".."));
    (name, 0u32..0o10000, any::<u16>(), -30_610_224_000i64..253_402_300_799)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn facts_are_what_stat_says(files in prop::collection::vec(any_file(), 1..5)) {
        let site = site();
        for (name, mode, size, mtime) in &files {
            let path = site.dir.path().join(OsStr::from_bytes(name));
            std::fs::write(&path, vec![0; usize::from(*size)]).unwrap();
            let time = nix::sys::time::TimeSpec::new(*mtime, 0);
            nix::sys::stat::utimensat(nix::fcntl::AT_FDCWD, &path, &time, &time, nix::sys::stat::UtimensatFlags::NoFollowSymlink).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(*mode)).unwrap();
        }
        let mut ftp = site.start();
        let text = ftp.get("MLSD");
        let lines: Vec<_> = text.strip_suffix(b"\r\n").unwrap().split(|&byte| byte == b'\n').collect();
        let mut names = vec![];
        for line in lines {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let space = line.iter().position(|&byte| byte == b' ').unwrap();
            let (facts, name) = (String::from_utf8(line[..space].to_vec()).unwrap(), &line[space + 1..]);
            let path = ftp.dir.path().join(OsStr::from_bytes(name));
            let meta = std::fs::symlink_metadata(path).unwrap();
            let modify = ftp::time::time_val(meta.mtime()).unwrap();
            let wanted = [
                "type=file".to_owned(),
                format!("size={}", meta.len()),
                format!("modify={modify}"),
                format!("unique={:x}U{:x}", meta.dev(), meta.ino()),
                format!("UNIX.mode={:04o}", meta.mode() & 0o7777),
                format!("UNIX.uid={}", meta.uid()),
                format!("UNIX.gid={}", meta.gid()),
            ];
            let facts: Vec<_> = facts.split(';').filter(|fact| !fact.starts_with("perm=") && !fact.is_empty()).collect();
            prop_assert_eq!(facts, wanted);
            names.push(name.to_vec());
        }
        let mut wanted: Vec<_> = files.into_iter().map(|file| file.0).collect();
        wanted.sort();
        wanted.dedup();
        prop_assert_eq!(names, wanted);
    }
}
