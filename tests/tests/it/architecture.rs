//! Rules that the whole tree keeps.

mod dependencies;
mod documents;
mod services;
