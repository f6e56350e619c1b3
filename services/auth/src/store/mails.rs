//! Table `mails`: mails to send and the tokens in them.

use std::time::Duration;

use anyhow::Context as _;
use carshare_chassis::request_context::RequestContext;
use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};
use uuid::Uuid;

use crate::domain::{Email, MailKind, TokenHash, UserId};
use crate::error::Error;
use crate::mail::NewMail;

/// Name of the job that sends them, for [`Tx::notify_job`].
pub const JOB: &str = "send_mails";

/// A claimed mail.
#[derive(Clone, FromQueryResult)]
pub struct Claimed {
    pub id: Uuid,
    kind: String,
    pub user_id: Option<Uuid>,
    pub sealed: Vec<u8>,
    pub expires_at: DateTime<Utc>,
    /// Number of this attempt, from 1. A later claim has a higher one, so it identifies the claim.
    pub attempts: i32,
    correlation_id: Option<String>,
    traceparent: Option<String>,
}

/// A locked token.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Token {
    user_id: Uuid,
    /// SHA-256 of the password's hash when it was requested; of a reset only.
    pub password_digest: Option<Vec<u8>>,
}

impl Claimed {
    pub fn kind(&self) -> Result<MailKind, Error> {
        Ok(self.kind.parse().context("unknown kind of mail")?)
    }

    /// Returns the request context of the call that led to the mail.
    pub fn request_context(&self) -> RequestContext {
        let correlation_id = self.correlation_id.clone().unwrap_or_else(|| self.id.to_string());
        RequestContext::background(correlation_id, self.traceparent.as_deref())
    }
}

impl Token {
    pub fn user_id(&self) -> UserId {
        UserId(self.user_id)
    }
}

/// Inserts a verification mail for an account.
pub async fn insert_verification(tx: &Tx, mail: &NewMail, user: UserId) -> Result<(), Error> {
    insert(tx, mail, Some(user), "", None).await
}

/// Inserts a reset, requested from `client_address`, for the account that holds the address, if one does.
pub async fn insert_reset(
    tx: &Tx,
    mail: &NewMail,
    email: &Email,
    client_address: Option<String>,
) -> Result<(), Error> {
    insert(tx, mail, None, email.as_str(), client_address).await
}

/// One statement for all kinds and for addresses with and without account. Of `user` and `email` one is given.
async fn insert(
    tx: &Tx,
    mail: &NewMail,
    user: Option<UserId>,
    email: &str,
    client_address: Option<String>,
) -> Result<(), Error> {
    let context = RequestContext::current();
    let correlation_id = context
        .as_ref()
        .map(|context| context.correlation_id().to_owned());
    let traceparent = context.and_then(|context| context.traceparent());
    let (id, kind, now, expires_at) = (mail.id, mail.kind.as_str(), tx.now(), tx.now() + mail.ttl);
    let (address_hash, token_hash) = (mail.address_hash.0.to_vec(), mail.token_hash.0.to_vec());
    let (sealed, user_id) = (mail.sealed.clone(), user.map(|user| user.0));
    let statement = raw_sql!(
        Postgres,
        r#"INSERT INTO mails (id, kind, user_id, address_hash, sealed, token_hash, password_digest, created_at, expires_at,
                              due_at, correlation_id, traceparent, is_from_known)
           SELECT {id}, {kind}, coalesce({user_id}, holder.id), {address_hash}, {sealed}, {token_hash},
                  sha256(convert_to(holder.password_hash, 'UTF8')), {now}, {expires_at}, {now}, {correlation_id}, {traceparent},
                  EXISTS (SELECT FROM login_attempts a
                          WHERE a.account = {address_hash} AND a.address = {client_address} AND a.succeeded_at IS NOT NULL)
                  OR EXISTS (SELECT FROM sessions s WHERE s.user_id = holder.id AND s.client_address = {client_address})
           FROM (SELECT 1) AS one LEFT JOIN users holder ON holder.email = {email}"#
    );
    tx.conn().execute_raw(statement).await?;
    tx.notify_job(JOB);
    Ok(())
}

/// Claims up to `limit` due mails, oldest first, until `until`; other workers skip them meanwhile.
pub async fn claim(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<Claimed>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let claim = raw_sql!(
        Postgres,
        r#"UPDATE mails SET attempts = attempts + 1, due_at = {until}
           WHERE id = ANY(ARRAY(SELECT id FROM mails WHERE due_at <= {now}
                                ORDER BY due_at LIMIT {limit} FOR UPDATE SKIP LOCKED))
           RETURNING id, kind, user_id, sealed, expires_at, attempts, correlation_id, traceparent"#
    );
    Ok(Claimed::find_by_statement(claim).all(conn).await?)
}

/// Returns when the next mail is due.
pub async fn next_due_at(conn: &impl ConnectionTrait) -> Result<Option<DateTime<Utc>>, Error> {
    #[derive(FromQueryResult)]
    struct Next {
        at: Option<DateTime<Utc>>,
    }
    let next = Next::find_by_statement(raw_sql!(
        Postgres,
        "SELECT min(due_at) AS at FROM mails WHERE due_at IS NOT NULL"
    ));
    Ok(next.one(conn).await?.and_then(|next| next.at))
}

/// Counts a mail among those to its address, once; requests from client addresses that its account knows and others apart. `false` when it
/// exceeds the limits, which are exact: mails to one address are counted one after the other.
pub async fn admit(tx: &Tx, id: Uuid, per_hour: i64, per_day: i64) -> Result<bool, Error> {
    let lock = raw_sql!(
        Postgres,
        r#"SELECT pg_advisory_xact_lock(hashtextextended('mails.' || encode(address_hash, 'hex'), 0))
           FROM mails WHERE id = {id}"#
    );
    tx.conn().query_one_raw(lock).await?;
    let (now, hour) = (tx.now(), tx.now() - Duration::from_hours(1));
    let day = now - Duration::from_hours(24);
    let admit = raw_sql!(
        Postgres,
        r#"UPDATE mails SET admitted_at = coalesce(admitted_at, {now})
           WHERE id = {id} AND (admitted_at IS NOT NULL OR (
               SELECT count(*) < {per_day} AND count(*) FILTER (WHERE o.admitted_at > {hour}) < {per_hour}
               FROM mails o
               WHERE o.address_hash = mails.address_hash AND o.kind = mails.kind AND o.is_from_known = mails.is_from_known
                     AND o.admitted_at > {day}))"#
    );
    Ok(tx.conn().execute_raw(admit).await?.rows_affected() > 0)
}

/// Ends a mail and deletes address and token, unless the claim has ended.
pub async fn finish(tx: &Tx, claimed: &Claimed, outcome: &str) -> Result<(), Error> {
    let (id, attempts) = (claimed.id, claimed.attempts);
    let update = raw_sql!(
        Postgres,
        r#"UPDATE mails SET due_at = NULL, sealed = NULL, outcome = {outcome}
           WHERE id = {id} AND attempts = {attempts} AND due_at IS NOT NULL"#
    );
    tx.conn().execute_raw(update).await?;
    Ok(())
}

/// Schedules the next attempt, unless the claim has ended.
pub async fn retry(tx: &Tx, claimed: &Claimed, outcome: &str, due_at: DateTime<Utc>) -> Result<(), Error> {
    let (id, attempts) = (claimed.id, claimed.attempts);
    let update = raw_sql!(
        Postgres,
        r#"UPDATE mails SET due_at = {due_at}, outcome = {outcome}
           WHERE id = {id} AND attempts = {attempts} AND due_at IS NOT NULL"#
    );
    tx.conn().execute_raw(update).await?;
    Ok(())
}

/// Finds a token that is neither used nor expired.
pub async fn find_token(
    conn: &impl ConnectionTrait,
    kind: MailKind,
    token: TokenHash,
    now: DateTime<Utc>,
) -> Result<Option<Token>, Error> {
    let (kind, token_hash) = (kind.as_str(), token.0.to_vec());
    let found = raw_sql!(
        Postgres,
        r#"SELECT user_id, password_digest FROM mails
           WHERE token_hash = {token_hash} AND kind = {kind} AND user_id IS NOT NULL AND used_at IS NULL AND expires_at > {now}"#
    );
    Ok(Token::find_by_statement(found).one(conn).await?)
}

/// Uses a token, and returns it as [`find_token`] does: of concurrent uses one finds it.
pub async fn use_token(tx: &Tx, kind: MailKind, token: TokenHash) -> Result<Option<Token>, Error> {
    let (kind, token_hash, now) = (kind.as_str(), token.0.to_vec(), tx.now());
    let used = raw_sql!(
        Postgres,
        r#"UPDATE mails SET used_at = {now}
           WHERE token_hash = {token_hash} AND kind = {kind} AND user_id IS NOT NULL AND used_at IS NULL AND expires_at > {now}
           RETURNING user_id, password_digest"#
    );
    Ok(Token::find_by_statement(used).one(tx.conn()).await?)
}
