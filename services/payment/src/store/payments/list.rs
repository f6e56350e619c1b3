//! Lists of payments: filter, order and count.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, Order, QueryOrder as _, QuerySelect as _};

use super::{Column, Entity};
use crate::domain::ids::{BookingId, GuestId, HostId, PaymentId};
use crate::domain::payment::{Payment, State};
use crate::error::Error;

/// Whose payments to list.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    Guest(GuestId),
    Host(HostId),
}

/// The payments of an owner to list; `None` matches all.
#[derive(Clone, Debug)]
pub struct PaymentFilter {
    pub owner: Owner,
    /// Any of them; all if empty.
    pub states: Vec<State>,
    pub booking: Option<BookingId>,
    /// Bounds of the approval of the booking, the first inclusive.
    pub created_from: Option<DateTime<Utc>>,
    pub created_before: Option<DateTime<Utc>>,
}

/// Order of a list. Ids begin with the time of the approval.
#[derive(Clone, Copy, Debug)]
pub enum PaymentOrder {
    Newest,
    Oldest,
}

/// Lists up to `limit` payments after `after`.
pub async fn list(
    conn: &impl ConnectionTrait,
    filter: &PaymentFilter,
    order: PaymentOrder,
    after: Option<PaymentId>,
    limit: u64,
) -> Result<Vec<Payment>, Error> {
    let direction = match order {
        PaymentOrder::Newest => Order::Desc,
        PaymentOrder::Oldest => Order::Asc,
    };
    let mut page = select(filter).order_by(Column::Id, direction).limit(limit);
    if let Some(after) = after {
        page = page.filter(match order {
            PaymentOrder::Newest => Column::Id.lt(after.0),
            PaymentOrder::Oldest => Column::Id.gt(after.0),
        });
    }
    page.all(conn).await?.into_iter().map(Payment::try_from).collect()
}

pub async fn count(conn: &impl ConnectionTrait, filter: &PaymentFilter) -> Result<u64, Error> {
    Ok(select(filter).count(conn).await?)
}

fn select(filter: &PaymentFilter) -> Select<Entity> {
    let owner = match filter.owner {
        Owner::Guest(id) => Column::GuestId.eq(id.0),
        Owner::Host(id) => Column::HostId.eq(id.0),
    };
    let states = filter.states.iter().map(|state| state.as_str());
    let conditions = [
        (!filter.states.is_empty()).then(|| Column::State.is_in(states)),
        filter.booking.map(|booking| Column::BookingId.eq(booking.0)),
        filter.created_from.map(|time| Column::CreatedAt.gte(time)),
        filter.created_before.map(|time| Column::CreatedAt.lt(time)),
    ];
    let mut query = Entity::find().filter(owner);
    for condition in conditions.into_iter().flatten() {
        query = query.filter(condition);
    }
    query
}
