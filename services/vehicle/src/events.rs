//! What the service tells others and what it hears from them.

mod on_booking;
pub mod publish;

use carshare_chassis::config::Redis;
use carshare_store::{Consumer, Db};

use crate::NAME;

/// The consumer of everything this service listens to.
pub fn consumer(db: &Db, redis: &Redis) -> Consumer {
    let consumer = Consumer::new(db, redis, NAME)
        .on("booking", on_booking::requested)
        .on("booking", on_booking::rejected)
        .on("booking", on_booking::expired)
        .on("booking", on_booking::cancelled)
        .on("booking", on_booking::completed);
    carshare_profiles::subscribe(consumer)
}
