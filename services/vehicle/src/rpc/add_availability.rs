//! `AddAvailability`: a host adds a rule to the opening hours. Existing bookings are not affected.

use carshare_chassis::Error as ChassisError;
use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert};
use crate::App;
use crate::domain::{AvailabilityId, Day, Effect, Rule, TimeOfDay, UserId, VehicleId};
use crate::error::{Error, Result};
use crate::store::availabilities::{self, Availability};

struct Addition {
    vehicle: VehicleId,
    owner: UserId,
    rule: Rule,
    max: u64,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::AddAvailabilityRequest,
) -> Result<pb::VehicleAvailability> {
    let addition = Addition {
        vehicle: VehicleId::parse("vehicle_id", &request.vehicle_id)?,
        owner: UserId(ctx.user()?.id),
        rule: rule(&request)?,
        max: app.config.availability.max_rules_per_vehicle,
    };
    app.db.idempotent(&ctx, "availabilities.add", addition, add).await
}

async fn add(tx: &Tx, addition: &Addition) -> Result<pb::VehicleAvailability> {
    let vehicle = authorization::lock(tx.conn(), addition.vehicle, addition.owner)
        .await?
        .id;
    if availabilities::count(tx.conn(), vehicle).await? >= addition.max {
        return Err(Error::TooManyRules { max: addition.max });
    }
    let added = Availability {
        id: AvailabilityId(tx.new_id()),
        vehicle,
        rule: addition.rule,
    };
    availabilities::insert(tx.conn(), &added, tx.now()).await?;
    Ok(convert::availability(added))
}

fn rule(request: &pb::AddAvailabilityRequest) -> Result<Rule> {
    Ok(Rule {
        day: day(request)?,
        start: time("start_time", &request.start_time)?,
        end: time("end_time", &request.end_time)?,
        effect: if request.is_blocked {
            Effect::Blocked
        } else {
            Effect::Open
        },
    })
}

/// Converts the day. The rules of the contract require exactly one of the two fields; they do not check the date.
fn day(request: &pb::AddAvailabilityRequest) -> Result<Day> {
    let weekday = request.day_of_week.and_then(|day| u8::try_from(day).ok());
    let date = request.specific_date.as_deref().unwrap_or_default();
    let refusal = || ChassisError::invalid("specific_date", "존재하지 않는 날짜입니다.", "is not a date");
    match weekday {
        Some(weekday) => Ok(Day::Weekly(weekday)),
        None => Ok(Day::Date(date.parse().map_err(|_| refusal())?)),
    }
}

fn time(field: &str, text: &str) -> Result<TimeOfDay> {
    let refusal = || ChassisError::invalid(field, "올바른 시각이 아닙니다.", "is not a time of day");
    Ok(text.parse().map_err(|_| refusal())?)
}
