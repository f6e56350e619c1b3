//! Table `users`: accounts.

use carshare_chassis::identity::Role;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, IntoActiveModel as _};

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
    pub role: RoleColumn,
    pub profile_image_url: Option<String>,
    pub is_verified: bool,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
}

/// Values of the column `role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum RoleColumn {
    #[sea_orm(string_value = "guest")]
    Guest,
    #[sea_orm(string_value = "host")]
    Host,
    #[sea_orm(string_value = "admin")]
    Admin,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The constraint that decides which of two registrations has the address.
const EMAIL_UNIQUE: &str = "users_email_unique";

/// Stores a new account; [`Error::EmailTaken`] when there is one with this address.
pub async fn insert(conn: &impl ConnectionTrait, user: &User, hash: &PasswordHash) -> Result<(), Error> {
    let row = Model {
        id: user.id.0,
        email: user.email.as_str().to_owned(),
        password_hash: hash.expose().to_owned(),
        name: user.name.clone(),
        phone: user.phone.as_str().to_owned(),
        role: user.role.into(),
        profile_image_url: user.profile_image_url.clone(),
        is_verified: user.is_verified,
        created_at: user.created_at,
        updated_at: user.created_at,
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(conn)
        .await
        .map_err(taken)?;
    Ok(())
}

fn taken(error: sea_orm::DbErr) -> Error {
    let error = carshare_store::Error::from(error);
    if error.constraint() == Some(EMAIL_UNIQUE) {
        Error::EmailTaken
    } else {
        error.into()
    }
}

/// The account with this id.
pub async fn find(conn: &impl ConnectionTrait, id: UserId) -> Result<Option<User>, Error> {
    Ok(Entity::find_by_id(id.0).one(conn).await?.map(|row| split(row).0))
}

/// The account with this address, and the hash of its password.
pub async fn find_by_email(
    conn: &impl ConnectionTrait,
    email: &Email,
) -> Result<Option<(User, PasswordHash)>, Error> {
    let found = Entity::find()
        .filter(Column::Email.eq(email.as_str()))
        .one(conn)
        .await?;
    Ok(found.map(split))
}

fn split(row: Model) -> (User, PasswordHash) {
    let user = User {
        id: UserId(row.id),
        email: Email::new(&row.email),
        name: row.name,
        phone: Phone::stored(row.phone),
        role: row.role.into(),
        profile_image_url: row.profile_image_url,
        is_verified: row.is_verified,
        created_at: row.created_at,
    };
    (user, PasswordHash::new(row.password_hash))
}

impl From<Role> for RoleColumn {
    fn from(role: Role) -> Self {
        match role {
            Role::Guest => Self::Guest,
            Role::Host => Self::Host,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<RoleColumn> for Role {
    fn from(role: RoleColumn) -> Self {
        match role {
            RoleColumn::Guest => Self::Guest,
            RoleColumn::Host => Self::Host,
            RoleColumn::Admin => Self::Admin,
        }
    }
}
