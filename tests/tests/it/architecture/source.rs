//! Parsed source files of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

use super::dependencies::{root, rust_files};

/// Folders with Rust code of this workspace.
const FOLDERS: [&str; 7] = [
    "crates", "gateway", "mesh", "proto", "sandbox", "services", "tests",
];

pub(super) struct Source {
    /// Relative to the workspace: `services/booking/src/rpc.rs`.
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) ast: syn::File,
}

impl Source {
    pub(super) fn parse(path: impl AsRef<Path>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            path: path.as_ref().to_owned(),
            ast: syn::parse_file(&text).expect("valid Rust"),
            text,
        }
    }
}

/// Reads every source file of the workspace.
pub(super) fn sources() -> Vec<Source> {
    let files = FOLDERS.iter().flat_map(|folder| rust_files(&root().join(folder)));
    let sources: Vec<_> = files
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file");
            Source::parse(path.strip_prefix(root()).expect("a file of the workspace"), text)
        })
        .collect();
    assert!(sources.len() > 500, "only {} files were found", sources.len());
    sources
}
