//! HASH: the checksum of a file or a part of it (draft-bryan-ftpext-hash-02 §3). Session worker.

use ftp::reply::Reply;

use super::{Argument, Client, checksum};
use crate::transfer::Span;
use crate::transfer::digest::{ALGORITHMS, SHA_256};
use crate::transfer::hash::{self, Order};
use crate::worker::failure::Failure;
use crate::worker::session::Session;

/// See the table. `ALGORITHM first-last checksum path`: the draft takes its range from RANG, which names the first
/// octet and the last one; so a file of 50 octets is `0-49`. Of an empty part, which that can't say, `first-first` is said.
pub fn run(session: &mut Session, argument: Argument, span: Span) -> Result<Reply, Failure> {
    let (target, _) = checksum::find(session, argument.word(), false)?;
    let order = Order { verb: "HASH", code: 213, algorithm: session.algorithm };
    hash::run(session, &order, &target, span, |sum| {
        let (start, last) = (sum.start, sum.end.max(sum.start + 1) - 1);
        let text = format!("{} {start}-{last} {} ", order.algorithm.name, sum.hex());
        [text.as_bytes(), &target.said].concat()
    })
}

/// The algorithms there are, a star behind the one that this session has chosen (§3.1 of the draft).
pub fn feature(client: &Client) -> Option<String> {
    let chosen = match client {
        Client::Stranger(_) => &SHA_256,
        Client::User(session) => session.algorithm,
    };
    let star = |name| if name == chosen.name { "*" } else { "" };
    let names = ALGORITHMS.map(|algorithm| [algorithm.name, star(algorithm.name)].concat());
    Some(format!("HASH {}", names.join(";")))
}
