//! Page tokens, page sizes and totals.

use carshare_proto::booking::v1::ListBookingsRequest;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::ListPaymentsRequest;

use super::*;

fn key() -> PageTokenKey {
    PageTokenKey::new(&[7; 32])
}

fn page(page_size: i32, page_token: &str, status: i32) -> PageRequest {
    let mut request = ListBookingsRequest {
        status,
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    PageRequest::take(&mut request, &key())
}

#[track_caller]
fn assert_refused(page: &PageRequest) {
    let refused = page.after::<8>().unwrap_err();
    assert!(refused.is(Common::InvalidArgument), "{page:?}");
    assert_eq!(refused.violations()[0].field, "page_token", "{page:?}");
}

#[test]
fn only_a_page_with_a_successor_has_a_token() {
    let page = page(2, "", 0);
    assert_eq!(page.limit(), 3);
    for (rows, items, next) in [
        (vec![], vec![], String::new()),
        (vec![9, 8], vec![9, 8], String::new()),
        (vec![9, 8, 7], vec![9, 8], page.token_after(&[8])),
    ] {
        let page = page.cut(rows, |row: &u8| [*row]);
        assert_eq!((page.items, page.next_page_token), (items, next));
    }
}

#[test]
fn page_size_is_fifty_unless_requested() {
    for (requested, size) in [(0, 50), (-1, 50), (1, 1), (100, 100)] {
        assert_eq!(page(requested, "", 0).size(), size, "{requested}");
    }
}

#[test]
fn token_is_valid_for_its_filter_and_any_page_size() {
    let key = [7, 0, 255, 62, 63, 1, 2, 3];
    let token = page(2, "", 1).token_after(&key);
    assert_eq!(page(3, &token, 1).after().unwrap(), Some(key));
    assert_eq!(page(2, "", 1).after::<8>().unwrap(), None);
    assert_refused(&page(2, &token, 2));
}

#[test]
fn token_is_bound_to_the_order_but_not_to_the_total() {
    let request = |order, include_total, page_token: &str| {
        let mut request = ListBookingsRequest {
            order_by: order,
            include_total,
            page_token: page_token.to_owned(),
            ..Default::default()
        };
        PageRequest::take(&mut request, &key())
    };
    let token = request(1, true, "").token_after(&[0; 8]);
    assert_eq!(request(1, false, &token).after().unwrap(), Some([0; 8]));
    assert_refused(&request(2, true, &token));
}

#[test]
fn token_is_bound_to_the_user() {
    let of = |user: u128, token: &str| page(2, token, 1).of_user(Uuid::from_u128(user));
    let token = of(1, "").token_after(&[0; 8]);
    assert_eq!(of(1, &token).after().unwrap(), Some([0; 8]));
    assert_refused(&of(2, &token));
    assert_refused(&page(2, &token, 1));
}

#[tokio::test]
async fn total_is_counted_on_request_only() {
    let mut request = ListBookingsRequest::default();
    let uncounted = PageRequest::take(&mut request, &key());
    let failing = || async { Err(invalid_page_token()) };
    assert_eq!(uncounted.total(failing()).await.unwrap(), None);
    request.include_total = true;
    let counted = PageRequest::take(&mut request, &key());
    assert_eq!(
        counted.total(async { Ok::<u64, Error>(7) }).await.unwrap(),
        Some(7)
    );
    let failed = counted.total(failing()).await;
    assert!(failed.unwrap_err().is(Common::InvalidArgument));
}

#[test]
fn sort_key_round_trips() {
    for number in [i64::MIN, -1, 0, 12_000, i64::MAX] {
        let key = SortKey {
            number,
            id: Uuid::from_u128(0x0190_c0de << 96),
        };
        assert_eq!(SortKey::decode(key.encode()), key);
    }
}

#[test]
fn token_of_another_list_is_refused() {
    let token = page(2, "", 0).token_after(&[0; 8]);
    let mut request = ListPaymentsRequest {
        page_token: token,
        ..Default::default()
    };
    assert_refused(&PageRequest::take(&mut request, &key()));
}

#[test]
fn token_of_another_service_is_refused() {
    let mut request = ListBookingsRequest::default();
    let other = PageRequest::take(&mut request, &PageTokenKey::new(&[8; 32]));
    assert_refused(&page(0, &other.token_after(&[0; 8]), 0));
}

#[test]
fn token_with_a_changed_bit_is_refused() {
    let issued = URL_SAFE_NO_PAD
        .decode(page(0, "", 0).token_after(&[0; 8]))
        .unwrap();
    for bit in 0..issued.len() * 8 {
        let mut changed = issued.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_refused(&page(0, &URL_SAFE_NO_PAD.encode(changed), 0));
    }
}

#[test]
fn malformed_tokens_are_refused() {
    let longer = page(0, "", 0).token_after(&[0; 9]);
    for wrong in [
        "x",
        "AAAA",
        "!!!!!!!!!!!",
        "한글",
        "AAAAAAAAAAA=",
        longer.as_str(),
    ] {
        assert_refused(&page(0, wrong, 0));
    }
}
