//! Reads what the inbox shows of a message (RFC 5322): headers, and the body of a message of one part.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A received message. Parts of a multipart message are not distinguished.
#[derive(Debug)]
pub(super) struct Message {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Message {
    /// Parses the data of a mail, whose lines end in CRLF.
    pub(super) fn parse(data: &[u8]) -> Self {
        let end = data.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let (head, body) = match end {
            Some(end) => (&data[..end], &data[end + 4..]),
            None => (data, &[][..]),
        };
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in String::from_utf8_lossy(head).split("\r\n") {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        Self {
            headers,
            body: body.to_vec(),
        }
    }

    /// Returns a header by its name in lower case, decoded; empty if there is none.
    pub(super) fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map_or_else(String::new, |(_, value)| decode_words(value))
    }

    /// Returns the body, decoded, with lines that end in LF.
    pub(super) fn text(&self) -> String {
        let encoding = self.header("content-transfer-encoding").to_lowercase();
        let bytes = match encoding.as_str() {
            "base64" => {
                let digits = without_white_space(&self.body);
                STANDARD.decode(&digits).unwrap_or(digits)
            }
            "quoted-printable" => quoted_printable(&self.body),
            _ => self.body.clone(),
        };
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        text.trim().to_owned()
    }
}

/// Decodes the encoded words (RFC 2047) of a header. White space between two of them is not part of the text.
fn decode_words(value: &str) -> String {
    let mut text = String::new();
    let mut after_encoded = false;
    for word in value.split_whitespace() {
        let decoded = encoded_word(word);
        let continues = after_encoded && decoded.is_some();
        if !text.is_empty() && !continues {
            text.push(' ');
        }
        after_encoded = decoded.is_some();
        text.push_str(decoded.as_deref().unwrap_or(word));
    }
    text
}

fn encoded_word(word: &str) -> Option<String> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut parts = inner.splitn(3, '?').skip(1);
    let (encoding, text) = (parts.next()?, parts.next()?);
    let bytes = match encoding {
        "b" | "B" => STANDARD.decode(text).ok()?,
        "q" | "Q" => quoted_printable(text.replace('_', " ").as_bytes()),
        _ => return None,
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn without_white_space(bytes: &[u8]) -> Vec<u8> {
    let visible = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    visible.copied().collect()
}

fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'=' {
            out.push(byte);
        } else if let Some(next) = after.strip_prefix(b"\r\n") {
            rest = next;
        } else if let Some((digits, next)) = after.split_first_chunk::<2>()
            && let Ok(decoded) = hex::decode(digits)
        {
            out.extend(decoded);
            rest = next;
        } else {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_encoded_headers_and_both_body_encodings_are_decoded() {
        let subject = "Subject: =?utf-8?b?7J2066mU7J28?=\r\n =?utf-8?q?_=ED=99=95=EC=9D=B8?= now";
        let base64 = format!("{subject}\r\nContent-Transfer-Encoding: base64\r\n\r\n7JWI64WV\r\nCg==\r\n");
        let message = Message::parse(base64.as_bytes());
        assert_eq!(message.header("subject"), "이메일 확인 now");
        assert_eq!(
            (message.text().as_str(), message.header("x").as_str()),
            ("안녕", "")
        );
        let quoted = "Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db =\r\nc=zz\r\n";
        assert_eq!(Message::parse(quoted.as_bytes()).text(), "a=b c=zz");
        assert_eq!(Message::parse(b"no: body").text(), "");
    }
}
