//! SITE: commands that are this server's own (RFC 959 §4.1.3), as other servers have made them known. Session worker.

mod chgrp;
mod chmod;
mod copy;
mod help;
mod idle;
mod quota;
mod symlink;
mod umask;
mod utime;

use ftp::command::{self, Command};
use ftp::reply::Reply;

use super::row::verbs;
use super::{Argument, Client, Feature, Meanwhile, Needs, Row, Run, STORE, Shape, mkd, rmd, row};
use crate::config::Rights;
use crate::worker::failure::Failure;
use crate::worker::session::Session;
use Feature::{Line, No};
use Meanwhile::Wait;
use Needs::{AnyOf, Nothing};
use Run::User;
use Shape::{Entry, New, Optional, Path, Rest, WordPath};

const MAKE: Rights = Rights::CREATE.union(Rights::MAKE_DIR);

/// All SITE commands, sorted by name.
#[rustfmt::skip]
pub static TABLE: &[Row] = verbs![
    // name     run                 argument  needs                    meanwhile feature              help
    ("CHGRP",   User(chgrp::run),   WordPath, AnyOf(Rights::CHMOD),    Wait,     No,                  "group path: give a file to a group of yours, by its number; by its name where listings show names"),
    ("CHMOD",   User(chmod::run),   WordPath, AnyOf(Rights::CHMOD),    Wait,     Line("SITE CHMOD"),  "mode path: change the permissions, in octal"),
    ("COPY",    User(copy::run),    Rest,     AnyOf(STORE),            Wait,     Line("SITE COPY"),   "path path: copy a file; names with spaces in double quotes"),
    ("CPFR",    User(copy::from),   Path,     AnyOf(Rights::READ),     Wait,     No,                  "path: copy this"),
    ("CPTO",    User(copy::to),     New,      AnyOf(STORE),            Wait,     No,                  "path: to this"),
    ("HELP",    User(help::run),    Optional, Nothing,                 Wait,     No,                  "[command]: list SITE commands, or explain one"),
    ("IDLE",    User(idle::run),    Optional, Nothing,                 Wait,     No,                  "[seconds]: how long the client may be silent"),
    ("MKDIR",   User(mkd::run),     Entry,    AnyOf(Rights::MAKE_DIR), Wait,     Line("SITE MKDIR"),  "path: make a directory"),
    ("QUOTA",   User(quota::run),   Rest,     AnyOf(STORE),            Wait,     No,                  "tell what you use of your quota"),
    ("RMDIR",   User(rmd::run),     Entry,    AnyOf(Rights::REMOVE_DIR), Wait,   Line("SITE RMDIR"),  "path: remove a directory"),
    ("SYMLINK", User(symlink::run), Rest,     AnyOf(Rights::LINK),     Wait,     Line("SITE SYMLINK"), "target link: make a symbolic link; names with spaces in double quotes"),
    ("UMASK",   User(umask::run),   Rest,     AnyOf(MAKE),             Wait,     No,                  "[mask]: the permissions that what is made does not get, in octal"),
    ("UTIME",   User(utime::run),   Rest,     AnyOf(Rights::SET_TIME), Wait,     Line("SITE UTIME"),  "YYYYMMDDhhmm[ss] path: set the time of the last change, in UTC"),
];

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    let unknown = || Failure::new(500, "Unknown SITE command.");
    let said = argument.word().trim_ascii_start();
    if said.is_empty() {
        return Err(Failure::new(501, "An argument is missing."));
    }
    let Command { verb, argument } = command::parse(said).map_err(|_| unknown())?;
    let row = row(TABLE, verb.as_str()).ok_or_else(unknown)?;
    row.serve(&mut Client::User(session), argument)
}
