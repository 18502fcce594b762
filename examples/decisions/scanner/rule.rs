//! What code that no test runs may do with the outcome of a call.
//!
//! The rule is positive: what it does not know is wrong. So a new method of `Result` needs no line here.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Block, Expr, GenericArgument, Item, Macro, PathArguments, Stmt, Type};

use super::operations::{Operations, plain};
use super::units::{Body, Unit, is_named};

/// What may be done with an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It is returned, or `?` returns its error. Nothing else.
    PassesOn,
    /// It may also end a test: by an assertion, or by `unwrap` and the like.
    Shows,
}

/// What is asserted of an outcome. `debug_assert!` asserts nothing in a release.
const ASSERTIONS: [&str; 7] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "assert_matches",
    "prop_assert",
    "prop_assert_eq",
    "prop_assert_ne",
];
const UNWRAPS: [&str; 4] = ["unwrap", "expect", "unwrap_err", "expect_err"];
/// The options of a call before it is sent.
const KEEPS_IT: [&str; 6] = ["timeout", "attempt_timeout", "retry", "header", "options", "send"];

/// What is wrong with the unit. Empty if it keeps to the rule.
pub fn broken(unit: &Unit, rule: Rule, operations: &Operations) -> Vec<String> {
    // What asserts decides nothing for a caller only if its caller gets nothing.
    let rule = if hands_back(unit) { Rule::PassesOn } else { rule };
    let mut judge = Judge { operations, rule, wrong: Vec::new() };
    match &unit.body {
        Body::Statements(body) => judge.function(body),
        Body::Value(value) => judge.visit_expr(value),
        Body::Tokens => judge.wrong("a macro, which the scanner cannot read", &unit.code),
    }
    if rule == Rule::PassesOn && unit.output.as_ref().is_some_and(|output| !keeps_errors(output)) {
        judge.wrong("its caller does not get the `Error`", &unit.output.to_token_stream());
    }
    if unit.code.to_string().contains("macro_rules") {
        judge.wrong("it defines a macro", &unit.code);
    }
    judge.wrong
}

/// Whether its caller learns anything. `main` has none.
pub fn hands_back(unit: &Unit) -> bool {
    let is_main = unit.name == "main" && unit.owners.is_empty() && !unit.nested;
    unit.returns && (!is_main || tells_more_than_success(unit))
}

/// Whether it returns more than `()`, or a `Result` of it.
pub fn tells_more_than_success(unit: &Unit) -> bool {
    unit.output.as_ref().is_some_and(|output| !is_nothing(output))
}

fn is_nothing(output: &Type) -> bool {
    match output {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        other => arguments(other).is_some_and(|all| all.first().copied().is_some_and(is_nothing)),
    }
}

/// Whether it has the name of a function that is taken for what it is elsewhere. A transport must `send`.
pub fn imitates(unit: &Unit) -> bool {
    let name = &&*unit.name;
    let of_a_result = KEEPS_IT.contains(name) || UNWRAPS.contains(name) || *name == "block_on";
    of_a_result && unit.owners.last().is_none_or(|owner| owner != "Transport")
}

/// Whether `Error` or `Result` is something of its own here.
pub fn defines_an_error(tokens: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    tokens.windows(2).any(|pair| {
        let [before, name] = [pair[0].to_string(), pair[1].to_string()];
        ["struct", "enum", "type", "as"].contains(&&*before)
            && ["Error", "Result"].contains(&&*name)
    }) || tokens.iter().any(|token| match token {
        TokenTree::Group(group) => defines_an_error(&group.stream()),
        _ => false,
    })
}

/// `Result<_, Error>`, or a `Result` of a boxed error.
fn keeps_errors(output: &Type) -> bool {
    let is_error = |error: &Type| match error {
        Type::Path(path) if is_named(&path.path, "Error") => true,
        Type::Path(path) if is_named(&path.path, "Box") => {
            path.path.to_token_stream().to_string().contains("Error")
        }
        _ => false,
    };
    arguments(output).is_some_and(|all| all.get(1).is_none_or(|error| is_error(error)))
}

/// The arguments of `Result<…>`.
fn arguments(output: &Type) -> Option<Vec<&Type>> {
    let Type::Path(path) = output else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(all) = &last.arguments else { return None };
    let types = all.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(of) => Some(of),
        _ => None,
    });
    Some(types.collect())
}

struct Judge<'a> {
    operations: &'a Operations,
    rule: Rule,
    wrong: Vec<String>,
}

impl Judge<'_> {
    fn wrong(&mut self, why: &str, code: &TokenStream) {
        self.wrong.push(format!("{why}: {code}"));
    }

    /// A body whose value is the outcome of the function, closure or `async` block itself.
    fn function(&mut self, body: &Block) {
        self.statements(&body.stmts, true);
    }

    fn statements(&mut self, statements: &[Stmt], own: bool) {
        for (at, statement) in statements.iter().enumerate() {
            match statement {
                Stmt::Expr(value, None) if own && at + 1 == statements.len() => self.result(value),
                Stmt::Local(local) if self.rule == Rule::Shows => match &local.init {
                    Some(init) if self.is_outcome(&init.expr) && init.diverge.is_none() => {
                        self.inside(&init.expr);
                        if !only_asserted(&local.pat, &statements[at + 1..]) {
                            self.wrong("an outcome is kept", &local.to_token_stream());
                        }
                    }
                    _ => self.visit_stmt(statement),
                },
                _ => self.visit_stmt(statement),
            }
        }
    }

    /// A value that the function returns.
    fn result(&mut self, value: &Expr) {
        if self.is_outcome(value) {
            self.inside(value);
        } else {
            self.visit_expr(value);
        }
    }

    /// Whether the value is the outcome of a call, or a future or closure of one.
    fn is_outcome(&self, value: &Expr) -> bool {
        match value {
            Expr::MethodCall(call) => {
                let name = plain(&call.method);
                self.operations.has(&name)
                    || name == "call"
                    || (KEEPS_IT.contains(&&*name) && self.is_outcome(&call.receiver))
                    || (name == "map" && takes_a_field(call) && self.is_outcome(&call.receiver))
                    || (name == "block_on" && call.args.iter().any(|of| self.is_outcome(of)))
            }
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) => {
                    let runs = is_named(&path.path, "block_on");
                    self.is_operation(&path.path)
                        || (runs && call.args.iter().any(|future| self.is_outcome(future)))
                }
                called => self.is_outcome(called),
            },
            Expr::Await(future) => self.is_outcome(&future.base),
            Expr::Paren(inner) => self.is_outcome(&inner.expr),
            Expr::Group(inner) => self.is_outcome(&inner.expr),
            Expr::Async(future) => gives(&future.block) && self.calls(&future.block),
            Expr::Closure(closure) => match &*closure.body {
                Expr::Block(body) => gives(&body.block) && self.calls(body),
                Expr::Async(body) => gives(&body.block) && self.calls(body),
                body => self.calls(body),
            },
            _ => false,
        }
    }

    fn calls(&self, code: &impl ToTokens) -> bool {
        self.operations.called_in(&code.to_token_stream())
    }

    fn is_operation(&self, path: &syn::Path) -> bool {
        path.segments.last().is_some_and(|last| self.operations.has(&plain(&last.ident)))
    }

    /// Judges what the outcome is made of, now that its own use is right.
    fn inside(&mut self, outcome: &Expr) {
        match outcome {
            Expr::MethodCall(call) => {
                for part in std::iter::once(&*call.receiver).chain(&call.args) {
                    self.result(part);
                }
            }
            Expr::Call(call) => {
                if !matches!(&*call.func, Expr::Path(_)) {
                    self.result(&call.func);
                }
                call.args.iter().for_each(|argument| self.result(argument));
            }
            Expr::Await(future) => self.inside(&future.base),
            Expr::Paren(inner) => self.inside(&inner.expr),
            Expr::Group(inner) => self.inside(&inner.expr),
            Expr::Async(future) => self.function(&future.block),
            Expr::Closure(closure) => self.closure(&closure.body),
            other => self.visit_expr(other),
        }
    }

    fn closure(&mut self, body: &Expr) {
        match body {
            Expr::Block(block) => self.function(&block.block),
            other => self.result(other),
        }
    }
}

impl<'ast> Visit<'ast> for Judge<'_> {
    /// Items are units of their own.
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_block(&mut self, block: &'ast Block) {
        self.statements(&block.stmts, false);
    }

    fn visit_expr(&mut self, value: &'ast Expr) {
        let shows = self.rule == Rule::Shows;
        match value {
            Expr::Try(tried) if self.is_outcome(&tried.expr) => self.inside(&tried.expr),
            Expr::Return(returned)
                if returned.expr.as_ref().is_some_and(|e| self.is_outcome(e)) =>
            {
                returned.expr.iter().for_each(|value| self.inside(value));
            }
            Expr::MethodCall(call)
                if shows
                    && UNWRAPS.contains(&&*plain(&call.method))
                    && self.is_outcome(&call.receiver) =>
            {
                self.inside(&call.receiver);
            }
            Expr::Match(matched) if shows && self.is_outcome(&matched.expr) => {
                self.inside(&matched.expr);
                let asserts = |arm: &syn::Arm| matches!(&*arm.body, Expr::Macro(only) if is_assertion(&only.mac));
                if !matched.arms.iter().all(asserts) {
                    self.wrong("it branches on an outcome", &matched.to_token_stream());
                }
            }
            // No outcome comes of it, as it has no value.
            Expr::Async(future) if !self.is_outcome(value) => self.function(&future.block),
            Expr::Closure(closure) if !self.is_outcome(value) => self.closure(&closure.body),
            _ if self.is_outcome(value) => {
                self.wrong("an outcome is not passed on", &value.to_token_stream());
                self.inside(value);
            }
            Expr::Path(path) if self.is_operation(&path.path) => {
                self.wrong("an operation as a value", &path.to_token_stream());
            }
            Expr::Path(path) if path.path.segments.iter().any(|s| s.ident == "Exchange") => {
                self.wrong("a call step by step", &path.to_token_stream());
            }
            _ => visit::visit_expr(self, value),
        }
    }

    fn visit_macro(&mut self, of: &'ast Macro) {
        if !self.operations.called_in(&of.tokens) || (self.rule == Rule::Shows && is_assertion(of))
        {
            return;
        }
        match of.parse_body_with(Punctuated::<Expr, syn::Token![,]>::parse_terminated) {
            Ok(arguments) => {
                for argument in arguments {
                    Judge::visit_expr(self, &argument);
                }
            }
            Err(_) => self.wrong("a macro, which the scanner cannot read", &of.to_token_stream()),
        }
    }
}

/// `.map(|answer| answer.value)`: a `Result` has no fields, so this is its success.
fn takes_a_field(call: &syn::ExprMethodCall) -> bool {
    let Some(Expr::Closure(closure)) = call.args.first() else { return false };
    let (Some(syn::Pat::Ident(input)), Expr::Field(field)) =
        (closure.inputs.first(), &*closure.body)
    else {
        return false;
    };
    matches!(&*field.base, Expr::Path(base) if base.path.is_ident(&input.ident))
}

/// Whether the block has a value.
fn gives(block: &Block) -> bool {
    matches!(block.stmts.last(), Some(Stmt::Expr(_, None)))
}

fn is_assertion(of: &Macro) -> bool {
    of.path.segments.last().is_some_and(|last| ASSERTIONS.iter().any(|name| last.ident == name))
}

/// Whether what is bound is used in assertions only, and used at all.
fn only_asserted(pattern: &syn::Pat, rest: &[Stmt]) -> bool {
    let syn::Pat::Ident(bound) = pattern else { return false };
    let mut uses = Uses { name: bound.ident.to_string(), asserted: 0, other: 0 };
    rest.iter().for_each(|statement| uses.visit_stmt(statement));
    uses.asserted > 0 && uses.other == 0
}

struct Uses {
    name: String,
    asserted: usize,
    other: usize,
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_ident(&mut self, name: &'ast proc_macro2::Ident) {
        self.other += usize::from(name == &self.name);
    }

    fn visit_macro(&mut self, of: &'ast Macro) {
        // Also `"{name}"`.
        let used = usize::from(of.tokens.to_string().contains(&self.name));
        let count = if is_assertion(of) { &mut self.asserted } else { &mut self.other };
        *count += used;
    }
}
