//! Compresses replies that are whole in memory, so that their length is known. Streams are sent as they are: their messages are small and
//! must not wait in a compressor.

use std::io::{self, Write as _};
use std::ops::RangeInclusive;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use http::{HeaderMap, HeaderValue};

/// Sizes of replies that are compressed. A smaller one fits into a packet; a larger one would occupy a thread for tens of milliseconds.
pub const COMPRESSED_BYTES: RangeInclusive<usize> = 1024..=1 << 20;

/// Levels of gzip, Brotli and zstd that compress JSON to a fifth to a tenth at 50 to 400 MB/s.
const GZIP_LEVEL: u32 = 3;
const BROTLI_QUALITY: u32 = 3;
const ZSTD_LEVEL: i32 = 3;

const BROTLI_BUFFER_BYTES: usize = 4096;
const BROTLI_WINDOW_BITS: u32 = 20;

/// A content coding; a later one is preferred.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Encoding {
    Gzip,
    Br,
    Zstd,
}

impl Encoding {
    /// Returns the coding that `Accept-Encoding` weighs highest (RFC 9110 §12.5.3), `None` without one of ours. `*` is ignored.
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(ACCEPT_ENCODING).iter();
        let codings = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let (_, best) = codings
            .filter_map(weighed)
            .filter(|(weight, _)| *weight > 0)
            .max()?;
        Some(best)
    }

    /// Returns whether `Accept-Encoding` has this coding.
    pub fn is_accepted(self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(ACCEPT_ENCODING).iter();
        let mut codings = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(weighed);
        codings.any(|(weight, coding)| coding == self && weight > 0)
    }

    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// # Errors
    /// None in practice: the bytes are written to memory.
    pub fn encode(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let output = Vec::with_capacity(bytes.len() / 3);
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(output, Compression::new(GZIP_LEVEL));
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Self::Br => {
                let mut encoder = brotli::CompressorWriter::new(
                    output,
                    BROTLI_BUFFER_BYTES,
                    BROTLI_QUALITY,
                    BROTLI_WINDOW_BITS,
                );
                encoder.write_all(bytes)?;
                Ok(encoder.into_inner())
            }
            Self::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL),
        }
    }
}

/// Compresses a body that is large enough, in a coding that the request accepts.
///
/// # Errors
/// None in practice: the bytes are written to memory.
pub fn compress(body: Vec<u8>, headers: &mut HeaderMap, request: &HeaderMap) -> io::Result<Vec<u8>> {
    if !COMPRESSED_BYTES.contains(&body.len()) {
        return Ok(body);
    }
    headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    let Some(encoding) = Encoding::accepted(request) else {
        return Ok(body);
    };
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.as_str()));
    encoding.encode(&body)
}

/// Parses `gzip` or `gzip;q=0.5`. The weight is in thousandths.
fn weighed(coding: &str) -> Option<(u16, Encoding)> {
    let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
    let encoding = name.trim().parse().ok()?;
    let weight = match parameters.trim().strip_prefix("q=") {
        Some(weight) => weight.trim().parse::<f32>().ok()?,
        None => 1.0,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 1000"
    )]
    let thousandths = (weight.clamp(0.0, 1.0) * 1000.0) as u16;
    Some((thousandths, encoding))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn coding_with_the_highest_weight_is_chosen() {
        for (header, expected) in [
            ("gzip, deflate, br, zstd", Some("zstd")),
            ("gzip, deflate, br", Some("br")),
            ("br;q=0.5, gzip", Some("gzip")),
            ("GZIP ; q=0.1", Some("gzip")),
            ("gzip;q=0, br;q=0", None),
            ("gzip;q=x", None),
            ("identity, *", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, header.parse().unwrap())]);
            assert_eq!(
                Encoding::accepted(&headers).map(Encoding::as_str),
                expected,
                "{header}"
            );
        }
        assert_eq!(Encoding::accepted(&HeaderMap::new()), None);
    }

    #[test]
    fn each_coding_is_decoded_back() {
        let text = "카셰어링 서비스 ".repeat(200).into_bytes();
        let encoded = |encoding: Encoding| {
            let encoded = encoding.encode(&text).unwrap();
            assert!(encoded.len() * 5 < text.len(), "{encoding:?}: {}", encoded.len());
            encoded
        };
        let mut decoded = Vec::new();
        GzDecoder::new(&*encoded(Encoding::Gzip))
            .read_to_end(&mut decoded)
            .unwrap();
        assert_eq!(decoded, text);
        decoded.clear();
        brotli::Decompressor::new(&*encoded(Encoding::Br), 4096)
            .read_to_end(&mut decoded)
            .unwrap();
        assert_eq!(decoded, text);
        assert_eq!(
            zstd::bulk::decompress(&encoded(Encoding::Zstd), text.len()).unwrap(),
            text
        );
    }
}
