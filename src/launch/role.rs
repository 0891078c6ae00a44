//! What a child becomes: the cage of its role first, and only then its loop. Root for these few lines, nobody's ears open.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ftp::path::VirtualPath;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, openat2};
use nix::sys::stat::{Mode, umask};

use crate::broker::{self, Birth, Grant};
use crate::cage::caps::Set;
use crate::cage::landlock::Files;
use crate::cage::seccomp::Filter;
use crate::cage::{Cage, CageError, Caged, Identity, Limits, Root, Step};
use crate::config::{Class, Isolation};
use crate::exit::Exit;
use crate::setup::Setup;
use crate::wire::auth::Account;
use crate::wire::{Bounded, Channel, Message, login, session};
use crate::worker;

/// The login worker: an account that owns nothing, in an empty directory.
pub(super) fn login(
    setup: Setup,
    power: broker::Root,
    birth: Birth<login::Answer, login::Ask>,
) -> u8 {
    let Setup { client, config, settings, network, book, status, tls, implicit, .. } = setup;
    // The owners go first: their numbers are closed next.
    drop((book, status, std::panic::take_hook()));
    let (empty, Some(password)) = power.for_login() else { return Exit::Software.status() };
    let keep = [client.input.as_fd(), client.output.as_fd(), password.as_fd(), empty.as_fd()];
    let closed = birth.close_others(&keep);
    let Birth { channel, leash } = birth;
    report_panics(&channel, login::Ask::Panicked);
    let cage = Cage {
        identity: network,
        root: Root::Empty(empty),
        keep: Set::NONE,
        limits: Limits::LOGIN,
        files: Files::None,
        filter: Filter::login(),
        leash: Some(leash.as_fd()),
        report: Some(channel.as_fd()),
        required: settings.server.isolation == Isolation::Require,
    };
    let caged = match entered(closed, cage) {
        Ok((caged, _)) => caged,
        Err(error) => return failed(&channel, login::Ask::Uncaged, &error),
    };
    worker::login::run(
        &caged,
        worker::login::Start {
            input: client.input,
            output: client.output,
            broker: channel,
            password,
            settings,
            hosts: config.serves_hosts(),
            local: client.place.local,
            tls,
            greets: !tls || implicit,
        },
    );
    Exit::Clean.status()
}

/// The session worker: the user, in the user's jail.
pub(super) fn session(
    setup: Setup,
    grant: Grant,
    birth: Birth<session::Answer, session::Ask>,
) -> u8 {
    let Setup { client, own, book, status, .. } = setup;
    // The owners go first: their numbers are closed next.
    drop((book, status, std::panic::take_hook()));
    let Grant { account, class, settings, unread, protection, certified, relay } = grant;
    let mut keep = vec![client.input.as_fd(), client.output.as_fd()];
    keep.extend(relay.as_ref().map(AsFd::as_fd));
    let closed = birth.close_others(&keep);
    let Birth { channel, leash } = birth;
    report_panics(&channel, session::Ask::Panicked);
    let rights = settings.rights_for(class);
    let jailed = class == Class::Anonymous || settings.local.jail;
    let machine = super::machine::read(&settings);
    let home = Path::new(std::ffi::OsStr::from_bytes(&account.home));
    // Modes are computed from the settings; what the launcher left must not take more away.
    umask(Mode::empty());
    let cage = Cage {
        identity: identity_of(&own, &account),
        root: Root::Jail(if jailed { home } else { Path::new("/") }),
        keep: Set::NONE,
        limits: Limits::SESSION,
        files: Files::Rights(rights.anywhere()),
        filter: Filter::session(rights.anywhere()),
        leash: Some(leash.as_fd()),
        report: Some(channel.as_fd()),
        required: settings.server.isolation == Isolation::Require,
    };
    let opened = entered(closed, cage).and_then(|(caged, ready)| Ok((caged, ready, open_root()?)));
    let (caged, ready, root) = match opened {
        Ok(opened) => opened,
        Err(error) => return failed(&channel, session::Ask::Uncaged, &error),
    };
    let start = if jailed { VirtualPath::root() } else { path_of(&account.home) };
    worker::session::run(
        &caged,
        worker::session::Start {
            input: client.input,
            output: client.output,
            broker: channel,
            settings,
            rights,
            place: client.place,
            class,
            user: account.name.into_bytes(),
            root,
            cwd: start,
            unread,
            protection,
            certified,
            relay,
            machine,
            ready,
        },
    );
    Exit::Clean.status()
}

/// Started by an ordinary user, every process is that user.
fn identity_of(own: &Identity, account: &Account) -> Identity {
    match own {
        Identity::Launcher => Identity::Launcher,
        Identity::Account { .. } => {
            Identity::Account { uid: account.uid, gid: account.gid, groups: account.groups.clone() }
        }
    }
}

/// The broker's descriptors are closed, then the cage is entered.
pub(super) fn entered(closed: io::Result<()>, cage: Cage) -> Result<(Caged, String), CageError> {
    closed.map_err(|error| Step::Descriptors.failed(error))?;
    cage.enter()
}

/// The one directory that a session worker holds open: its own root, in which it stands.
fn open_root() -> Result<OwnedFd, CageError> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    openat2(AT_FDCWD, ".", OpenHow::new().flags(flags)).map_err(|e| Step::OpenRoot.failed(e))
}

fn path_of(home: &[u8]) -> VirtualPath {
    VirtualPath::root().join(home).unwrap_or_else(|_| VirtualPath::root())
}

/// A child that could not enter its cage says why, and serves nobody.
pub(super) fn failed<S: Message, R: Message>(
    channel: &Channel<S, R>,
    ask: fn(Bounded<512>) -> S,
    error: &CageError,
) -> u8 {
    // A broker that is gone needs no telling.
    let _ = channel.tell(&ask(Bounded::cut(error.to_string().as_bytes())));
    Exit::System.status()
}

/// From now on a panic of this process is told on its channel and ends it; nothing is printed.
pub(super) fn report_panics<S: Message + 'static, R: Message + 'static>(
    channel: &Channel<S, R>,
    ask: fn(Bounded<256>) -> S,
) {
    let Ok(copy) = channel.as_fd().try_clone_to_owned() else {
        return;
    };
    let copy = Channel::<S, R>::from(copy);
    std::panic::set_hook(Box::new(move |panic| {
        let _ = copy.tell(&ask(Bounded::cut(panic.to_string().as_bytes())));
        sys::process::exit(Exit::Software.status());
    }));
}
