//! Table `user_erasures`: deleted accounts in whose bookings something is left to erase.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockBehavior, LockType, OnConflict};
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

use super::bookings::PageKey;
use crate::domain::{BookingId, Party, UserId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_erasures")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub party: String,
    pub deleted_at: DateTimeUtc,
    pub erased_created_at: Option<DateTimeUtc>,
    pub erased_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The erasure of a user's bookings as one party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserErasure {
    pub user: UserId,
    pub party: Party,
    pub deleted_at: DateTimeUtc,
}

/// Starts the erasure of a user's bookings. One that is in progress continues.
pub async fn insert_both(
    conn: &impl ConnectionTrait,
    user: UserId,
    deleted_at: DateTimeUtc,
) -> Result<(), Error> {
    let of_party = |party: Party| {
        Model {
            user_id: user.0,
            party: party.as_str().to_owned(),
            deleted_at,
            erased_created_at: None,
            erased_id: None,
        }
        .into_active_model()
    };
    Entity::insert_many([of_party(Party::Guest), of_party(Party::Host)])
        .on_conflict(
            OnConflict::columns([Column::UserId, Column::Party])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Locks the erasure that was started first, unless another transaction has locked it, and returns it with the booking up to which it has
/// come.
pub async fn lock_next(conn: &impl ConnectionTrait) -> Result<Option<(UserErasure, Option<PageKey>)>, Error> {
    let next = Entity::find()
        .order_by_asc(Column::DeletedAt)
        .order_by_asc(Column::UserId)
        .limit(1)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let Some(row) = next.one(conn).await? else {
        return Ok(None);
    };
    let erased = row.erased_created_at.zip(row.erased_id);
    let erasure = UserErasure {
        user: UserId(row.user_id),
        party: row.party.parse().map_err(Error::internal)?,
        deleted_at: row.deleted_at,
    };
    Ok(Some((
        erasure,
        erased.map(|(time, id)| PageKey {
            time,
            id: BookingId(id),
        }),
    )))
}

/// Stores the booking up to which an erasure has come.
pub async fn update(conn: &impl ConnectionTrait, erasure: UserErasure, erased: PageKey) -> Result<(), Error> {
    let row = ActiveModel {
        user_id: sea_orm::ActiveValue::Unchanged(erasure.user.0),
        party: sea_orm::ActiveValue::Unchanged(erasure.party.as_str().to_owned()),
        erased_created_at: Set(Some(erased.time)),
        erased_id: Set(Some(erased.id.0)),
        ..Default::default()
    };
    Entity::update(row).exec(conn).await?;
    Ok(())
}

pub async fn delete(conn: &impl ConnectionTrait, erasure: UserErasure) -> Result<(), Error> {
    let key = (erasure.user.0, erasure.party.as_str().to_owned());
    Entity::delete_by_id(key).exec(conn).await?;
    Ok(())
}
