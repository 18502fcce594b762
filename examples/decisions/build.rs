//! Finds every example that calls the service, and writes two files for the tests: `found.rs` lists what was
//! found, and `examples.rs` has the items of each example that a test drives.
//!
//! An example is a code block of Rust in a Markdown file or in a doc comment, or a file below `examples/`. It
//! calls the service if it has the name of an operation in a call (`.receive_codes(`), or the type of one
//! (`ReceiveCodes`). It branches on an outcome if it has, outside of assertions, a `match`, an
//! `Err`, an `Effect`, or a method that turns an error into something else.

#![allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Fields, Item, Stmt, Visibility};

#[path = "src/registry.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library and its tests use the rest")]
mod registry;

use registry::{Check, EXAMPLES, FILE};

/// The four operations, and the one that `examples/larger_sdk` adds.
const METHODS: [&str; 5] =
    ["find_ensure_otp", "find_recovery_codes", "receive_codes", "regenerate_codes", "enable_app"];
const OPERATIONS: [&str; 5] =
    ["FindEnsureOtp", "FindRecoveryCodes", "ReceiveCodes", "RegenerateCodes", "EnableApp"];
/// What turns an outcome into another one.
const DECIDING: [&str; 17] = [
    "match",
    "if",
    "else",
    "Err",
    "Effect",
    "ErrorKind",
    "effect",
    "kind",
    "ok",
    "is_ok",
    "is_err",
    "is_ok_and",
    "is_err_and",
    "or_else",
    "map_err",
    "unwrap_or",
    "unwrap_or_else",
];

/// Code that calls the service.
struct Found {
    file: String,
    line: usize,
    whole: bool,
    code: String,
    branches: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let mut found = Vec::new();
    for file in files(&root)? {
        println!("cargo:rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file)?;
        look_into(&name, &text, &mut found)?;
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("found.rs"), list(&found)?)?;
    fs::write(out.join("examples.rs"), modules(&found)?)?;
    Ok(())
}

/// README, and what is below `crates/*/src` and `examples`. A new file there changes its directory, which
/// is watched too.
fn files(root: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut directories = vec![root.join("examples")];
    for entry in fs::read_dir(root.join("crates"))? {
        directories.push(entry?.path().join("src"));
    }
    let mut files = vec![root.join("README.md")];
    while let Some(directory) = directories.pop() {
        println!("cargo:rerun-if-changed={}", directory.display());
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                // This package shows its registry, and no example.
                if name != "target" && name != "decisions" && !name.starts_with('.') {
                    directories.push(path);
                }
            } else if name.ends_with(".rs") || name.ends_with(".md") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn look_into(name: &str, text: &str, found: &mut Vec<Found>) -> Result<(), Box<dyn Error>> {
    let rust = name.ends_with(".rs");
    let mut add = |line, whole, code: String| -> Result<(), Box<dyn Error>> {
        let tokens: TokenStream =
            code.parse().map_err(|error| format!("{name}:{line}: not Rust: {error}"))?;
        if calls(&tokens) {
            let branches = branches(&tokens);
            found.push(Found { file: name.to_owned(), line, whole, code, branches });
        }
        Ok(())
    };
    if rust && name.starts_with("examples/") {
        add(1, true, text.to_owned())?;
    }
    for (line, code) in code_blocks(text, rust) {
        add(line, false, code)?;
    }
    Ok(())
}

/// The code blocks that rustdoc would compile, with their hidden lines.
fn code_blocks(text: &str, in_doc_comments: bool) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut block: Option<(usize, bool, String)> = None;
    for (at, line) in text.lines().enumerate() {
        let line = if in_doc_comments {
            let line = line.trim_start();
            let Some(doc) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
                block = None;
                continue;
            };
            doc.strip_prefix(' ').unwrap_or(doc)
        } else {
            line
        };
        let fence = line.trim_start().strip_prefix("```");
        match (fence, &mut block) {
            (Some(_), Some(_)) => {
                blocks.extend(
                    block.take().filter(|(_, rust, _)| *rust).map(|(at, _, code)| (at, code)),
                );
            }
            (Some(language), None) => block = Some((at + 1, is_rust(language), String::new())),
            (None, Some((_, _, code))) => {
                code.push_str(unhidden(line));
                code.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

fn is_rust(language: &str) -> bool {
    language.split([',', ' ']).map(str::trim).all(|word| {
        matches!(word, "" | "rust" | "no_run" | "should_panic" | "ignore" | "compile_fail")
            || word.starts_with("edition")
    })
}

fn unhidden(line: &str) -> &str {
    let trimmed = line.trim_start();
    match trimmed.strip_prefix('#') {
        Some("") => "",
        Some(rest) if rest.starts_with(' ') => rest,
        Some(rest) if rest.starts_with('#') => rest,
        _ => line,
    }
}

/// Whether it has a call of one of the operations.
fn calls(tokens: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => calls(&group.stream()),
        TokenTree::Ident(name) => {
            let called = matches!(tokens.get(at + 1), Some(TokenTree::Group(arguments))
                if arguments.delimiter() == Delimiter::Parenthesis);
            let method = matches!(at.checked_sub(1).and_then(|at| tokens.get(at)),
                Some(TokenTree::Punct(before)) if matches!(before.as_char(), '.' | ':'));
            (called && method && METHODS.iter().any(|method| name == method))
                || OPERATIONS.iter().any(|operation| name == operation)
        }
        _ => false,
    })
}

/// Whether it branches on an outcome, outside of assertions.
fn branches(tokens: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut in_use = false;
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => {
            let of_macro = at.checked_sub(2).and_then(|at| tokens.get(at)).map(ToString::to_string);
            let asserts = of_macro.is_some_and(|name| name.starts_with("assert"));
            !asserts && !in_use && branches(&group.stream())
        }
        TokenTree::Ident(name) if name == "use" => {
            in_use = true;
            false
        }
        TokenTree::Punct(end) if end.as_char() == ';' => {
            in_use = false;
            false
        }
        TokenTree::Ident(name) => !in_use && DECIDING.iter().any(|deciding| name == deciding),
        _ => false,
    })
}

fn list(found: &[Found]) -> Result<String, Box<dyn Error>> {
    let mut list = "&[\n".to_owned();
    for at in found {
        let Found { file, line, whole, code, branches } = at;
        let functions = functions(&items(at).map_err(|e| format!("{file}:{line}: {e}"))?);
        writeln!(list, "(({file:?}, {line}), {whole}, {code:?}, {branches}, &{functions:?}),")?;
    }
    list.push_str("]\n");
    Ok(list)
}

/// The functions and methods that call the service. Those that assert are tests.
fn functions(items: &[Item]) -> Vec<String> {
    let mut names = Vec::new();
    let mut add = |signature: &syn::Signature, body: &syn::Block| {
        let body = body.to_token_stream();
        if calls(&body) && !asserts(&body) {
            names.push(signature.ident.to_string());
        }
    };
    for item in items {
        match item {
            Item::Fn(item) => add(&item.sig, &item.block),
            Item::Impl(item) if item.trait_.is_none() => {
                for item in &item.items {
                    if let syn::ImplItem::Fn(method) = item {
                        add(&method.sig, &method.block);
                    }
                }
            }
            _ => {}
        }
    }
    names
}

fn asserts(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => asserts(&group.stream()),
        TokenTree::Ident(name) => name.to_string().starts_with("assert"),
        _ => false,
    })
}

/// The items of each driven example, in a module of its own, open to the tests.
fn modules(found: &[Found]) -> Result<String, Box<dyn Error>> {
    let mut modules = String::new();
    for example in EXAMPLES {
        let (name, only) = match example.check {
            Check::Driven(name) => (name, None),
            Check::DrivenItems(name, only) => (name, Some(only)),
            Check::PassesOn | Check::ShowsADouble | Check::DecidesNothing(_) => continue,
        };
        // One that is gone is for the tests to tell.
        let Some(found) = found.iter().find(|found| {
            found.file == example.file
                && found.whole == (example.marker == FILE)
                && found.code.contains(example.marker)
        }) else {
            continue;
        };
        let items = items(found).map_err(|e| format!("{}:{}: {e}", found.file, found.line))?;
        writeln!(modules, "/// `{}`, line {}.", found.file, found.line)?;
        writeln!(modules, "pub mod {name} {{\n#![allow(warnings, missing_docs, clippy::all)]")?;
        for item in items.into_iter().filter(|item| wanted(item, only)) {
            writeln!(modules, "{}", opened(item).to_token_stream())?;
        }
        writeln!(modules, "}}")?;
    }
    Ok(modules)
}

fn items(found: &Found) -> syn::Result<Vec<Item>> {
    if found.whole {
        return Ok(syn::parse_str::<syn::File>(&found.code)?.items);
    }
    let block: syn::Block = syn::parse_str(&format!("{{{}\n}}", found.code))?;
    let items = block.stmts.into_iter().filter_map(|stmt| match stmt {
        Stmt::Item(item) => Some(item),
        _ => None,
    });
    Ok(items.collect())
}

/// Neither `main` nor tests; of some examples, only what is named, and what it uses of the SDK.
fn wanted(item: &Item, only: Option<&[&str]>) -> bool {
    let named = |name: &syn::Ident| match only {
        Some(only) => only.iter().any(|wanted| name == wanted),
        None => name != "main" && name != "tests",
    };
    match item {
        Item::Fn(item) => named(&item.sig.ident),
        Item::Mod(item) => named(&item.ident),
        Item::Struct(item) => named(&item.ident),
        Item::Enum(item) => named(&item.ident),
        Item::Impl(item) => match &*item.self_ty {
            syn::Type::Path(path) => path.path.get_ident().is_none_or(named),
            _ => only.is_none(),
        },
        Item::Use(item) => {
            only.is_none()
                || ["std", "otp_core"]
                    .iter()
                    .any(|root| item.tree.to_token_stream().to_string().starts_with(root))
                || item.tree.to_token_stream().to_string().contains("AppApi")
        }
        _ => only.is_none(),
    }
}

/// The same item, public, with public fields and methods.
fn opened(mut item: Item) -> Item {
    let open = || Visibility::Public(syn::Token![pub](proc_macro2::Span::call_site()));
    match &mut item {
        Item::Fn(item) => item.vis = open(),
        Item::Enum(item) => item.vis = open(),
        Item::Struct(item) => {
            item.vis = open();
            match &mut item.fields {
                Fields::Named(fields) => {
                    for field in &mut fields.named {
                        field.vis = open();
                    }
                }
                Fields::Unnamed(fields) => {
                    for field in &mut fields.unnamed {
                        field.vis = open();
                    }
                }
                Fields::Unit => {}
            }
        }
        Item::Impl(item) if item.trait_.is_none() => {
            for item in &mut item.items {
                if let syn::ImplItem::Fn(method) = item {
                    method.vis = open();
                }
            }
        }
        _ => {}
    }
    item
}
