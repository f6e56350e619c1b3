//! Second factors: codes of authenticator apps and recovery codes. Each is accepted once.
//!
//! An attempt is counted and committed before its code is checked: attempts that run at the same time, in any replica, are
//! all counted, and so is one whose process crashes. Only who has the password gets that far, so strangers lock nobody out.

use std::time::Duration;

use carshare_chassis::Random;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::rpc::CallContext;
use carshare_store::Tx;
use chrono::{DateTime, Utc};

use crate::App;
use crate::audit::{Action, Origin};
use crate::domain::totp::{self, SECRET_LENGTH};
use crate::domain::{MfaCode, Password, PasswordHash, RecoveryCode, TotpSecret, User, UserId};
use crate::error::Error;
use crate::login_attempts::Attempt;
use crate::store::{recovery_codes, totp_credentials, users};

/// Recovery codes of an account.
const RECOVERY_CODES: usize = 10;

/// Time in which a new secret has to be confirmed.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_mins(15);

/// Returns ten random recovery codes.
pub fn new_recovery_codes(random: &Random) -> Vec<RecoveryCode> {
    let codes = (0..RECOVERY_CODES).map(|_| RecoveryCode::new(random.bytes()));
    codes.collect()
}

/// Returns a random secret.
pub fn new_secret(random: &Random) -> TotpSecret {
    TotpSecret::new(random.bytes::<SECRET_LENGTH>())
}

/// A signed-in user who has shown the current password.
pub struct Reauthenticated {
    pub user: User,
    pub hash: PasswordHash,
    pub attempt: Attempt,
}

/// Verifies the current password of a signed-in user. Wrong ones are counted for the address and for the user, and delayed.
pub async fn reauthenticate(
    app: &App,
    action: Action,
    context: &CallContext,
    password: String,
) -> Result<Reauthenticated, Error> {
    let id = UserId(context.user()?.id);
    let found = users::find_with_password(app.db.conn(), id).await?;
    let (user, hash) = found.ok_or(Error::UserNotFound)?;
    let attempts = &app.login_attempts;
    let attempt = attempts
        .admit_signed_in(action, &user.email, id, Origin::from(context))
        .await?;
    let verified = app.passwords.verify(Password::new(password), hash.clone());
    if verified.await? {
        return Ok(Reauthenticated { user, hash, attempt });
    }
    attempts.fail(&attempt, Some(id), "wrong_password").await?;
    Err(Error::WrongPassword("current_password"))
}

/// Records an attempt that was refused although its password was right.
pub async fn record_refusal<T>(
    app: &App,
    attempt: &Attempt,
    user: UserId,
    result: &Result<T, Error>,
) -> Result<(), Error> {
    match result.as_ref().err().and_then(refusal_reason) {
        Some(reason) => app.login_attempts.refuse(attempt, user, reason).await,
        None => Ok(()),
    }
}

/// Returns the reason for the security record, if the error refuses an attempt whose password was right or not needed.
pub fn refusal_reason(error: &Error) -> Option<&'static str> {
    match error {
        Error::AccountDisabled => Some("account_disabled"),
        Error::MfaRequired => Some("mfa_required"),
        Error::InvalidMfaCode => Some("invalid_mfa_code"),
        Error::TooManyMfaCodes(_) => Some("too_many_mfa_codes"),
        Error::MfaNotEnabled => Some("mfa_not_enabled"),
        _ => None,
    }
}

/// Locks an account whose password was verified. It must not have changed since then.
pub async fn lock_verified(tx: &Tx, account: &User, hash: &PasswordHash) -> Result<(), Error> {
    let locked = users::lock_with_password(tx.conn(), account.id).await?;
    let (current, current_hash) = locked.ok_or(Error::UserNotFound)?;
    if current_hash != *hash {
        return Err(Error::WrongPassword("current_password"));
    }
    if current.mfa_enabled == account.mfa_enabled {
        Ok(())
    } else {
        Err(Error::InvalidMfaCode)
    }
}

/// Reads the code that the account needs, and counts the attempt. `None` if the account has no second factor.
///
/// # Errors
/// `MFA_REQUIRED` without a code, `INVALID_MFA_CODE` for one of neither form, `TOO_MANY_MFA_CODES` after too many wrong ones.
/// Recovery codes cannot be guessed, so they are always accepted.
pub async fn begin_attempt(app: &App, account: &User, given: Option<&str>) -> Result<Option<MfaCode>, Error> {
    if !account.mfa_enabled {
        return Ok(None);
    }
    let code = MfaCode::parse(given.ok_or(Error::MfaRequired)?).ok_or(Error::InvalidMfaCode)?;
    if let MfaCode::Totp(_) = code {
        count_attempt(app, account.id).await?;
    }
    Ok(Some(code))
}

/// Reads the code of a signed-in user as [`begin_attempt`] does, and records a refusal.
pub async fn begin_reauthenticated(
    app: &App,
    verified: &Reauthenticated,
    given: &str,
) -> Result<Option<MfaCode>, Error> {
    let code = begin_attempt(app, &verified.user, Some(given)).await;
    record_refusal(app, &verified.attempt, verified.user.id, &code).await?;
    code
}

/// Counts an attempt to use a code of the app.
pub async fn count_attempt(app: &App, user: UserId) -> Result<(), Error> {
    app.db
        .transaction("totp_credentials.count_attempt", user, store_attempt)
        .await
}

async fn store_attempt(tx: &Tx, user: &UserId) -> Result<(), Error> {
    let Some(row) = totp_credentials::lock(tx, *user).await? else {
        return Ok(());
    };
    if let Some(left) = row.retry_at.and_then(|at| (at - tx.now()).to_std().ok())
        && !left.is_zero()
    {
        return Err(Error::TooManyMfaCodes(left));
    }
    let failures = row.failures.saturating_add(1);
    totp_credentials::update_attempts(tx, *user, failures, totp::retry_at(failures, tx.now())).await
}

/// Accepts a code of the account, once.
pub async fn verify(tx: &Tx, sealer: &Sealer, user: UserId, code: &MfaCode) -> Result<(), Error> {
    let code = match code {
        MfaCode::Totp(code) => code,
        MfaCode::Recovery(code) => {
            let used = recovery_codes::delete(tx, user, code).await?;
            return if used { Ok(()) } else { Err(Error::InvalidMfaCode) };
        }
    };
    let row = totp_credentials::lock(tx, user).await?;
    let (sealed, last_step) = row
        .and_then(|row| Some((row.sealed_secret?, row.last_step)))
        .ok_or(Error::MfaNotEnabled)?;
    let step = open(sealer, user, &sealed)?.matching_step(code, tx.now());
    let step = step.filter(|step| *step > last_step);
    totp_credentials::accept(tx, user, step.ok_or(Error::InvalidMfaCode)?).await
}

/// Stores a secret that the first code confirms, and returns when it expires.
pub async fn propose(
    tx: &Tx,
    sealer: &Sealer,
    user: UserId,
    secret: &TotpSecret,
) -> Result<DateTime<Utc>, Error> {
    let expires_at = tx.now() + CONFIRMATION_TIMEOUT;
    let sealed = sealer.seal(&place(user), secret.expose())?;
    totp_credentials::upsert_pending(tx, user, &sealed, expires_at).await?;
    Ok(expires_at)
}

/// Enables the proposed secret by a code of it, with new recovery codes.
pub async fn confirm(
    tx: &Tx,
    sealer: &Sealer,
    user: UserId,
    code: &str,
    recovery: &[RecoveryCode],
) -> Result<(), Error> {
    let row = totp_credentials::lock(tx, user).await?;
    let sealed = row
        .filter(|row| row.pending_expires_at.is_some_and(|at| at > tx.now()))
        .and_then(|row| row.sealed_pending)
        .ok_or(Error::MfaNotEnabled)?;
    let step = open(sealer, user, &sealed)?.matching_step(code, tx.now());
    enable(tx, user, step.ok_or(Error::InvalidMfaCode)?, recovery).await
}

/// Makes the proposed secret the one in use.
pub async fn enable(tx: &Tx, user: UserId, step: i64, recovery: &[RecoveryCode]) -> Result<(), Error> {
    totp_credentials::activate_pending(tx, user, step).await?;
    recovery_codes::replace(tx, user, recovery).await?;
    users::update_mfa_enabled(tx, user, true).await
}

/// Removes the second factor of an account.
pub async fn disable(tx: &Tx, user: UserId) -> Result<(), Error> {
    totp_credentials::delete(tx, user).await?;
    recovery_codes::delete_all(tx, user).await?;
    users::update_mfa_enabled(tx, user, false).await
}

fn open(sealer: &Sealer, user: UserId, sealed: &[u8]) -> Result<TotpSecret, Error> {
    let plain = sealer.open(&place(user), sealed)?;
    let bytes = <[u8; SECRET_LENGTH]>::try_from(plain.as_slice());
    Ok(TotpSecret::new(bytes.map_err(|_| {
        anyhow::anyhow!("a TOTP secret has the wrong length")
    })?))
}

/// Place of a sealed secret.
fn place(user: UserId) -> String {
    format!("totp_credentials.secret/{user}")
}
