//! What is wrong with a configuration, told to the administrator.
//!
//! Run by whoever loads the configuration: the launcher as root before anyone has spoken, or
//! `cellftpd check`. It trusts nothing; the excerpts it shows are cleaned of control characters,
//! because they go to terminals and logs.

use std::fmt;
use std::path::PathBuf;

use super::source::{Source, Span};

/// One thing that is wrong, where, and what cures it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    path: PathBuf,
    spot: Option<Spot>,
    cause: String,
    cure: Option<String>,
}

/// A place within a file, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spot {
    line: usize,
    column: usize,
    width: usize,
    excerpt: String,
}

impl Problem {
    /// A problem with a file as a whole.
    pub fn of_file(path: impl Into<PathBuf>, cause: impl Into<String>) -> Self {
        Self { path: path.into(), spot: None, cause: cause.into(), cure: None }
    }

    /// A problem with the text at `span`.
    pub fn within(source: &Source, span: Span, cause: impl Into<String>) -> Self {
        let (line, column) = source.position(span.start);
        let line_text = source.line(line);
        let room = line_text.chars().count().saturating_sub(column - 1);
        let culprit = source.text.get(span.start..span.end).unwrap_or_default();
        let wanted = culprit.lines().next().map_or(0, |first| first.chars().count());
        let spot = Spot {
            line,
            column,
            width: wanted.min(room).max(1),
            excerpt: line_text.chars().map(shown).collect(),
        };
        Self { spot: Some(spot), ..Self::of_file(&source.path, cause) }
    }

    /// The same problem with what cures it.
    #[must_use]
    pub fn cured_by(self, cure: impl Into<Option<String>>) -> Self {
        Self { cure: cure.into(), ..self }
    }

    /// What is wrong, without the place.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// What would put it right, where that is known.
    pub fn cure(&self) -> Option<&str> {
        self.cure.as_deref()
    }

    /// Everything but the excerpt, on one line: for the log.
    pub fn one_line(&self) -> String {
        let text = match &self.cure {
            Some(cure) => format!("{}: {} ({cure})", self.place(), self.cause),
            None => format!("{}: {}", self.place(), self.cause),
        };
        text.chars().map(shown).collect()
    }

    /// `file`, or `file:line:column`.
    fn place(&self) -> String {
        let path = self.path.display();
        match &self.spot {
            Some(spot) => format!("{path}:{}:{}", spot.line, spot.column),
            None => path.to_string(),
        }
    }
}

/// A character as it may be printed; a tab becomes one blank so that the carets stay below.
fn shown(character: char) -> char {
    match character {
        '\t' => ' ',
        control if control.is_control() => '\u{fffd}',
        other => other,
    }
}

/// For a terminal: the place and the cause, the line with the culprit underlined, the cure.
impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause: String = self.cause.chars().map(shown).collect();
        write!(out, "{}: {cause}", self.place())?;
        let margin = self.spot.as_ref().map_or(0, |spot| spot.line.to_string().len());
        if let Some(spot) = &self.spot {
            let Spot { line, column, width, excerpt } = spot;
            write!(out, "\n{:margin$} |\n{line} | {excerpt}", "")?;
            write!(out, "\n{:margin$} | {:indent$}{:^<width$}", "", "", "", indent = column - 1)?;
        }
        match &self.cure {
            Some(cure) => write!(out, "\n{:margin$} = {cure}", ""),
            None => Ok(()),
        }
    }
}

/// All that is wrong; never empty when it is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Each problem in turn.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n\n" };
            write!(out, "{gap}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("a.toml", text)
    }

    #[test]
    fn underlines_the_culprit() {
        let source = source("[network]\npassive_port = \"1-2\"\n");
        let problem = Problem::within(&source, Span { start: 10, end: 22 }, "no such setting")
            .cured_by("did you mean `passive_ports`?".to_owned());
        assert_eq!(
            problem.to_string(),
            "a.toml:2:1: no such setting\n  |\n2 | passive_port = \"1-2\"\n  | ^^^^^^^^^^^^\n  \
             = did you mean `passive_ports`?"
        );
        assert_eq!(
            problem.one_line(),
            "a.toml:2:1: no such setting (did you mean `passive_ports`?)"
        );
    }

    #[test]
    fn counts_characters_and_hides_control_characters() {
        let source = source("\t\u{e9}\u{1b} = 1");
        let problem = Problem::within(&source, Span { start: 7, end: 8 }, "no\u{1b}");
        assert_eq!(
            problem.to_string(),
            "a.toml:1:7: no\u{fffd}\n  |\n1 |  \u{e9}\u{fffd} = 1\n  |       ^"
        );
    }

    #[test]
    fn a_span_past_the_end_shows_one_caret() {
        let source = source("a = ");
        let problem = Problem::within(&source, Span { start: 4, end: 9 }, "missing");
        assert_eq!(problem.to_string(), "a.toml:1:5: missing\n  |\n1 | a = \n  |     ^");
    }

    #[test]
    fn a_whole_file_has_no_excerpt() {
        let problem = Problem::of_file("a.toml", "not there");
        assert_eq!(problem.to_string(), "a.toml: not there");
    }
}
