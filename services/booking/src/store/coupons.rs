//! Table `coupons`. Redemptions count in [`coupon_redemptions`](super::coupon_redemptions).

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{
    ConnectionTrait, FromQueryResult, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, raw_sql,
};

use crate::domain::coupon::CouponCode;
use crate::domain::price::CouponTerms;
use crate::domain::{Coupon, CouponId, UserId, VehicleId};
use crate::error::Error;

/// Under this host the platform's coupons are stored.
const PLATFORM: Uuid = Uuid::nil();

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "coupons")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub code: String,
    pub id: Uuid,
    pub host_id: Uuid,
    pub percent: Option<i32>,
    pub amount_krw: Option<i64>,
    pub min_price_krw: i64,
    pub valid_from: DateTimeUtc,
    pub valid_until: DateTimeUtc,
    pub max_redemptions: Option<i32>,
    pub redeemed: i32,
    pub vehicle_id: Option<Uuid>,
    pub guest_id: Option<Uuid>,
    pub disabled_at: Option<DateTimeUtc>,
    pub created_by: Uuid,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A coupon as a guest finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub coupon: Coupon,
    /// Whether the guest has redeemed it.
    pub is_redeemed: bool,
}

/// Key of a coupon in [`list`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CouponKey {
    pub created_at: DateTime<Utc>,
    pub id: CouponId,
}

/// Finds a coupon for a guest.
pub async fn find(
    conn: &impl ConnectionTrait,
    code: &CouponCode,
    guest: UserId,
) -> Result<Option<Found>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        #[sea_orm(nested)]
        coupon: Model,
        is_redeemed: bool,
    }
    let code = code.as_str();
    let find = raw_sql!(
        Postgres,
        r#"SELECT c.*, EXISTS (SELECT FROM coupon_redemptions r
                               WHERE r.code = c.code AND r.guest_id = {guest.0} AND r.released_at IS NULL) AS is_redeemed
           FROM coupons c WHERE c.code = {code}"#
    );
    let row = Row::find_by_statement(find).one(conn).await?;
    row.map(|row| {
        Ok(Found {
            coupon: coupon(row.coupon)?,
            is_redeemed: row.is_redeemed,
        })
    })
    .transpose()
}

/// Of which coupons a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Host(UserId),
    /// Those that only this guest can redeem.
    Guest(UserId),
    /// Those of the platform that everybody can redeem.
    Platform,
}

/// Lists the coupons of an owner, newest first.
pub async fn list(
    conn: &impl ConnectionTrait,
    owner: Owner,
    after: Option<CouponKey>,
    limit: u64,
) -> Result<Vec<Coupon>, Error> {
    let mut query = match owner {
        Owner::Host(host) => Entity::find().filter(Column::HostId.eq(host.0)),
        Owner::Guest(guest) => Entity::find().filter(Column::GuestId.eq(guest.0)),
        Owner::Platform => Entity::find()
            .filter(Column::HostId.eq(PLATFORM))
            .filter(Column::GuestId.is_null()),
    };
    if let Some(CouponKey { created_at, id }) = after {
        let key = Expr::tuple([Expr::col(Column::CreatedAt), Expr::col(Column::Id)]);
        query = query.filter(key.lt(Expr::tuple([Expr::value(created_at), Expr::value(id.0)])));
    }
    let page = query
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit);
    page.all(conn).await?.into_iter().map(coupon).collect()
}

/// Inserts a coupon. A taken code violates `coupons_pkey`.
pub async fn insert(conn: &impl ConnectionTrait, coupon: &Coupon) -> Result<(), Error> {
    Entity::insert(model(coupon).into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Disables a coupon of a host, or one of the platform, and returns it; one that is disabled stays as it is.
pub async fn disable(
    conn: &impl ConnectionTrait,
    code: &CouponCode,
    host: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Option<Coupon>, Error> {
    let since = Func::coalesce([Expr::col(Column::DisabledAt), Expr::value(now)]);
    let disabled = Entity::update_many()
        .col_expr(Column::DisabledAt, since.into())
        .filter(Column::Code.eq(code.as_str()))
        .filter(Column::HostId.eq(stored_host(host)))
        .exec_with_returning(conn)
        .await?;
    disabled.into_iter().next().map(coupon).transpose()
}

fn stored_host(host: Option<UserId>) -> Uuid {
    host.map_or(PLATFORM, |host| host.0)
}

/// Converts a row. One that does not convert is a defect.
fn coupon(row: Model) -> Result<Coupon, Error> {
    let code = row.code.clone();
    read(row)
        .with_context(|| format!("row of coupon {code}"))
        .map_err(Error::internal)
}

fn read(row: Model) -> anyhow::Result<Coupon> {
    let host_id = (row.host_id != PLATFORM).then_some(UserId(row.host_id));
    let terms = match (host_id, row.percent, row.amount_krw) {
        (Some(_), Some(percent), None) => CouponTerms::HostPercent(percent),
        (Some(_), None, Some(amount_krw)) => CouponTerms::HostAmount(amount_krw),
        (None, None, Some(amount_krw)) => CouponTerms::PlatformAmount(amount_krw),
        _ => bail!("percent {:?} and amount {:?}", row.percent, row.amount_krw),
    };
    Ok(Coupon {
        id: CouponId(row.id),
        code: CouponCode::new(&row.code),
        host_id,
        terms,
        min_price_krw: row.min_price_krw,
        valid_from: row.valid_from,
        valid_until: row.valid_until,
        max_redemptions: row.max_redemptions,
        redeemed: row.redeemed,
        vehicle_id: row.vehicle_id.map(VehicleId),
        guest_id: row.guest_id.map(UserId),
        disabled_at: row.disabled_at,
        created_by: UserId(row.created_by),
        created_at: row.created_at,
    })
}

fn model(coupon: &Coupon) -> Model {
    let (percent, amount_krw) = match coupon.terms {
        CouponTerms::HostPercent(percent) => (Some(percent), None),
        CouponTerms::HostAmount(amount_krw) | CouponTerms::PlatformAmount(amount_krw) => {
            (None, Some(amount_krw))
        }
    };
    Model {
        code: coupon.code.to_string(),
        id: coupon.id.0,
        host_id: stored_host(coupon.host_id),
        percent,
        amount_krw,
        min_price_krw: coupon.min_price_krw,
        valid_from: coupon.valid_from,
        valid_until: coupon.valid_until,
        max_redemptions: coupon.max_redemptions,
        redeemed: coupon.redeemed,
        vehicle_id: coupon.vehicle_id.map(|vehicle| vehicle.0),
        guest_id: coupon.guest_id.map(|guest| guest.0),
        disabled_at: coupon.disabled_at,
        created_by: coupon.created_by.0,
        created_at: coupon.created_at,
    }
}
