//! Finds every example that calls the service, and writes three files for the tests: `found.rs` lists what was
//! found, `others.rs` the other files of the examples, and `examples.rs` has the items of each example that a test
//! drives.
//!
//! An example is a code block of Rust in a Markdown file or in the docs of an item, or a file below `examples/`.
//! It calls the service if it has the name of an operation in a call (`.receive_codes(`), or the type of one
//! (`ReceiveCodes`).

#![allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::{Fields, Item, Visibility};

#[path = "src/registry.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library and its tests use the rest")]
mod registry;

#[path = "scanner/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests use the rest")]
mod scanner;

use registry::{Check, EXAMPLES, FILE};
use scanner::found::{Found, in_file};
use scanner::units;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let (mut found, mut others) = (Vec::new(), "&[\n".to_owned());
    for file in files(&root)? {
        println!("cargo:rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file)?;
        let examples = in_file(&name, &text)?;
        let calls = examples.iter().any(|example| example.whole);
        if !calls && name.starts_with("examples/") && name.ends_with(".rs") {
            writeln!(others, "({name:?}, {text:?}),")?;
        }
        found.extend(examples);
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    others.push_str("]\n");
    fs::write(out.join("others.rs"), others)?;
    fs::write(out.join("found.rs"), list(&found)?)?;
    fs::write(out.join("examples.rs"), modules(&found)?)?;
    Ok(())
}

/// The Markdown files of the root, and what is below `crates/*` and `examples`: of the crates, neither tests nor
/// benches. A new file there changes its directory, which is watched too.
fn files(root: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut directories = vec![root.join("examples"), root.join("crates")];
    let mut files = Vec::new();
    for entry in fs::read_dir(root)? {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    while let Some(directory) = directories.pop() {
        println!("cargo:rerun-if-changed={}", directory.display());
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                // This package shows its registry, and no example.
                let inside = path.strip_prefix(root)?;
                let of_crate = inside.starts_with("crates") && inside.components().count() == 3;
                let is_tests = ["tests", "benches", "fuzz"].contains(&&*name);
                let skipped = ["target", "decisions"].contains(&&*name) || name.starts_with('.');
                if !(skipped || of_crate && is_tests) {
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

fn list(found: &[Found]) -> Result<String, Box<dyn Error>> {
    let mut list = "&[\n".to_owned();
    for Found { file, line, whole, code } in found {
        writeln!(list, "(({file:?}, {line}), {whole}, {code:?}),")?;
    }
    list.push_str("]\n");
    Ok(list)
}

/// The items of each driven example, in a module of its own, open to the tests.
fn modules(found: &[Found]) -> Result<String, Box<dyn Error>> {
    let mut modules = String::new();
    for example in EXAMPLES {
        let (name, only) = match example.check {
            Check::Driven(name) => (name, None),
            Check::DrivenItems(name, only) => (name, Some(only)),
            Check::PassesOn | Check::ShowsADouble => continue,
        };
        // One that is gone is for the tests to tell.
        let Some(found) = found.iter().find(|found| {
            found.file == example.file
                && found.whole == (example.marker == FILE)
                && found.code.contains(example.marker)
        }) else {
            continue;
        };
        let (items, _) = units::parse(found.whole, &found.code)
            .map_err(|error| format!("{}:{}: {error}", found.file, found.line))?;
        writeln!(modules, "/// `{}`, line {}.", found.file, found.line)?;
        writeln!(modules, "pub mod {name} {{\n#![allow(warnings, missing_docs, clippy::all)]")?;
        for item in items.into_iter().filter(|item| wanted(item, only)) {
            writeln!(modules, "{}", opened(item).to_token_stream())?;
        }
        writeln!(modules, "}}")?;
    }
    Ok(modules)
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
                || item.tree.to_token_stream().to_string().contains("MetalApi")
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
        Item::Trait(item) => item.vis = open(),
        Item::Type(item) => item.vis = open(),
        Item::Const(item) => item.vis = open(),
        _ => {}
    }
    item
}
