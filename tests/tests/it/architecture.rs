//! Rules about the source tree.

mod dependencies;
mod documents;
mod imports;
mod migrations;
mod secrets;
mod services;
mod source;
mod source_files;
