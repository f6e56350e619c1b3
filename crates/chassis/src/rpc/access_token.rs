//! The caller's access token, for handlers that read from other services as the caller.

use http::HeaderValue;
use tonic::metadata::{Ascii, MetadataValue};

/// Value of an `Authorization` header that was verified, see [`super::CallContext::as_caller`]. It is sensitive: `Debug` does not print it, and HPACK does not index it.
#[derive(Clone, Debug)]
pub struct AccessToken(HeaderValue);

impl AccessToken {
    pub(crate) fn new(mut bearer: HeaderValue) -> Self {
        bearer.set_sensitive(true);
        Self(bearer)
    }

    /// Returns the value of the entry `authorization`, or `None` if it has other characters than those of ASCII.
    pub(super) fn to_metadata(&self) -> Option<MetadataValue<Ascii>> {
        let mut value: MetadataValue<Ascii> = self.0.to_str().ok()?.parse().ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_sent_unchanged_and_not_printed() {
        let token = AccessToken::new(HeaderValue::from_static("Bearer a.b.c"));
        let sent = token.to_metadata().unwrap();
        assert_eq!(sent, "Bearer a.b.c");
        assert_eq!(format!("{token:?} {sent:?}"), "AccessToken(Sensitive) Sensitive");
    }
}
