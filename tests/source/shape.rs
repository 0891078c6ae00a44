//! How long functions are, and where `unsafe` stands.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A function with a body.
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

/// Collects functions.
#[derive(Default)]
pub struct Functions(pub Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let line = signature.span().start().line;
        let lines = body.span().end().line + 1 - line;
        self.0.push(Function { name: signature.ident.to_string(), line, lines });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}

/// A place that says `unsafe`.
pub struct Unsafe {
    pub line: usize,
    /// A block, where something unsafe is done; else a declaration.
    pub is_block: bool,
    /// A `// SAFETY:` sentence stands right above it, or above the statement that it is in.
    pub has_reason: bool,
}

/// Collects them.
pub struct Unsafes<'text> {
    lines: Vec<&'text str>,
    /// Where the statements and arms begin that we are in.
    anchors: Vec<usize>,
    pub found: Vec<Unsafe>,
}

impl<'text> Unsafes<'text> {
    pub fn of(text: &'text str) -> Self {
        Unsafes { lines: text.lines().collect(), anchors: Vec::new(), found: Vec::new() }
    }

    fn add(&mut self, line: usize, is_block: bool) {
        let places = [Some(line), self.anchors.last().copied()];
        let has_reason = places.into_iter().flatten().any(|line| self.is_reasoned(line));
        self.found.push(Unsafe { line, is_block, has_reason });
    }

    /// Whether the comment right above a line gives the reason.
    fn is_reasoned(&self, line: usize) -> bool {
        let above = self.lines[..line - 1].iter().rev().map(|line| line.trim_start());
        let mut comment = above
            .skip_while(|line| line.starts_with("#["))
            .take_while(|line| line.starts_with("//"));
        comment
            .any(|line| line.strip_prefix("// SAFETY: ").is_some_and(|reason| !reason.is_empty()))
    }

    fn within(&mut self, line: usize, visit: impl FnOnce(&mut Self)) {
        self.anchors.push(line);
        visit(self);
        self.anchors.pop();
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(word) if word == "unsafe" => {
                    self.add(word.span().start().line, true)
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Unsafes<'_> {
    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        self.within(statement.span().start().line, |this| visit::visit_stmt(this, statement));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.within(arm.span().start().line, |this| visit::visit_arm(this, arm));
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.add(block.unsafe_token.span.start().line, true);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(word) = signature.unsafety {
            self.add(word.span.start().line, false);
        }
        visit::visit_signature(self, signature);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some(word) = item.unsafety {
            self.add(word.span.start().line, true);
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_foreign_mod(&mut self, item: &'ast syn::ItemForeignMod) {
        if let Some(word) = item.unsafety {
            self.add(word.span.start().line, false);
        }
        visit::visit_item_foreign_mod(self, item);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.tokens(mac.tokens.clone());
    }
}

#[test]
fn a_reason_stands_above_the_block_or_its_statement() {
    let text = "
fn f() {
    // SAFETY: the pointer was checked above.
    let a = unsafe { g() };
    // SAFETY: that holds here too, as
    // two lines can say.
    let b =
        unsafe { g() };
    let c = unsafe { g() };
    m!(unsafe { g() });
}
";
    let mut found = Unsafes::of(text);
    found.visit_file(&syn::parse_file(text).unwrap());
    let reasons: Vec<_> = found.found.iter().map(|one| one.has_reason).collect();
    assert_eq!(reasons, [true, true, false, false]);
}
