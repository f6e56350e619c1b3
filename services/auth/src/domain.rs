//! Business rules of accounts and sessions: pure, synchronous, independent of database, wire format and clock.

pub mod audit;
pub mod device;
pub mod email;
pub mod ids;
pub mod login_attempt;
pub mod mail_token;
pub mod password;
pub mod phone;
pub mod refresh_token;
pub mod session;
pub mod signing;
pub mod totp;
pub mod user;

pub use device::Device;
pub use email::Email;
pub use ids::{SessionId, TokenId, UserId};
pub use mail_token::{MailKind, MailToken};
pub use password::{Password, PasswordHash, Weakness};
pub use phone::Phone;
pub use refresh_token::{RefreshToken, TokenHash};
pub use session::{EndReason, TokenState, TokenUse};
pub use totp::{MfaCode, RecoveryCode, TotpSecret};
pub use user::{NewUser, User};
