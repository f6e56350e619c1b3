//! Bookings of an export, with what belongs to them.

use carshare_proto::auth::export::v1::export_record::Record;
use carshare_proto::booking::v1::{
    Booking, GetHandoverRequest, ListBookingChangesRequest, ListBookingClaimsRequest, ListBookingsRequest,
    ListCouponsRequest,
};

use super::{PAGE_SIZE, Page, Reader, answer};
use crate::error::Error;

impl Reader {
    /// Each booking is followed by its changes, handovers and claims.
    pub(super) async fn bookings(mut self, page_token: String) -> Result<Page, Error> {
        let request = ListBookingsRequest {
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let request = self.context.as_caller(request)?;
        let reply = answer(self.app.booking.list_bookings(request).await)?;
        let mut records = Vec::with_capacity(reply.bookings.len());
        for booking in reply.bookings {
            let parts = self.parts_of(&booking).await?;
            records.push(Record::Booking(booking));
            records.extend(parts);
        }
        Ok(Page {
            records,
            next_page_token: reply.next_page_token,
        })
    }

    pub(super) async fn coupons(mut self, page_token: String) -> Result<Page, Error> {
        let request = ListCouponsRequest {
            page_size: PAGE_SIZE,
            page_token,
        };
        let request = self.context.as_caller(request)?;
        let reply = answer(self.app.coupons.list_coupons(request).await)?;
        Ok(Page::new(reply.coupons, Record::Coupon, reply.next_page_token))
    }

    async fn parts_of(&mut self, booking: &Booking) -> Result<Vec<Record>, Error> {
        let request = ListBookingChangesRequest {
            booking_id: booking.id.clone(),
        };
        let changes = self.context.as_caller(request)?;
        let request = GetHandoverRequest {
            booking_id: booking.id.clone(),
        };
        let handover = self.context.as_caller(request)?;
        let request = ListBookingClaimsRequest {
            booking_id: booking.id.clone(),
        };
        let claims = self.context.as_caller(request)?;
        let (changes, handover, claims) = tokio::join!(
            self.app.booking_changes.list_booking_changes(changes),
            self.app.handovers.get_handover(handover),
            self.app.booking_claims.list_booking_claims(claims),
        );
        let changes = answer(changes)?.changes.into_iter();
        let handover = Some(answer(handover)?).filter(|handover| !handover.entries.is_empty());
        let records = changes.map(Record::BookingChange);
        let claims = answer(claims)?.claims.into_iter().map(Record::BookingClaim);
        Ok(records
            .chain(handover.map(Record::Handover))
            .chain(claims)
            .collect())
    }
}
