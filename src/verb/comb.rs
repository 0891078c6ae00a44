//! COMB: adds files to another one, in order, and removes them: for uploads in parts. Session worker.

use ftp::reply::Reply;

use super::words::words;
use super::{Argument, STORE, Shape};
use crate::config::Rights;
use crate::transfer::combine;
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table. A symbolic link is no part: what it leads to would stay, or go, under another name.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let names = words(argument.word()).unwrap_or_default();
    let [target, parts @ ..] = names.as_slice() else {
        return Err(needs_names());
    };
    if parts.is_empty() {
        return Err(needs_names());
    }
    let target = session.find(Shape::New, target, STORE)?;
    let part = |name: &Vec<u8>| {
        let part = session.find(Shape::Entry, name, Rights::READ)?;
        session.require(Rights::DELETE, &part).map(|()| part)
    };
    let parts = parts.iter().map(part).collect::<Result<_, _>>()?;
    combine::run(session, &target, parts)
}

fn needs_names() -> Failure {
    Failure::new(501, "A target and its parts are needed, those with spaces in double quotes.")
}
