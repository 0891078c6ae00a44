//! The commands of FTP: one table, one row and one file each. Both workers; the client is not trusted.
//!
//! The dispatcher reads the row: may it run in this phase, is its argument of the right shape, has the session
//! the right; only then it runs. FEAT, HELP and what a transfer lets through read the same rows. To add a verb:
//! a file, a `mod` line, a row.

mod abor;
mod allo;
mod argument;
mod cwd;
mod dele;
mod eprt;
mod epsv;
mod feat;
mod help;
mod list;
mod mdtm;
mod mkd;
mod mlst;
mod mode;
mod noop;
mod opts;
mod pass;
mod pasv;
mod port;
mod pwd;
mod quit;
mod rest;
mod retr;
mod rmd;
mod rnfr;
mod rnto;
mod size;
mod stat;
mod stor;
mod stru;
mod syst;
mod r#type;
mod user;

use ftp::command::{self, Command};
use ftp::reply::Reply;

pub use argument::{Argument, Shape, Target};
pub use quit::GOODBYE;

use crate::config::{Rights, Settings};
use crate::worker::control::Said;
use crate::worker::failure::Failure;
use crate::worker::login::Login;
use crate::worker::session::Session;
use Feature::{Facts, Line, No};
use Meanwhile::{Ends, Now, Stops, Wait};
use Needs::{Active, AnyOf, Nothing, Passive};
use Run::{Anyone, Stranger, Transfer, User};
use Shape::{Entry, Listed, New, Optional, Path, PathOrHere, Secret, Word};

/// Everything that is known about a verb.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: &'static [&'static str],
    /// What runs, and so in which phase.
    pub run: Run,
    /// What must follow it.
    pub shape: Shape,
    /// What the session must be allowed.
    pub needs: Needs,
    /// What happens when it comes during a transfer.
    pub meanwhile: Meanwhile,
    /// What FEAT says of it.
    pub feature: Feature,
    /// What HELP says of it: the argument, then the purpose.
    pub help: &'static str,
}

/// The phase and the code of a verb. What a verb is handed says who is asking.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// Before and after login.
    Anyone(fn(&mut Client, Argument) -> Result<Reply, Failure>),
    /// Before login; and what it is told who has logged in already.
    Stranger(fn(&mut Login, Argument) -> Result<Reply, Failure>, (u16, &'static str)),
    /// After login.
    User(fn(&mut Session, Argument) -> Result<Reply, Failure>),
    /// After login; it uses up the offset that REST has set.
    Transfer(fn(&mut Session, Argument, u64) -> Result<Reply, Failure>),
}

/// What a session must be allowed for a verb. What needs a right has a path for its argument.
#[derive(Debug, Clone, Copy)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// One of these rights at its path; which one, the verb knows.
    AnyOf(Rights),
    /// `network.passive`.
    Passive,
    /// `network.active`.
    Active,
}

/// What happens to a verb that comes during a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// It waits for the end.
    Wait,
    /// Bare, it is answered at once.
    Now,
    /// It ends the transfer.
    Stops,
    /// It waits; and the client may close its end now.
    Ends,
}

/// What FEAT says of a verb.
#[derive(Debug, Clone, Copy)]
pub enum Feature {
    /// Nothing.
    No,
    /// A line.
    Line(&'static str),
    /// The facts of MLST, as this session has chosen them.
    Facts,
}

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

macro_rules! verbs {
    ($(($name:literal $(/ $alias:literal)*, $run:expr, $shape:expr, $needs:expr, $meanwhile:expr, $feature:expr, $help:literal),)*) => {
        &[$(Row {
            name: $name, aliases: &[$($alias),*], run: $run, shape: $shape, needs: $needs, meanwhile: $meanwhile,
            feature: $feature, help: $help,
        }),*]
    };
}

/// All verbs, sorted by name.
#[rustfmt::skip]
pub static TABLE: &[Row] = verbs![
    // name         run                            argument     needs                   meanwhile feature         help
    ("ABOR",        User(abor::run),               Shape::None, Nothing,                Stops, No,                 "stop a transfer"),
    ("ALLO",        User(allo::run),               Optional,    Nothing,                Wait,  No,                 "[size] (not needed)"),
    ("APPE",        Transfer(stor::append),        New,         AnyOf(STORE),           Wait,  No,                 "path: add to a file"),
    ("CDUP"/"XCUP", User(cwd::up),                 Shape::None, Nothing,                Wait,  No,                 "go to the directory above"),
    ("CWD"/"XCWD",  User(cwd::run),                Path,        Nothing,                Wait,  Line("TVFS"),       "path: go to a directory"),
    ("DELE",        User(dele::run),               Entry,       AnyOf(Rights::DELETE),  Wait,  No,                 "path: delete a file"),
    ("EPRT",        User(eprt::run),               Word,        Active,                 Wait,  Line("EPRT"),       "|family|address|port|: connect there for data"),
    ("EPSV",        User(epsv::run),               Optional,    Passive,                Wait,  Line("EPSV"),       "[1|2|ALL]: listen for data"),
    ("FEAT",        Anyone(feat::run),             Shape::None, Nothing,                Wait,  No,                 "list features"),
    ("HELP",        Anyone(help::run),             Optional,    Nothing,                Wait,  No,                 "[verb]: list verbs, or explain one"),
    ("LIST",        Transfer(list::list),          Listed,      AnyOf(Rights::LIST),    Wait,  No,                 "[path]: list a directory for people"),
    ("MDTM",        User(mdtm::run),               Path,        AnyOf(LOOK),            Wait,  Line("MDTM"),       "path: time of the last change, in UTC"),
    ("MKD"/"XMKD",  User(mkd::run),                Entry,       AnyOf(Rights::MAKE_DIR), Wait, No,                 "path: make a directory"),
    ("MLSD",        Transfer(list::facts),         PathOrHere,  AnyOf(Rights::LIST),    Wait,  No,                 "[path]: list a directory for programs"),
    ("MLST",        User(mlst::run),               PathOrHere,  AnyOf(LOOK),            Wait,  Facts,              "[path]: facts about one file"),
    ("MODE",        User(mode::run),               Word,        Nothing,                Wait,  No,                 "S: the only transfer mode"),
    ("NLST",        Transfer(list::names),         Listed,      AnyOf(Rights::LIST),    Wait,  No,                 "[path]: list names"),
    ("NOOP",        Anyone(noop::run),             Shape::None, Nothing,                Now,   No,                 "do nothing"),
    ("OPTS",        Anyone(opts::run),             Word,        Nothing,                Wait,  Line("UTF8"),       "verb options: set options"),
    ("PASS",        Stranger(pass::run, pass::LATER), Secret,   Nothing,                Wait,  No,                 "password: log in"),
    ("PASV",        User(pasv::run),               Shape::None, Passive,                Wait,  No,                 "listen for data"),
    ("PORT",        User(port::run),               Word,        Active,                 Wait,  No,                 "h1,h2,h3,h4,p1,p2: connect there for data"),
    ("PWD"/"XPWD",  User(pwd::run),                Shape::None, Nothing,                Wait,  No,                 "name the working directory"),
    ("QUIT",        Anyone(quit::run),             Shape::None, Nothing,                Ends,  No,                 "say goodbye"),
    ("REST",        User(rest::run),               Word,        Nothing,                Wait,  Line("REST STREAM"), "offset: where the next transfer begins"),
    ("RETR",        Transfer(retr::run),           Path,        AnyOf(Rights::READ),    Wait,  No,                 "path: download a file"),
    ("RMD"/"XRMD",  User(rmd::run),                Entry,       AnyOf(Rights::REMOVE_DIR), Wait, No,               "path: remove a directory"),
    ("RNFR",        User(rnfr::run),               Entry,       AnyOf(Rights::RENAME),  Wait,  No,                 "path: rename this"),
    ("RNTO",        User(rnto::run),               Entry,       AnyOf(Rights::RENAME),  Wait,  No,                 "path: to this"),
    ("SIZE",        User(size::run),               Path,        AnyOf(LOOK),            Wait,  Line("SIZE"),       "path: octets that RETR would send"),
    ("STAT",        User(stat::run),               Optional,    Nothing,                Now,   No,                 "[path]: how things are, or a listing"),
    ("STOR",        Transfer(stor::store),         New,         AnyOf(STORE),           Wait,  No,                 "path: upload a file"),
    ("STRU",        User(stru::run),               Word,        Nothing,                Wait,  No,                 "F: the only file structure"),
    ("SYST",        Anyone(syst::run),             Shape::None, Nothing,                Wait,  No,                 "name the system"),
    ("TYPE",        User(r#type::run),             Word,        Nothing,                Wait,  No,                 "A|I: text or binary"),
    ("USER",        Stranger(user::run, user::LATER), Word,     Nothing,                Wait,  No,                 "name: log in"),
];

/// Verbs of RFC 959 and RFC 2228 that are known and not served: 502, not 500 (RFC 959 §4.2.1).
const UNSERVED: [&str; 12] =
    ["ACCT", "ADAT", "AUTH", "CCC", "CONF", "ENC", "MIC", "PBSZ", "PROT", "REIN", "SMNT", "STOU"];

/// The row of a verb, by any of its names.
pub fn row(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name || row.aliases.contains(&name))
}

/// Obeys one line of a client.
pub fn obey(client: &mut Client, line: &[u8]) -> Result<Reply, Failure> {
    let Ok(Command { verb, argument }) = command::parse(line) else {
        return Err(Failure::new(500, "Not a command."));
    };
    let Some(row) = row(verb.as_str()) else {
        return Err(unknown(client, verb.as_str()));
    };
    match client {
        Client::Stranger(login) => row.serve_stranger(login, argument),
        Client::User(session) => row.serve_user(session, argument),
    }
}

/// The row of what was said, if it is a verb, and whether it is bare.
pub fn recognize(said: &Said) -> Option<(&'static Row, bool)> {
    let Said::Line(line) = said else { return None };
    let command = command::parse(line).ok()?;
    let bare = command.argument.unwrap_or_default().trim_ascii().is_empty();
    Some((row(command.verb.as_str())?, bare))
}

/// A command as the log may show it.
pub fn spelled(said: &Said) -> (&'static str, &[u8]) {
    let (Said::Line(line), Some((row, _))) = (said, recognize(said)) else {
        return ("?", b"");
    };
    let argument = command::parse(line).ok().and_then(|command| command.argument);
    (row.name, argument.filter(|_| row.shape != Secret).unwrap_or_default())
}

impl Row {
    /// Whether this configuration serves the verb.
    pub fn served(&self, settings: &Settings) -> bool {
        match self.needs {
            Passive => settings.network.passive,
            Active => settings.network.active,
            Nothing | AnyOf(_) => true,
        }
    }

    fn serve_stranger(&self, login: &mut Login, said: Option<&[u8]>) -> Result<Reply, Failure> {
        match self.run {
            Anyone(run) => run(&mut Client::Stranger(login), self.shape.words(said)?),
            Stranger(run, _) => run(login, self.shape.words(said)?),
            User(_) | Transfer(_) => Err(Failure::new(530, "Please log in with USER and PASS.")),
        }
    }

    fn serve_user(&self, session: &mut Session, said: Option<&[u8]>) -> Result<Reply, Failure> {
        let offset = match self.run {
            Transfer(_) => std::mem::take(&mut session.restart),
            _ => 0,
        };
        if !self.served(&session.settings) {
            return Err(Failure::new(502, "Not served here.").because("switched off"));
        }
        let argument = self.shape.argument(&session.tree, said)?;
        self.permit(session, &argument)?;
        match self.run {
            Anyone(run) => run(&mut Client::User(session), argument),
            Stranger(_, (code, text)) => Err(Failure::new(code, text)),
            User(run) => run(session, argument),
            Transfer(run) => run(session, argument, offset),
        }
    }

    fn permit(&self, session: &Session, argument: &Argument) -> Result<(), Failure> {
        match (self.needs, argument) {
            (AnyOf(rights), Argument::Path(target)) => session.require(rights, target),
            (AnyOf(_), _) => Err(Failure::new(501, "A path is needed.")),
            (Nothing | Passive | Active, _) => Ok(()),
        }
    }
}

impl Session {
    /// Refuses unless the session has one of these rights there.
    pub fn require(&self, rights: Rights, target: &Target) -> Result<(), Failure> {
        match intersect(self.tree.rights(&target.real), rights) {
            true => Ok(()),
            false => Err(Failure::new(550, "Permission denied.")
                .because(format!("needs {rights} in [rights]"))),
        }
    }
}

impl Client<'_> {
    /// The settings that hold for this client.
    pub fn settings(&self) -> &Settings {
        match self {
            Client::Stranger(login) => &login.settings,
            Client::User(session) => &session.settings,
        }
    }

    /// The rows that this client may use, somewhere.
    pub fn rows(&self) -> impl Iterator<Item = &'static Row> {
        TABLE.iter().filter(|row| row.served(self.settings()) && self.may_use(row))
    }

    fn may_use(&self, row: &Row) -> bool {
        match (self, row.needs) {
            (Client::User(session), AnyOf(rights)) => {
                intersect(session.tree.rights_table().anywhere(), rights)
            }
            _ => true,
        }
    }
}

fn intersect(some: Rights, others: Rights) -> bool {
    some.without(others) != some
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

    #[test]
    fn rows_are_sorted_and_their_names_unique() {
        assert!(TABLE.is_sorted_by_key(|row| row.name));
        let mut names: Vec<_> =
            TABLE.iter().flat_map(|row| [&[row.name], row.aliases].concat()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_needs_a_right_has_a_path() {
        for row in TABLE.iter().filter(|row| matches!(row.needs, AnyOf(_))) {
            assert!(matches!(row.shape, Path | PathOrHere | Entry | New | Listed), "{}", row.name);
        }
    }

    #[test]
    fn only_pass_is_secret() {
        let secret: Vec<_> =
            TABLE.iter().filter(|row| row.shape == Secret).map(|row| row.name).collect();
        assert_eq!(secret, ["PASS"]);
    }
}
