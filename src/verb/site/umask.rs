//! SITE UMASK: the permissions that new files and directories of this session do not get. Session worker.

use ftp::reply::Reply;

use crate::verb::Argument;
use crate::verb::argument::octal;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let word = argument.word().trim_ascii();
    if !word.is_empty() {
        // Without the owner's bits the client could not even go on with its own upload.
        let umask = octal(word).filter(|umask| *umask <= 0o777 && umask & 0o600 == 0);
        session.umask = umask.ok_or_else(|| Failure::new(501, "Not a umask to be had."))?;
    }
    Ok(Reply::new(200, format!("The umask is {:03o}.", session.umask)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use crate::config::Rights;
    use crate::worker::testing::site;

    #[test]
    fn what_is_made_later_has_it() {
        let mut ftp = site().start();
        ftp.say("SITE UMASK", "200 The umask is 022.");
        ftp.say("SITE UMASK 0077", "200 The umask is 077.");
        ftp.say("MKD d", "257 ");
        ftp.put("STOR f", "x", "226 ");
        let mode =
            |name: &str| std::fs::metadata(ftp.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("d"), mode("f")), (0o700, 0o600));
        for wrong in ["1000", "8", "-1", "u=rw", "777"] {
            ftp.say(&format!("SITE UMASK {wrong}"), "501 ");
        }
        let mut ftp = site().rights(&[("/", Rights::READ)]).start();
        ftp.say("SITE UMASK 0", "550 ");
    }
}
