//! An operation is one file, two lines that name it, and its method. And the whole SDK is as small as README says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
const README: &str = include_str!("../../../README.md");

/// Every source file of a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The lines of a file that are neither empty nor a comment.
fn code(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).map(str::to_owned).collect()
}

/// What one uses, without the double that it adds.
fn sdk() -> Vec<PathBuf> {
    sources(Path::new(SOURCES)).into_iter().filter(|file| !file.ends_with("fake.rs")).collect()
}

#[test]
fn an_operation_is_one_file_two_names_and_a_method() {
    let operations = sources(&Path::new(SOURCES).join("operations"));
    let operations: Vec<_> = operations.iter().filter(|file| !file.ends_with("mod.rs")).collect();
    assert_eq!(operations.len(), 7);
    for own in operations {
        let module = own.file_stem().unwrap().to_str().unwrap();
        let others = sdk().into_iter().filter(|file| file != own);
        let lines = others.flat_map(|file| code(&file));
        // Neither a constant that two operations share nor an advice that names another one counts.
        let lines = lines.filter(|line| !line.contains("X_OTP_TOKEN") && !line.starts_with(".if_"));
        let mut lines: Vec<_> = lines.filter(|line| line.contains(module)).collect();
        lines.sort();
        let method = format!("fn {module}(&self");
        assert!(
            matches!(&lines[..], [is_method, own, exported]
                if is_method.starts_with(&method)
                    && *own == format!("mod {module};")
                    && *exported == format!("pub use {module}::*;")),
            "{module}: {lines:#?}"
        );
    }
}

#[test]
fn it_is_as_small_as_readme_says() {
    let lines: usize = sdk().iter().map(|file| code(file).len()).sum();
    let fake = code(&Path::new(SOURCES).join("fake.rs")).len();
    let said = format!("in {lines} lines, and its fake in {fake}");
    let readme = README.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&said), "README must say \"{said}\"");
}
