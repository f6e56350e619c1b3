//! JSON of the documents of both endpoints. Their fields differ, as they do at Kakao.

use serde_json::{Value, json};

use super::addresses::{Lot, Match, Place, Road, long_form};

/// Returns an entry of `documents` for the address search.
pub(super) fn found(place: &Place, by: Match) -> Value {
    let (address_type, address_name) = match (by, &place.road) {
        (Match::Road, Some(road)) => ("ROAD_ADDR", road.name()),
        (Match::Region, _) => ("REGION", place.lot.name()),
        _ => ("REGION_ADDR", place.lot.name()),
    };
    json!({
        "address_name": address_name,
        "address_type": address_type,
        "x": place.x,
        "y": place.y,
        "address": full_lot(place),
        "road_address": place.road.as_ref().map(|road| full_road(place, road)),
    })
}

/// Returns the entry of `documents` for reverse geocoding: without codes and coordinates, with the long name of the province.
pub(super) fn nearest(place: &Place) -> Value {
    let mut address = lot_names(&place.lot);
    address["zip_code"] = json!("");
    let road = place.road.as_ref().map(|road| {
        let mut value = road_names(road);
        value["address_name"] = json!(road.name_in(long_form(&road.region_1depth_name)));
        value
    });
    json!({ "road_address": road, "address": address })
}

fn full_lot(place: &Place) -> Value {
    let mut value = lot_names(&place.lot);
    value["region_3depth_h_name"] = json!(place.lot.region_3depth_h_name);
    value["h_code"] = json!(place.lot.h_code);
    value["b_code"] = json!(place.lot.b_code);
    value["x"] = json!(place.x);
    value["y"] = json!(place.y);
    value
}

fn full_road(place: &Place, road: &Road) -> Value {
    let mut value = road_names(road);
    value["x"] = json!(road.x.as_ref().unwrap_or(&place.x));
    value["y"] = json!(road.y.as_ref().unwrap_or(&place.y));
    value
}

fn lot_names(lot: &Lot) -> Value {
    json!({
        "address_name": lot.name(),
        "region_1depth_name": lot.region_1depth_name,
        "region_2depth_name": lot.region_2depth_name,
        "region_3depth_name": lot.region_3depth_name,
        "mountain_yn": if lot.mountain { "Y" } else { "N" },
        "main_address_no": lot.main_address_no,
        "sub_address_no": lot.sub_address_no,
    })
}

fn road_names(road: &Road) -> Value {
    json!({
        "address_name": road.name(),
        "region_1depth_name": road.region_1depth_name,
        "region_2depth_name": road.region_2depth_name,
        "region_3depth_name": road.region_3depth_name,
        "road_name": road.road_name,
        "underground_yn": "N",
        "main_building_no": road.main_building_no,
        "sub_building_no": road.sub_building_no,
        "building_name": road.building_name,
        "zone_no": road.zone_no,
    })
}
