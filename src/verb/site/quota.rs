//! SITE QUOTA: the user's quota, as the file system keeps it. Session worker.

use ftp::reply::Reply;

use crate::transfer::space::{Share, quota_here};
use crate::verb::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    if !argument.word().trim_ascii().is_empty() {
        return Err(Failure::new(501, "No argument is expected."));
    }
    let Some(quota) = quota_here(session)? else {
        return Ok(Reply::new(211, "No quota here."));
    };
    let first = [b"Quota of ", session.user.as_slice(), b":"].concat();
    let lines = vec![line("Bytes", quota.bytes), line("Files", quota.files)];
    Ok(Reply::lines(211, first, lines, "End"))
}

fn line(what: &str, share: Share) -> Vec<u8> {
    let Share { used, most } = share;
    match most {
        Some(most) => format!("{what}: {used} used of {most}").into_bytes(),
        None => format!("{what}: {used} used, no limit").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_limit_says_so() {
        assert_eq!(line("Bytes", Share { used: 7, most: Some(9) }), b"Bytes: 7 used of 9");
        assert_eq!(line("Files", Share { used: 7, most: None }), b"Files: 7 used, no limit");
    }
}
