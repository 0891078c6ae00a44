//! The sources of the project as parsed syntax. Tests inside them are left out: they may do as they like.

pub mod items;
mod paths;
mod shape;

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenTree;
use syn::visit::Visit;

use crate::harness::script::Script;

pub use shape::{Function, Unsafe};

/// Crates of the workspace that live inside src: their modules are none of the main crate's.
const MEMBERS: [&str; 4] = ["src/bin/", "src/ftp/", "src/sys/", "src/pam/"];

/// A source file.
pub struct Source {
    /// Its path from the root of the project.
    pub name: String,
    pub text: String,
    syntax: syn::File,
    /// Files of its modules that only tests have.
    tests: Vec<String>,
}

/// All files below src.
pub fn sources() -> Vec<Source> {
    let mut names = Vec::new();
    collect(&root().join("src"), &mut names);
    names.sort();
    assert!(names.len() > 5, "src is not where it was");
    let sources: Vec<_> = names.iter().map(|name| Source::read(name)).collect();
    let tests: Vec<_> = sources.iter().flat_map(|source| source.tests.clone()).collect();
    sources.into_iter().filter(|source| !tests.contains(&source.name)).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn collect(directory: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("src is readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).expect("it is below");
            names.push(name.to_str().expect("plain names").to_owned());
        }
    }
}

impl Source {
    /// How many variants an enum of this name has.
    #[track_caller]
    pub fn variants(&self, name: &str) -> usize {
        let of = |item: &syn::Item| match item {
            syn::Item::Enum(one) if one.ident == name => Some(one.variants.len()),
            _ => None,
        };
        self.syntax.items.iter().find_map(of).unwrap_or_else(|| panic!("no enum {name}"))
    }

    /// Reads and parses a file.
    pub fn read(name: &str) -> Source {
        let text =
            fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
        let tests =
            syntax.items.iter().filter(|item| is_test(item)).filter_map(|item| match item {
                syn::Item::Mod(item) => Some(format!("{directory}/{}.rs", item.ident)),
                _ => None,
            });
        let tests = tests.collect();
        syntax.items.retain(|item| !is_test(item));
        Source { name: name.to_owned(), text, syntax, tests }
    }

    /// The module of the main crate that it is; nothing for a file of another crate.
    pub fn module(&self) -> Option<Vec<String>> {
        if MEMBERS.iter().any(|member| self.name.starts_with(member)) {
            return None;
        }
        let path = self.name.strip_prefix("src/")?.strip_suffix(".rs")?;
        let path = path.strip_suffix("/mod").unwrap_or(path);
        Some(path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect())
    }

    /// Whether it belongs to one of these top modules.
    pub fn is_of(&self, modules: &[&str]) -> bool {
        let top = self.module().and_then(|module| module.first().cloned());
        top.is_some_and(|top| modules.contains(&top.as_str()))
    }

    /// Every path that it names, in full, with its line.
    pub fn reached(&self) -> Vec<(usize, String)> {
        let mut paths = paths::Paths::from(self.module().unwrap_or_default());
        paths.visit_file(&self.syntax);
        paths.found
    }

    /// Every place that says `unsafe`.
    pub fn unsafes(&self) -> Vec<Unsafe> {
        let mut found = shape::Unsafes::of(&self.text);
        found.visit_file(&self.syntax);
        found.found
    }

    /// Every function with a body.
    pub fn functions(&self) -> Vec<Function> {
        let mut found = shape::Functions::default();
        found.visit_file(&self.syntax);
        found.0
    }

    /// How many lines it has before its tests, which stand last.
    pub fn lines_without_tests(&self) -> usize {
        let tests = self.text.lines().position(|line| line == "#[cfg(test)]");
        tests.unwrap_or_else(|| self.text.lines().count())
    }

    /// The same, without blank lines and comments.
    pub fn lines_of_code(&self) -> usize {
        let lines = self.text.lines().take(self.lines_without_tests()).map(str::trim_start);
        lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
    }

    /// The names of each row of `verbs![("NAME"/"ALIAS", …), …]`.
    pub fn verbs(&self) -> Vec<Vec<String>> {
        let tables = self.syntax.items.iter().filter_map(|item| match item {
            syn::Item::Static(table) => match &*table.expr {
                syn::Expr::Macro(rows) => Some(rows.mac.tokens.clone()),
                _ => None,
            },
            _ => None,
        });
        tables.flatten().filter_map(row).collect()
    }
}

/// The string literals that a row begins with.
fn row(token: TokenTree) -> Option<Vec<String>> {
    let TokenTree::Group(group) = token else {
        return None;
    };
    let head = group.stream().into_iter().take_while(|token| token.to_string() != ",");
    let names = head.map(|token| token.to_string()).filter(|text| text != "/");
    let names: Option<Vec<_>> =
        names.map(|text| Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())).collect();
    names.filter(|names| !names.is_empty())
}

fn is_test(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}
