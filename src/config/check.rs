//! Cross-checks: settings that are each good but contradict one another, and matches that come
//! too late.
//!
//! Run by whoever loads the configuration, on what was read; pure. An error refuses to serve, a
//! warning is shown by `cellftpd check`.

use super::Config;
use super::matching::Match;
use super::problem::Problem;
use super::settings::{Overlay, Phase, Setting, Settings};
use super::source::{Place, Span};
use super::tls;

/// What refuses to serve.
pub(super) fn errors(config: &Config) -> Vec<Problem> {
    let matches = config.matches.iter().flat_map(|one| match_errors(config, one));
    matches.chain(idle_source_port(config)).chain(tls::errors(config)).collect()
}

/// What is allowed but hardly meant.
pub(super) fn warnings(config: &Config) -> Vec<Problem> {
    let whole = [nobody, no_data, everything_to_anybody];
    let whole = whole.iter().filter_map(|check| check(config));
    whole.chain(no_rights_at_the_top(config)).chain(tls::warnings(config)).collect()
}

/// What a match sets too late.
fn match_errors(config: &Config, one: &Match) -> Vec<Problem> {
    let phase = one.conditions.phase();
    let places = one.overlay.places().into_iter();
    let by_host = one.conditions.host.is_some();
    let late = places.filter_map(|(row, place)| too_late(config, (phase, by_host), row, place));
    let certificates = one.overlay.certificates.iter().map(|certificate| {
        let cause = "a certificate can't differ by match";
        problem(config, one.file, certificate.span, cause).cured_by(
            "set it outside of any match, with names = [...] to tell hosts apart".to_owned(),
        )
    });
    late.chain(certificates).collect()
}

/// A match that sets what was used before the match could be decided. A host that is named in clear is no word to go by
/// for a handshake: whoever wants other terms names it later, or in the handshake itself.
fn too_late(
    config: &Config,
    (phase, by_host): (Phase, bool),
    row: &Setting,
    place: Place,
) -> Option<Problem> {
    let Setting { table, name, .. } = row;
    let (cause, cure) = match (row.phase, phase) {
        (Phase::Handshake, _) if by_host => (
            format!("`{table}.{name}` is used before the host is known"),
            "match by from instead, or serve the host at an address or port of its own, by another \
             entry of the super-server with a --config of its own"
                .to_owned(),
        ),
        (Phase::Handshake, Phase::Login) => (
            format!("`{table}.{name}` is used before the user, group and class are known"),
            "match by from instead".to_owned(),
        ),
        (Phase::Launch, _) => (
            format!("`{table}.{name}` is used before anything is known of the client"),
            format!("set it in [{table}], the same for all"),
        ),
        (Phase::Connect, Phase::Login) => (
            format!("`{table}.{name}` is used before the user, group and class are known"),
            // Text has no way to say `tls = true` beside `tls.name = ...`: the key is the same.
            match *table {
                "tls" => "match by from or host instead",
                _ => "match by from, host or tls instead",
            }
            .to_owned(),
        ),
        _ => return None,
    };
    Some(problem(config, place.file, place.key, cause).cured_by(cure))
}

/// A source port that needs a privilege, which active mode would use if it were on for somebody.
fn idle_source_port(config: &Config) -> Option<Problem> {
    let on = |settings: &Settings| settings.network.active;
    let privileged = |port: u16| (1..1024).contains(&port);
    let ports = overlays(config).filter_map(|says| says.network.active_source_port.as_ref());
    let said = ports.filter(|said| privileged(said.value)).last()?;
    let idle = !on(&config.settings) && !any_match(config, on);
    let cause = "a source port below 1024 needs a privilege, but active mode is off for all";
    idle.then(|| problem(config, said.at.file, said.at.value, cause))
        .map(|problem| problem.cured_by("set network.active = true, or leave it out".to_owned()))
}

fn nobody(config: &Config) -> Option<Problem> {
    let somebody = |settings: &Settings| settings.anonymous.enabled || settings.local.enabled;
    let nobody = !somebody(&config.settings) && !any_match(config, somebody);
    let cause = "neither anonymous nor local logins are enabled: nobody can log in";
    let cure = "set anonymous.enabled or local.enabled".to_owned();
    let said = config.said.local.enabled.as_ref();
    nobody.then(|| at_or_whole(config, said.map(|said| said.at), cause).cured_by(cure))
}

fn no_data(config: &Config) -> Option<Problem> {
    let some = |settings: &Settings| settings.network.passive || settings.network.active;
    let none = !some(&config.settings) && !any_match(config, some);
    let cause = "neither passive nor active mode is on: nothing can be listed or transferred";
    let said = config.said.network.passive.as_ref();
    none.then(|| at_or_whole(config, said.map(|said| said.at), cause))
}

fn everything_to_anybody(config: &Config) -> Option<Problem> {
    let said = config.said.anonymous.root.as_ref()?;
    let whole = said.value.components().count() == 1 && config.settings.anonymous.enabled;
    let cause = "anonymous sessions see the whole file system";
    whole.then(|| problem(config, said.at.file, said.at.value, cause))
}

/// Rights that name some directories but not the top, so that a session can't even list it.
fn no_rights_at_the_top(config: &Config) -> Vec<Problem> {
    let base = &config.said.rights;
    let headless = |says: &&Overlay| {
        let named = !says.rights.is_empty();
        named && !says.rights.contains_key("/") && !base.contains_key("/")
    };
    let firsts = overlays(config).filter(headless).filter_map(|says| says.rights.values().next());
    let cause = "\"/\" has no rights of its own: nothing is allowed outside the directories named";
    firsts
        .map(|said| {
            problem(config, said.at.file, said.at.key, cause)
                .cured_by("add \"/\" = [\"list\", \"read\"], or whatever is meant".to_owned())
        })
        .collect()
}

/// Everything that says something: the tables, then each match.
pub(super) fn overlays(config: &Config) -> impl Iterator<Item = &Overlay> {
    std::iter::once(&config.said).chain(config.matches.iter().map(|one| &one.overlay))
}

/// Whether the settings with some match laid over them are as asked.
pub(super) fn any_match(config: &Config, asked: impl Fn(&Settings) -> bool) -> bool {
    config.matches.iter().any(|one| {
        let mut settings = config.settings.clone();
        one.overlay.apply(&mut settings);
        asked(&settings)
    })
}

pub(super) fn problem(
    config: &Config,
    file: usize,
    span: Span,
    cause: impl Into<String>,
) -> Problem {
    match config.files.get(file) {
        Some(source) => Problem::within(source, span, cause),
        None => Problem::of_file("", cause),
    }
}

/// At the place that said it or, where a default did, at the first file.
fn at_or_whole(config: &Config, place: Option<Place>, cause: &str) -> Problem {
    match (place, config.files.first()) {
        (Some(place), _) => problem(config, place.file, place.value, cause),
        (None, Some(source)) => Problem::of_file(&source.path, cause),
        (None, None) => Problem::of_file("", cause),
    }
}
