//! Commands of one connection: pure state, and the acceptance of a complete message.

use std::time::Duration;

use axum::http::Method;

use super::MAX_MESSAGE_BYTES;
use crate::faults::{Kind, Provider};
use crate::mail::message::Message;
use crate::state::App;

/// Upper bound of the recipients of a mail.
const MAX_RECIPIENTS: usize = 100;

/// State of a connection.
#[derive(Default)]
pub(super) struct Session {
    greeted: bool,
    envelope: Option<Envelope>,
    /// Whether lines are those of a message.
    in_data: bool,
}

/// A mail and its addresses.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    from: String,
    to: Vec<String>,
    data: Vec<u8>,
    is_too_large: bool,
}

/// What a line leads to.
pub(super) enum Step {
    Reply(&'static str),
    /// A line of a message, without a reply.
    More,
    Accept(Envelope),
    Quit,
}

impl Session {
    pub(super) fn handle(&mut self, line: &[u8]) -> Step {
        if self.in_data {
            return self.data(line);
        }
        let text = String::from_utf8_lossy(line);
        let (command, rest) = text.split_once(' ').unwrap_or((&text, ""));
        match command.to_ascii_uppercase().as_str() {
            "EHLO" => {
                (self.greeted, self.envelope) = (true, None);
                Step::Reply("250-sandbox\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 1048576")
            }
            "HELO" => {
                (self.greeted, self.envelope) = (true, None);
                Step::Reply("250 sandbox")
            }
            "MAIL" => self.mail(rest),
            "RCPT" => self.rcpt(rest),
            "DATA" => self.begin_data(),
            "RSET" => {
                self.envelope = None;
                Step::Reply("250 reset")
            }
            "NOOP" => Step::Reply("250 ok"),
            "VRFY" => Step::Reply("252 not verified"),
            "QUIT" => Step::Quit,
            _ => Step::Reply("502 command not implemented"),
        }
    }

    fn mail(&mut self, rest: &str) -> Step {
        match address(rest, "FROM:") {
            _ if !self.greeted || self.envelope.is_some() => Step::Reply("503 bad sequence of commands"),
            None => Step::Reply("501 syntax: MAIL FROM:<address>"),
            Some(from) => {
                self.envelope = Some(Envelope {
                    from,
                    ..Envelope::default()
                });
                Step::Reply("250 ok")
            }
        }
    }

    fn rcpt(&mut self, rest: &str) -> Step {
        let Some(envelope) = &mut self.envelope else {
            return Step::Reply("503 bad sequence of commands");
        };
        match address(rest, "TO:").filter(|to| to.contains('@')) {
            None => Step::Reply("501 syntax: RCPT TO:<address>"),
            Some(_) if envelope.to.len() == MAX_RECIPIENTS => Step::Reply("452 too many recipients"),
            Some(to) => {
                envelope.to.push(to);
                Step::Reply("250 ok")
            }
        }
    }

    fn begin_data(&mut self) -> Step {
        if self
            .envelope
            .as_ref()
            .is_none_or(|envelope| envelope.to.is_empty())
        {
            return Step::Reply("503 bad sequence of commands");
        }
        self.in_data = true;
        Step::Reply("354 end with <CRLF>.<CRLF>")
    }

    fn data(&mut self, line: &[u8]) -> Step {
        if line == b"." {
            self.in_data = false;
            let envelope = self.envelope.take().unwrap_or_default();
            if envelope.is_too_large {
                return Step::Reply("552 message too large");
            }
            return Step::Accept(envelope);
        }
        if let Some(envelope) = &mut self.envelope {
            // Dot stuffing, RFC 5321 §4.5.2.
            let line = line.strip_prefix(b".").unwrap_or(line);
            if envelope.data.len() + line.len() > MAX_MESSAGE_BYTES {
                envelope.is_too_large = true;
            } else {
                envelope.data.extend_from_slice(line);
                envelope.data.extend_from_slice(b"\r\n");
            }
        }
        Step::More
    }
}

/// Returns the address of `FROM:<address> PARAMETERS`; the empty one is that of bounces.
fn address(text: &str, keyword: &str) -> Option<String> {
    let prefix = text.get(..keyword.len())?;
    let rest = text.get(keyword.len()..)?.trim_start().strip_prefix('<')?;
    let (address, _parameters) = rest.split_once('>')?;
    prefix.eq_ignore_ascii_case(keyword).then(|| address.to_owned())
}

/// Stores a mail for each recipient and returns the reply; `None` if a fault closes the connection.
pub(super) async fn accept(app: &App, envelope: Envelope) -> Option<String> {
    let path = envelope.to.first().map_or("", String::as_str);
    let fault = app.faults().take(Provider::Smtp, &Method::POST, path);
    let kind = fault.as_ref().map(|fault| fault.kind);
    if let Some(fault) = &fault {
        tracing::info!(kind = ?fault.kind, "fault of SMTP");
        tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
    }
    match (kind, fault) {
        (Some(Kind::Refuse), _) => return None,
        (Some(Kind::Error), Some(fault)) => return Some(format!("{} injected fault", fault.status)),
        _ => {}
    }
    let message = Message::parse(&envelope.data);
    let now = app.environment.clock.now();
    for to in &envelope.to {
        app.mails().push(now, &envelope.from, to, &message);
    }
    (kind != Some(Kind::LostReply)).then(|| "250 ok".to_owned())
}
