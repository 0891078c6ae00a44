//! What would keep connections, or some logins, from being served. `check` tells it beforehand; serving finds out by itself.

use std::path::Path;

use nix::unistd::geteuid;

use super::{accounts, auth, identities, machine};
use crate::config::{Class, Config, LogTarget, Match, Settings};
use crate::worker::machine::UTC;
use crate::worker::zone::Zone;

/// Something that has to be mended.
#[derive(Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Whose logins fail; everybody's connections where it is none.
    pub class: Option<Class>,
    /// What is wrong, in a sentence.
    pub cause: String,
}

/// All that stands in the way.
pub fn find(settings: &Settings) -> Vec<Obstacle> {
    let of = |class: Option<Class>| move |cause: String| Obstacle { class, cause };
    let everybody = identities(settings).err().map(|refusal| refusal.to_string());
    let mut found: Vec<_> =
        everybody.into_iter().chain(of_log(&settings.log.to)).map(of(None)).collect();
    if settings.anonymous.enabled {
        found.extend(of_anonymous(settings).map(of(Some(Class::Anonymous))));
    }
    if settings.local.enabled {
        found.extend(of_local());
    }
    found
}

/// What does not stand in the way, but is not as it was meant.
pub fn doubts(config: &Config) -> Vec<String> {
    let matched = config.matches.iter().filter_map(|one| one.overlay.listing.time.as_ref());
    let zones =
        std::iter::once(&config.settings.listing.time).chain(matched.map(|said| &said.value));
    let is_there =
        |name: &str| machine::read_zone(name).is_some_and(|file| Zone::parse(&file).is_some());
    let missing = zones.filter(|name| *name != UTC && !is_there(name));
    let zones =
        missing.map(|name| format!("listing.time: no time zone {name:?}: times are shown in UTC"));
    zones.chain(clear_passwords(config)).collect()
}

/// Passwords that anybody on the way can read. Where matches decide about it, it is taken as meant.
fn clear_passwords(config: &Config) -> Option<String> {
    let Settings { local, tls, .. } = &config.settings;
    let decides =
        |one: &Match| one.overlay.tls.login.is_some() || one.overlay.tls.enabled.is_some();
    let is_meant = config.matches.iter().any(decides);
    let clear = local.enabled && !tls.needs_login(Class::Local) && !is_meant;
    let cause = match tls.enabled {
        true => "tls.login: local logins may come in clear text, password and all",
        false => "tls.enabled: without TLS, local logins send their passwords in clear text",
    };
    clear.then(|| cause.to_owned())
}

fn of_log(target: &LogTarget) -> Option<String> {
    let LogTarget::File(path) = target else { return None };
    let directory = path.parent().unwrap_or(Path::new("/"));
    (!directory.is_dir()).then(|| format!("log.to: {} is no directory", directory.display()))
}

fn of_anonymous(settings: &Settings) -> impl Iterator<Item = String> + use<> {
    let (root, user) = (&settings.anonymous.root, &settings.anonymous.user);
    let no_root =
        (!root.is_dir()).then(|| format!("anonymous.root {} is no directory", root.display()));
    let unknown = geteuid().is_root() && accounts::find(user.as_bytes()).is_none();
    let no_user = unknown.then(|| format!("no account {user} (anonymous.user)"));
    no_root.into_iter().chain(no_user)
}

/// An ordinary user serves without them. Root does not serve at all where they are wanted and can't be had.
fn of_local() -> Option<Obstacle> {
    if !geteuid().is_root() {
        let cause = "they need to be started as root".to_owned();
        return Some(Obstacle { class: Some(Class::Local), cause });
    }
    auth::find_program().err().map(|cause| Obstacle { class: None, cause })
}
