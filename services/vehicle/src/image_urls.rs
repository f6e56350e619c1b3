//! Public URLs of photos, as plain data that can go into a transaction.

/// Where the photos can be fetched.
#[derive(Clone, Debug)]
pub struct ImageUrls {
    base: String,
}

impl ImageUrls {
    /// URLs below this one, which ends with `/`.
    pub fn below(base: impl Into<String>) -> Self {
        Self { base: base.into() }
    }

    /// The URL of a photo.
    pub fn of(&self, object_key: &str) -> String {
        format!("{}{object_key}", self.base)
    }
}
