//! Keys of profile images in the object storage.
//!
//! An upload has a key of its own, under the caller's id, so that nobody completes another user's upload. The checked image
//! replaces the previous one under one key per user, so that no crash leaves a file behind that is not shown. The URL carries
//! the id of the upload, because caches keep images by URL.

use uuid::Uuid;

use crate::domain::UserId;

/// Returns the key to which the user uploads. Uploads that are not needed any more are deleted by a lifecycle rule of the
/// bucket.
pub fn upload_key(user: UserId, image: Uuid) -> String {
    format!("uploads/profiles/{user}/{image}")
}

/// Returns the key of the checked image, which is shown.
pub fn key(user: UserId) -> String {
    format!("profiles/{user}")
}

/// Returns the URL of the checked image, which has this public URL.
pub fn versioned_url(public_url: &str, image: Uuid) -> String {
    format!("{public_url}?v={}", image.simple())
}
