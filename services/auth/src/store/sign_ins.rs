//! Table `users`: the accounts of an e-mail address, for signing in.

use sea_orm::{ConnectionTrait, FromQueryResult as _, raw_sql};
use uuid::Uuid;

use super::users::Model;
use crate::domain::{Email, PasswordHash, User, UserId};
use crate::error::Error;

/// Characters of a digest, which ends every stored hash.
const DIGEST_LENGTH: i32 = 31;

/// Finds the account of an e-mail address with this hash. Of several the newest that has not verified it: who registers an account with
/// a guessed password learns nothing about that of the owner. With `known_at` only accounts with a session from this client address.
pub async fn find_by_password(
    conn: &impl ConnectionTrait,
    email: &Email,
    hash: &PasswordHash,
    known_at: Option<&str>,
) -> Result<Option<User>, Error> {
    let (email, hash) = (email.as_str(), hash.expose());
    let found = raw_sql!(
        Postgres,
        r#"SELECT * FROM (
               SELECT * FROM users WHERE email = {email} AND password_hash = {hash}
               UNION ALL
               SELECT * FROM users WHERE provisional_email = {email} AND password_hash = {hash}
           ) AS u
           WHERE {known_at}::text IS NULL
              OR EXISTS (SELECT FROM sessions s WHERE s.user_id = u.id AND s.client_address = {known_at})
           ORDER BY is_verified, created_at DESC, id DESC LIMIT 1"#
    );
    let row = Model::find_by_statement(found).one(conn).await?;
    row.map(User::try_from).transpose()
}

/// Lists what the stored hashes of an address begin with, other than `current`: those of earlier releases and of another cost. That of a
/// verified account first, then those of the oldest accounts.
pub async fn list_other_settings(
    conn: &impl ConnectionTrait,
    email: &Email,
    current: &str,
    limit: i64,
) -> Result<Vec<String>, Error> {
    let (email, digest) = (email.as_str(), -DIGEST_LENGTH);
    let list = raw_sql!(
        Postgres,
        r#"SELECT left(password_hash, {digest}) FROM users
           WHERE (email = {email} OR provisional_email = {email}) AND left(password_hash, {digest}) <> {current}
           GROUP BY 1 ORDER BY bool_or(is_verified) DESC, min(created_at) LIMIT {limit}"#
    );
    let rows = conn.query_all_raw(list).await?;
    let settings = rows.iter().map(|row| row.try_get_by_index(0));
    Ok(settings.collect::<Result<_, _>>()?)
}

/// Returns the account that a failed sign-in concerns: the one that has verified the address, otherwise the newest.
pub async fn find_concerned(conn: &impl ConnectionTrait, email: &Email) -> Result<Option<UserId>, Error> {
    let email = email.as_str();
    let found = raw_sql!(
        Postgres,
        r#"SELECT id FROM users WHERE email = {email} OR provisional_email = {email}
           ORDER BY is_verified DESC, created_at DESC, id DESC LIMIT 1"#
    );
    let row = conn.query_one_raw(found).await?;
    let id: Option<Uuid> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(id.map(UserId))
}

/// Returns whether an account of the address, `only` this one if it is given, has or had a session from a client address.
pub async fn is_known_at(
    conn: &impl ConnectionTrait,
    email: &Email,
    only: Option<UserId>,
    client_address: &str,
) -> Result<bool, Error> {
    let (email, only) = (email.as_str(), only.map(|user| user.0));
    let found = raw_sql!(
        Postgres,
        r#"SELECT 1 FROM users u JOIN sessions s ON s.user_id = u.id
           WHERE (u.email = {email} OR u.provisional_email = {email}) AND ({only}::uuid IS NULL OR u.id = {only})
             AND s.client_address = {client_address} LIMIT 1"#
    );
    Ok(conn.query_one_raw(found).await?.is_some())
}
