//! `SearchVehicles` does not tell where in its square of the map a car stands.

use carshare_proto::vehicle::v1::*;

use crate::harness::Harness;
use crate::harness::calls::near_gangnam;
use crate::kakao::CITY_HALL;
use crate::search::{TUESDAY, within};

/// Searches with small circles around many points of the square and with many radii around one point: what would reveal the place of a car
/// whose distance is compared exactly.
fn probes() -> Vec<SearchVehiclesRequest> {
    let circle = |lat: f64, lng: f64, radius: f64| SearchVehiclesRequest {
        lat: Some(lat),
        lng: Some(lng),
        radius: Some(radius),
        ..near_gangnam(TUESDAY)
    };
    let around = (0..24).map(|n| {
        circle(
            37.499 + f64::from(n) * 0.001,
            127.03 + f64::from(n % 5) * 0.002,
            0.05,
        )
    });
    let rings = (0..24).map(|n| circle(37.48, 127.02, 1.0 + f64::from(n) * 0.15));
    around.chain(rings).collect()
}

async fn replies(harness: &Harness) -> Vec<SearchVehiclesResponse> {
    let mut replies = Vec::new();
    for probe in probes() {
        replies.push(harness.search(probe).await.unwrap());
    }
    replies
}

#[tokio::test]
async fn searches_are_the_same_for_every_place_of_a_square() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let mut all = Vec::new();
    for (lat, lng) in [(37.500_1, 127.030_1), (37.509_9, 127.039_9), (37.505, 127.031)] {
        let moved = format!(
            "UPDATE vehicles SET location_lat = {lat}, location_lng = {lng} WHERE id = '{}'",
            car.id
        );
        harness.execute(&moved).await;
        all.push(replies(&harness).await);
    }
    let found = all[0].iter().filter(|reply| !reply.vehicles.is_empty()).count();
    assert!((5..probes().len()).contains(&found), "{found}");
    assert!(all.iter().all(|replies| *replies == all[0]));
    harness.finish().await;
}

#[tokio::test]
async fn search_is_ordered_by_the_exact_place() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (far, near) = (harness.car(host).await, harness.car(host).await);
    for (car, lat) in [(&far, 37.501), (&near, 37.509)] {
        let moved = format!("UPDATE vehicles SET location_lat = {lat} WHERE id = '{}'", car.id);
        harness.execute(&moved).await;
    }
    let north = SearchVehiclesRequest {
        lat: Some(37.52),
        ..within(5.0)
    };
    let found = harness.search(north).await.unwrap().vehicles;
    assert_eq!(found[0].distance_m, found[1].distance_m);
    assert_eq!([&found[0].id, &found[1].id], [&near.id, &far.id]);
    harness.finish().await;
}

/// The token continues after a car whose distance only the service computes.
#[tokio::test]
async fn page_token_has_no_distance() {
    let harness = Harness::start().await;
    let host = harness.host();
    let first = harness.car(host).await;
    let second = harness.car_at(host, CITY_HALL).await;
    let page = |token: &str, order: SearchOrder| SearchVehiclesRequest {
        page_size: 1,
        page_token: token.to_owned(),
        order_by: order.into(),
        ..within(20.0)
    };
    for order in [SearchOrder::DistanceAsc, SearchOrder::HourlyRateAsc] {
        let one = harness.search(page("", order)).await.unwrap();
        assert_eq!(one.vehicles[0].id, first.id);
        let moved = format!(
            "UPDATE vehicles SET location_lat = location_lat + 0.000001 WHERE id = '{}'",
            first.id
        );
        harness.execute(&moved).await;
        assert_eq!(
            harness.search(page("", order)).await.unwrap().next_page_token,
            one.next_page_token
        );
        let two = harness.search(page(&one.next_page_token, order)).await.unwrap();
        assert_eq!(
            (two.vehicles[0].id.as_str(), two.next_page_token.as_str()),
            (second.id.as_str(), "")
        );
    }
    harness.finish().await;
}
