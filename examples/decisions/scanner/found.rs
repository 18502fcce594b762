//! The examples of a file.

use proc_macro2::TokenStream;

use super::{markdown, operations, units};

/// Code that calls the service.
#[derive(Debug)]
pub struct Found {
    /// From the root of the repository.
    pub file: String,
    /// Where it begins.
    pub line: usize,
    /// Whether it is the whole file.
    pub whole: bool,
    /// The code, with the hidden lines of a block.
    pub code: String,
}

/// The examples in one file.
///
/// # Errors
///
/// What is not Rust and should be, with its place.
pub fn in_file(name: &str, text: &str) -> Result<Vec<Found>, String> {
    let mut found = Vec::new();
    let mut texts = vec![text.to_owned()];
    if name.ends_with(".rs") {
        let tokens: TokenStream =
            text.parse().map_err(|error| format!("{name}: not Rust: {error}"))?;
        texts = markdown::docs(&tokens).map_err(|error| format!("{name}: {error}"))?;
        if name.starts_with("examples/") && operations::concerns(&tokens) {
            found.push(Found {
                file: name.to_owned(),
                line: 1,
                whole: true,
                code: text.to_owned(),
            });
        }
    }
    let mut line = 0;
    for block in texts.iter().map(|text| markdown::blocks(text)) {
        for block in block.map_err(|error| format!("{name}: {error}"))? {
            line = line_of(&block.code, text, line);
            match block.code.parse::<TokenStream>() {
                // A block of another language can look like Rust's tokens.
                Ok(tokens)
                    if operations::concerns(&tokens)
                        && (block.rust || units::parse(false, &block.code).is_ok()) =>
                {
                    let (file, code) = (name.to_owned(), block.code);
                    found.push(Found { file, line: line + 1, whole: false, code });
                }
                Err(error) if block.rust => {
                    return Err(format!("{name}:{}: not Rust: {error}", line + 1));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

/// The index of the line where the block begins, after an earlier one.
fn line_of(code: &str, text: &str, after: usize) -> usize {
    let first = code.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut lines = text.lines().enumerate().skip(after + 1);
    lines.find(|(_, line)| line.ends_with(first)).map_or(after, |(at, _)| at)
}
