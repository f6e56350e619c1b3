//! Public URLs of photos, as data that can be passed into a transaction.

#[derive(Clone, Debug)]
pub struct ImageUrls {
    base: String,
}

impl ImageUrls {
    /// `base` ends with `/`.
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into() }
    }

    pub fn url(&self, object_key: &str) -> String {
        format!("{}{object_key}", self.base)
    }
}
