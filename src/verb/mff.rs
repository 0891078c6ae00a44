//! MFF: changes facts of a file (draft-somers-ftp-mfxx §5). Session worker. A fact is a row; all are checked before the
//! first is set. Those are set in the order of the table: the file system may refuse a time, and no mode is set then.

use ftp::reply::Reply;

use super::argument::{mode, time};
use super::{Argument, Client, Target};
use crate::config::Rights;
use crate::transfer::attributes::{set_mode, set_times};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// A fact that can be changed.
struct Fact {
    name: &'static str,
    needs: Rights,
    check: fn(&[u8]) -> Result<(), Failure>,
    /// Sets it, and tells what it is now.
    set: fn(&Session, &Target, &[u8]) -> Result<String, Failure>,
}

static FACTS: [Fact; 2] = [
    Fact {
        name: "Modify",
        needs: Rights::SET_TIME,
        check: |value| time(value).map(drop),
        set: |session, target, value| set_times(session, target, time(value)?, None),
    },
    Fact {
        name: "UNIX.mode",
        needs: Rights::CHMOD,
        check: |value| mode(value).map(drop),
        set: |session, target, value| set_mode(session, target, mode(value)?),
    },
];

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    let asked = parse(&target.before)?;
    for (fact, _) in &asked {
        session.require(fact.needs, &target)?;
    }
    session.tree.stat(&target.real)?;
    let mut text = vec![];
    for fact in &FACTS {
        for (_, value) in asked.iter().filter(|(one, _)| one.name == fact.name) {
            let set = (fact.set)(session, &target, value)?;
            text.extend(format!("{}={set};", fact.name).into_bytes());
        }
    }
    text.push(b' ');
    text.extend(&target.said);
    Ok(Reply::new(213, text))
}

/// The facts that this client may change somewhere.
pub fn feature(client: &Client) -> Option<String> {
    let may = FACTS.iter().filter(|fact| client.may(fact.needs));
    let facts: String = may.map(|fact| format!("{};", fact.name)).collect();
    (!facts.is_empty()).then(|| format!("MFF {facts}"))
}

/// `fact=value;fact=value;`: each with a value that it can have.
fn parse(said: &[u8]) -> Result<Vec<(&'static Fact, &[u8])>, Failure> {
    let facts = said.strip_suffix(b";").ok_or_else(malformed)?;
    facts.split(|&byte| byte == b';').map(parse_one).collect()
}

fn parse_one(said: &[u8]) -> Result<(&'static Fact, &[u8]), Failure> {
    let mut halves = said.splitn(2, |&byte| byte == b'=');
    let (Some(name @ [_, ..]), Some(value)) = (halves.next(), halves.next()) else {
        return Err(malformed());
    };
    let fact = FACTS.iter().find(|fact| name.eq_ignore_ascii_case(fact.name.as_bytes()));
    let fact = fact.ok_or_else(|| Failure::new(504, "This fact can't be changed."))?;
    (fact.check)(value)?;
    Ok((fact, value))
}

fn malformed() -> Failure {
    Failure::new(501, "Facts are fact=value; and a path follows.")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::worker::testing::site;

    #[test]
    fn facts_are_changed_together_or_not_at_all() {
        let mut ftp = site().file("a b", "").start();
        ftp.say(
            "MFF unix.MODE=600;modify=20000101000000.25; a b",
            "213 Modify=20000101000000.25;UNIX.mode=0600; a b\r\n",
        );
        for (line, reply) in [
            ("MFF UNIX.mode=0644;Type=dir; a b", "504 "),
            ("MFF UNIX.mode=0644;Modify=20000230000000; a b", "501 "),
            ("MFF UNIX.mode=0644;Modify; a b", "501 "),
            ("MFF UNIX.mode=0644;=1; a b", "501 "),
            ("MFF UNIX.mode=0644 a b", "501 "),
            ("MFF ; a b", "501 "),
            ("MFF UNIX.mode=4755; a b", "550 "),
            ("MFF UNIX.mode=0644; none", "550 "),
            ("MFF UNIX.mode=0644;", "501 "),
        ] {
            ftp.say(line, reply);
        }
        let mode = std::fs::metadata(ftp.path("a b")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        ftp.say("MDTM a b", "213 20000101000000\r\n");
    }

    #[test]
    fn each_fact_has_a_right_of_its_own() {
        for (right, feature, refused) in [
            (Rights::CHMOD, " MFF UNIX.mode;\r\n", "Modify=20000101000000"),
            (Rights::SET_TIME, " MFF Modify;\r\n", "UNIX.mode=0644"),
        ] {
            let mut ftp = site().file("f", "").rights(&[("/", right)]).start();
            assert!(ftp.say("FEAT", "211-").contains(feature));
            ftp.say(&format!("MFF {refused}; f"), "550 ");
        }
        let mut ftp = site().file("f", "").rights(&[("/", Rights::LIST)]).start();
        assert!(!ftp.say("FEAT", "211-").contains("MF"));
    }
}
