//! The broker's two steps down: what no step to come needs, before the first worker speaks; and nearly everything,
//! when someone has logged in.

use std::os::fd::OwnedFd;
use std::time::Instant;

use nix::sys::signal::Signal;

use super::attempt::Attempts;
use super::{Broker, Failure, Root, Shrunk, While};
use crate::auth;
use crate::cage::landlock::Files;
use crate::cage::seccomp::{self, Filter};
use crate::cage::{self, Cage, Identity, Limits, Root as NewRoot, caps};
use crate::config::{Isolation, Level, Settings};
use crate::setup::Setup;

/// Signals that end a session.
const WATCHED: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];

impl Broker<Root> {
    /// Gives up what is needed neither to fork workers as other users nor by the steps after that.
    pub fn shed(setup: Setup, empty: OwnedFd) -> Result<Broker<Root>, Box<(Setup, Failure)>> {
        let steps = || -> Result<_, Failure> {
            let signals = sys::signal::watch(&WATCHED).while_doing("watching for signals")?;
            // What a PAM module leaves behind becomes our child, and is swept.
            nix::sys::prctl::set_child_subreaper(true)
                .while_doing("becoming the parent of orphans")?;
            let obtained = match setup.own {
                Identity::Account { .. } => shed_capabilities(&setup)?,
                Identity::Launcher => "power=none".to_owned(),
            };
            Ok((signals, obtained))
        };
        match steps() {
            Ok((signals, obtained)) => {
                let power = Root {
                    empty,
                    password: None,
                    unread: None,
                    since: Instant::now(),
                    attempts: Attempts::default(),
                };
                let mut broker = Broker { setup, signals, tls: None, power };
                broker.title("broker");
                let line = broker.setup.book.line("connect").with("broker", obtained);
                broker.setup.book.write(Level::Debug, &line);
                Ok(broker)
            }
            Err(failure) => Err(Box::new((setup, failure))),
        }
    }

    /// Becomes an account that owns nothing, in an empty directory, with the system calls of data connections.
    pub fn shrink(self, settings: &Settings) -> Result<Broker<Shrunk>, Box<(Setup, Failure)>> {
        let Broker { mut setup, signals, tls, power } = self;
        let cage = Cage {
            identity: setup.own.clone(),
            root: NewRoot::Empty(power.empty),
            keep: cage::powers::after_login(settings),
            limits: Limits::BROKER,
            files: Files::NoneButNetwork,
            filter: Filter::broker(),
            leash: None,
            report: None,
            required: settings.server.isolation == Isolation::Require,
        };
        match cage.enter() {
            Ok((_, obtained)) => {
                let line = setup.book.line("shrunk").with("broker", obtained);
                setup.book.write(Level::Debug, &line);
                Ok(Broker { setup, signals, tls, power: Shrunk(()) })
            }
            // Nobody hears more of it than the log: the relay goes with its leash.
            Err(error) => Err(Box::new((setup, error.into()))),
        }
    }
}

fn shed_capabilities(setup: &Setup) -> Result<String, Failure> {
    let required = setup.settings.server.isolation == Isolation::Require;
    let filter = match seccomp::install_for_root() {
        Ok(filter) => filter,
        Err(_) if !required => "seccomp=none".to_owned(),
        Err(error) => return Err(error.into()),
    };
    // (An ordinary user's processes stay open to that user until they are caged: /proc/self has their id maps.)
    nix::sys::prctl::set_dumpable(false).while_doing("closing the process's memory")?;
    // A client that asks for another host, or begins TLS, may come to other settings.
    let may_hold =
        |asked: fn(&Settings) -> bool| setup.config.may_hold(setup.client.place.peer, asked);
    let keep = cage::powers::before_login(may_hold);
    // The auth process gets root's powers back by its exec, as far as the bounding set goes; without local logins there is
    // no such process.
    if !may_hold(auth::needs_root) {
        caps::bound(keep)?;
    }
    caps::hold(keep)?;
    Ok(format!("caps={keep} {filter}"))
}
