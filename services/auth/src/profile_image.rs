//! Keys of profile images in the object storage.
//!
//! An upload has a key under the caller's id, so that nobody completes another user's upload. The shown image has a folder of its own, so
//! that its URL changes with it, because caches keep images by URL.

use uuid::Uuid;

use crate::domain::UserId;

/// Returns the key to which the user uploads.
pub fn upload_key(user: UserId, image: Uuid) -> String {
    format!("uploads/profiles/{user}/{image}")
}

/// Returns the folder of the shown image and its thumbnail.
pub fn folder(image: Uuid) -> String {
    format!("profiles/{image}")
}
