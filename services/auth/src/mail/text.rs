//! Texts of mails, in Korean and English: the language of an account is not known. No text of a user is part of them.

use std::fmt;

use chrono::{DateTime, FixedOffset, Utc};
use uuid::Uuid;

use super::Config;
use crate::domain::{Device, Email, MailToken};

/// What a mail says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Asks to verify the address of an account.
    Verify(Registration),
    /// Says that the address of a new account is verified by another one.
    AccountExists,
    ResetPassword,
}

/// By what a user recognises their own registration, among others with their address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    pub at: DateTime<Utc>,
    pub device: Device,
}

/// Korea has no daylight saving time.
const KOREA_OFFSET_S: i32 = 9 * 3600;

/// A mail to send.
#[derive(Clone)]
pub struct Letter {
    /// Part of the `Message-ID`: a mail that is sent again has the same.
    pub id: Uuid,
    pub to: Email,
    pub subject: &'static str,
    pub body: String,
}

impl Letter {
    pub fn new(content: Content, id: Uuid, to: Email, token: &MailToken, config: &Config) -> Self {
        let token = token.expose();
        let (subject, body) = match content {
            Content::Verify(registration) => (
                "[카셰어링] 이메일 인증 · Verify your e-mail address",
                verify(&config.verify_url, token, registration),
            ),
            Content::AccountExists => (
                "[카셰어링] 이미 가입된 이메일입니다 · You already have an account",
                ACCOUNT_EXISTS.to_owned(),
            ),
            Content::ResetPassword => (
                "[카셰어링] 비밀번호 재설정 · Reset your password",
                reset(&config.reset_url, token, config.reset_ttl.as_secs() / 60),
            ),
        };
        Self {
            id,
            to,
            subject,
            body,
        }
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({})", self.id)
    }
}

fn verify(url: &str, token: &str, registration: Registration) -> String {
    let (ko, en) = registration.device.names();
    let korea = FixedOffset::east_opt(KOREA_OFFSET_S);
    let at = korea.map_or(registration.at.naive_utc(), |korea| {
        registration.at.with_timezone(&korea).naive_local()
    });
    let at = at.format("%Y-%m-%d %H:%M");
    format!(
        "이 이메일로 카셰어링에 가입되었습니다: {at} (한국 시각), {ko}.\n\
직접 가입했다면 아래 링크를 열거나 앱에 인증 코드를 붙여 넣어 이메일을 인증해 주세요. 로그인하지 않은 기기에서는 가입할 때 정한 비밀번호도 필요합니다. \
직접 가입하지 않았다면 인증하지 말고 이 메일을 무시해 주세요.\n\n\
Somebody signed up to Carshare with this address: {at} (Korean time), {en}.\n\
If it was you, open the link or paste the code into the app to verify your e-mail address. On a device where you are not signed in you also \
need the password that you chose. If you did not sign up, do not verify and ignore this mail.\n\n\
{url}#token={token}\n\n{token}\n"
    )
}

fn reset(url: &str, token: &str, minutes: u64) -> String {
    format!(
        "비밀번호 재설정이 요청되었습니다. {minutes}분 안에 아래 링크를 열거나 앱에 코드를 붙여 넣어 주세요. \
모든 기기에서 로그아웃됩니다. 본인이 요청하지 않았다면 이 메일을 무시해 주세요.\n\n\
A reset of your password was requested. Open the link or paste the code into the app within {minutes} minutes. \
You will be signed out everywhere. If you did not request it, please ignore this mail.\n\n\
{url}#token={token}\n\n{token}\n"
    )
}

const ACCOUNT_EXISTS: &str = "이 이메일로 다시 가입이 시도되었습니다. 이미 인증된 계정이 있으니 그 계정으로 로그인하거나 비밀번호를 재설정해 주세요. \
본인이 아니라면 아무 조치도 필요하지 않습니다.\n\n\
Somebody signed up with this e-mail address, which has a verified account already. Sign in to that account or reset its password. \
If it was not you, there is nothing to do.\n";
