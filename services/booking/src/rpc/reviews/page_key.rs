//! The sort key of a review in a page token.

use carshare_chassis::pagination::{self, PageRequest, SortKey};
use chrono::DateTime;

use crate::domain::ReviewId;
use crate::error::Error;
use crate::store::reviews::ReviewKey;

/// Returns the key after which a page starts. `INVALID_ARGUMENT` for a token that this list has not issued.
pub fn after(page: &PageRequest) -> Result<Option<ReviewKey>, Error> {
    page.after()?.map(decode).transpose()
}

pub fn encode(key: ReviewKey) -> [u8; SortKey::LEN] {
    let number = key.time.timestamp_micros();
    SortKey { number, id: key.id.0 }.encode()
}

fn decode(bytes: [u8; SortKey::LEN]) -> Result<ReviewKey, Error> {
    let key = SortKey::decode(bytes);
    let time = DateTime::from_timestamp_micros(key.number).ok_or_else(pagination::invalid_page_token)?;
    Ok(ReviewKey {
        time,
        id: ReviewId(key.id),
    })
}
