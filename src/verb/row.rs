//! The row of a verb: all that the dispatcher knows of it, and what it does with that. Both workers; the client is
//! not trusted.

use ftp::reply::Reply;

use super::{Argument, Client, Shape, Target};
use crate::config::{Rights, Settings};
use crate::transfer::Span;
use crate::worker::failure::Failure;
use crate::worker::login::Login;
use crate::worker::session::Session;
use Needs::{Active, AnyOf, Nothing, Passive, Tls};
use Run::{Anyone, Stranger, Transfer, User};

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
    /// After login; it uses up what REST or RANG has set.
    Transfer(fn(&mut Session, Argument, Span) -> Result<Reply, Failure>),
}

/// What a session must be allowed for a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// One of these rights at its path; which one, the verb knows. With [`Shape::Rest`]: somewhere, and the verb asks
    /// for each path that it finds in its argument.
    AnyOf(Rights),
    /// `network.passive`.
    Passive,
    /// `network.active`.
    Active,
    /// `tls.enabled`.
    Tls,
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
    /// What the verb itself says: it depends on the session.
    Own(fn(&Client) -> Option<String>),
}

/// Rows as a table: name and aliases, then the fields in order.
macro_rules! verbs {
    ($(($name:literal $(/ $alias:literal)*, $run:expr, $shape:expr, $needs:expr, $meanwhile:expr, $feature:expr, $help:literal),)*) => {
        &[$($crate::verb::Row {
            name: $name, aliases: &[$($alias),*], run: $run, shape: $shape, needs: $needs, meanwhile: $meanwhile,
            feature: $feature, help: $help,
        }),*]
    };
}
pub(super) use verbs;

impl Row {
    /// Whether this configuration serves the verb.
    pub fn served(&self, settings: &Settings) -> bool {
        match self.needs {
            Passive => settings.network.passive,
            Active => settings.network.active,
            Tls => settings.tls.enabled,
            Nothing | AnyOf(_) => true,
        }
    }

    /// Obeys, if this client may.
    pub(super) fn serve(&self, client: &mut Client, said: Option<&[u8]>) -> Result<Reply, Failure> {
        match client {
            Client::Stranger(login) => self.serve_stranger(login, said),
            Client::User(session) => self.serve_user(session, said),
        }
    }

    fn serve_stranger(&self, login: &mut Login, said: Option<&[u8]>) -> Result<Reply, Failure> {
        match self.run {
            _ if self.needs == Tls && !self.served(&login.settings) => Err(unserved()),
            Anyone(run) => run(&mut Client::Stranger(login), self.shape.words(said)?),
            Stranger(run, _) => run(login, self.shape.words(said)?),
            User(_) | Transfer(_) => Err(Failure::new(530, "Please log in with USER and PASS.")),
        }
    }

    fn serve_user(&self, session: &mut Session, said: Option<&[u8]>) -> Result<Reply, Failure> {
        let span = match self.run {
            Transfer(_) => std::mem::take(&mut session.span),
            _ => Span::default(),
        };
        match self.run {
            Transfer(_) => session.await_client()?,
            _ => session.await_handshake()?,
        }
        if !self.served(&session.settings) {
            return Err(unserved());
        }
        let argument = self.shape.argument(&session.tree, said)?;
        self.permit(session, &argument)?;
        match self.run {
            Anyone(run) => run(&mut Client::User(session), argument),
            Stranger(_, (code, text)) => Err(Failure::new(code, text)),
            User(run) => run(session, argument),
            Transfer(run) => run(session, argument, span),
        }
    }

    fn permit(&self, session: &Session, argument: &Argument) -> Result<(), Failure> {
        match (self.needs, argument) {
            (AnyOf(rights), Argument::Path(target)) => session.require(rights, target),
            (AnyOf(rights), _) if self.shape == Shape::Rest => {
                refuse_unless(session.tree.rights_table().anywhere(), rights)
            }
            (AnyOf(_), _) => Err(Failure::new(501, "A path is needed.")),
            (Nothing | Passive | Active | Tls, _) => Ok(()),
        }
    }
}

impl Session {
    /// Refuses unless the session has one of these rights there.
    pub fn require(&self, rights: Rights, target: &Target) -> Result<(), Failure> {
        refuse_unless(self.tree.rights(&target.real), rights)
    }

    /// The file that a part of an argument names, if the session has one of these rights there: for verbs that take
    /// their argument apart themselves.
    pub fn find(&self, shape: Shape, said: &[u8], rights: Rights) -> Result<Target, Failure> {
        let target = shape.argument(&self.tree, Some(said))?.target()?;
        self.require(rights, &target)?;
        Ok(target)
    }
}

fn unserved() -> Failure {
    Failure::new(502, "Not served here.").because("switched off")
}

fn refuse_unless(own: Rights, needed: Rights) -> Result<(), Failure> {
    match own.intersects(needed) {
        true => Ok(()),
        false => {
            Err(Failure::new(550, "Permission denied.")
                .because(format!("needs {needed} in [rights]")))
        }
    }
}
