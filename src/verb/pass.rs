//! PASS: asks the broker to log the user in. Login worker; the password is not looked at here.

use ftp::reply::Reply;

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::login::Login;

/// What it is told who has logged in already: superfluous (RFC 959 §5.4).
pub const LATER: (u16, &str) = (202, "Logged in already.");

/// See the table.
pub fn run(login: &mut Login, argument: Argument) -> Result<Reply, Failure> {
    login.try_password(argument.word())
}
