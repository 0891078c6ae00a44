//! The shipped configurations load without a word of complaint and say what they should.
//!
//! After a change to the settings: `UPDATE_SHIPPED=1 cargo test --test shipped`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what is missing and fails")]

use std::path::{Path, PathBuf};

use cellftpd::config::{
    self, Config, EACH, Isolation, LogTarget, RunAs, SETTINGS, Settings, Source, TABLES,
};

fn conf(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conf").join(name)
}

/// Loads by the text: a checkout may be writable by its group, which `load` would refuse.
fn loaded(name: &str, text: String) -> Config {
    let config = config::from_sources(vec![Source::new(name, text)]);
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.warnings, [], "{name}");
    config
}

fn shipped_text() -> String {
    std::fs::read_to_string(conf("cellftpd.toml")).expect("conf/cellftpd.toml")
}

#[test]
fn cellftpd_toml_is_generated() {
    let path = conf("cellftpd.toml");
    if std::env::var_os("UPDATE_SHIPPED").is_some() {
        std::fs::write(&path, config::shipped()).expect("writing conf/cellftpd.toml");
    }
    assert_eq!(
        shipped_text(),
        config::shipped(),
        "run: UPDATE_SHIPPED=1 cargo test --test shipped"
    );
}

#[test]
fn cellftpd_toml_changes_nothing() {
    assert_eq!(loaded("cellftpd.toml", config::shipped()).settings, Settings::default());
}

#[test]
fn every_setting_is_shown_at_its_default() {
    let text = config::shipped();
    let settings = text.lines().filter_map(|line| line.strip_prefix('#'));
    let names = settings.filter(|line| !line.starts_with(' ')).count();
    assert_eq!(names, SETTINGS.len());

    let commented_in: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_eq!(loaded("cellftpd.toml", commented_in).settings, Settings::default());
}

#[test]
fn every_setting_and_table_is_documented() {
    for (table, doc) in TABLES {
        assert!(!doc.is_empty(), "[{table}]");
    }
    for row in SETTINGS {
        assert!(!row.doc.is_empty(), "{}.{}", row.table, row.name);
        assert!(TABLES.iter().any(|(table, _)| *table == row.table));
    }
}

#[test]
fn every_word_of_rights_is_documented() {
    let text = config::shipped();
    let words = text.split_once(" Words:").and_then(|(_, rest)| rest.split_once("\n[rights]\n"));
    let (words, _) = words.expect("the comment above [rights]");
    for (word, _) in EACH {
        assert!(words.contains(&format!(" {word}")), "{word}");
    }
}

#[test]
fn the_examples_of_cellftpd_toml_load() {
    let text = config::shipped();
    let is_example = |line: &&str| {
        let words = ["[[", "chain = ", "key = ", "transfer.umask = "];
        words.iter().any(|word| line.starts_with(word)) || line.contains(" = [\"")
    };
    let examples = |text: &str| -> String {
        let lines = text.lines().filter_map(|line| line.strip_prefix("# ")).filter(is_example);
        lines.map(|line| format!("{line}\n")).collect()
    };
    let (head, tail) = text.split_once("\n[rights]\n").expect("[rights]");
    let (head, tail) = (examples(head), examples(tail));
    let config = loaded("examples", format!("[tls]\nenabled = true\n{head}[rights]\n{tail}"));
    assert_eq!(config.certificates.len(), 1);
    assert_eq!(config.settings.rights.named_directories().count(), 2);
    assert_eq!(config.matches.len(), 1);
}

#[test]
fn adhoc_toml_serves_anonymous_users_without_root() {
    let text = std::fs::read_to_string(conf("adhoc.toml")).expect("conf/adhoc.toml");
    let Settings { server, anonymous, local, network, log, .. } =
        loaded("adhoc.toml", text).settings;
    assert_eq!((server.user, server.isolation), (RunAs::Launcher, Isolation::Best));
    assert_eq!(anonymous.root, Path::new("/usr/share/doc"));
    assert!(anonymous.enabled && !local.enabled && network.active_loopback);
    assert_eq!(log.to, LogTarget::Stderr);
}
