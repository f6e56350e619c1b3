//! Sends mails over SMTP, with one connection for each.

use anyhow::{Context as _, ensure};
use carshare_chassis::clock::Clock;
use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde::{Deserialize, Serialize};

use super::{Config, Letter};

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// TLS after STARTTLS, which the server must offer.
    Starttls,
    /// TLS from the first byte.
    Tls,
    None,
}

/// Result of an attempt. The reason is an SMTP code or a kind of error, never the server's text, which may contain the address.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SendResult {
    Sent,
    /// The server will never accept this mail.
    Rejected(String),
    /// Not accepted for now.
    Later(String),
}

impl SendResult {
    /// Returns the value of metric labels and log fields.
    pub fn as_str(&self) -> &'static str {
        self.into()
    }

    /// Returns why the mail was not sent.
    pub fn reason(&self) -> &str {
        match self {
            Self::Sent => "",
            Self::Rejected(reason) | Self::Later(reason) => reason,
        }
    }
}

/// SMTP client. Cheap to clone.
#[derive(Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    clock: Clock,
}

impl Smtp {
    /// Returns a client, or `None` without a server. Nothing is connected yet.
    pub fn new(config: &Config, clock: Clock) -> anyhow::Result<Option<Self>> {
        let from: Mailbox = config.from.parse().context("mail.from")?;
        let Some(host) = config.host.as_deref().filter(|host| !host.is_empty()) else {
            return Ok(None);
        };
        let tls = match config.encryption {
            Encryption::Starttls => Tls::Required(tls_of(host)?),
            Encryption::Tls => Tls::Wrapper(tls_of(host)?),
            Encryption::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(config.port)
            .timeout(Some(config.timeout))
            .tls(tls);
        if let Some(username) = config.username.clone().filter(|name| !name.is_empty()) {
            ensure!(
                config.encryption != Encryption::None,
                "mail.username needs mail.encryption starttls or tls: the password would be readable"
            );
            let password = config.password.as_ref().context("mail.password is missing")?;
            transport = transport.credentials(Credentials::new(username, password.expose().to_owned()));
        }
        Ok(Some(Self {
            transport: transport.build(),
            from,
            clock,
        }))
    }

    /// Sends a mail. May be repeated: the mail has the same `Message-ID`.
    pub async fn send(&self, letter: &Letter) -> SendResult {
        let Ok(message) = self.message(letter, self.clock.now()) else {
            return SendResult::Rejected("address".to_owned());
        };
        match self.transport.send(message).await {
            Ok(_) => SendResult::Sent,
            Err(error) => classify(&error),
        }
    }

    fn message(&self, letter: &Letter, now: DateTime<Utc>) -> anyhow::Result<Message> {
        let domain = self.from.email.domain();
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Ok(Message::builder()
            .from(self.from.clone())
            .to(letter.to.as_str().parse()?)
            .subject(letter.subject)
            .date(now.into())
            .message_id(Some(format!("<{}@{domain}>", letter.id)))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.body.clone())?)
    }
}

fn tls_of(host: &str) -> anyhow::Result<TlsParameters> {
    TlsParameters::new(host.to_owned()).context("mail.host")
}

/// 550 to 556 are about the recipient or the message. Other permanent codes are about the client, such as wrong credentials, which its
/// operator can correct.
fn classify(error: &lettre::transport::smtp::Error) -> SendResult {
    let code = error.status().map(u16::from);
    match code {
        Some(code @ 550..=556) => SendResult::Rejected(code.to_string()),
        Some(code) => SendResult::Later(code.to_string()),
        None if error.is_timeout() => SendResult::Later("timeout".to_owned()),
        None if error.is_tls() => SendResult::Later("tls".to_owned()),
        None => SendResult::Later("connection".to_owned()),
    }
}
