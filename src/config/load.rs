//! From files to a checked configuration.
//!
//! Run by the launcher as root before anyone has spoken, by ordinary users who start a server for
//! themselves, and by `cellftpd check`. It trusts a file only if nobody but root and the one who
//! runs this could have written it: whoever writes the configuration says what root does.

use std::path::{Path, PathBuf};

use nix::unistd::getuid;

use super::problem::{Problem, Problems};
use super::read::{FileSays, read};
use super::settings::Settings;
use super::source::Source;
use super::trusted::{self, Bounds, Unread, WRITABLE};
use super::{Config, check};

/// The name that brings `conf.d` with it.
const MAIN_FILE: &str = "cellftpd.toml";

/// The largest file that is read; a configuration is a hundred times smaller.
const BOUNDS: Bounds = Bounds { size: 1 << 20, forbidden: WRITABLE };

/// Loads FILE and, if it is named `cellftpd.toml`, `conf.d/*.toml` beside it in the order of
/// their names. All problems are collected; there is at least one in an `Err`.
pub fn load(path: &Path) -> Result<Config, Problems> {
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    for read in std::iter::once(Ok(path.to_path_buf())).chain(beside(path)) {
        match read.and_then(|path| Ok(Source::new(&path, trusted_text(&path)?))) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    assemble(sources, problems)
}

/// The configuration that these texts are, as if they had been loaded in this order.
pub fn from_sources(sources: Vec<Source>) -> Result<Config, Problems> {
    assemble(sources, Vec::new())
}

fn assemble(sources: Vec<Source>, mut problems: Vec<Problem>) -> Result<Config, Problems> {
    let mut config = Config { files: sources, ..Config::default() };
    for (index, source) in config.files.iter().enumerate() {
        let FileSays { overlay, matches, problems: found } = read(index, source);
        config.said.merge(overlay);
        config.matches.extend(matches);
        problems.extend(found);
    }
    config.certificates = std::mem::take(&mut config.said.certificates);
    config.settings = Settings::default();
    config.said.apply(&mut config.settings);
    problems.extend(check::errors(&config));
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    config.warnings = check::warnings(&config);
    Ok(config)
}

/// The files of `conf.d` beside the main file, or why they can't be known.
fn beside(path: &Path) -> Vec<Result<PathBuf, Problem>> {
    let directory = match path.file_name() {
        Some(name) if name == MAIN_FILE => path.with_file_name("conf.d"),
        _ => return Vec::new(),
    };
    match names(&directory) {
        Ok(names) => names.into_iter().map(Ok).collect(),
        Err(Unread::System(error)) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(unread) => vec![Err(problem(&unread, &directory))],
    }
}

fn names(directory: &Path) -> Result<Vec<PathBuf>, Unread> {
    trusted::distrust(&std::fs::metadata(directory)?, WRITABLE, getuid())?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            names.push(path);
        }
    }
    names.sort();
    Ok(names)
}

/// Reads one file that can be trusted.
fn trusted_text(path: &Path) -> Result<String, Problem> {
    let mut bytes = trusted::read(path, BOUNDS).map_err(|unread| problem(&unread, path))?;
    String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let lines = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count();
        Problem::of_file(path, format!("is not UTF-8 text (line {})", lines + 1))
    })
}

/// Why a file is not read, with what it would mean if it were.
fn problem(unread: &Unread, path: &Path) -> Problem {
    Problem::of_file(path, format!("{unread}{}", meaning(unread))).cured_by(unread.cure(path))
}

fn meaning(unread: &Unread) -> &'static str {
    match unread {
        Unread::Foreign(_) => ", who could make root do anything by it",
        Unread::Writable(_) => ", who could make root do anything",
        Unread::Reached(_, cause) => meaning(cause),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Writes files below a fresh directory; the mode is set because the umask could be anything.
    fn files(rows: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in rows {
            let path = directory.path().join(name);
            let parent = path.parent().unwrap();
            std::fs::create_dir_all(parent).unwrap();
            std::fs::set_permissions(parent, PermissionsExt::from_mode(0o755)).unwrap();
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        }
        directory
    }

    #[test]
    fn conf_d_is_read_in_the_order_of_names() {
        let directory = files(&[
            ("cellftpd.toml", "[limits]\nidle = 1\nlogin = 1\nstalled = 1\n"),
            ("conf.d/20.toml", "[limits]\nlogin = 3\n[[match]]\nuser = 'b'\nlocal.jail = false\n"),
            (
                "conf.d/10.toml",
                "[limits]\nlogin = 2\nstalled = 2\n[[match]]\nuser = 'a'\nlocal.jail = false\n",
            ),
            ("conf.d/.hidden.toml", "nonsense"),
            ("conf.d/30.toml.bak", "nonsense"),
            ("other.toml", "[limits]\nidle = 7\n"),
        ]);
        let config = load(&directory.path().join("cellftpd.toml")).unwrap();
        let limits = &config.settings.limits;
        let seconds = [limits.idle, limits.login, limits.stalled].map(|limit| limit.as_secs());
        assert_eq!(seconds, [1, 3, 2]);
        let users = config.matches.iter().flat_map(|one| one.conditions.user.iter().flatten());
        assert_eq!(users.map(|user| user.0.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let names: Vec<_> =
            config.files.iter().map(|file| file.path.file_name().unwrap()).collect();
        assert_eq!(names, ["cellftpd.toml", "10.toml", "20.toml"]);

        let other = load(&directory.path().join("other.toml")).unwrap();
        assert_eq!((other.files.len(), other.settings.limits.idle.as_secs()), (1, 7));
    }

    #[test]
    fn files_that_others_could_write_are_refused() {
        let directory = files(&[("cellftpd.toml", ""), ("conf.d/a.toml", "")]);
        let main = directory.path().join("cellftpd.toml");
        std::fs::set_permissions(&main, PermissionsExt::from_mode(0o664)).unwrap();
        let conf_d = directory.path().join("conf.d");
        std::fs::set_permissions(&conf_d, PermissionsExt::from_mode(0o777)).unwrap();
        let problems = load(&main).unwrap_err();
        let lines: Vec<_> = problems.iter().map(Problem::one_line).collect();
        let told = |path: &Path, mode: &str| {
            let path = path.display();
            let cause = format!("may be written by group or others (mode {mode})");
            format!("{path}: {cause}, who could make root do anything (chmod go-w {path})")
        };
        assert_eq!(lines, [told(&main, "664"), told(&conf_d, "777")]);
    }

    #[test]
    fn what_is_no_text_file_is_refused() {
        let directory = files(&[]);
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("latin"), b"[login]\nbanner = \"\xe9\"\n").unwrap();
        std::fs::set_permissions(path("latin"), PermissionsExt::from_mode(0o600)).unwrap();
        nix::unistd::mkfifo(&path("pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        for (name, said) in [
            ("missing", "can't be read: No such file or directory (os error 2)"),
            (".", "is not a regular file"),
            ("pipe", "is not a regular file"),
            ("latin", "is not UTF-8 text (line 2)"),
        ] {
            let problems = load(&path(name)).unwrap_err();
            assert_eq!(problems.0.len(), 1);
            assert_eq!(problems.0[0].cause(), said, "{name}");
        }
    }
}
