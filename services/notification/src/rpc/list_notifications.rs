//! `ListNotifications`: the caller's feed, newest first.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carshare_chassis::rpc::Context;
use carshare_proto::notification::v1 as pb;

use super::convert;
use crate::App;
use crate::error::Error;
use crate::store::notifications;

const DEFAULT_PAGE: i32 = 50;

/// Pages by the place in the feed: rows written meanwhile shift nothing.
pub(super) async fn handle(
    app: &App,
    ctx: Context,
    request: pb::ListNotificationsRequest,
) -> Result<pb::ListNotificationsResponse, Error> {
    let user = ctx.user()?;
    let before = page_start(&request.page_token)?;
    let size = if request.page_size == 0 {
        DEFAULT_PAGE
    } else {
        request.page_size
    };
    let size = usize::try_from(size).unwrap_or(1);
    let mut rows = notifications::list(
        app.db.read(),
        user.id,
        request.unread_only,
        before,
        size as u64 + 1,
    )
    .await?;
    let more = rows.len() > size;
    rows.truncate(size);
    let next_page_token = match rows.last() {
        Some(last) if more => URL_SAFE_NO_PAD.encode(last.seq.to_be_bytes()),
        _ => String::new(),
    };
    let notifications = rows.into_iter().map(convert::notification).collect();
    Ok(pb::ListNotificationsResponse {
        notifications,
        next_page_token,
    })
}

fn page_start(token: &str) -> Result<Option<i64>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    let refusal = || {
        carshare_chassis::Error::invalid(
            "page_token",
            "이전 응답의 페이지 토큰이 아닙니다.",
            "is not a page token of an earlier answer",
        )
    };
    Ok(Some(i64::from_be_bytes(bytes.ok_or_else(refusal)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_round_trips_and_garbage_is_refused() {
        let token = URL_SAFE_NO_PAD.encode(42_i64.to_be_bytes());
        assert_eq!(page_start(&token).expect("a token"), Some(42));
        assert_eq!(page_start("").expect("the first page"), None);
        for garbage in ["x", "AAAA", "!!!!!!!!!!!", "AAAAAAAAAAAAAAAAAAAA"] {
            assert!(page_start(garbage).is_err(), "{garbage}");
        }
    }
}
