//! From exec to the first fork: what was inherited, what is configured, who we will be. Root, before anyone has spoken; the
//! launcher and the files of root are trusted.
//!
//! [`serve`] is the story. Whatever goes wrong here is told three times: the client gets a 421, the log the cause and the
//! cure, the launcher an exit status.

mod inherited;
pub mod machine;
pub mod obstacle;
mod protect;
mod refusal;
mod role;
mod split;
mod status;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Mutex;

use nix::unistd::geteuid;
use sys::title::Title;

pub use refusal::Refusal;

use self::inherited::Inherited;
use crate::auth::{self, accounts};
use crate::cage::{Identity, open_empty};
use crate::config::{Config, Level, LogTarget, RunAs, Settings, load};
use crate::exit::Exit;
use crate::log::{Book, Line, Log};
use crate::setup::{Client, Setup};

/// Where the configuration is looked for.
pub const CONFIG: &str = "/etc/cellftpd/cellftpd.toml";
/// Where those without files of their own stand, as root.
const EMPTY: &str = "/run/cellftpd/empty";

/// Serves the session that was inherited, with this configuration; with TLS from the first byte on where that is
/// `implicit`.
pub fn serve(config: &Path, implicit: bool) -> Exit {
    report_panics(|line| Log::to_syslog(refusal::NAME, Level::Error).write(Level::Error, line));
    let started = sys::signal::settle()
        .map_err(|error| Refusal::system(format!("signals: {error}")))
        .and_then(|()| inherited::adopt());
    let Inherited { client, mut errors } = match started {
        Ok(inherited) => inherited,
        Err(refusal) => return refusal.tell(None, None),
    };
    match Found::find(&client, &mut errors, config, implicit) {
        Ok(found) => {
            let (setup, empty) = found.with(client, implicit);
            split::serve(setup, empty)
        }
        Err(refusal) => refusal.tell(Some(&client), errors),
    }
}

/// Turns a connection away whose command line was wrong: nobody may be there to read about it but the client.
pub fn turn_away(cause: &str) -> Exit {
    let refusal = Refusal::usage(cause);
    match inherited::adopt() {
        Ok(Inherited { client, errors }) => refusal.tell(Some(&client), errors),
        Err(_) => refusal.tell(None, None),
    }
}

/// What was found out and opened for a client.
struct Found {
    config: Config,
    settings: Settings,
    book: Book,
    own: Identity,
    network: Identity,
    key: Identity,
    empty: OwnedFd,
    title: Option<Title>,
    status: Option<OwnedFd>,
}

impl Found {
    fn find(
        client: &Client,
        errors: &mut Option<OwnedFd>,
        config: &Path,
        implicit: bool,
    ) -> Result<Found, Refusal> {
        let config = load(config).map_err(|problems| Refusal::config(&problems))?;
        let settings = config.at_connect(client.place.peer, None, false);
        let [own, network, key] = identities(&settings)?;
        if config.may_hold(client.place.peer, auth::needs_root) && geteuid().is_root() {
            auth::find_program().map_err(Refusal::system)?;
        }
        if implicit && !settings.tls.enabled {
            return Err(Refusal::setup("--implicit-tls needs tls.enabled = true"));
        }
        let log = open_log(&settings, errors)?;
        let again = Mutex::new(log.duplicate());
        report_panics(move |line| {
            if let Ok(mut log) = again.lock() {
                log.write(Level::Error, line);
            }
        });
        let mut book = Book::open(log, session_id()?, client.place.peer);
        for warning in &config.warnings {
            let line = book.line("warning").with("cause", warning.one_line());
            book.write(Level::Debug, &line);
        }
        let empty = open_empty(Path::new(EMPTY))
            .map_err(|error| Refusal::system(format!("the empty directory {EMPTY}: {error}")))?;
        // The environment is read for the last time here: titles are written over its memory.
        let status = status::ready(client.place.peer);
        sys::process::clear_environment();
        let title = Title::find();
        Ok(Found { config, settings, book, own, network, key, empty, title, status })
    }

    fn with(self, client: Client, implicit: bool) -> (Setup, OwnedFd) {
        let Found { config, settings, book, own, network, key, empty, title, status } = self;
        let (host, tls) = (None, false);
        let setup = Setup {
            client,
            config,
            host,
            tls,
            implicit,
            settings,
            book,
            own,
            network,
            key,
            title,
            status,
        };
        (setup, empty)
    }
}

/// Who the broker becomes, who reads the network before login, and who holds the TLS key.
fn identities(settings: &Settings) -> Result<[Identity; 3], Refusal> {
    if !geteuid().is_root() {
        return match settings.server.user {
            RunAs::Launcher => Ok([const { Identity::Launcher }; 3]),
            RunAs::Accounts => Err(Refusal::setup(
                "not started as root; to serve as the user who starts it, set server.user = \"self\"",
            )),
        };
    }
    let found =
        accounts::find_ours().map_err(|error| Refusal::system(format!("/etc/passwd: {error}")))?;
    let found = found.map_err(|missing| {
        Refusal::setup(format!(
            "no account {}; make it with: systemd-sysusers cellftpd.conf, or: useradd --system --shell \
             /usr/sbin/nologin --home-dir / {}",
            missing.join(", "),
            missing.first().copied().unwrap_or_default()
        ))
    })?;
    Ok(found.map(|ids| Identity::Account { uid: ids.uid, gid: ids.gid, groups: vec![ids.gid] }))
}

fn open_log(settings: &Settings, errors: &mut Option<OwnedFd>) -> Result<Log, Refusal> {
    let level = settings.log.level;
    match &settings.log.to {
        LogTarget::Syslog => Ok(Log::to_syslog(&settings.server.name, level)),
        LogTarget::File(path) => Log::to_file(path, level)
            .map_err(|error| Refusal::setup(format!("log.to = {}: {error}", path.display()))),
        LogTarget::Stderr => {
            errors.take().map(|fd| Log::to_descriptor(fd, level)).ok_or_else(|| {
                Refusal::setup("log.to = \"stderr\", but descriptor 2 is the client or closed")
            })
        }
    }
}

/// Eight characters that tell this session from all others in the log.
fn session_id() -> Result<String, Refusal> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0; 8];
    sys::process::random(&mut bytes)
        .map_err(|error| Refusal::system(format!("random bytes: {error}")))?;
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('-', char::from);
    Ok(bytes.iter().map(letter).collect())
}

/// From now on a panic of this process, launch or the broker, is told and ends it: a bug of ours. The client is told
/// nothing.
fn report_panics(tell: impl Fn(&Line) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |panic| {
        tell(&Line::new("panic").with("process", "broker").with("cause", panic));
        sys::process::exit(Exit::Software.status());
    }));
}
