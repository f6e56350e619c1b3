//! Decodes an uploaded file and encodes what it shows.

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage, Rgba,
    guess_format,
};

use crate::image::{ImageFault, Pixels};

/// Content type of photos and thumbnails.
pub const CONTENT_TYPE: &str = "image/jpeg";

/// Upper bound of the longer side of a photo.
const PHOTO_SIDE: u32 = 2048;
/// Upper bound of the longer side of a thumbnail.
const THUMBNAIL_SIDE: u32 = 320;
/// Quality of the JPEG files, 1 to 100.
const QUALITY: u8 = 85;

/// Upper bound of a side of an upload.
const SIDE_LIMIT: u32 = 16_384;
/// Upper bound of the memory of a decoded upload: 50 megapixels of four bytes.
const ALLOCATION_LIMIT_BYTES: u64 = 200_000_000;

/// A converted upload.
pub(super) struct Converted {
    pub(super) photo: Bytes,
    pub(super) thumbnail: Bytes,
    /// Of the photo.
    pub(super) pixels: Pixels,
}

/// Converts a file of this type with at most `max_pixels` pixels, which are counted before it is decoded.
pub(super) fn convert(content_type: &str, file: &[u8], max_pixels: u64) -> Result<Converted, ImageFault> {
    let format = format_of(content_type).ok_or(ImageFault::ContentType)?;
    if guess_format(file).ok() != Some(format) {
        return Err(ImageFault::Format);
    }
    let photo = flatten(&decode(format, file, max_pixels)?);
    let thumbnail = fit(DynamicImage::ImageRgb8(photo.clone()), THUMBNAIL_SIDE).into_rgb8();
    Ok(Converted {
        pixels: Pixels {
            width: photo.width().cast_signed(),
            height: photo.height().cast_signed(),
        },
        photo: encode(&photo)?,
        thumbnail: encode(&thumbnail)?,
    })
}

fn format_of(content_type: &str) -> Option<ImageFormat> {
    match content_type {
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/png" => Some(ImageFormat::Png),
        "image/webp" => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// Decodes a file, upright and not larger than a photo.
fn decode(format: ImageFormat, file: &[u8], max_pixels: u64) -> Result<DynamicImage, ImageFault> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_LIMIT);
    limits.max_image_height = Some(SIDE_LIMIT);
    limits.max_alloc = Some(ALLOCATION_LIMIT_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| ImageFault::Dimensions)?;
    let (width, height) = decoder.dimensions();
    let is_within = (1..=SIDE_LIMIT).contains(&width)
        && (1..=SIDE_LIMIT).contains(&height)
        && u64::from(width) * u64::from(height) <= max_pixels
        && decoder.total_bytes() <= ALLOCATION_LIMIT_BYTES;
    if !is_within {
        return Err(ImageFault::Dimensions);
    }
    let orientation = decoder.orientation();
    let decoded = DynamicImage::from_decoder(decoder).map_err(content_fault)?;
    let mut photo = fit(decoded, PHOTO_SIDE);
    if let Ok(orientation) = orientation {
        photo.apply_orientation(orientation);
    }
    Ok(photo)
}

fn content_fault(error: ImageError) -> ImageFault {
    match error {
        ImageError::Limits(_) => ImageFault::Dimensions,
        _ => ImageFault::Content,
    }
}

/// Scales an image down to a side. A smaller one stays.
fn fit(image: DynamicImage, side: u32) -> DynamicImage {
    if image.width().max(image.height()) <= side {
        return image;
    }
    image.thumbnail(side, side)
}

/// Returns the colours of an image, on white where it is transparent.
fn flatten(image: &DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.to_rgb8();
    }
    let transparent = image.to_rgba8();
    RgbImage::from_fn(transparent.width(), transparent.height(), |x, y| {
        let Rgba([red, green, blue, alpha]) = *transparent.get_pixel(x, y);
        let on_white = |colour: u8| {
            let (colour, alpha) = (u32::from(colour), u32::from(alpha));
            ((colour * alpha + 255 * (255 - alpha)) / 255) as u8
        };
        Rgb([red, green, blue].map(on_white))
    })
}

fn encode(image: &RgbImage) -> Result<Bytes, ImageFault> {
    let mut file = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut file, QUALITY).encode_image(image);
    encoded.map_err(|_| ImageFault::Content)?;
    Ok(file.into())
}

#[cfg(test)]
mod tests;
