//! Descriptions of the service's metrics, for `/metrics`.

use metrics::{describe_counter, describe_gauge};

pub(crate) fn describe() {
    describe_counter!(
        "booking_cars_lost_total",
        "Live bookings that lost their car, by state; expected to be 0."
    );
    describe_gauge!(
        "bookings_live",
        "Bookings that have not ended, by state, at the last count; NaN when another process has counted since."
    );
    describe_counter!(
        "booking_deadlines_total",
        "Bookings ended by a deadline: expired, payment_overdue, no_show, overdue. Changes of bookings closed by one: change_expired, \
         change_payment_failed, change_cancelled."
    );
}
