//! `ExportMyData`: streams everything that the caller can read about themselves, as they read it: by the lists of this service, and by those of
//! the others with the caller's access token. So it needs no rights of its own, and it ends when the token does.
//!
//! One page is in memory, and the next one is read when the client has taken it.

mod bookings;

use carshare_chassis::Error as ChassisError;
use carshare_chassis::identity::Role;
use carshare_chassis::proto_types::timestamp;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::export::v1::export_record::Record;
use carshare_proto::auth::export::v1::{ExportEnd, ExportMyDataRequest, ExportRecord};
use carshare_proto::auth::v1::{GetMeRequest, ListSecurityEventsRequest, ListSessionsRequest};
use carshare_proto::booking::v1::{ListUserReviewsRequest, ReviewDirection};
use carshare_proto::notification::v1::{ListDevicesRequest, ListNotificationsRequest};
use carshare_proto::payment::v1 as payment;
use carshare_proto::vehicle::v1::{ListAvailabilityRequest, ListMyVehiclesRequest, Vehicle};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use tonic::{Response, Status};

use super::{get_me, list_security_events, list_sessions};
use crate::App;
use crate::error::Error;

/// Items read at a time.
const PAGE_SIZE: i32 = 100;

pub(super) async fn handle(
    app: &App,
    context: CallContext,
    _request: ExportMyDataRequest,
) -> Result<impl Stream<Item = Result<ExportRecord, Error>> + Send + 'static, Error> {
    let role = context.user()?.role;
    let account = get_me::handle(app, context.clone(), GetMeRequest {}).await?;
    let reader = Reader {
        app: app.clone(),
        context,
    };
    let mut parts = vec![
        stream::iter([Ok(Record::Account(account))]).boxed(),
        list(&reader, Reader::sessions),
        list(&reader, Reader::security_events),
    ];
    if role == Role::Host {
        parts.push(list(&reader, Reader::vehicles));
    }
    parts.push(list(&reader, Reader::bookings));
    parts.push(list(&reader, Reader::reviews_written));
    parts.push(list(&reader, Reader::reviews_received));
    parts.push(list(&reader, Reader::coupons));
    parts.push(list(&reader, Reader::payments));
    match role {
        Role::Host => parts.push(list(&reader, Reader::settlements)),
        Role::Guest => parts.push(list(&reader, Reader::payment_methods)),
        Role::Admin | Role::Unenrolled => {}
    }
    parts.push(list(&reader, Reader::notifications));
    parts.push(list(&reader, Reader::devices));
    Ok(with_end(app, stream::iter(parts).flatten().boxed()))
}

type Records = BoxStream<'static, Result<Record, Error>>;

/// Returns the records and, if none of them is an error, the end.
fn with_end(app: &App, records: Records) -> impl Stream<Item = Result<ExportRecord, Error>> + Send + use<> {
    let clock = app.db.environment().clock.clone();
    stream::try_unfold((Some(records), 0), move |(records, count)| {
        let clock = clock.clone();
        async move {
            let Some(mut records) = records else {
                return Ok(None);
            };
            let (record, rest) = if let Some(record) = records.try_next().await? {
                (record, (Some(records), count + 1))
            } else {
                let end = ExportEnd {
                    record_count: count,
                    exported_at: Some(timestamp(clock.now())),
                };
                (Record::End(end), (None, count))
            };
            let record = ExportRecord { record: Some(record) };
            Ok(Some((record, rest)))
        }
    })
}

/// Records of one page of a list.
struct Page {
    records: Vec<Record>,
    next_page_token: String,
}

impl Page {
    fn new<T>(items: Vec<T>, record: fn(T) -> Record, next_page_token: String) -> Self {
        Self {
            records: items.into_iter().map(record).collect(),
            next_page_token,
        }
    }

    fn last<T>(items: Vec<T>, record: fn(T) -> Record) -> Self {
        Self::new(items, record, String::new())
    }
}

/// Returns the records of a list, of which `read` returns the page with a token.
fn list<F>(reader: &Reader, read: fn(Reader, String) -> F) -> Records
where
    F: Future<Output = Result<Page, Error>> + Send + 'static,
{
    let reader = reader.clone();
    let pages = stream::try_unfold(Some(String::new()), move |page_token| {
        let reader = reader.clone();
        async move {
            let Some(page_token) = page_token else {
                return Ok(None);
            };
            let page = read(reader, page_token).await?;
            let next = Some(page.next_page_token).filter(|token| !token.is_empty());
            let records = page.records.into_iter().map(Ok::<_, Error>);
            Ok::<_, Error>(Some((stream::iter(records), next)))
        }
    });
    pages.try_flatten().boxed()
}

/// Reads lists as the caller.
#[derive(Clone)]
struct Reader {
    app: App,
    context: CallContext,
}

impl Reader {
    async fn sessions(self, page_token: String) -> Result<Page, Error> {
        let request = ListSessionsRequest {
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let reply = list_sessions::handle(&self.app, self.context, request).await?;
        Ok(Page::new(reply.sessions, Record::Session, reply.next_page_token))
    }

    async fn security_events(self, page_token: String) -> Result<Page, Error> {
        let request = ListSecurityEventsRequest {
            page_size: PAGE_SIZE,
            page_token,
        };
        let reply = list_security_events::handle(&self.app, self.context, request).await?;
        let token = reply.next_page_token;
        Ok(Page::new(reply.security_events, Record::SecurityEvent, token))
    }

    /// Each car is followed by its opening hours.
    async fn vehicles(mut self, page_token: String) -> Result<Page, Error> {
        let request = ListMyVehiclesRequest {
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let request = self.context.as_caller(request)?;
        let reply = answer(self.app.vehicle.list_my_vehicles(request).await)?;
        let mut records = Vec::with_capacity(reply.vehicles.len());
        for vehicle in reply.vehicles {
            let rules = self.availability(&vehicle).await?;
            records.push(Record::Vehicle(vehicle));
            records.extend(rules);
        }
        Ok(Page {
            records,
            next_page_token: reply.next_page_token,
        })
    }

    async fn availability(&mut self, vehicle: &Vehicle) -> Result<Vec<Record>, Error> {
        let request = ListAvailabilityRequest {
            vehicle_id: vehicle.id.clone(),
        };
        let request = self.context.as_caller(request)?;
        let reply = answer(self.app.vehicle.list_availability(request).await)?;
        Ok(reply.availability.into_iter().map(Record::Availability).collect())
    }

    async fn reviews_written(self, page_token: String) -> Result<Page, Error> {
        self.reviews(ReviewDirection::Written, page_token).await
    }

    async fn reviews_received(self, page_token: String) -> Result<Page, Error> {
        self.reviews(ReviewDirection::Received, page_token).await
    }

    async fn reviews(mut self, direction: ReviewDirection, page_token: String) -> Result<Page, Error> {
        let request = ListUserReviewsRequest {
            user_id: None,
            page_size: PAGE_SIZE,
            page_token,
            direction: direction.into(),
        };
        let request = self.context.as_caller(request)?;
        let reply = answer(self.app.reviews.list_user_reviews(request).await)?;
        Ok(Page::new(reply.reviews, Record::Review, reply.next_page_token))
    }

    async fn payments(mut self, page_token: String) -> Result<Page, Error> {
        let request = payment::ListPaymentsRequest {
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let request = self.context.as_caller(request)?;
        let reply = answer(self.app.payment.list_payments(request).await)?;
        Ok(Page::new(reply.payments, Record::Payment, reply.next_page_token))
    }

    async fn settlements(mut self, page_token: String) -> Result<Page, Error> {
        let request = payment::ListSettlementsRequest {
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let request = self.context.as_caller(request)?;
        let reply = answer(self.app.settlements.list_settlements(request).await)?;
        let token = reply.next_page_token;
        Ok(Page::new(reply.settlements, Record::Settlement, token))
    }

    async fn payment_methods(mut self, _: String) -> Result<Page, Error> {
        let request = self.context.as_caller(payment::ListPaymentMethodsRequest {})?;
        let reply = answer(self.app.payment.list_payment_methods(request).await)?;
        Ok(Page::last(reply.payment_methods, Record::PaymentMethod))
    }

    async fn notifications(mut self, page_token: String) -> Result<Page, Error> {
        let request = ListNotificationsRequest {
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let request = self.context.as_caller(request)?;
        let reply = answer(self.app.notification.list_notifications(request).await)?;
        let token = reply.next_page_token;
        Ok(Page::new(reply.notifications, Record::Notification, token))
    }

    async fn devices(mut self, _: String) -> Result<Page, Error> {
        let request = self.context.as_caller(ListDevicesRequest {})?;
        let reply = answer(self.app.notification.list_devices(request).await)?;
        Ok(Page::last(reply.devices, Record::Device))
    }
}

/// Returns the reply to a call as the caller.
fn answer<M>(reply: Result<Response<M>, Status>) -> Result<M, Error> {
    let reply = reply.map_err(ChassisError::from_status_of_caller)?;
    Ok(reply.into_inner())
}
