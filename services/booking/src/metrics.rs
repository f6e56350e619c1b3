//! Descriptions of the service's metrics, for `/metrics`.

use metrics::describe_counter;

pub(crate) fn describe() {
    describe_counter!(
        "booking_cars_lost_total",
        "Live bookings that lost their car, by state; expected to be 0."
    );
    describe_counter!(
        "booking_deadlines_total",
        "Bookings ended by a deadline: expired, payment_overdue, no_show, overdue."
    );
}
