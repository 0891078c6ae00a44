//! MDTM: the time of the last change (RFC 3659 §3). Session worker.
//!
//! What follows is a path. Some clients put a time before it to set that; they are understood where no file has the
//! whole of it as its name.

use ftp::reply::Reply;
use ftp::time::{parse_time_val, time_val};
use nix::errno::Errno;

use super::argument::split_word;
use super::{Argument, LOOK, Shape, Target};
use crate::config::Rights;
use crate::transfer::attributes::{Moment, set_times};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let said = argument.word();
    let target = Shape::Path.argument(&session.tree, Some(said)).and_then(Argument::target);
    let exists = target.as_ref().is_ok_and(|target| exists(session, target));
    match time_and_path(said).filter(|_| !exists) {
        Some((time, path)) => set(session, time, path),
        None => tell(session, &target?),
    }
}

fn tell(session: &Session, target: &Target) -> Result<Reply, Failure> {
    session.require(LOOK, target)?;
    match time_val(session.tree.stat(&target.real)?.st_mtime) {
        Some(time) => Ok(Reply::new(213, time)),
        None => Err(Failure::new(550, "Its time can't be told.")),
    }
}

fn set(session: &Session, time: Moment, path: &[u8]) -> Result<Reply, Failure> {
    let target = session.find(Shape::Path, path, Rights::SET_TIME)?;
    set_times(session, &target, time, None)?;
    Ok(Reply::new(213, "The time of the last change is set."))
}

fn time_and_path(said: &[u8]) -> Option<(Moment, &[u8])> {
    let (word, path) = split_word(said)?;
    Some((parse_time_val(word)?, path))
}

fn exists(session: &Session, target: &Target) -> bool {
    let stat = session.tree.stat(&target.real);
    !matches!(stat, Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::testing::site;

    #[test]
    fn a_time_before_a_path_is_part_of_a_name_where_there_is_one() {
        let literal = "20000101000000 f";
        let mut ftp = site().file("f", "").file(literal, "").start();
        let time = ftp.say("MDTM f", "213 ");
        ftp.say(&format!("MDTM {literal}"), &time);
        ftp.say(&format!("DELE {literal}"), "250 ");
        ftp.say(&format!("MDTM {literal}"), "213 The time of the last change is set.");
        ftp.say("MDTM f", "213 20000101000000\r\n");
        for line in ["MDTM 20000101000000 none", "MDTM 20000230000000 f", "MDTM 2000 f"] {
            ftp.say(line, "550 ");
        }
        let long = "x".repeat(250);
        ftp.put(&format!("STOR {long}"), "", "226 ");
        ftp.say(&format!("MDTM 20000101000000 {long}"), "213 The time of the last change is set.");
    }

    #[test]
    fn setting_and_telling_have_rights_of_their_own() {
        let rows = [("/", Rights::LIST), ("/in", Rights::SET_TIME)];
        let mut ftp = site().file("f", "").file("in/f", "").rights(&rows).start();
        ftp.say("MDTM 20000101000000 f", "550 ");
        ftp.say("MDTM 20000101000000 /in/f", "213 ");
        ftp.say("MDTM in/f", "550 ");
    }
}
