//! Uploads of every type, hostile and damaged ones, and what is left of their metadata.

use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use super::*;

const LIMIT: u64 = 50_000_000;

/// A picture whose left half is red and whose right half is blue.
fn halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| {
        if x < width / 2 {
            Rgb([255, 0, 0])
        } else {
            Rgb([0, 0, 255])
        }
    })
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    encode(image).unwrap().to_vec()
}

fn png_of(image: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = image.dimensions();
    PngEncoder::new(&mut file)
        .write_image(image, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    file
}

fn webp(image: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = image.dimensions();
    WebPEncoder::new_lossless(&mut file)
        .encode(image, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    file
}

/// Inserts an EXIF segment with an orientation and a text after the start of a JPEG.
fn with_exif(jpeg: &[u8], orientation: u8, text: &str) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
    tiff.extend(text.as_bytes());
    let length = u16::try_from(tiff.len() + 8).unwrap();
    let mut file = jpeg[..2].to_vec();
    file.extend([0xff, 0xe1]);
    file.extend(length.to_be_bytes());
    file.extend(b"Exif\0\0");
    file.extend(tiff);
    file.extend(&jpeg[2..]);
    file
}

fn decoded(file: &[u8]) -> RgbImage {
    image::load_from_memory_with_format(file, ImageFormat::Jpeg)
        .unwrap()
        .into_rgb8()
}

fn contains(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Returns `r`, `b` or `w` for the colour at a place.
fn colour(image: &RgbImage, x: u32, y: u32) -> char {
    match image.get_pixel(x, y).0 {
        [200..=255, 0..60, 0..60] => 'r',
        [0..60, 0..60, 200..=255] => 'b',
        [230..=255, 230..=255, 230..=255] => 'w',
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_type_becomes_a_jpeg_and_a_thumbnail() {
    let picture = halves(640, 400);
    for (content_type, file) in [
        ("image/jpeg", jpeg(&picture)),
        ("image/png", png_of(&picture)),
        ("image/webp", webp(&picture)),
    ] {
        let converted = convert(content_type, &file, LIMIT).unwrap();
        assert_eq!(
            converted.pixels,
            Pixels {
                width: 640,
                height: 400
            }
        );
        let (photo, thumbnail) = (decoded(&converted.photo), decoded(&converted.thumbnail));
        assert_eq!(
            (photo.dimensions(), thumbnail.dimensions()),
            ((640, 400), (320, 200))
        );
        for image in [&photo, &thumbnail] {
            let (right, bottom) = (image.width() - 5, image.height() - 5);
            assert_eq!(
                (colour(image, 4, bottom), colour(image, right, 4)),
                ('r', 'b'),
                "{content_type}"
            );
        }
    }
}

#[test]
fn metadata_and_what_follows_the_picture_are_gone() {
    let mut file = with_exif(&jpeg(&halves(64, 32)), 1, "GPS 37.5663 126.9779");
    file.extend(b"<script>alert(1)</script>");
    assert!(contains(&file, "GPS 37.5663"));
    let converted = convert("image/jpeg", &file, LIMIT).unwrap();
    for part in [&converted.photo, &converted.thumbnail] {
        assert!(!contains(part, "GPS") && !contains(part, "Exif") && !contains(part, "script"));
    }
    let mut png = png_of(&halves(64, 32));
    png.extend(b"PK\x03\x04 zipped");
    assert!(!contains(
        &convert("image/png", &png, LIMIT).unwrap().photo,
        "zipped"
    ));
}

/// 6: the camera was turned by a quarter to the right.
#[test]
fn photo_is_turned_upright() {
    let file = with_exif(&jpeg(&halves(64, 32)), 6, "");
    let converted = convert("image/jpeg", &file, LIMIT).unwrap();
    assert_eq!(
        converted.pixels,
        Pixels {
            width: 32,
            height: 64
        }
    );
    let photo = decoded(&converted.photo);
    assert_eq!((colour(&photo, 16, 4), colour(&photo, 16, 60)), ('r', 'b'));
}

#[test]
fn large_photo_is_scaled_down_and_a_small_one_is_not_scaled_up() {
    let large = convert("image/png", &png_of(&halves(3000, 1500)), LIMIT).unwrap();
    assert_eq!(
        large.pixels,
        Pixels {
            width: 2048,
            height: 1024
        }
    );
    let small = convert("image/png", &png_of(&halves(20, 10)), LIMIT).unwrap();
    assert_eq!(decoded(&small.thumbnail).dimensions(), (20, 10));
}

#[test]
fn transparent_parts_become_white() {
    let clear = image::RgbaImage::from_pixel(16, 16, Rgba([0, 0, 0, 0]));
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(&clear, 16, 16, ExtendedColorType::Rgba8)
        .unwrap();
    let photo = decoded(&convert("image/png", &file, LIMIT).unwrap().photo);
    assert_eq!(colour(&photo, 8, 8), 'w');
}

/// 256 megapixels, which compress to some kilobytes.
fn bomb() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 16_000, 16_000);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0; 16_000 / 8 * 16_000]).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn every_fault_is_named() {
    let good = png_of(&halves(64, 32));
    let mut damaged = jpeg(&halves(64, 32));
    damaged.truncate(300);
    let mut cut = good.clone();
    cut.truncate(good.len() - 30);
    let table: [(&str, &[u8], ImageFault); 8] = [
        ("image/gif", &good, ImageFault::ContentType),
        ("image/jpeg", &good, ImageFault::Format),
        ("image/png", b"<html>not a photo</html>", ImageFault::Format),
        ("image/png", b"", ImageFault::Format),
        ("image/png", &good[..12], ImageFault::Dimensions),
        ("image/png", &bomb(), ImageFault::Dimensions),
        ("image/png", &cut, ImageFault::Content),
        ("image/jpeg", &damaged, ImageFault::Dimensions),
    ];
    for (number, (content_type, file, fault)) in table.into_iter().enumerate() {
        assert_eq!(convert(content_type, file, LIMIT).err(), Some(fault), "{number}");
    }
}

#[test]
fn pixels_are_bounded_before_the_file_is_decoded() {
    let file = png_of(&halves(64, 32));
    assert!(convert("image/png", &file, 64 * 32).is_ok());
    assert_eq!(
        convert("image/png", &file, 64 * 32 - 1).err(),
        Some(ImageFault::Dimensions)
    );
}
