//! SITE SYMLINK: makes a symbolic link, as `ln -s target link` does. Session worker.
//!
//! Whatever it says, this server follows it within the jail; other programs do not, so it has a right of its own.

use ftp::reply::Reply;
use nix::unistd::symlinkat;

use crate::config::Rights;
use crate::verb::words::words;
use crate::verb::{Argument, Shape};
use crate::wire::event::Change;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::tree::is_reserved;

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let names = words(argument.word()).unwrap_or_default();
    let [to, link] = names.as_slice() else {
        return Err(Failure::new(501, "A target and a link are needed, spaces in double quotes."));
    };
    let link = session.find(Shape::Entry, link, Rights::LINK)?;
    if to.split(|&byte| byte == b'/').any(is_reserved) {
        return Err(Failure::new(550, "This name is reserved.").because("a reserved name"));
    }
    let directory = session.tree.parent(&link.real)?;
    symlinkat(to.as_slice(), &directory, link.real.name()?)?;
    session.changed(Change::MakeLink, &link.path, Some(to))?;
    Ok(Reply::new(200, "Link made."))
}
