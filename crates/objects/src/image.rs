//! Announcements of images, their dimensions and faults.

/// Content type and size of an image, as announced by the uploader or stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub content_type: String,
    /// Exact size of the file.
    pub size_bytes: i64,
}

impl Announced {
    /// Compares a stored file with its announcement.
    pub(crate) fn check(&self, announced: &Self) -> Result<(), ImageFault> {
        if self.size_bytes != announced.size_bytes {
            return Err(ImageFault::Size);
        }
        if self.content_type != announced.content_type {
            return Err(ImageFault::ContentType);
        }
        Ok(())
    }
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
    /// Cannot be decoded to its end.
    Content,
}

impl ImageFault {
    /// Returns the value in error metadata.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_size_or_type_is_a_fault() {
        let of = |content_type: &str, size_bytes| Announced {
            content_type: content_type.to_owned(),
            size_bytes,
        };
        let announced = of("image/png", 29);
        assert_eq!(announced.check(&announced), Ok(()));
        assert_eq!(of("image/png", 30).check(&announced), Err(ImageFault::Size));
        assert_eq!(
            of("image/jpeg", 29).check(&announced),
            Err(ImageFault::ContentType)
        );
    }
}
