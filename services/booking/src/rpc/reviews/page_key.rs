//! The sort key of a review in a page token.

use carshare_chassis::pagination::{PageRequest, SortKey};

use crate::domain::ReviewId;
use crate::error::Error;
use crate::rpc::time_key;
use crate::store::reviews::ReviewKey;

/// Returns the key after which a page starts. `INVALID_ARGUMENT` for a token that this list has not issued.
pub fn after(page: &PageRequest) -> Result<Option<ReviewKey>, Error> {
    page.after()?.map(decode).transpose()
}

pub fn encode(key: ReviewKey) -> [u8; SortKey::LEN] {
    time_key::encode(key.time, key.id.0)
}

fn decode(bytes: [u8; SortKey::LEN]) -> Result<ReviewKey, Error> {
    let (time, id) = time_key::decode(bytes)?;
    Ok(ReviewKey {
        time,
        id: ReviewId(id),
    })
}
