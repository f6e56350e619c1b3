//! Is an uploaded file the photo that was announced?

use imagesize::{ImageType, blob_size, image_type};

/// How much of a file is read for the check. The dimensions of a JPEG stand behind its metadata, which cameras fill with
/// previews and colour profiles.
pub const PREFIX_BYTES: u32 = 256 * 1024;

/// No photo has longer sides; a few bytes can claim more and break whoever opens them.
const LONGEST_SIDE: usize = 16_384;

/// What the host said would come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub content_type: String,
    pub size_bytes: i64,
}

/// Dimensions of a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixels {
    pub width: i32,
    pub height: i32,
}

/// Why a file is not the announced photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageFault {
    /// It has another size.
    #[error("size")]
    Size,
    /// It was stored under another content type.
    #[error("content_type")]
    ContentType,
    /// Its first bytes are not those of the announced type.
    #[error("format")]
    Format,
    /// Its dimensions cannot be read, are zero, or are absurd.
    #[error("dimensions")]
    Dimensions,
}

impl ImageFault {
    /// The word for logs and error metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::ContentType => "content_type",
            Self::Format => "format",
            Self::Dimensions => "dimensions",
        }
    }
}

/// Compares what the storage holds (its facts, and the first [`PREFIX_BYTES`] of it) with what was announced.
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
    (1..=LONGEST_SIDE).contains(&pixels).then_some(pixels as i32)
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
    fn a_photo_as_announced_is_fine() {
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
    fn each_difference_has_its_fault() {
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
