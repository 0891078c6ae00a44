//! The settings as TOML: those in force, for `cellftpd check`, and those shipped.
//!
//! Run by an administrator or a test; pure. What it prints can be loaded again.

use std::path::PathBuf;

use super::Config;
use super::certificate::Certificate;
use super::matching::{Conditions, Match, Pattern};
use super::settings::{Overlay, Phase, SETTINGS, Setting, Settings, TABLES};
use super::source::Span;
use super::value::{Value, quoted};

const SHIPPED_HEAD: &str = "\
# The settings of cellftpd, each at its default. Remove the `#` before a setting to change it.
# Every connection reads this file afresh: nothing needs a restart. Files in conf.d/*.toml beside
# it are read after it, in the order of their names. Try changes with: cellftpd check
";

const SHIPPED_CERTIFICATE: &str = r#"
# The certificates, at most 8. chain: a PEM file with the server's certificate first, then those of
# who signed it, without the root. key: a PEM file with its key, which only root and a group of
# root's choice may read (0640 at most). ocsp: a signed answer that it is not revoked, if any (DER).
# names: the hosts that it is for, also "*.example.org"; needed only to tell several apart. Clients
# that name no host, or another one, get the first whose kind of key they know.
# [[tls.certificate]]
# chain = "/etc/ssl/certs/ftp.example.org.pem"
# key = "/etc/ssl/private/ftp.example.org.key"
# names = ["ftp.example.org"]
"#;

const SHIPPED_TAIL: &str = r#"
# What may be done in which directory, as the client sees it. The longest matching directory
# decides, whole: nothing is inherited. Words: list, read (with hash), write (= create, overwrite,
# append), create, overwrite, append, delete (with remove-dir), remove-dir, rename, make-dir,
# chmod (mode and group), set-time, hash, link. Without any line here anonymous users may list and
# read, others may do whatever their account may, but for link. That one must be said: it lets
# clients make symbolic links, which this server follows within "/" alone, but which lead other
# programs, such as a web server, to any file of the machine. Directories that are named can't be
# renamed or removed by clients.
[rights]
# "/"         = ["list", "read"]
# "/incoming" = ["write", "make-dir"]

# Settings that differ by client: any number of matches, applied in order, the later wins.
# Conditions, of which all must hold: user, group (names with * and ?), class ("anonymous",
# "local", "virtual"), from (networks), host, tls. A setting that is used before the user is known
# can only differ by from, host and tls; it is marked (not by user) above, and (only by from) where
# the host is not known either. One that is marked (the same for all) can't differ, nor can
# certificates. A match that says tls = true or false sets nothing of [tls].
# [[match]]
# user = ["alice", "dev-*"]
# transfer.umask = "077"
# rights."/" = ["list", "read", "write"]
"#;

/// The shipped configuration: every setting, commented out, at its default, documented.
pub fn shipped() -> String {
    let mut out = SHIPPED_HEAD.to_owned();
    for (table, doc) in TABLES {
        out.push('\n');
        push_doc(&mut out, doc);
        out.push_str(&format!("[{table}]\n"));
        for row in SETTINGS.iter().filter(|row| row.table == *table) {
            push_doc(&mut out, row.doc);
            out.push_str(differing(row.phase));
            out.push_str(&format!("#{} = {}\n", row.name, row.default_toml()));
        }
        if *table == "tls" {
            out.push_str(SHIPPED_CERTIFICATE);
        }
    }
    out.push_str(SHIPPED_TAIL);
    out
}

/// What the shipped file says about matches and a setting of this phase.
fn differing(phase: Phase) -> &'static str {
    match phase {
        Phase::Launch => "# (the same for all)\n",
        Phase::Handshake => "# (only by from)\n",
        Phase::Connect => "# (not by user)\n",
        Phase::Login => "",
    }
}

fn push_doc(out: &mut String, doc: &[&str]) {
    doc.iter().for_each(|line| out.push_str(&format!("#{line}\n")));
}

/// The settings in force as TOML; what a file said carries a comment with file and line.
pub fn describe(config: &Config) -> String {
    let mut out = tables(config, &config.settings);
    out.extend(config.certificates.iter().map(|one| certificate(config, one)));
    out.push_str(&rights(config, &config.said, quoted, "\n[rights]\n"));
    for one in &config.matches {
        out.push_str(&format!("\n[[match]]{}\n", origin(config, one.file, one.span)));
        out.push_str(&conditions(&one.conditions));
        out.push_str(&set_by(config, one));
        out.push_str(&rights(config, &one.overlay, |path| format!("rights.{}", quoted(path)), ""));
    }
    out
}

fn certificate(config: &Config, one: &Certificate) -> String {
    let path = |key: &str, path: &PathBuf| format!("{key} = {}\n", path.write());
    let ocsp = one.ocsp.as_ref().map(|ocsp| path("ocsp", ocsp)).unwrap_or_default();
    let names = match one.names.is_empty() {
        true => String::new(),
        false => format!("names = {}\n", words(one.names.iter().cloned())),
    };
    let head = format!("\n[[tls.certificate]]{}\n", origin(config, one.file, one.span));
    head + &path("chain", &one.chain) + &path("key", &one.key) + &ocsp + &names
}

fn tables(config: &Config, settings: &Settings) -> String {
    let mut out = String::new();
    let mut open = "";
    let values = settings.written().into_iter().zip(config.said.written());
    for (Setting { table, name, .. }, (value, said)) in SETTINGS.iter().zip(values) {
        if open != *table {
            let gap = if open.is_empty() { "" } else { "\n" };
            out.push_str(&format!("{gap}[{table}]\n"));
            open = table;
        }
        let comment = said.map(|(_, at)| origin(config, at.file, at.key)).unwrap_or_default();
        out.push_str(&format!("{name} = {value}{comment}\n"));
    }
    out
}

/// The lines of a match's settings.
fn set_by(config: &Config, one: &Match) -> String {
    let rows = SETTINGS.iter().zip(one.overlay.written());
    let line = |(Setting { table, name, .. }, said): (&Setting, Option<(String, _)>)| {
        let (value, at): (String, super::Place) = said?;
        Some(format!("{table}.{name} = {value}{}\n", origin(config, at.file, at.key)))
    };
    rows.filter_map(line).collect()
}

fn rights(config: &Config, says: &Overlay, key: impl Fn(&str) -> String, head: &str) -> String {
    let mut out = if says.rights.is_empty() { String::new() } else { head.to_owned() };
    for (path, said) in &says.rights {
        let comment = origin(config, said.at.file, said.at.key);
        out.push_str(&format!("{} = {}{comment}\n", key(path), said.value.written()));
    }
    out
}

fn conditions(said: &Conditions) -> String {
    let names = |list: &Option<Vec<Pattern>>| {
        list.as_ref().map(|list| words(list.iter().map(|pattern| pattern.0.clone())))
    };
    let class = said.class.as_ref();
    let from = said.from.as_ref();
    let rows = [
        ("user", names(&said.user)),
        ("group", names(&said.group)),
        ("class", class.map(|list| words(list.iter().map(|class| class.word().to_owned())))),
        ("from", from.map(|list| words(list.iter().map(ToString::to_string)))),
        ("host", names(&said.host)),
        ("tls", said.tls.map(|wanted| wanted.to_string())),
    ];
    let line = |(key, value): (&str, Option<String>)| Some(format!("{key} = {}\n", value?));
    rows.into_iter().filter_map(line).collect()
}

fn words(list: impl Iterator<Item = String>) -> String {
    let list: Vec<String> = list.map(|word| quoted(&word)).collect();
    format!("[{}]", list.join(", "))
}

/// The comment that says where something was said.
fn origin(config: &Config, file: usize, span: Span) -> String {
    match config.files.get(file) {
        Some(source) => {
            let (line, _) = source.position(span.start);
            format!("  # {}:{line}", source.path.display())
        }
        None => String::new(),
    }
}
