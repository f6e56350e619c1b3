//! Table `availabilities`: the rules of the opening hours.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, QueryOrder as _};

use super::columns::Columns;
use crate::domain::{AvailabilityId, Day, Effect, OpeningHours, Rule, TimeOfDay, VehicleId};
use crate::error::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "availabilities")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub vehicle_id: Uuid,
    pub day_of_week: Option<i16>,
    pub specific_date: Option<ChronoDate>,
    pub start_minute: i16,
    pub end_minute: i16,
    pub is_blocked: bool,
    pub created_at: ChronoDateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A stored rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Availability {
    pub id: AvailabilityId,
    pub vehicle: VehicleId,
    pub rule: Rule,
}

pub async fn insert(conn: &impl ConnectionTrait, new: &Availability, now: DateTime<Utc>) -> Result<()> {
    let Rule {
        day,
        start,
        end,
        effect,
    } = new.rule;
    let (day_of_week, specific_date) = match day {
        Day::Weekly(weekday) => (Some(i16::from(weekday)), None),
        Day::Date(date) => (None, Some(date)),
    };
    let row = ActiveModel {
        id: Set(new.id.0),
        vehicle_id: Set(new.vehicle.0),
        day_of_week: Set(day_of_week),
        specific_date: Set(specific_date),
        start_minute: Set(start.minutes() as i16),
        end_minute: Set(end.minutes() as i16),
        is_blocked: Set(effect == Effect::Blocked),
        created_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

pub async fn count(conn: &impl ConnectionTrait, vehicle: VehicleId) -> Result<u64> {
    Ok(Entity::find()
        .filter(Column::VehicleId.eq(vehicle.0))
        .count(conn)
        .await?)
}

/// Lists the rules of a car: weekly rules before dated ones, each in the order of time.
pub async fn list(conn: &impl ConnectionTrait, vehicle: VehicleId) -> Result<Vec<Availability>> {
    let rows = Entity::find()
        .filter(Column::VehicleId.eq(vehicle.0))
        .order_by_asc(Column::DayOfWeek)
        .order_by_asc(Column::SpecificDate)
        .order_by_asc(Column::StartMinute)
        .order_by_asc(Column::Id);
    rows.all(conn).await?.into_iter().map(TryInto::try_into).collect()
}

/// Rules of a car `v`, as [`read_opening_hours`] expects them.
pub const RULES: &str = "ARRAY(SELECT ROW(a.day_of_week, a.specific_date, a.start_minute, a.end_minute, a.is_blocked) \
    FROM availabilities a WHERE a.vehicle_id = v.id)";

/// Reads the column [`RULES`].
pub fn read_opening_hours(columns: &mut Columns<'_>) -> Result<OpeningHours> {
    let rules: Vec<RuleColumns> = columns.read()?;
    let rules: Result<Vec<Rule>> = rules.into_iter().map(rule).collect();
    Ok(OpeningHours::new(rules?))
}

/// Deletes a rule of the car. Returns whether it existed.
pub async fn delete(conn: &impl ConnectionTrait, vehicle: VehicleId, id: AvailabilityId) -> Result<bool> {
    let rule = Entity::delete_many()
        .filter(Column::Id.eq(id.0))
        .filter(Column::VehicleId.eq(vehicle.0));
    Ok(rule.exec(conn).await?.rows_affected == 1)
}

/// Deletes the rules of a car.
pub async fn delete_all(conn: &impl ConnectionTrait, vehicle: VehicleId) -> Result<()> {
    let rules = Entity::delete_many().filter(Column::VehicleId.eq(vehicle.0));
    rules.exec(conn).await?;
    Ok(())
}

impl TryFrom<Model> for Availability {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: AvailabilityId(row.id),
            vehicle: VehicleId(row.vehicle_id),
            rule: rule((
                row.day_of_week,
                row.specific_date,
                row.start_minute,
                row.end_minute,
                row.is_blocked,
            ))?,
        })
    }
}

/// Weekday, date, start and end in minutes, and whether the rule blocks.
type RuleColumns = (Option<i16>, Option<ChronoDate>, i16, i16, bool);

fn rule((weekday, date, start, end, is_blocked): RuleColumns) -> Result<Rule> {
    let day = match (weekday, date) {
        (Some(weekday), None) => Day::Weekly(weekday as u8),
        (None, Some(date)) => Day::Date(date),
        _ => return Err(anyhow::anyhow!("a rule that is neither weekly nor dated").into()),
    };
    let time = |minute: i16| TimeOfDay::from_minutes(minute as u16).context("a rule with an invalid time");
    Ok(Rule {
        day,
        start: time(start)?,
        end: time(end)?,
        effect: if is_blocked { Effect::Blocked } else { Effect::Open },
    })
}
