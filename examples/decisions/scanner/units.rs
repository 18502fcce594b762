//! The parts of an example that can hold a decision.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Item, ReturnType, Signature, Stmt, Type};

/// What a unit is made of.
#[derive(Clone)]
pub enum Body {
    /// Statements: of a function, or outside of all items.
    Statements(Block),
    /// The value of a constant.
    Value(Box<Expr>),
    /// Tokens that only a macro can read.
    Tokens,
}

/// A function, the statements outside of functions, a constant, or a macro.
#[derive(Clone)]
pub struct Unit {
    pub name: String,
    /// The type or trait whose method it is.
    pub owners: Vec<String>,
    /// Whether it is inside of a module or a function, where a test cannot name it.
    pub nested: bool,
    /// Whether it is a `#[test]`.
    pub is_test: bool,
    /// Whether it returns anything.
    pub returns: bool,
    /// What it returns.
    pub output: Option<Type>,
    pub body: Body,
    /// All of it.
    pub code: TokenStream,
}

/// The name of the statements outside of functions.
pub const STATEMENTS: &str = "the statements outside of functions";

impl Unit {
    fn of_function(
        attributes: &[syn::Attribute],
        signature: &Signature,
        body: &Block,
        owners: &[String],
    ) -> Self {
        let output = match &signature.output {
            ReturnType::Type(_, output) => Some((**output).clone()),
            ReturnType::Default => None,
        };
        let mut code = signature.to_token_stream();
        body.to_tokens(&mut code);
        Self {
            name: super::operations::plain(&signature.ident),
            owners: owners.to_vec(),
            nested: false,
            is_test: attributes.iter().any(|attribute| is_named(attribute.path(), "test")),
            returns: output.is_some(),
            output,
            body: Body::Statements(body.clone()),
            code,
        }
    }

    fn other(name: &str, body: Body, code: TokenStream) -> Self {
        let (name, owners) = (name.to_owned(), Vec::new());
        let (nested, is_test, returns, output) = (false, false, false, None);
        Self { name, owners, nested, is_test, returns, output, body, code }
    }

    /// Changes with any token of it, and not with its layout or comments.
    pub fn fingerprint(&self) -> u64 {
        let mut words = String::new();
        spell(&self.code, &mut words);
        // FNV-1a
        words.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

fn spell(tokens: &TokenStream, words: &mut String) {
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => {
                words.push_str(&format!("{:?}", group.delimiter()));
                spell(&group.stream(), words);
                words.push_str(" end ");
            }
            other => {
                words.push_str(&other.to_string());
                words.push(' ');
            }
        }
    }
}

/// Whether the path ends in this name.
pub fn is_named(path: &syn::Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

/// The items of an example, and its statements outside of them.
pub fn parse(whole: bool, code: &str) -> syn::Result<(Vec<Item>, Vec<Stmt>)> {
    if whole {
        return Ok((syn::parse_str::<syn::File>(code)?.items, Vec::new()));
    }
    // Attributes of the crate can stand in a block of rustdoc, and in no function.
    let file = syn::parse_str::<syn::File>(code);
    if let Ok(file) = file {
        return Ok((file.items, Vec::new()));
    }
    let block: Block = syn::parse_str(&format!("{{{code}\n}}"))?;
    let (mut items, mut statements) = (Vec::new(), Vec::new());
    for statement in block.stmts {
        match statement {
            Stmt::Item(item) => items.push(item),
            other => statements.push(other),
        }
    }
    Ok((items, statements))
}

/// All units of an example, those in modules and in functions too.
pub fn units(whole: bool, code: &str) -> syn::Result<Vec<Unit>> {
    let (items, statements) = parse(whole, code)?;
    let mut all = All::default();
    for item in &items {
        all.visit_item(item);
    }
    if !statements.is_empty() {
        let block = Block { brace_token: syn::token::Brace::default(), stmts: statements };
        all.depth = 1;
        all.visit_block(&block);
        all.depth = 0;
        let code = block.to_token_stream();
        all.units.push(Unit::other(STATEMENTS, Body::Statements(block), code));
    }
    Ok(all.units)
}

#[derive(Default)]
struct All {
    units: Vec<Unit>,
    owners: Vec<String>,
    depth: usize,
}

impl All {
    fn add(&mut self, unit: Unit) {
        self.units.push(Unit { nested: self.depth > 0, ..unit });
    }
}

impl<'ast> Visit<'ast> for All {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(Unit::of_function(&item.attrs, &item.sig, &item.block, &[]));
        self.depth += 1;
        visit::visit_item_fn(self, item);
        self.depth -= 1;
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, item);
        self.depth -= 1;
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let mut owners = Vec::new();
        if let Type::Path(path) = &*item.self_ty {
            owners.extend(path.path.segments.last().map(|last| last.ident.to_string()));
        }
        if let Some(implemented) = &item.trait_ {
            let last = implemented.0.segments.last();
            owners.extend(last.map(|last| last.ident.to_string()));
        }
        let outer = std::mem::replace(&mut self.owners, owners);
        visit::visit_item_impl(self, item);
        self.owners = outer;
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let outer = std::mem::replace(&mut self.owners, vec![item.ident.to_string()]);
        visit::visit_item_trait(self, item);
        self.owners = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let unit = Unit::of_function(&item.attrs, &item.sig, &item.block, &self.owners);
        self.add(unit);
        self.depth += 1;
        visit::visit_impl_item_fn(self, item);
        self.depth -= 1;
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            let unit = Unit::of_function(&item.attrs, &item.sig, body, &self.owners);
            self.add(unit);
        }
        self.depth += 1;
        visit::visit_trait_item_fn(self, item);
        self.depth -= 1;
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        let name = item.ident.to_string();
        self.add(Unit::other(&name, Body::Value(item.expr.clone()), item.to_token_stream()));
        visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        let name = item.ident.to_string();
        self.add(Unit::other(&name, Body::Value(item.expr.clone()), item.to_token_stream()));
        visit::visit_item_static(self, item);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        let name = item.ident.to_string();
        self.add(Unit::other(&name, Body::Tokens, item.to_token_stream()));
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        let name = item.ident.as_ref().unwrap_or_else(|| &item.mac.path.segments[0].ident);
        self.add(Unit::other(&name.to_string(), Body::Tokens, item.to_token_stream()));
    }
}
