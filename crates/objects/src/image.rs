//! The check of an uploaded image against its announcement.

use imagesize::{ImageType, blob_size, image_type};

/// Bytes of a file that the check reads. The dimensions of a JPEG follow its metadata, which cameras fill with previews and
/// colour profiles.
pub const PREFIX_BYTES: u32 = 256 * 1024;

/// Upper bound of a side. A small file can claim more and exhaust the memory of a program that opens it.
const SIDE_LIMIT: usize = 16_384;

/// Content type and size of an image, as announced by the uploader or stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub content_type: String,
    /// Exact size of the file.
    pub size_bytes: i64,
}

/// Dimensions of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
}

/// Why a file is not the announced image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ImageFault {
    /// Another size.
    Size,
    /// Another content type.
    ContentType,
    /// First bytes of another type.
    Format,
    /// Unreadable, zero or above the limit.
    Dimensions,
}

impl ImageFault {
    /// Returns the value in error metadata.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Compares a stored file (its metadata and its first [`PREFIX_BYTES`]) with the announcement.
pub fn check(announced: &Announced, stored: &Announced, prefix: &[u8]) -> Result<Pixels, ImageFault> {
    if stored.size_bytes != announced.size_bytes {
        return Err(ImageFault::Size);
    }
    if stored.content_type != announced.content_type {
        return Err(ImageFault::ContentType);
    }
    if content_type_of(prefix) != Some(&announced.content_type) {
        return Err(ImageFault::Format);
    }
    let size = blob_size(prefix).map_err(|_| ImageFault::Dimensions)?;
    match (side(size.width), side(size.height)) {
        (Some(width), Some(height)) => Ok(Pixels { width, height }),
        _ => Err(ImageFault::Dimensions),
    }
}

fn content_type_of(prefix: &[u8]) -> Option<&'static str> {
    match image_type(prefix).ok()? {
        ImageType::Jpeg => Some("image/jpeg"),
        ImageType::Png => Some("image/png"),
        ImageType::Webp => Some("image/webp"),
        _ => None,
    }
}

fn side(pixels: usize) -> Option<i32> {
    (1..=SIDE_LIMIT).contains(&pixels).then_some(pixels as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a PNG of these dimensions.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 2, 0, 0, 0]);
        bytes
    }

    fn of(content_type: &str, size_bytes: i64) -> Announced {
        Announced {
            content_type: content_type.to_owned(),
            size_bytes,
        }
    }

    #[test]
    fn photo_as_announced_is_accepted() {
        let photo = of("image/png", 29);
        assert_eq!(
            check(&photo, &photo, &png(1280, 720)),
            Ok(Pixels {
                width: 1280,
                height: 720
            })
        );
    }

    #[test]
    fn each_difference_is_reported_as_its_fault() {
        let photo = of("image/png", 29);
        let table = [
            (of("image/png", 30), png(1, 1), ImageFault::Size),
            (of("image/jpeg", 29), png(1, 1), ImageFault::ContentType),
            (
                photo.clone(),
                b"<html>not a photo</html>".to_vec(),
                ImageFault::Format,
            ),
            (
                photo.clone(),
                b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec(),
                ImageFault::Format,
            ),
            (photo.clone(), Vec::new(), ImageFault::Format),
            (photo.clone(), png(1, 1)[..12].to_vec(), ImageFault::Dimensions),
            (photo.clone(), png(0, 10), ImageFault::Dimensions),
            (photo.clone(), png(10, 16_385), ImageFault::Dimensions),
        ];
        for (stored, prefix, fault) in table {
            assert_eq!(check(&photo, &stored, &prefix), Err(fault), "{stored:?}");
        }
    }
}
