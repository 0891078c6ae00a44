//! Which paths a file names: in imports, types, expressions, patterns, attributes and inside of macros.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Collects paths, made absolute: `crate::broker::ports`, or `nix::unistd` of another crate.
pub struct Paths {
    module: Vec<String>,
    pub found: Vec<(usize, String)>,
}

impl From<Vec<String>> for Paths {
    fn from(module: Vec<String>) -> Paths {
        Paths { module, found: Vec::new() }
    }
}

impl Paths {
    fn add(&mut self, line: usize, path: &[String]) {
        self.found.push((line, self.absolute(path).join("::")));
    }

    fn absolute(&self, path: &[String]) -> Vec<String> {
        let root = ["crate".to_owned()];
        let mut above = self.module.clone();
        let mut rest = path;
        let relative = matches!(rest.first().map(String::as_str), Some("self" | "super"));
        while let Some((first, more)) = rest.split_first() {
            match first.as_str() {
                "super" => drop(above.pop()),
                "self" => {}
                _ => break,
            }
            rest = more;
        }
        if relative { [&root, above.as_slice(), rest].concat() } else { rest.to_vec() }
    }

    fn import(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let line = tree.span().start().line;
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident)),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.import(item, before))
            }
            syn::UseTree::Glob(_) => self.add(line, &[before, &["*".to_owned()]].concat()),
            // Under another name, the whole crate could be reached unseen.
            syn::UseTree::Rename(rename) if rename.ident == "crate" => {
                self.add(line, &["crate".to_owned(), "*".to_owned()]);
            }
            syn::UseTree::Rename(rename) => self.add(line, &with(&rename.ident)),
            syn::UseTree::Name(name) if name.ident == "self" => self.add(line, before),
            syn::UseTree::Name(name) => self.add(line, &with(&name.ident)),
        }
    }

    /// Names joined by `::` among the tokens of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            let line = token.span().start().line;
            match token {
                TokenTree::Ident(name) if colons == 2 => path.push(name.to_string()),
                TokenTree::Ident(name) => {
                    self.flush(line, &mut path);
                    path.push(name.to_string());
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => {
                    self.flush(line, &mut path);
                    self.tokens(group.stream());
                }
                _ => self.flush(line, &mut path),
            }
            colons = 0;
        }
        self.flush(0, &mut path);
    }

    fn flush(&mut self, line: usize, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.add(line, path);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, &[]);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // A lone name is local or imported, and the import was seen.
        if segments.len() > 1 {
            self.add(path.span().start().line, &segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.visit_path(&mac.path);
        self.tokens(mac.tokens.clone());
    }
}

#[test]
fn paths_are_found_wherever_they_hide() {
    let text = "
        use super::{broker::Broker, wire};
        use crate as all;
        mod inner { use super::super::launch; }
        fn f(x: sys::fd::Fd) -> self::Own { vec![crate::auth::ask(x), ftp::line::MAX] }
        impl crate::relay::Relay for Own {}
    ";
    let mut paths = Paths::from(vec!["worker".to_owned()]);
    paths.visit_file(&syn::parse_file(text).unwrap());
    let found: Vec<_> = paths.found.iter().map(|(_, path)| path.as_str()).collect();
    for wanted in [
        "crate::broker::Broker",
        "crate::wire",
        "crate::*",
        "crate::launch",
        "sys::fd::Fd",
        "crate::worker::Own",
        "crate::auth::ask",
        "ftp::line::MAX",
        "crate::relay::Relay",
    ] {
        assert!(found.contains(&wanted), "{wanted} is not in {found:?}");
    }
}
