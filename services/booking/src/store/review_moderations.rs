//! Table `review_moderations`: decisions of admins about reviews. Rows are only added.

use anyhow::Context as _;
use carshare_store::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QueryOrder as _};

use crate::domain::review::Decision;
use crate::domain::{ReviewId, UserId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "review_moderations")]
pub struct Model {
    /// Orders the decisions about a review.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub review_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub decision: String,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub admin_id: Uuid,
    pub decided_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A decision about a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moderation {
    pub review_id: ReviewId,
    pub decision: Decision,
    pub reason: String,
    pub admin_id: UserId,
    pub decided_at: DateTimeUtc,
}

/// Inserts a decision about a review that the transaction has locked.
pub async fn insert(tx: &Tx, moderation: &Moderation) -> Result<(), Error> {
    let row = Model {
        id: tx.new_id(),
        review_id: moderation.review_id.0,
        decision: moderation.decision.as_str().to_owned(),
        reason: moderation.reason.clone(),
        admin_id: moderation.admin_id.0,
        decided_at: moderation.decided_at,
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Lists the decisions about these reviews, the first one first.
pub async fn list(
    conn: &impl ConnectionTrait,
    reviews: impl IntoIterator<Item = ReviewId>,
) -> Result<Vec<Moderation>, Error> {
    let rows = Entity::find()
        .filter(Column::ReviewId.is_in(reviews.into_iter().map(|review| review.0)))
        .order_by_asc(Column::Id)
        .all(conn)
        .await?;
    rows.into_iter().map(read).collect()
}

fn read(row: Model) -> Result<Moderation, Error> {
    let decision = row.decision.parse().context(row.decision);
    Ok(Moderation {
        review_id: ReviewId(row.review_id),
        decision: decision.map_err(Error::internal)?,
        reason: row.reason,
        admin_id: UserId(row.admin_id),
        decided_at: row.decided_at,
    })
}
