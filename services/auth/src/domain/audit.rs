//! Audit events: what happened to an account or a key, by whom, from where.

use std::fmt;

use carshare_chassis::rpc::ClientInfo;
use serde_json::Value;

use super::{SessionId, UserId};

/// What was done, or tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    Register,
    Login,
    /// A refresh token of an ended or expired session was refused.
    Refresh,
    /// A session ended; the reason is that of the session.
    SessionEnd,
    PasswordChange,
    /// A second factor: a secret was proposed, enabled, removed; recovery codes were replaced.
    MfaPropose,
    MfaEnable,
    MfaDisable,
    RecoveryCodesReplace,
    /// A mail with a token was requested, for an address that may have no account.
    PasswordResetRequest,
    PasswordReset,
    EmailVerify,
    /// The user asked for the deletion of the account; it was deleted, or not.
    AccountDeleteRequest,
    AccountDelete,
    /// An admin disabled or enabled an account.
    AccountDisable,
    AccountEnable,
    /// An operator acted at the command line.
    AdminCreate,
    MfaRemove,
    SigningKeyAdd,
    SigningKeyRetire,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    Success,
    Failure,
}

/// Keyed hash of an e-mail address: the same for the same address, and not invertible without the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountHash(pub [u8; 32]);

/// Where a call came from. `Debug` does not print the client.
#[derive(Clone, Debug)]
pub struct Origin {
    pub client: ClientInfo,
    pub correlation_id: String,
}

/// An event to record.
#[derive(Clone, Debug)]
pub struct Entry {
    pub action: Action,
    pub outcome: Outcome,
    /// Why it failed, or why a session ended.
    pub reason: Option<String>,
    pub account: Option<AccountHash>,
    pub user: Option<UserId>,
    /// The admin who acted on the account of another user.
    pub actor: Option<UserId>,
    pub session: Option<SessionId>,
    /// State before and after an act of an admin.
    pub change: Option<Change>,
}

#[derive(Clone, Debug)]
pub struct Change {
    pub before: Value,
    pub after: Value,
}

impl Action {
    /// Returns the value of the column.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Outcome {
    /// Returns the value of the column.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Origin {
    /// Returns the origin of a command of the operator, or of a job.
    pub fn without_client(correlation_id: impl fmt::Display) -> Self {
        Self {
            client: ClientInfo::default(),
            correlation_id: correlation_id.to_string(),
        }
    }

    /// Returns the text of the client's address.
    pub fn address(&self) -> Option<String> {
        self.client.address.map(|address| address.to_string())
    }
}

impl Entry {
    pub fn success(action: Action) -> Self {
        Self {
            action,
            outcome: Outcome::Success,
            reason: None,
            account: None,
            user: None,
            actor: None,
            session: None,
            change: None,
        }
    }

    pub fn failure(action: Action, reason: &str) -> Self {
        Self {
            outcome: Outcome::Failure,
            ..Self::success(action).because(reason)
        }
    }

    pub fn because(self, reason: impl Into<String>) -> Self {
        Self {
            reason: Some(reason.into()),
            ..self
        }
    }

    pub fn account(self, account: impl Into<Option<AccountHash>>) -> Self {
        Self {
            account: account.into(),
            ..self
        }
    }

    pub fn user(self, user: impl Into<Option<UserId>>) -> Self {
        Self {
            user: user.into(),
            ..self
        }
    }

    pub fn actor(self, actor: UserId) -> Self {
        Self {
            actor: Some(actor),
            ..self
        }
    }

    pub fn session(self, session: SessionId) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    pub fn change(self, before: Value, after: Value) -> Self {
        Self {
            change: Some(Change { before, after }),
            ..self
        }
    }
}
