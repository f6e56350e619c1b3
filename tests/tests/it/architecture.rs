//! Rules about the source tree.

mod dependencies;
mod documents;
mod services;
