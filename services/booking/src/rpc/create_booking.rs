//! `CreateBooking`: a guest requests a car for a period.
//!
//! The car is held at the vehicle service first, under the id of the future booking and outside any transaction. Then one
//! transaction stores the booking with the current terms and publishes `booking.requested`. A crash in between leaves a hold
//! that expires; a repeat under the same idempotency key has the same id and finds its hold. With the token of a quote its price,
//! policy and coupon count instead of the current ones. A coupon is redeemed in the transaction.
//!
//! Both run in a task that goes on when the caller leaves, so that a hold is never left behind by a cancelled call: one that
//! ends before the transaction begins is released, after that the booking is stored and a repeat gets it.

use std::time::Duration;

use anyhow::Context as _;
use carshare_chassis::request_context::RequestContext;
use carshare_chassis::rpc::CallContext;
use carshare_chassis::task;
use carshare_proto::booking::v1 as pb;
use carshare_proto::vehicle::v1::Vehicle;
use carshare_store::Tx;
use prost::Message as _;
use tokio::sync::oneshot;

use super::{authorization, convert, quote_token, rental_price};
use crate::domain::coupon::CouponCode;
use crate::domain::{
    Actor, Booking, BookingId, CancellationPolicy, Event, NewBooking, Party, Price, Quote, UserId,
};
use crate::error::Error;
use crate::events::publish;
use crate::guest_limits::{self, GuestLimits};
use crate::hold::{self, HoldRequest};
use crate::store::{bookings, coupon_redemptions};
use crate::{App, apply_change};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CreateBookingRequest,
) -> Result<pb::Booking, Error> {
    let guest = authorization::caller(&ctx)?;
    let creation = Creation {
        hold: HoldRequest {
            vehicle: convert::vehicle_id(&request.vehicle_id)?,
            guest,
            period: convert::period(request.start_datetime, request.end_datetime)?,
        },
        app: app.clone(),
        ctx,
        guest_message: request.guest_message,
        quote_token: request.quote_token,
        coupon: request.coupon_code.as_deref().map(CouponCode::new),
    };
    let (caller, answer) = oneshot::channel();
    let running = creation.run(caller);
    // The task keeps the deadline of the call: it has not been answered yet.
    match RequestContext::current() {
        Some(context) => task::spawn("create_booking", context.run(running)),
        None => task::spawn("create_booking", running),
    };
    let answered = answer.await.context("the creation of a booking panicked");
    answered.map_err(Error::internal)?
}

/// A call, owned by the task that completes it.
struct Creation {
    app: App,
    ctx: CallContext,
    hold: HoldRequest,
    guest_message: Option<String>,
    quote_token: Option<String>,
    coupon: Option<CouponCode>,
}

/// Quoted terms, or those of this moment.
struct Terms {
    price: Price,
    /// `None` for the one at the time of the insertion.
    policy: Option<CancellationPolicy>,
    /// Coupon in the price.
    coupon: Option<CouponCode>,
}

/// The waiting caller.
type Caller = oneshot::Sender<Result<pb::Booking, Error>>;

/// Why no booking was stored, and what became of its hold.
struct Failure {
    error: Error,
    hold: Hold,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// Was not placed.
    None,
    /// May exist, and is of use to a repeat with the same key.
    Repeatable,
    /// Is of no use.
    Useless,
}

impl Hold {
    /// Returns what becomes of a hold that was placed before the error.
    fn after(error: &Error) -> Self {
        if hold::is_definite(error) {
            Self::Useless
        } else {
            Self::Repeatable
        }
    }
}

impl Creation {
    /// Creates the booking and answers. Without a key no repeat can use the hold, so that of a failed call is released, and so
    /// is that of a caller who left. If the booking was committed after all, vehicle takes the car again on
    /// `booking.requested`.
    async fn run(self, caller: Caller) {
        let mut id = BookingId(self.app.db.resource_id(&self.ctx, self.hold.period.start()));
        let mut result = self.create(id, &caller).await;
        // What may be held under the first id is the car of the earlier booking.
        if matches!(&result, Err(failure) if matches!(failure.error, Error::IdTaken)) {
            id = BookingId(self.app.environment.ids.next());
            result = self.create(id, &caller).await;
        }
        let hold = result
            .as_ref()
            .map_or_else(|failure| failure.hold, |_| Hold::None);
        let has_left = caller.send(result.map_err(|failure| failure.error)).is_err();
        let is_kept = hold == Hold::Repeatable && self.ctx.idempotency.is_some() && !has_left;
        if hold != Hold::None && !is_kept {
            hold::release(&self.app, id);
        }
    }

    async fn create(&self, id: BookingId, caller: &Caller) -> Result<pb::Booking, Failure> {
        if self.hold.period.start() <= self.app.environment.clock.now() {
            return self.replay_or(Error::StartInPast, Hold::None).await;
        }
        let quote = match self.quote().await {
            Ok(quote) => quote,
            Err(error) => return self.replay_or(error, Hold::None).await,
        };
        let vehicle = match hold::place(&self.app, id, &self.hold).await {
            Ok(vehicle) => vehicle,
            Err(error) if hold::may_exist(&error) => return self.replay_or(error, Hold::Repeatable).await,
            Err(error) => return self.replay_or(error, Hold::None).await,
        };
        if caller.is_closed() {
            let error = anyhow::anyhow!("nobody waits for the booking");
            return self.replay_or(Error::internal(error), Hold::Useless).await;
        }
        let terms = match self.terms(&vehicle, quote).await {
            Ok(terms) => terms,
            // A coupon may be refused because the first call has redeemed it.
            Err(error) => {
                let hold = Hold::after(&error);
                return self.replay_or(error, hold).await;
            }
        };
        self.book(id, vehicle, terms).await.map_err(|error| Failure {
            hold: Hold::after(&error),
            error,
        })
    }

    /// Returns the stored reply of a repeat, which is the reply although the rental has begun or the car was released since
    /// then, or else the error.
    async fn replay_or(&self, error: Error, hold: Hold) -> Result<pb::Booking, Failure> {
        let found = self.app.db.find_reply(&self.ctx).await;
        match found.map_err(Error::from) {
            Ok(Some(booking)) => Ok(booking),
            Ok(None) => Err(Failure { error, hold }),
            Err(error) => Err(Failure { error, hold }),
        }
    }

    /// Returns the quote that the request refers to, if any. `QuoteInvalid` if the request has another coupon.
    async fn quote(&self) -> Result<Option<Quote>, Error> {
        let Some(token) = &self.quote_token else {
            return Ok(None);
        };
        let quote = quote_token::open(&self.app, &self.hold, token).await?;
        if self.coupon.is_some() && self.coupon != quote.coupon {
            return Err(Error::QuoteInvalid);
        }
        Ok(Some(quote))
    }

    /// Returns the quoted terms, or those of the held car.
    async fn terms(&self, vehicle: &Vehicle, quote: Option<Quote>) -> Result<Terms, Error> {
        if let Some(quote) = quote {
            return Ok(Terms {
                price: quote.price,
                policy: Some(quote.policy),
                coupon: quote.coupon,
            });
        }
        Ok(Terms {
            price: rental_price::calculate(&self.app, &self.hold, vehicle, self.coupon.as_ref()).await?,
            policy: None,
            coupon: self.coupon.clone(),
        })
    }

    /// Stores the booking with its terms, history and event.
    async fn book(&self, id: BookingId, vehicle: Vehicle, terms: Terms) -> Result<pb::Booking, Error> {
        let rules = &self.app.config.booking;
        let new = NewBooking {
            id,
            vehicle_id: self.hold.vehicle,
            guest_id: self.hold.guest,
            host_id: UserId::parse("owner_id", &vehicle.owner_id).map_err(Error::internal)?,
            period: self.hold.period,
            price: terms.price,
            policy: terms.policy,
            vehicle_snapshot: vehicle.encode_to_vec(),
            guest_message: self.guest_message.clone(),
            respond_within: rules.respond_within,
        };
        let insertion = Insertion {
            new,
            coupon: terms.coupon,
            pay_within: vehicle.instant_book.then_some(rules.pay_within),
        };
        let booking = self.store(insertion).await?;
        if vehicle.instant_book {
            self.confirm_hold(id);
        }
        Ok(booking)
    }

    /// Confirms the car of an approved booking at once. If that fails, vehicle does it on `booking.requested`.
    fn confirm_hold(&self, id: BookingId) {
        let app = self.app.clone();
        task::spawn("hold.confirm", async move {
            if let Err(error) = confirm_approved(&app, id).await {
                tracing::warn!(booking_id = %id, %error, "the hold of an instant booking is not confirmed yet");
            }
        });
    }

    /// Stores the booking within the limits of the guest. Payment is asked if only the limit of an unverified account refuses.
    async fn store(&self, insertion: Insertion) -> Result<pb::Booking, Error> {
        let (rules, guest) = (&self.app.config.booking, self.ctx.user()?);
        let (proven, full) = (GuestLimits::proven(rules, guest), GuestLimits::full(rules));
        match self.insert(insertion.clone(), proven).await {
            Err(Error::TooManyOpenRequests { limit }) if proven != full => {
                if !guest_limits::has_payment_method(&self.app, guest).await? {
                    return Err(Error::VerificationRequired { limit });
                }
                self.insert(insertion, full).await
            }
            stored => stored,
        }
    }

    async fn insert(&self, insertion: Insertion, limits: GuestLimits) -> Result<pb::Booking, Error> {
        self.app
            .db
            .idempotent(&self.ctx, "bookings.create", (insertion, limits), insert)
            .await
    }
}

async fn confirm_approved(app: &App, id: BookingId) -> Result<(), Error> {
    let booking = bookings::find(app.db.conn(), id).await?;
    hold::confirm(app, &booking.ok_or(Error::BookingNotFound)?).await
}

#[derive(Clone)]
struct Insertion {
    new: NewBooking,
    /// To be redeemed.
    coupon: Option<CouponCode>,
    /// Time to pay, if the car is offered without asking: the booking is approved at once.
    pay_within: Option<Duration>,
}

/// An instant booking is approved under the hold, which vehicle has just placed: nobody else can have the car while it lasts, and the
/// constraint over live bookings refuses a second one after it.
async fn insert(tx: &Tx, (insertion, limits): &(Insertion, GuestLimits)) -> Result<pb::Booking, Error> {
    let mut booking = Booking::request(insertion.new.clone(), tx.now());
    let guest = bookings::insert(tx.conn(), &mut booking, *limits).await?;
    if let Some(code) = &insertion.coupon {
        coupon_redemptions::insert(tx, &booking, code).await?;
    }
    publish::event(tx, &booking, Event::Requested)?;
    if let Some(pay_within) = insertion.pay_within {
        let change = booking.approve_instantly(pay_within, tx.now())?;
        let host = Actor::Person(Party::Host, booking.host_id);
        apply_change::update(tx, &mut booking, change, host).await?;
    }
    convert::booking(&booking, Some(guest), booking.guest_id)
}
