//! CLNT and CSID: what the client is. Both workers. It is told to the log, once, and changes nothing.

use ftp::reply::Reply;

use super::{Argument, Client};
use crate::wire::Bounded;
use crate::wire::event::Note;
use crate::worker::failure::Failure;

/// CLNT, as NcFTP, FileZilla, WinSCP and lftp send it.
pub fn run(client: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    client.introduce(argument.word())?;
    Ok(Reply::new(200, "Noted."))
}

/// CSID (draft-peterson-streamlined-ftp-command-extensions). Our own version is for those who have logged in.
pub fn identify(client: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    client.introduce(argument.word())?;
    let version = match client {
        Client::Stranger(_) => "",
        Client::User(_) => concat!("version=", env!("CARGO_PKG_VERSION"), ";"),
    };
    Ok(Reply::new(200, format!("name=cellftpd;{version}casesensitive=1;dirsep=/;")))
}

impl Client<'_> {
    /// Tells the log what the client calls itself, the first time.
    fn introduce(&mut self, name: &[u8]) -> Result<(), Failure> {
        let introduced = match self {
            Client::Stranger(login) => &mut login.introduced,
            Client::User(session) => &mut session.introduced,
        };
        if std::mem::replace(introduced, true) {
            return Ok(());
        }
        let note = Note::Client(Bounded::cut(name));
        match self {
            Client::Stranger(login) => login.note(note),
            Client::User(session) => session.note(note),
        }
    }
}
