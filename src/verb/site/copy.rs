//! SITE COPY, and SITE CPFR with SITE CPTO: a copy that the server makes. Session worker.

use ftp::reply::Reply;

use crate::config::Rights;
use crate::transfer::copy;
use crate::verb::words::words;
use crate::verb::{Argument, STORE, Shape};
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use crate::worker::tree::require_plain;

/// SITE COPY.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let names = words(argument.word()).unwrap_or_default();
    let [source, target] = names.as_slice() else {
        return Err(Failure::new(501, "Two names are needed, those with spaces in double quotes."));
    };
    let source = session.find(Shape::Path, source, Rights::READ)?;
    let target = session.find(Shape::New, target, STORE)?;
    copy::run(session, &source, &target)
}

/// SITE CPFR.
pub fn from(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    require_plain(&session.tree.stat(&target.real)?)?;
    session.copying = Some((session.count, target));
    Ok(Reply::new(350, "Now SITE CPTO."))
}

/// SITE CPTO. As RNTO does, it belongs to the command right before it.
pub fn to(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let target = argument.target()?;
    let named = session.copying.take();
    let out_of_order = || Failure::new(503, "Say SITE CPFR first.");
    let source = session.just_named(named).ok_or_else(out_of_order)?;
    copy::run(session, &source, &target)
}
