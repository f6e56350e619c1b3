//! Table `user_reviews`: posted reviews about users, whose sums are columns of `users`.

use anyhow::Context as _;
use sea_orm::{ConnectionTrait, raw_sql};
use uuid::Uuid;

use crate::domain::UserId;
use crate::error::Error;

/// A review about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserReview {
    pub id: Uuid,
    pub user: UserId,
    /// 1 to 5.
    pub rating: i32,
}

/// Stores whether a review is shown, and returns how the number of shown ones changed: 1, -1, or 0 for a repeat. The caller has locked the
/// user.
pub async fn upsert(conn: &impl ConnectionTrait, review: UserReview, is_shown: bool) -> Result<i64, Error> {
    let UserReview { id, user, rating } = review;
    let user = user.0;
    let upsert = raw_sql!(
        Postgres,
        r#"WITH before AS (SELECT is_shown FROM user_reviews WHERE review_id = {id}),
           stored AS (INSERT INTO user_reviews (review_id, user_id, rating, is_shown) VALUES ({id}, {user}, {rating}, {is_shown})
                      ON CONFLICT (review_id) DO UPDATE SET is_shown = excluded.is_shown)
           SELECT ({is_shown}::boolean::integer - coalesce((SELECT is_shown::integer FROM before), 0))::bigint"#
    );
    let row = conn
        .query_one_raw(upsert)
        .await?
        .context("an upsert returned no row")?;
    Ok(row.try_get_by_index(0)?)
}
