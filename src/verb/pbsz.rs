//! PBSZ: the size of protected blocks, of which TLS has none (RFC 2228 §3, RFC 4217 §9). Both workers.

use ftp::reply::Reply;

use super::{Argument, Client};
use crate::wire::session::Protection;
use crate::worker::failure::Failure;

/// See the table.
pub fn run(client: &mut Client, argument: Argument) -> Result<Reply, Failure> {
    let size = str::from_utf8(argument.word()).ok().and_then(|word| word.parse::<u32>().ok());
    let protection = client.protection()?;
    let size = size.ok_or_else(|| Failure::new(501, "Not a number of 32 bits."))?;
    protection.get_or_insert(Protection::Clear);
    Ok(match size {
        0 => Reply::new(200, "PBSZ=0"),
        _ => Reply::new(200, "PBSZ=0: TLS needs no more."),
    })
}

/// Told to who may say it.
pub fn feature(client: &Client) -> Option<String> {
    client.may_protect().then(|| "PBSZ".to_owned())
}
