//! Reads the messages that PostgreSQL's clients send.
//!
//! Source: <https://www.postgresql.org/docs/15/protocol-message-formats.html>

use std::collections::HashMap;

/// Something that a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// A statement is executed.
    Statement(String),
    /// The client waits for `ReadyForQuery`.
    RoundTrip,
}

/// Splits a stream of bytes into messages: a type byte, a length of four bytes that includes itself, and the body.
#[derive(Debug)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// The client's first message has no type byte.
    is_start: bool,
}

/// The messages of one client's connection.
#[derive(Debug)]
pub(super) struct Frontend {
    frames: Frames,
    prepared: HashMap<Vec<u8>, String>,
    portals: HashMap<Vec<u8>, String>,
}

impl Frames {
    pub(super) fn of_server() -> Self {
        Self {
            bytes: Vec::new(),
            is_start: false,
        }
    }

    /// Returns the messages that are complete with `bytes`.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        self.bytes.extend_from_slice(bytes);
        let mut messages = Vec::new();
        loop {
            let header = usize::from(!self.is_start);
            let Some(length) = self.bytes.get(header..header + 4) else {
                return messages;
            };
            let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            let end = header + length.max(4);
            if self.bytes.len() < end {
                return messages;
            }
            let message: Vec<u8> = self.bytes.drain(..end).collect();
            let kind = if self.is_start { 0 } else { message[0] };
            self.is_start = false;
            messages.push((kind, message[header + 4..].to_vec()));
        }
    }
}

impl Default for Frontend {
    fn default() -> Self {
        Self {
            frames: Frames {
                bytes: Vec::new(),
                is_start: true,
            },
            prepared: HashMap::new(),
            portals: HashMap::new(),
        }
    }
}

impl Frontend {
    /// Returns what the messages that are complete with `bytes` mean, in their order.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Sent> {
        let mut sent = Vec::new();
        for (kind, body) in self.frames.read(bytes) {
            match kind {
                b'Q' => sent.extend([Sent::Statement(text(string(&body).0)), Sent::RoundTrip]),
                b'S' => sent.push(Sent::RoundTrip),
                b'P' => {
                    let (name, rest) = string(&body);
                    self.prepared.insert(name.to_vec(), text(string(rest).0));
                }
                b'B' => {
                    let (portal, rest) = string(&body);
                    let statement = self.prepared.get(string(rest).0);
                    let statement = statement.map_or("an unknown statement", String::as_str);
                    self.portals.insert(portal.to_vec(), statement.to_owned());
                }
                b'E' => {
                    let statement = self.portals.get(string(&body).0);
                    sent.push(Sent::Statement(statement.cloned().unwrap_or_default()));
                }
                _ => {}
            }
        }
        sent
    }
}

/// Returns the string at the beginning, without its final zero, and what follows it.
fn string(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], &length[..], body].concat()
    }

    #[test]
    fn messages_are_read_from_any_chunks() {
        let start = [&8_u32.to_be_bytes()[..], &196_608_u32.to_be_bytes()].concat();
        let session = [
            start,
            message(b'P', b"s_1\0SELECT $1\0\0\0"),
            message(b'S', b""),
            message(b'B', b"\0s_1\0\0\0"),
            message(b'E', b"\0\0\0\0\0"),
            message(b'S', b""),
            message(b'Q', b"COMMIT\0"),
        ]
        .concat();
        let expected = [
            Sent::RoundTrip,
            Sent::Statement("SELECT $1".into()),
            Sent::RoundTrip,
            Sent::Statement("COMMIT".into()),
            Sent::RoundTrip,
        ];
        for chunk in 1..session.len() {
            let mut frontend = Frontend::default();
            let sent: Vec<Sent> = session
                .chunks(chunk)
                .flat_map(|chunk| frontend.read(chunk))
                .collect();
            assert_eq!(sent, expected);
        }
    }
}
