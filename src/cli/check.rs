//! `cellftpd check`: what the configuration means, and what is wrong with it. A person at a terminal, or a script; nobody is
//! served meanwhile.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use super::certificates::{self, Finding};
use crate::cage::caps::Set;
use crate::cage::kernel_holds_back;
use crate::cage::powers;
use crate::cage::seccomp::{self, Filter};
use crate::config::{Class, Config, EACH, Problems, Rights, RightsTable, Settings, describe, load};
use crate::exit::Exit;
use crate::launch::obstacle::{self, Obstacle};

/// Prints the findings; 78 if a connection would be refused.
pub(super) fn run(path: &Path, out: &mut dyn Write) -> Exit {
    let (text, exit) = match load(path) {
        Ok(config) => report(&config),
        Err(problems) => unloaded(&problems),
    };
    // Whoever closed the output does not want to read it.
    let _ = out.write_all(text.as_bytes());
    exit
}

/// Nothing is meant by what can't be loaded.
fn unloaded(problems: &Problems) -> (String, Exit) {
    let count = counted(problems.0.len(), 0);
    (format!("{problems}\n\n# Verdict\nno connection is served{count}\n"), Exit::Config)
}

/// What is meant, then what is wrong, the worst last: whoever reads it on a terminal sees the end.
fn report(config: &Config) -> (String, Exit) {
    let findings = certificates::look(config);
    let obstacles = obstacle::find(&config.settings);
    let mut text = meaning(config, &findings.certificates);
    let spoils_tls = findings.problems.iter().any(|one| one.is_error);
    let (warnings, errors) = problems(config, &obstacles, findings.problems);
    if !(warnings.is_empty() && errors.is_empty()) {
        let _ = writeln!(text, "\n# Problems");
    }
    for (kind, said) in [("warning", &warnings), ("error", &errors)] {
        for said in said {
            let _ = writeln!(text, "{kind}: {said}");
        }
    }
    let (verdict, exit) = match verdict(&config.settings, &obstacles) {
        (_, Exit::Clean) if spoils_tls => ("TLS can't be served as it is", Exit::Config),
        other => other,
    };
    let _ = writeln!(text, "\n# Verdict\n{verdict}{}", counted(errors.len(), warnings.len()));
    (text, exit)
}

/// ` (1 error, 2 warnings)`; nothing if there are none.
fn counted(errors: usize, warnings: usize) -> String {
    let several = |count: usize| if count == 1 { "" } else { "s" };
    let counts = [(errors, "error"), (warnings, "warning")];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> =
        counts.map(|(count, what)| format!("{count} {what}{}", several(*count))).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}

/// What is allowed but hardly meant, and what has to be mended.
fn problems(
    config: &Config,
    obstacles: &[Obstacle],
    findings: Vec<Finding>,
) -> (Vec<String>, Vec<String>) {
    let whose = |class: Option<Class>| class.map(|class| format!("{} logins: ", class.word()));
    let obstacles = obstacles
        .iter()
        .map(|Obstacle { class, cause }| format!("{}{cause}", whose(*class).unwrap_or_default()));
    let (errors, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(|one| one.is_error);
    let told = |one: Finding| one.problem.to_string();
    let of_config = config.warnings.iter().map(ToString::to_string);
    let warnings = of_config.chain(obstacle::doubts(config)).chain(warnings.into_iter().map(told));
    (warnings.collect(), obstacles.chain(errors.into_iter().map(told)).collect())
}

fn meaning(config: &Config, certificates: &str) -> String {
    let mut text = format!("# Settings\n{}\n", describe(config));
    if !certificates.is_empty() {
        let _ = writeln!(text, "# Certificates\n{certificates}");
    }
    let _ = write!(text, "# Processes\n{}", processes(config));
    for class in classes(&config.settings) {
        let table = config.settings.rights_for(class);
        let _ = write!(text, "\n# Rights of {} sessions\n{}", class.word(), rights(&table));
    }
    let _ = write!(text, "\n# System calls of a session worker\n{}", reasons(config));
    text
}

fn verdict(settings: &Settings, obstacles: &[Obstacle]) -> (&'static str, Exit) {
    let hit = |class| obstacles.iter().any(|obstacle| obstacle.class == class);
    if hit(None) {
        ("no connection is served", Exit::Config)
    } else if classes(settings).any(|class| !hit(Some(class))) {
        ("this configuration serves", Exit::Clean)
    } else {
        ("nobody can log in", Exit::Config)
    }
}

/// Who may log in at all.
fn classes(settings: &Settings) -> impl Iterator<Item = Class> {
    let anonymous = settings.anonymous.enabled.then_some(Class::Anonymous);
    anonymous.into_iter().chain(settings.local.enabled.then_some(Class::Local))
}

/// Who holds what, in which phase. The numbers are those of the filters themselves.
fn processes(config: &Config) -> String {
    let settings = &config.settings;
    let calls = |filter: Filter| filter.calls().len();
    let any = rights_of_anyone(config);
    let never = seccomp::refused_to_everybody();
    let before_login = format!("system calls: all but {never} that no login needs");
    let is_root = nix::unistd::geteuid().is_root();
    // Started by an ordinary user, every process is that user, and has no power from the beginning.
    let as_who = |account: &'static str| if is_root { account } else { "self" };
    let caps = |set: Set| if is_root { set.to_string() } else { "none".into() };
    let (before, after) =
        (powers::before_login(|asked| asked(settings)), powers::after_login(settings));
    let session = Some(calls(Filter::session(any)));
    let rows = [
        ("broker, before login", as_who("root"), caps(before), "/", None),
        (
            "login worker",
            as_who("cellftpd-net"),
            caps(Set::NONE),
            "empty",
            Some(calls(Filter::login())),
        ),
        (
            "broker, after login",
            as_who("cellftpd"),
            caps(after),
            "empty",
            Some(calls(Filter::broker())),
        ),
        ("session worker", as_who("the user"), caps(Set::NONE), "the jail", session),
    ];
    let network = as_who("cellftpd-net");
    let of_tls = [
        ("key", as_who("cellftpd-key"), caps(Set::NONE), "empty", Some(calls(Filter::key()))),
        ("relay", network, caps(Set::NONE), "empty", Some(calls(Filter::relay()))),
    ];
    let of_tls = of_tls.iter().filter(|_| config.offers_tls());
    rows.iter().chain(of_tls).fold(
        String::new(),
        |mut text, (process, user, capabilities, root, calls)| {
            let calls = calls.map_or(before_login.clone(), |n| format!("system calls: {n}"));
            let _ = writeln!(
                text,
                "{process:<22} user {user:<13} root {root:<9} {calls}; capabilities: {capabilities}"
            );
            text
        },
    )
}

/// The system calls that a session worker may make at most, each with its reason.
fn reasons(config: &Config) -> String {
    let mut text = String::new();
    for row in Filter::session(rights_of_anyone(config)).rows() {
        let _ = writeln!(text, "{:<18} {}", row.name(), row.why);
    }
    text
}

/// What anybody may have anywhere: what the classes have, and what a match may add.
fn rights_of_anyone(config: &Config) -> Rights {
    let settings = &config.settings;
    let given = classes(settings).map(|class| settings.rights_for(class).anywhere());
    let added = config.matches.iter().flat_map(|one| one.overlay.rights.values());
    given.chain(added.map(|placed| placed.value)).fold(Rights::NONE, |all, rights| all | rights)
}

/// Per directory what is given; and who holds back what is not: the kernel, or the server alone. Matches may give a
/// session other rights: then its own cage is computed from those.
fn rights(table: &RightsTable) -> String {
    let mut text = String::new();
    for (directory, given) in table.iter() {
        let _ = writeln!(text, "{:<22} {given}", String::from_utf8_lossy(directory));
    }
    let anywhere = table.anywhere();
    let everywhere =
        table.iter().fold(Rights::ALL, |all, (_, given)| all.without(Rights::ALL.without(given)));
    for (word, right) in EACH.iter().copied() {
        let (where_, holder) = if everywhere.contains(right) {
            continue;
        } else if anywhere.contains(right) {
            ("in some directories", "the server")
        } else if kernel_holds_back(right, anywhere) {
            ("nowhere", "the kernel")
        } else {
            ("nowhere", "the server")
        };
        let _ = writeln!(text, "  {word:<12} given {where_:<20} held back by {holder}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, from_sources};

    #[test]
    fn a_time_zone_that_is_not_there_is_a_warning() {
        for (zones, expected) in [
            (["UTC", "Europe/Berlin"], 0),
            (["local", "Europe/Atlantis"], 1),
            (["Nowhere", "Zone-not"], 2),
        ] {
            let text = format!(
                "[listing]\ntime = {:?}\n[[match]]\nuser = \"x\"\nlisting.time = {:?}\n",
                zones[0], zones[1]
            );
            let config = from_sources(vec![Source::new("test.toml", text)]).unwrap();
            let (text, _) = report(&config);
            let said = text.lines().filter(|line| line.starts_with("warning: listing.time"));
            assert_eq!(said.count(), expected, "{text}");
        }
    }

    #[test]
    fn the_worst_stands_last() {
        let text = "[anonymous]\nroot = '/no/such/place'\n[local]\nenabled = true\n\
                    [listing]\ntime = 'Nowhere'\n[tls]\nenabled = true\nlogin = 'allow'\n\
                    [[tls.certificate]]\nchain = '/no/chain'\nkey = '/no/key'\n";
        let config = from_sources(vec![Source::new("test.toml", text)]).unwrap();
        let (text, exit) = report(&config);
        let (_, last) = text.split_once("\n# Problems\n").unwrap();
        let (told, verdict) = last.split_once("\n\n# Verdict\n").unwrap();
        let are_errors: Vec<_> = told.lines().map(|line| line.starts_with("error: ")).collect();
        let errors = are_errors.iter().filter(|is| **is).count();
        assert!(are_errors.is_sorted() && errors >= 3, "{text}");
        assert!(verdict.ends_with(&format!(" ({errors} errors, 2 warnings)\n")), "{text}");
        assert_eq!((are_errors.len() - errors, exit), (2, Exit::Config), "{text}");
    }

    #[test]
    fn a_read_only_site_is_held_by_the_kernel() {
        let text = rights(&RightsTable::for_class(Class::Anonymous));
        for word in ["create", "delete", "rename", "make-dir", "set-time", "chmod"] {
            let line = text.lines().find(|line| line.trim_start().starts_with(word)).unwrap();
            assert!(line.ends_with("the kernel"), "{text}");
        }
    }
}
