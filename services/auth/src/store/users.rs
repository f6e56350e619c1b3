//! Table `users`: accounts.

use anyhow::Context as _;
use carshare_store::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, LockType, OnConflict};
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QuerySelect as _, raw_sql};

use crate::domain::{Email, PasswordHash, Phone, User, UserId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Address of the account that holds it: see migration 0111.
    pub email: Option<String>,
    pub provisional_email: Option<String>,
    pub password_hash: String,
    pub name: String,
    pub phone: String,
    pub role: String,
    pub profile_image_url: Option<String>,
    pub is_verified: bool,
    pub totp_enabled: bool,
    pub rating_sum: i64,
    pub review_count: i64,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Inserts an account. It holds its e-mail address if no account does, and is provisional otherwise.
pub async fn insert(conn: &impl ConnectionTrait, user: &User, hash: &PasswordHash) -> Result<(), Error> {
    let is_held = find_by_email(conn, &user.email).await?.is_some();
    // Of several concurrent registrations of an address one holds it.
    if !insert_row(conn, user, hash, is_held).await? {
        insert_row(conn, user, hash, true).await?;
    }
    Ok(())
}

async fn insert_row(
    conn: &impl ConnectionTrait,
    user: &User,
    hash: &PasswordHash,
    is_provisional: bool,
) -> Result<bool, Error> {
    let email = user.email.as_str().to_owned();
    let row = Model {
        id: user.id.0,
        email: (!is_provisional).then(|| email.clone()),
        provisional_email: is_provisional.then_some(email),
        password_hash: hash.expose().to_owned(),
        name: user.name.clone(),
        phone: user.phone.as_str().to_owned(),
        role: user.role.as_str().to_owned(),
        profile_image_url: user.profile_image_url.clone(),
        is_verified: user.is_verified,
        totp_enabled: user.mfa_enabled,
        rating_sum: user.rating_sum,
        review_count: user.review_count,
        created_at: user.created_at,
        updated_at: user.created_at,
    };
    let inserted = Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::Email).do_nothing().to_owned())
        .exec_without_returning(conn)
        .await?;
    Ok(inserted > 0)
}

/// Locks an e-mail address until the transaction ends: changes of its holder run one after the other.
pub async fn lock_email(conn: &impl ConnectionTrait, email: &Email) -> Result<(), Error> {
    let key = format!("users.email.{}", email.as_str());
    let lock = raw_sql!(
        Postgres,
        "SELECT pg_advisory_xact_lock(hashtextextended({key}, 0))"
    );
    conn.query_one_raw(lock).await?;
    Ok(())
}

/// Takes the e-mail address from the unverified account that holds it.
pub async fn make_provisional(tx: &Tx, id: UserId) -> Result<(), Error> {
    let (id, now) = (id.0, tx.now());
    let update = raw_sql!(
        Postgres,
        r#"UPDATE users SET provisional_email = email, email = NULL, updated_at = {now}
           WHERE id = {id} AND email IS NOT NULL"#
    );
    tx.conn().execute_raw(update).await?;
    Ok(())
}

/// Marks the e-mail address of an account as verified: the account holds it from now on. The caller has locked the address, and no
/// other account holds it.
pub async fn set_verified(tx: &Tx, id: UserId) -> Result<(), Error> {
    let (id, now) = (id.0, tx.now());
    let update = raw_sql!(
        Postgres,
        r#"UPDATE users SET email = coalesce(email, provisional_email), provisional_email = NULL, is_verified = true,
                            updated_at = {now}
           WHERE id = {id}"#
    );
    tx.conn().execute_raw(update).await?;
    Ok(())
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

/// Updates the ratings of an account. The caller has locked it.
pub async fn update_rating(conn: &impl ConnectionTrait, user: &User) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::RatingSum, Expr::value(user.rating_sum))
        .col_expr(Column::ReviewCount, Expr::value(user.review_count))
        .filter(Column::Id.eq(user.id.0))
        .exec(conn)
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

/// Finds the account that holds an e-mail address, with the hash of its password.
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
            email: Email::new(&row.email.or(row.provisional_email).context("no e-mail address")?),
            name: row.name,
            phone: Phone::from_e164(row.phone),
            role: row.role.parse().context("unknown role")?,
            profile_image_url: row.profile_image_url,
            is_verified: row.is_verified,
            mfa_enabled: row.totp_enabled,
            rating_sum: row.rating_sum,
            review_count: row.review_count,
            created_at: row.created_at,
        })
    }
}
