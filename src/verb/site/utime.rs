//! SITE UTIME: sets the time of the last change, in the forms that clients send. Session worker.

use ftp::reply::Reply;
use ftp::time::parse_time_val;

use crate::config::Rights;
use crate::transfer::attributes::{Moment, set_times};
use crate::verb::argument::split_word;
use crate::verb::{Argument, Shape};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// What a client has asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    modified: Moment,
    accessed: Option<Moment>,
    path: &'a [u8],
}

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let said = argument.word();
    let asked = behind_path(said).or_else(|| before_path(said));
    let Asked { modified, accessed, path } =
        asked.ok_or_else(|| Failure::new(501, "A time and a path are needed."))?;
    let target = session.find(Shape::Path, path, Rights::SET_TIME)?;
    set_times(session, &target, modified, accessed)?;
    Ok(Reply::new(200, "The time of the last change is set."))
}

/// `path accessed modified created UTC`; nothing can set the third time.
fn behind_path(said: &[u8]) -> Option<Asked<'_>> {
    let mut words = said.rsplitn(5, |&byte| byte == b' ');
    if !words.next()?.eq_ignore_ascii_case(b"UTC") {
        return None;
    }
    let mut time = || words.next().and_then(parse_time_val);
    let (_, modified, accessed) = (time()?, time()?, time()?);
    let path = words.next().filter(|path| !path.is_empty())?;
    Some(Asked { modified, accessed: Some(accessed), path })
}

/// `YYYYMMDDhhmm[ss] path`.
fn before_path(said: &[u8]) -> Option<Asked<'_>> {
    let (word, path) = split_word(said)?;
    let modified = match word.len() {
        12 => parse_time_val(&[word, b"00"].concat()),
        _ => parse_time_val(word),
    };
    Some(Asked { modified: modified?, accessed: None, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(said: &str) -> Option<(String, Option<i64>, i64)> {
        let said = said.as_bytes();
        let asked = behind_path(said).or_else(|| before_path(said))?;
        let path = String::from_utf8(asked.path.to_vec()).unwrap();
        Some((path, asked.accessed.map(|time| time.0), asked.modified.0))
    }

    #[test]
    fn times_stand_before_or_behind_a_path_that_may_have_spaces() {
        let behind = "19700101000001 19700101000002 19700101000003 UTC";
        for (said, path, accessed, modified) in [
            ("19700101000005 f", "f", None, 5),
            ("19700101000005  a b ", " a b ", None, 5),
            ("197001010001 f", "f", None, 60),
            (&format!("f {behind}"), "f", Some(1), 2),
            (&format!("a b {behind}"), "a b", Some(1), 2),
            (&format!("19700101000005 f {behind}"), "19700101000005 f", Some(1), 2),
            ("19700101000005 x UTC", "x UTC", None, 5),
        ] {
            assert_eq!(asked(said), Some((path.to_owned(), accessed, modified)), "{said}");
        }
        for said in ["", "f", "19700101000005", "1970010100 f", "20230229000000 f", "f 1 2 3 UTC"] {
            assert_eq!(asked(said), None, "{said}");
        }
    }
}
