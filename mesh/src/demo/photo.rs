//! Generated picture of a car.

use anyhow::Result;

const WIDTH: u32 = 480;
const HEIGHT: u32 = 320;

/// Draws a PNG of a car in this colour.
pub(super) fn draw(paint: [u8; 3]) -> Result<Vec<u8>> {
    let mut pixels = Vec::with_capacity((WIDTH * HEIGHT * 3) as usize);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            pixels.extend(colour(x, y, paint));
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}

fn colour(x: u32, y: u32, paint: [u8; 3]) -> [u8; 3] {
    let wheel = |centre: u32| x.abs_diff(centre).pow(2) + y.abs_diff(236).pow(2) < 30_u32.pow(2);
    let body = (90..390).contains(&x) && (170..236).contains(&y);
    let cabin_edge = 60_u32.saturating_sub(y.saturating_sub(118));
    let cabin = (118..170).contains(&y) && (130 + cabin_edge..350 - cabin_edge).contains(&x);
    let glass = (128..166).contains(&y) && (144 + cabin_edge..336 - cabin_edge).contains(&x);
    match () {
        () if wheel(155) || wheel(325) => [20, 20, 22],
        () if glass => [150, 190, 210],
        () if body || cabin => paint,
        () if y >= 236 => [96, 98, 102],
        () => [196, (214 - y / 8) as u8, 235],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picture_is_a_png_with_the_colour_of_the_car() {
        let bytes = draw([1, 2, 3]).expect("a picture");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .expect("a header");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a frame");
        assert_eq!((info.width, info.height), (WIDTH, HEIGHT));
        assert!(pixels.chunks(3).any(|pixel| pixel == [1, 2, 3]));
    }
}
