//! Table `users`: accounts.

use anyhow::Context as _;
use carshare_store::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QuerySelect as _, raw_sql};

use crate::domain::{Email, PasswordHash, Phone, User, UserId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: String,
    pub password_hash: String,
    pub name: String,
    pub phone: String,
    pub role: String,
    pub profile_image_url: Option<String>,
    pub is_verified: bool,
    pub totp_enabled: bool,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Constraint by which one of several concurrent registrations of an e-mail address succeeds.
const EMAIL_UNIQUE: &str = "users_email_unique";

/// Inserts an account; [`Error::EmailTaken`] when its e-mail address has one.
pub async fn insert(conn: &impl ConnectionTrait, user: &User, hash: &PasswordHash) -> Result<(), Error> {
    let row = Model {
        id: user.id.0,
        email: user.email.as_str().to_owned(),
        password_hash: hash.expose().to_owned(),
        name: user.name.clone(),
        phone: user.phone.as_str().to_owned(),
        role: user.role.as_str().to_owned(),
        profile_image_url: user.profile_image_url.clone(),
        is_verified: user.is_verified,
        totp_enabled: user.mfa_enabled,
        created_at: user.created_at,
        updated_at: user.created_at,
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(conn)
        .await
        .map_err(email_taken)?;
    Ok(())
}

fn email_taken(error: sea_orm::DbErr) -> Error {
    let error = carshare_store::Error::from(error);
    if error.constraint() == Some(EMAIL_UNIQUE) {
        Error::EmailTaken
    } else {
        error.into()
    }
}

pub async fn find(conn: &impl ConnectionTrait, id: UserId) -> Result<Option<User>, Error> {
    let row = Entity::find_by_id(id.0).one(conn).await?;
    row.map(User::try_from).transpose()
}

/// Locks an account until the transaction ends.
pub async fn lock(conn: &impl ConnectionTrait, id: UserId) -> Result<Option<User>, Error> {
    let row = Entity::find_by_id(id.0)
        .lock(LockType::NoKeyUpdate)
        .one(conn)
        .await?;
    row.map(User::try_from).transpose()
}

/// Updates the fields of an account that can change. The caller has locked it.
pub async fn update(tx: &Tx, user: &User) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Name, Expr::value(user.name.as_str()))
        .col_expr(Column::Phone, Expr::value(user.phone.as_str()))
        .col_expr(
            Column::ProfileImageUrl,
            Expr::value(user.profile_image_url.clone()),
        )
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(user.id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Replaces the password. `false` when it is not `current` any more.
pub async fn update_password(
    tx: &Tx,
    id: UserId,
    current: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, Error> {
    let updated = Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::value(new.expose()))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::PasswordHash.eq(current.expose()))
        .exec(tx.conn())
        .await?;
    Ok(updated.rows_affected > 0)
}

/// Replaces the hash of an unchanged password. `false` when the account has another hash, or gained or lost its second factor.
pub async fn upgrade_password(
    tx: &Tx,
    user: &User,
    current: &PasswordHash,
    upgraded: &PasswordHash,
) -> Result<bool, Error> {
    let update = Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::value(upgraded.expose()))
        .filter(Column::Id.eq(user.id.0))
        .filter(Column::PasswordHash.eq(current.expose()))
        .filter(Column::TotpEnabled.eq(user.mfa_enabled));
    Ok(update.exec(tx.conn()).await?.rows_affected > 0)
}

/// Returns whether the account still has this password, and a second factor or none as before, which stays so until the
/// transaction ends.
pub async fn has_password(
    conn: &impl ConnectionTrait,
    user: &User,
    hash: &PasswordHash,
) -> Result<bool, Error> {
    let (id, hash, mfa_enabled) = (user.id.0, hash.expose(), user.mfa_enabled);
    let lock = raw_sql!(
        Postgres,
        "SELECT 1 FROM users WHERE id = {id} AND password_hash = {hash} AND totp_enabled = {mfa_enabled} FOR SHARE"
    );
    Ok(conn.query_one_raw(lock).await?.is_some())
}

/// Locks an account with the hash of its password until the transaction ends.
pub async fn lock_with_password(
    conn: &impl ConnectionTrait,
    id: UserId,
) -> Result<Option<(User, PasswordHash)>, Error> {
    let found = Entity::find_by_id(id.0).lock(LockType::NoKeyUpdate);
    found.one(conn).await?.map(with_password).transpose()
}

/// Stores whether an account has a second factor. The caller has locked it.
pub async fn update_mfa_enabled(tx: &Tx, id: UserId, enabled: bool) -> Result<(), Error> {
    let update = Entity::update_many()
        .col_expr(Column::TotpEnabled, Expr::value(enabled))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id.0));
    update.exec(tx.conn()).await?;
    Ok(())
}

/// Finds an account with the hash of its password.
pub async fn find_with_password(
    conn: &impl ConnectionTrait,
    id: UserId,
) -> Result<Option<(User, PasswordHash)>, Error> {
    let row = Entity::find_by_id(id.0).one(conn).await?;
    row.map(with_password).transpose()
}

/// Finds an account by its e-mail address, with the hash of its password.
pub async fn find_by_email(
    conn: &impl ConnectionTrait,
    email: &Email,
) -> Result<Option<(User, PasswordHash)>, Error> {
    let found = Entity::find().filter(Column::Email.eq(email.as_str()));
    found.one(conn).await?.map(with_password).transpose()
}

fn with_password(row: Model) -> Result<(User, PasswordHash), Error> {
    let hash = PasswordHash::new(row.password_hash.clone());
    Ok((row.try_into()?, hash))
}

impl TryFrom<Model> for User {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        Ok(Self {
            id: UserId(row.id),
            email: Email::new(&row.email),
            name: row.name,
            phone: Phone::from_e164(row.phone),
            role: row.role.parse().context("unknown role")?,
            profile_image_url: row.profile_image_url,
            is_verified: row.is_verified,
            mfa_enabled: row.totp_enabled,
            created_at: row.created_at,
        })
    }
}
