//! SITE CHGRP: gives a file to a group of the user's own, by its number, or by its name where listings show names. Session
//! worker. The kernel knows which groups those are.

use ftp::reply::Reply;
use nix::unistd::Gid;

use crate::transfer::attributes::set_group;
use crate::verb::Argument;
use crate::verb::argument::number;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    let named = || session.names.group_id(&target.before);
    let group = own_number(&target.before).or_else(named);
    let group = group.ok_or_else(|| not_a_group(session))?;
    set_group(session, &target, Gid::from_raw(group))?;
    Ok(Reply::new(200, format!("The group is {group} now.")))
}

fn not_a_group(session: &Session) -> Failure {
    let text = match session.settings.listing.names {
        true => "Neither the name nor the number of a group.",
        false => "Not the number of a group.",
    };
    Failure::new(501, text)
}

/// The highest number means no group at all (chown(2)).
fn own_number(word: &[u8]) -> Option<u32> {
    number(word).filter(|&group| group != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_groups_are_taken() {
        for (word, group) in [
            ("0", Some(0)),
            ("4294967294", Some(u32::MAX - 1)),
            ("4294967295", None),
            ("4294967296", None),
            ("-1", None),
            ("+1", None),
            ("staff", None),
        ] {
            assert_eq!(own_number(word.as_bytes()), group, "{word}");
        }
    }
}
