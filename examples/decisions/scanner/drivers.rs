//! What the tests run.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Expr, Item, ItemFn, UseTree};

use super::units::{Unit, is_named};

/// The function through which every test of an example goes.
const FAULTS: &str = "under_every_fault";

/// The examples that one test uses, as full paths, and the methods that it calls on what such a path makes.
#[derive(Debug, Default)]
struct Driver {
    paths: BTreeSet<Vec<String>>,
    methods: BTreeSet<(Vec<String>, String)>,
}

/// Every test that runs something under every fault.
#[derive(Debug, Default)]
pub struct Drivers(Vec<Driver>);

impl Drivers {
    /// Those of one file of tests.
    pub fn in_file(&mut self, code: &str) -> syn::Result<()> {
        let items = syn::parse_str::<syn::File>(code)?.items;
        // The functions and macros of the file that set the faults going.
        let mut helpers = BTreeSet::from([FAULTS.to_owned()]);
        for item in &items {
            let (name, code) = match item {
                Item::Fn(item) => (item.sig.ident.to_string(), item.block.to_token_stream()),
                Item::Macro(item) => match &item.ident {
                    Some(name) => (name.to_string(), item.mac.tokens.clone()),
                    None => continue,
                },
                _ => continue,
            };
            if has_any(&code, &BTreeSet::from([FAULTS.to_owned()])) {
                helpers.insert(name);
            }
        }
        for item in &items {
            if let Item::Fn(test) = item {
                let is_test = test.attrs.iter().any(|attribute| is_named(attribute.path(), "test"));
                let ignored =
                    test.attrs.iter().any(|attribute| is_named(attribute.path(), "ignore"));
                if is_test && !ignored && has_any(&test.block.to_token_stream(), &helpers) {
                    self.0.push(Driver::of(test));
                }
            }
        }
        Ok(())
    }

    /// Whether a test runs this function of the example in this module.
    pub fn run(&self, module: &str, unit: &Unit) -> bool {
        let path = |names: &[&str]| -> Vec<String> {
            ["examples", module].iter().chain(names).copied().map(str::to_owned).collect()
        };
        self.0.iter().any(|driver| match &*unit.owners {
            [] => driver.paths.contains(&path(&[&unit.name])),
            owners => owners.iter().any(|owner| {
                let of_owner = |(used, method): &(Vec<String>, String)| {
                    used.starts_with(&path(&[owner])) && *method == unit.name
                };
                driver.paths.contains(&path(&[owner, &unit.name]))
                    || driver.methods.iter().any(of_owner)
            }),
        })
    }
}

fn has_any(tokens: &TokenStream, names: &BTreeSet<String>) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => has_any(&group.stream(), names),
        TokenTree::Ident(name) => names.contains(&name.to_string()),
        _ => false,
    })
}

impl Driver {
    fn of(test: &ItemFn) -> Self {
        let mut uses = Imports::default();
        uses.visit_block(&test.block);
        let (made, driver) = (BTreeMap::new(), Self::default());
        let mut seen = Seen { imports: uses.0, made, driver };
        seen.visit_block(&test.block);
        seen.driver
    }
}

/// The names that the `use` declarations of a test bring in, and what they stand for.
#[derive(Default)]
struct Imports(BTreeMap<String, Vec<String>>);

impl Imports {
    fn of(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &proc_macro2::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.of(&path.tree, &with(&path.ident)),
            UseTree::Name(name) => {
                self.0.insert(name.ident.to_string(), with(&name.ident));
            }
            UseTree::Rename(rename) => {
                self.0.insert(rename.rename.to_string(), with(&rename.ident));
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.of(tree, before)),
            UseTree::Glob(_) => {}
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.of(&item.tree, &[]);
    }
}

struct Seen {
    imports: BTreeMap<String, Vec<String>>,
    /// What the variables of the test were made by.
    made: BTreeMap<String, Vec<String>>,
    driver: Driver,
}

impl Seen {
    fn full(&self, path: &syn::Path) -> Vec<String> {
        let mut names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if let Some(full) = names.first().and_then(|first| self.imports.get(first)) {
            names.splice(..1, full.clone());
        }
        if names.first().is_some_and(|first| first == "crate") {
            names.remove(0);
        }
        names
    }

    /// The path of the type or function that makes this value.
    fn maker(&self, value: &Expr) -> Option<Vec<String>> {
        match value {
            Expr::Struct(made) => Some(self.full(&made.path)),
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) => Some(self.full(&path.path)),
                _ => None,
            },
            Expr::Paren(inner) => self.maker(&inner.expr),
            Expr::Path(path) => self.made.get(&path.path.get_ident()?.to_string()).cloned(),
            _ => None,
        }
    }
}

impl<'ast> Visit<'ast> for Seen {
    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let (syn::Pat::Ident(name), Some(init)) = (&local.pat, &local.init) {
            if let Some(maker) = self.maker(&init.expr) {
                self.made.insert(name.ident.to_string(), maker);
            }
        }
        visit::visit_local(self, local);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.driver.paths.insert(self.full(path));
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if let Some(maker) = self.maker(&call.receiver) {
            self.driver.methods.insert((maker, call.method.to_string()));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        let arguments = of.parse_body_with(Punctuated::<Expr, syn::Token![,]>::parse_terminated);
        for argument in arguments.into_iter().flatten() {
            Seen::visit_expr(self, &argument);
        }
    }
}
