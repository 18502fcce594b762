//! An operation is one file and one line elsewhere.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

const OPERATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/operations");

/// Every source file of this crate.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The lines of code, outside of its own file, that know of an operation: by its module's name or its type's.
fn lines_elsewhere(own: &Path) -> Vec<String> {
    let module = own.file_stem().unwrap().to_str().unwrap();
    let name = module.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    let name = name.collect::<String>();
    let mut lines = Vec::new();
    for file in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        let knowing = code.filter(|line| line.contains(module) || line.contains(&name));
        if file != own {
            lines.extend(knowing.map(str::to_owned));
        }
    }
    lines
}

#[test]
fn an_operation_is_one_file_and_one_line_elsewhere() {
    let operations = sources(Path::new(OPERATIONS));
    let operations: Vec<_> = operations.iter().filter(|file| !file.ends_with("mod.rs")).collect();
    assert!(!operations.is_empty());
    for own in operations {
        let module = own.file_stem().unwrap().to_str().unwrap();
        assert_eq!(lines_elsewhere(own), [format!("pub mod {module};")]);
    }
}
