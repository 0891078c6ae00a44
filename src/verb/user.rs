//! USER: whom the next PASS is for. Login worker.

use ftp::reply::Reply;

use super::Argument;
use crate::wire::Bounded;
use crate::worker::failure::Failure;
use crate::worker::login::Login;

/// What it is told who has logged in already.
pub const LATER: (u16, &str) = (530, "Logged in already; QUIT first.");

/// See the table. One answer for every name, known or not (RFC 2577 §7); also for anonymous: a client is known
/// that never ends when it gets 230 here.
pub fn run(login: &mut Login, argument: Argument) -> Result<Reply, Failure> {
    let name = Bounded::try_from(argument.word());
    let name = name.map_err(|_| Failure::new(501, "Name too long."))?;
    login.user = None;
    let certified = login.is_certified(&name)?;
    login.user = Some(name);
    if certified {
        // The attempt that every login is; nobody reads its password.
        return login.try_password(b"");
    }
    Ok(Reply::new(331, "Password, please."))
}
