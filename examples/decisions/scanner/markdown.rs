//! Code blocks: of Markdown, and of the docs in a Rust file.

use proc_macro2::{TokenStream, TokenTree};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::operations;

/// A code block.
#[derive(Debug)]
pub struct Block {
    pub code: String,
    /// Whether it says that it is Rust. Other blocks may still be.
    pub rust: bool,
}

/// The blocks of a Markdown text, by fences of any kind or indented, with their hidden lines.
///
/// # Errors
///
/// For an operation that is called in HTML, where no block is to be found.
pub fn blocks(text: &str) -> Result<Vec<Block>, String> {
    // As rustdoc reads it.
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS;
    let mut blocks = Vec::new();
    let mut block: Option<Block> = None;
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let rust = match kind {
                    CodeBlockKind::Indented => false,
                    CodeBlockKind::Fenced(language) => is_rust(&language),
                };
                block = Some(Block { code: String::new(), rust });
            }
            Event::Text(text) => {
                if let Some(block) = &mut block {
                    block.code.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(block.take().map(|block| Block {
                code: block.code.lines().flat_map(|line| [unhidden(line), "\n"]).collect(),
                ..block
            })),
            Event::Html(html) | Event::InlineHtml(html) if operations::written_in(&html) => {
                return Err(format!("put this into a code block: {html}"));
            }
            _ => {}
        }
    }
    Ok(blocks)
}

/// rustdoc compiles a block without a language, and one with only these words. GitHub shows as Rust what begins
/// with its name.
fn is_rust(language: &str) -> bool {
    let mut words = language.split([',', ' ', '\t']).filter(|word| !word.is_empty()).peekable();
    let begins = words.peek().is_none_or(|word| ["rust", "rs"].contains(&&*word.to_lowercase()));
    begins
        || words.all(|word| {
            matches!(word, "rust" | "no_run" | "should_panic" | "compile_fail" | "test_harness")
                || ["ignore", "edition", "standalone"].iter().any(|start| word.starts_with(start))
        })
}

fn unhidden(line: &str) -> &str {
    let trimmed = line.trim_start();
    match trimmed.strip_prefix('#') {
        Some("") => "",
        Some(rest) if rest.starts_with(' ') || rest.starts_with('#') => rest,
        _ => line,
    }
}

/// The docs of a Rust file, one text for each item: `///`, `//!`, `/** */`, `/*! */`, `#[doc = "…"]`, and
/// `#[cfg_attr(…, doc = "…")]`. Also those in the arguments of a macro.
pub fn docs(tokens: &TokenStream) -> Result<Vec<String>, String> {
    let mut docs = Vec::new();
    collect(tokens, &mut docs)?;
    Ok(docs)
}

fn collect(tokens: &TokenStream, docs: &mut Vec<String>) -> Result<(), String> {
    let mut run: Option<(bool, String)> = None;
    let mut tokens = tokens.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                let inner =
                    matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
                if inner {
                    tokens.next();
                }
                if let Some(TokenTree::Group(attribute)) = tokens.peek() {
                    let text = of_attribute(&attribute.stream())?;
                    if run.as_ref().is_some_and(|(was_inner, _)| *was_inner != inner) {
                        docs.extend(run.take().map(|(_, text)| unindented(&text)));
                    }
                    if let Some(text) = text {
                        let (_, doc) = run.get_or_insert((inner, String::new()));
                        doc.push_str(&text);
                        doc.push('\n');
                    }
                    tokens.next();
                }
            }
            TokenTree::Group(group) => {
                docs.extend(run.take().map(|(_, text)| unindented(&text)));
                collect(&group.stream(), docs)?;
            }
            _ => docs.extend(run.take().map(|(_, text)| unindented(&text))),
        }
    }
    docs.extend(run.map(|(_, text)| unindented(&text)));
    Ok(())
}

/// The text of `doc = "…"`, or of `doc = concat!("…", "…")`.
fn of_attribute(tokens: &TokenStream) -> Result<Option<String>, String> {
    let all: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let name = all.first().map(ToString::to_string);
    let is_value = matches!(all.get(1), Some(TokenTree::Punct(equals)) if equals.as_char() == '=');
    if name.as_deref() == Some("doc") && is_value {
        let mut text = String::new();
        literals(&all[2..], &mut text)?;
        return Ok(Some(text));
    }
    if name.as_deref() != Some("cfg_attr") {
        return Ok(None);
    }
    let Some(TokenTree::Group(arguments)) = all.get(1) else { return Ok(None) };
    let arguments: Vec<TokenTree> = arguments.stream().into_iter().collect();
    for argument in arguments.split(|token| token.to_string() == ",") {
        if let Some(text) = of_attribute(&argument.iter().cloned().collect())? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

fn literals(tokens: &[TokenTree], text: &mut String) -> Result<(), String> {
    for token in tokens {
        match token {
            TokenTree::Literal(literal) => {
                let tokens = TokenStream::from(TokenTree::Literal(literal.clone()));
                let literal: syn::LitStr = syn::parse2(tokens).map_err(|e| e.to_string())?;
                text.push_str(&literal.value());
            }
            TokenTree::Group(group) => {
                let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                literals(&tokens, text)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Without the stars of `/** */`, and the indentation that all lines have.
fn unindented(text: &str) -> String {
    let written = |text: &str| {
        text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let stars = written(rest);
    if !stars.is_empty() && stars.iter().all(|line| line.trim_start().starts_with('*')) {
        let bare = |line: &str| line.trim_start().trim_start_matches('*').to_owned();
        let bare: Vec<String> = rest.lines().map(bare).collect();
        return unindented(&format!("{first}\n{}", bare.join("\n")));
    }
    let indents =
        written(text).into_iter().map(|line| line.len() - line.trim_start_matches(' ').len());
    let indent = indents.min().unwrap_or(0);
    let cut: Vec<&str> = text.lines().map(|line| line.get(indent..).unwrap_or_default()).collect();
    cut.join("\n")
}
