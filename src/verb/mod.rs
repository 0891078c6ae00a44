//! The commands of FTP: one table, one row and one file each. Both workers; the client is not trusted.
//!
//! The dispatcher reads the row: may it run in this phase, is its argument of the right shape, has the session
//! the right; only then it runs. FEAT, HELP and what a transfer lets through read the same rows. To add a verb:
//! a file, a `mod` line, a row.

mod abor;
mod acct;
mod allo;
mod argument;
mod auth;
mod avbl;
mod ccc;
mod checksum;
mod clnt;
mod comb;
mod cwd;
mod dele;
mod dsiz;
mod eprt;
mod epsv;
mod feat;
mod hash;
mod help;
mod host;
mod lang;
mod list;
mod mdtm;
mod mfct;
mod mff;
mod mfmt;
mod mkd;
mod mlst;
mod mode;
mod noop;
mod opts;
mod pass;
mod pasv;
mod pbsz;
mod port;
mod prot;
mod pwd;
mod quit;
mod rang;
mod rest;
mod retr;
mod rmd;
mod rnfr;
mod rnto;
mod row;
mod site;
mod size;
mod stat;
mod stor;
mod stou;
mod stru;
mod syst;
mod r#type;
mod user;
mod words;

use ftp::command::{self, Command};
use ftp::reply::Reply;

pub use argument::{Argument, Shape, Target};
pub use quit::GOODBYE;
pub use row::{Feature, Meanwhile, Needs, Row, Run};

use crate::config::{Rights, Settings};
use crate::wire::session::Protection;
use crate::worker::control::Said;
use crate::worker::failure::Failure;
use crate::worker::login::Login;
use crate::worker::session::Session;
use Feature::{Line, No, Own};
use Meanwhile::{Ends, Now, Stops, Wait};
use Needs::{Active, AnyOf, Nothing, Passive, Tls};
use Run::{Anyone, Stranger, Transfer, User};
use Shape::{
    Entry, Listed, New, Optional, Path, PathOrHere, PathOrLink, Rest, Secret, Word, WordPath,
};
use row::verbs;

/// Whom a command comes from.
#[derive(Debug)]
pub enum Client<'a> {
    /// Nobody has logged in yet.
    Stranger(&'a mut Login),
    /// Somebody has.
    User(&'a mut Session),
}

const STORE: Rights = Rights::CREATE.union(Rights::OVERWRITE).union(Rights::APPEND);
const LOOK: Rights = Rights::LIST.union(Rights::READ).union(STORE);
const FACTS: Rights = Rights::SET_TIME.union(Rights::CHMOD);

/// All verbs, sorted by name.
#[rustfmt::skip]
pub static TABLE: &[Row] = verbs![
    // name         run                            argument     needs                    meanwhile feature              help
    ("ABOR",        User(abor::run),               Shape::None, Nothing,                 Stops,    No,                  "stop a transfer"),
    ("ACCT",        User(acct::run),               Optional,    Nothing,                 Wait,     No,                  "[name] (not needed)"),
    ("ALLO",        User(allo::run),               Optional,    Nothing,                 Wait,     No,                  "[size] (not needed)"),
    ("APPE",        Transfer(stor::append),        New,         AnyOf(STORE),            Wait,     No,                  "path: add to a file"),
    ("AUTH",        Stranger(auth::run, auth::LATER), Word,     Tls,                     Wait,     Own(auth::feature),  "TLS: protect this connection"),
    ("AVBL",        User(avbl::run),               PathOrHere,  AnyOf(STORE),            Wait,     Line("AVBL"),        "[path]: octets that may still be stored there"),
    ("CCC",         User(ccc::run),                Shape::None, Tls,                     Wait,     Own(ccc::feature),   "protect this connection no longer"),
    ("CDUP"/"XCUP", User(cwd::up),                 Shape::None, Nothing,                 Wait,     No,                  "go to the directory above"),
    ("CLNT",        Anyone(clnt::run),             Word,        Nothing,                 Wait,     Line("CLNT"),        "name: what the client is"),
    ("COMB",        User(comb::run),               Rest,        AnyOf(STORE),            Wait,     Line("COMB target;source_list"), "target part part...: add files to one, and remove them"),
    ("CSID",        Anyone(clnt::identify),        Word,        Nothing,                 Wait,     Line("CSID"),        "name=value;...: who is talking to whom"),
    ("CWD"/"XCWD",  User(cwd::run),                Path,        Nothing,                 Wait,     Line("TVFS"),        "path: go to a directory"),
    ("DELE",        User(dele::run),               Entry,       AnyOf(Rights::DELETE),   Wait,     No,                  "path: delete a file"),
    ("DSIZ",        User(dsiz::run),               PathOrHere,  AnyOf(Rights::LIST),     Wait,     Line("DSIZ"),        "[path]: octets of all files in a directory and below"),
    ("EPRT",        User(eprt::run),               Word,        Active,                  Wait,     Line("EPRT"),        "|family|address|port|: connect there for data"),
    ("EPSV",        User(epsv::run),               Optional,    Passive,                 Wait,     Line("EPSV"),        "[1|2|ALL]: listen for data"),
    ("FEAT",        Anyone(feat::run),             Shape::None, Nothing,                 Wait,     No,                  "list features"),
    ("HASH",        Transfer(hash::run),           Rest,        AnyOf(Rights::HASH),     Wait,     Own(hash::feature),  "path: checksum of a file, or of the part that RANG has set"),
    ("HELP",        Anyone(help::run),             Optional,    Nothing,                 Wait,     No,                  "[verb]: list verbs, or explain one"),
    ("HOST",        Stranger(host::run, host::LATER), Word,     Nothing,                 Wait,     Own(host::feature),  "name: the site that is meant"),
    ("LANG",        Anyone(lang::run),             Optional,    Nothing,                 Wait,     Line("LANG EN*"),    "[tag]: the language of replies"),
    ("LIST",        Transfer(list::list),          Listed,      AnyOf(Rights::LIST),     Wait,     No,                  "[-options] [path]: list a directory for people"),
    ("MD5",         User(checksum::md5),           Rest,        AnyOf(Rights::HASH),     Wait,     Line("MD5"),         "path: MD5 of a file"),
    ("MDTM",        User(mdtm::run),               Rest,        AnyOf(LOOK),             Wait,     Line("MDTM"),        "[time] path: time of the last change, in UTC, or set it"),
    ("MFCT",        User(mfct::run),               Rest,        Nothing,                 Wait,     No,                  "time path: can't be done, as no time of creation can be set here"),
    ("MFF",         User(mff::run),                WordPath,    AnyOf(FACTS),            Wait,     Own(mff::feature),   "fact=value;... path: change facts of a file"),
    ("MFMT",        User(mfmt::run),               WordPath,    AnyOf(Rights::SET_TIME), Wait,     Line("MFMT"),        "time path: set the time of the last change, in UTC"),
    ("MKD"/"XMKD",  User(mkd::run),                Entry,       AnyOf(Rights::MAKE_DIR), Wait,     No,                  "path: make a directory"),
    ("MLSD",        Transfer(list::facts),         PathOrHere,  AnyOf(Rights::LIST),     Wait,     No,                  "[path]: list a directory for programs"),
    ("MLST",        User(mlst::run),               PathOrLink,  AnyOf(LOOK),             Wait,     Own(mlst::feature),  "[path]: facts about one file"),
    ("MODE",        User(mode::run),               Word,        Nothing,                 Wait,     Own(mode::feature),  "S|Z: data as it is, or compressed where that is configured"),
    ("NLST",        Transfer(list::names),         Listed,      AnyOf(Rights::LIST),     Wait,     No,                  "[-options] [path]: list names"),
    ("NOOP",        Anyone(noop::run),             Shape::None, Nothing,                 Now,      No,                  "do nothing"),
    ("OPTS",        Anyone(opts::run),             Rest,        Nothing,                 Wait,     No,                  "verb options: set options"),
    ("PASS",        Stranger(pass::run, pass::LATER), Secret,   Nothing,                 Wait,     No,                  "password: log in"),
    ("PASV"/"P@SW", User(pasv::run),               Shape::None, Passive,                 Wait,     No,                  "listen for data"),
    ("PBSZ",        Anyone(pbsz::run),             Word,        Tls,                     Wait,     Own(pbsz::feature),  "0: the size of protected blocks, as PROT wants it said"),
    ("PORT",        User(port::run),               Word,        Active,                  Wait,     No,                  "h1,h2,h3,h4,p1,p2: connect there for data"),
    ("PROT",        Anyone(prot::run),             Word,        Tls,                     Wait,     Own(prot::feature),  "C|P: data connections in clear, or protected"),
    ("PWD"/"XPWD",  User(pwd::run),                Shape::None, Nothing,                 Wait,     No,                  "name the working directory"),
    ("QUIT",        Anyone(quit::run),             Shape::None, Nothing,                 Ends,     No,                  "say goodbye"),
    ("RANG",        User(rang::run),               Rest,        Nothing,                 Wait,     Line("RANG STREAM"), "first last: octets that the next transfer is about; 1 0: all"),
    ("REST",        User(rest::run),               Word,        Nothing,                 Wait,     Line("REST STREAM"), "offset: where the next transfer begins"),
    ("RETR",        Transfer(retr::run),           Path,        AnyOf(Rights::READ),     Wait,     No,                  "path: download a file"),
    ("RMD"/"XRMD",  User(rmd::run),                Entry,       AnyOf(Rights::REMOVE_DIR), Wait,   No,                  "path: remove a directory"),
    ("RNFR",        User(rnfr::run),               Entry,       AnyOf(Rights::RENAME),   Wait,     No,                  "path: rename this"),
    ("RNTO",        User(rnto::run),               Entry,       AnyOf(Rights::RENAME),   Wait,     No,                  "path: to this"),
    ("SITE",        User(site::run),               Rest,        Nothing,                 Wait,     No,                  "command: HELP SITE lists them"),
    ("SIZE",        User(size::run),               Path,        AnyOf(LOOK),             Wait,     Line("SIZE"),        "path: octets that RETR would send"),
    ("STAT",        User(stat::run),               Rest,        Nothing,                 Now,      No,                  "[path]: how things are, or a listing"),
    ("STOR",        Transfer(stor::store),         New,         AnyOf(STORE),            Wait,     No,                  "path: upload a file"),
    ("STOU",        Transfer(stou::run),           Rest,        AnyOf(Rights::CREATE),   Wait,     No,                  "[name]: upload a file under a new name"),
    ("STRU",        User(stru::run),               Word,        Nothing,                 Wait,     No,                  "F: the only file structure"),
    ("SYST",        Anyone(syst::run),             Shape::None, Nothing,                 Wait,     No,                  "name the system"),
    ("TYPE",        User(r#type::run),             Word,        Nothing,                 Wait,     No,                  "A|I: text or binary"),
    ("USER",        Stranger(user::run, user::LATER), Word,     Nothing,                 Wait,     No,                  "name: log in"),
    ("XCRC",        User(checksum::crc32),         Rest,        AnyOf(Rights::HASH),     Wait,     Line("XCRC"),        "path [start end]: CRC-32 of a file, or of a part"),
    ("XMD5",        User(checksum::xmd5),          Rest,        AnyOf(Rights::HASH),     Wait,     Line("XMD5"),        "path [start end]: MD5"),
    ("XSHA",        User(checksum::sha1),          Rest,        AnyOf(Rights::HASH),     Wait,     Line("XSHA"),        "path [start end]: SHA-1"),
    ("XSHA1",       User(checksum::sha1),          Rest,        AnyOf(Rights::HASH),     Wait,     Line("XSHA1"),       "path [start end]: SHA-1"),
    ("XSHA256",     User(checksum::sha256),        Rest,        AnyOf(Rights::HASH),     Wait,     Line("XSHA256"),     "path [start end]: SHA-256"),
    ("XSHA512",     User(checksum::sha512),        Rest,        AnyOf(Rights::HASH),     Wait,     Line("XSHA512"),     "path [start end]: SHA-512"),
];

/// Verbs of RFC 959 and RFC 2228 that are known and not served: 502, not 500 (RFC 959 §4.2.1).
const UNSERVED: [&str; 6] = ["ADAT", "CONF", "ENC", "MIC", "REIN", "SMNT"];

/// The row of a verb, by any of its names.
pub fn row(table: &'static [Row], name: &str) -> Option<&'static Row> {
    table.iter().find(|row| row.name == name || row.aliases.contains(&name))
}

/// Obeys one line of a client.
pub fn obey(client: &mut Client, line: &[u8]) -> Result<Reply, Failure> {
    let Ok(Command { verb, argument }) = command::parse(line) else {
        return Err(Failure::new(500, "Not a command."));
    };
    match row(TABLE, verb.as_str()) {
        Some(row) => row.serve(client, argument),
        None => Err(unknown(client, verb.as_str())),
    }
}

/// The row of what was said, if it is a verb, and whether it is bare.
pub fn recognize(said: &Said) -> Option<(&'static Row, bool)> {
    let Said::Line(line) = said else { return None };
    let command = command::parse(line).ok()?;
    let bare = command.argument.unwrap_or_default().trim_ascii().is_empty();
    Some((row(TABLE, command.verb.as_str())?, bare))
}

/// A command as the log may show it.
pub fn spelled(said: &Said) -> (&'static str, &[u8]) {
    let (Said::Line(line), Some((row, _))) = (said, recognize(said)) else {
        return ("?", b"");
    };
    let argument = command::parse(line).ok().and_then(|command| command.argument);
    (row.name, argument.filter(|_| row.shape != Secret).unwrap_or_default())
}

impl Client<'_> {
    /// The settings that hold for this client.
    pub fn settings(&self) -> &Settings {
        match self {
            Client::Stranger(login) => &login.settings,
            Client::User(session) => &session.settings,
        }
    }

    /// What PROT has chosen, if PBSZ was said; refused where the control connection is not protected.
    pub fn protection(&mut self) -> Result<&mut Option<Protection>, Failure> {
        let (is_protected, protection) = match self {
            Client::Stranger(login) => (login.tls, &mut login.protection),
            Client::User(session) => (session.is_protected(), &mut session.protection),
        };
        match is_protected {
            true => Ok(protection),
            false => Err(Failure::new(503, "Say AUTH TLS first.")),
        }
    }

    /// Whether this client speaks TLS, or may yet.
    pub fn may_protect(&self) -> bool {
        match self {
            Client::Stranger(_) => true,
            Client::User(session) => session.is_protected(),
        }
    }

    /// The rows of a table that this client may use, somewhere.
    pub fn rows(&self, table: &'static [Row]) -> impl Iterator<Item = &'static Row> {
        table.iter().filter(|row| row.served(self.settings()) && self.may_use(row))
    }

    /// Whether this client has one of these rights somewhere; before login anybody might.
    fn may(&self, rights: Rights) -> bool {
        match self {
            Client::Stranger(_) => true,
            Client::User(session) => session.tree.rights_table().anywhere().intersects(rights),
        }
    }

    fn may_use(&self, row: &Row) -> bool {
        match row.needs {
            AnyOf(rights) => self.may(rights),
            Nothing | Passive | Active | Tls => true,
        }
    }
}

fn unknown(client: &Client, verb: &str) -> Failure {
    match client {
        _ if UNSERVED.contains(&verb) => Failure::new(502, "Not implemented."),
        Client::Stranger(_) => Failure::new(530, "Please log in with USER and PASS."),
        Client::User(_) => Failure::new(500, "Unknown command."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: [&[Row]; 3] = [TABLE, site::TABLE, opts::TABLE];

    #[test]
    fn rows_are_sorted_and_their_names_unique() {
        for table in TABLES {
            assert!(table.is_sorted_by_key(|row| row.name));
            let mut names: Vec<_> =
                table.iter().flat_map(|row| [&[row.name], row.aliases].concat()).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }

    #[test]
    fn what_needs_a_right_has_a_path_or_asks_itself() {
        for row in TABLES.into_iter().flatten().filter(|row| matches!(row.needs, AnyOf(_))) {
            assert!(row.shape.is_path() || row.shape == Rest, "{}", row.name);
        }
    }

    #[test]
    fn only_pass_is_secret() {
        let secret: Vec<_> =
            TABLE.iter().filter(|row| row.shape == Secret).map(|row| row.name).collect();
        assert_eq!(secret, ["PASS"]);
    }
}
