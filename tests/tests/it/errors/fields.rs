//! Requests with invalid fields: the error names every one of them, and no handler runs.

mod bookings;
mod cars;

use carshare_sandbox::Provider;
use serde_json::json;

use super::case::Clients;
use crate::harness::{Guest, Host, mesh};

#[tokio::test(flavor = "multi_thread")]
async fn every_invalid_field_is_named_and_no_provider_is_called() {
    let mesh = mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
    let clients = Clients::of(&mesh).await;
    let (host_of, guest_of) = (Some(&host.rest), Some(&guest.rest));
    for (who, (case, faults)) in [
        (None, cars::register()),
        (None, cars::search()),
        (host_of, cars::vehicle()),
        (host_of, cars::image()),
        (host_of, cars::opening_hours()),
        (guest_of, bookings::empty_booking()),
        (guest_of, bookings::short_booking()),
        (guest_of, bookings::read_booking()),
        (host_of, bookings::list(-1, "", &[("page_size", "INT32_GTE_LTE")])),
        (host_of, bookings::list(0, "garbage", &[("page_token", "")])),
        (guest_of, bookings::payment()),
        (guest_of, bookings::device()),
        (host_of, bookings::read_notification()),
    ] {
        let info = case.expect_error(&clients, who, "COMMON001").await;
        assert_eq!(info.violations(), faults, "{case:?}");
    }
    for provider in [Provider::Kakao, Provider::Toss] {
        assert_eq!(mesh.sandbox().request_count(provider, ""), 0);
    }
    assert_eq!(guest.rest.get("/v1/bookings").await.ok(200), json!([]));
}
