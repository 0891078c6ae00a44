//! What is changed of a file that is there: its times, its mode, its group. Session worker, as the user; whether that
//! user may, the kernel decides.
//!
//! Each call names a directory that was opened without links and a name in it, and follows no link there.

use std::os::fd::AsFd;

use ftp::time::time_val_exact;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode, SFlag, UtimensatFlags, fchmod, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, fchownat};

use crate::verb::Target;
use crate::wire::event::Change;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::stream::file_type;
use crate::worker::tree::{Real, Tree};

/// Seconds and nanoseconds after the epoch.
pub type Moment = (i64, u32);

/// Sets the time of the last change, and that of the last access if one is given; tells the first as the file has it
/// now. A time outside of what the file system can hold is refused, and the old one stays.
pub fn set_times(
    session: &Session,
    target: &Target,
    modified: Moment,
    accessed: Option<Moment>,
) -> Result<String, Failure> {
    let before = session.tree.stat(&target.real)?;
    put_times(&session.tree, &target.real, spec(modified), accessed.map_or(OMIT, spec))?;
    let after = session.tree.stat(&target.real)?;
    let rounded_off = modified.0.saturating_sub(after.st_mtime);
    let Some(time) = shown(&after).filter(|_| (0..COARSEST).contains(&rounded_off)) else {
        let [modified, accessed] = times_of(&before);
        put_times(&session.tree, &target.real, modified, accessed)?;
        return Err(Failure::new(550, "The file system can't hold this time."));
    };
    session.changed(Change::SetTime, &target.path, Some(time.as_bytes()))?;
    Ok(time)
}

/// Changes the permissions; tells them.
pub fn set_mode(session: &Session, target: &Target, mode: Mode) -> Result<String, Failure> {
    session.require_unnamed(target)?;
    let directory = session.tree.parent(&target.real)?;
    match sys::file::change_mode(directory.as_fd(), name(&target.real), mode) {
        Err(Errno::ENOSYS) => set_mode_by_opening(&session.tree, &target.real, mode)?,
        changed => changed?,
    }
    let mode = format!("{:04o}", mode.bits());
    session.changed(Change::SetMode, &target.path, Some(mode.as_bytes()))?;
    Ok(mode)
}

/// Gives a file to a group.
pub fn set_group(session: &Session, target: &Target, group: Gid) -> Result<(), Failure> {
    session.require_unnamed(target)?;
    let directory = session.tree.parent(&target.real)?;
    let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
    fchownat(&directory, name(&target.real), None, Some(group), flags)?;
    session.changed(Change::SetGroup, &target.path, Some(group.to_string().as_bytes()))
}

/// Before Linux 6.6 no call changes the mode of a name without following a link; a file that was opened is no link.
fn set_mode_by_opening(tree: &Tree, real: &Real, mode: Mode) -> Result<(), Failure> {
    // To open anything else would mean something to a FIFO's other end or to a device.
    if !matches!(file_type(tree.stat(real)?.st_mode), SFlag::S_IFREG | SFlag::S_IFDIR) {
        return Err(Failure::new(550, "Not a plain file."));
    }
    let opened = tree.open(real, OFlag::O_RDONLY).or_else(|_| tree.open(real, OFlag::O_WRONLY));
    Ok(fchmod(opened?, mode)?)
}

fn put_times(tree: &Tree, real: &Real, modified: TimeSpec, accessed: TimeSpec) -> nix::Result<()> {
    let directory = tree.parent(real)?;
    utimensat(&directory, name(real), &accessed, &modified, UtimensatFlags::NoFollowSymlink)
}

/// The root of the jail is `.` in itself.
fn name(real: &Real) -> &[u8] {
    real.name().unwrap_or(b".")
}

fn spec((secs, nanos): Moment) -> TimeSpec {
    TimeSpec::new(secs, nanos.into())
}

fn times_of(stat: &FileStat) -> [TimeSpec; 2] {
    [
        TimeSpec::new(stat.st_mtime, stat.st_mtime_nsec),
        TimeSpec::new(stat.st_atime, stat.st_atime_nsec),
    ]
}

fn shown(stat: &FileStat) -> Option<String> {
    time_val_exact(stat.st_mtime, stat.st_mtime_nsec.try_into().ok()?)
}

const OMIT: TimeSpec = TimeSpec::UTIME_OMIT;
/// FAT counts in two seconds.
const COARSEST: i64 = 2;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use ftp::path::VirtualPath;

    use super::*;
    use crate::config::Rights;
    use crate::wire::event::Event;
    use crate::wire::session::Ask;
    use crate::worker::testing::{Ftp, rights, site};
    use crate::worker::tree::Last;

    /// The next change that the log was told: what it was, and to what.
    fn told(ftp: &mut Ftp) -> (Change, String, String) {
        ftp.asked(|ask| match ask {
            Ask::Event(Event::Change { change, path, to }) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                Some((*change, text(path), to.as_deref().map(text).unwrap_or_default()))
            }
            _ => None,
        })
    }

    #[test]
    fn a_time_is_held_exactly_or_refused() {
        let mut ftp = site().file("f", "").start();
        for time in [
            "19700101000000",
            "19691231235959",
            "19011213204551",
            "20380119031408",
            "21060207062816",
            "99991231235959",
            "10000101000000",
        ] {
            let before = ftp.say("MDTM f", "213 ");
            ftp.send(&format!("MFMT {time} f"));
            let reply = ftp.expect("");
            let expected = match reply.starts_with("213") {
                true => format!("213 {time}\r\n"),
                false => before,
            };
            assert!(reply.starts_with("550") || reply == format!("213 Modify={time}; f\r\n"));
            assert_eq!(ftp.say("MDTM f", "213 "), expected, "{time}: {reply}");
        }
    }

    #[test]
    fn the_time_of_access_stays_where_it_is_not_meant() {
        let mut ftp = site().file("a b", "").start();
        let times = |ftp: &Ftp| {
            let stat = nix::sys::stat::stat(&ftp.path("a b")).unwrap();
            (stat.st_atime, stat.st_mtime)
        };
        let (accessed, _) = times(&ftp);
        ftp.say("MFMT 19700101000100 a b", "213 Modify=19700101000100; a b\r\n");
        assert_eq!(times(&ftp), (accessed, 60));
        assert_eq!(told(&mut ftp), (Change::SetTime, "/a b".into(), "19700101000100".into()));
        ftp.say("SITE UTIME a b 19700101000001 19700101000002 19700101000003 UTC", "200 ");
        assert_eq!(times(&ftp), (1, 2));
    }

    #[test]
    fn the_log_is_told_what_was_changed_and_to_what() {
        let mut ftp = site().file("f", "").start();
        let group = nix::unistd::getegid();
        ftp.say("SITE CHMOD 640 f", "200 ");
        assert_eq!(told(&mut ftp), (Change::SetMode, "/f".into(), "0640".into()));
        ftp.say(&format!("SITE CHGRP {group} f"), "200 ");
        assert_eq!(told(&mut ftp), (Change::SetGroup, "/f".into(), group.to_string()));
        ftp.say("SITE SYMLINK ../f l", "200 ");
        assert_eq!(told(&mut ftp), (Change::MakeLink, "/l".into(), "../f".into()));
    }

    #[test]
    fn who_may_enter_a_named_directory_is_not_for_clients_to_say() {
        let mut ftp =
            site().dir("in/x").rights(&[("/", Rights::ALL), ("/in", Rights::ALL)]).start();
        let group = nix::unistd::getegid();
        for path in ["/", "in"] {
            ftp.say(&format!("SITE CHMOD 0750 {path}"), "550 ");
            ftp.say(&format!("SITE CHGRP {group} {path}"), "550 ");
        }
        ftp.say("SITE CHMOD 0750 in/x", "200 ");
        ftp.say("MFMT 20000101000000 /", "213 Modify=20000101000000; /\r\n");
    }

    #[test]
    fn links_are_followed_here_and_never_changed() {
        let mut ftp = site().file("d/f", "").link("l", "/d/f").link("out", "/etc/passwd").start();
        ftp.say("SITE CHMOD 600 l", "200 ");
        assert_eq!(mode_of(&ftp.path("d/f")), 0o600);
        for line in ["SITE CHMOD 600 out", "SITE CHGRP 0 out", "MFMT 20000101000000 out"] {
            ftp.say(line, "550 ");
        }
    }

    #[test]
    fn what_a_mode_takes_away_is_no_longer_in_perm() {
        let mut ftp = site().file("f", "").start();
        assert!(ftp.say("MLST f", "250-").contains("perm=adfrw;"));
        ftp.say("SITE CHMOD 000 f", "200 ");
        let perm = if nix::unistd::geteuid().is_root() { "perm=adfrw;" } else { "perm=df;" };
        assert!(ftp.say("MLST f", "250-").contains(perm));
    }

    fn mode_of(path: &std::path::Path) -> u32 {
        std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn older_kernels_change_what_can_be_opened_and_is_no_link() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        std::fs::create_dir(dir.path().join("dir")).unwrap();
        nix::unistd::mkfifo(&dir.path().join("fifo"), Mode::S_IRWXU).unwrap();
        symlink("file", dir.path().join("link")).unwrap();
        let root = std::fs::File::open(dir.path()).unwrap().into();
        let tree = Tree::new(root, rights(&[("/", Rights::ALL)]), VirtualPath::root());
        let change = |name: &[u8]| {
            let path = tree.cwd.join(name).unwrap();
            let real = tree.real(&path, Last::Itself).unwrap();
            set_mode_by_opening(&tree, &real, Mode::from_bits_truncate(0o1701))
        };
        for name in ["file", "dir"] {
            change(name.as_bytes()).unwrap();
            assert_eq!(mode_of(&dir.path().join(name)), 0o1701, "{name}");
        }
        assert!(change(b"fifo").is_err() && change(b"link").is_err() && change(b"none").is_err());
        assert_eq!(mode_of(&dir.path().join("fifo")), 0o700);
    }
}
