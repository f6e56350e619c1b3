//! Keys of shown photos: a folder for each photo, with the photo and its thumbnail.

/// Last part of the key of a photo.
const PHOTO: &str = "/photo.jpeg";
/// Last part of the key of a thumbnail.
const THUMBNAIL: &str = "/thumbnail.jpeg";

/// Returns the key or URL of the thumbnail of the photo with this key or URL; `None` if the photo has none, as those of the time before
/// thumbnails.
pub fn thumbnail_of(photo: &str) -> Option<String> {
    Some(format!("{}{THUMBNAIL}", photo.strip_suffix(PHOTO)?))
}
