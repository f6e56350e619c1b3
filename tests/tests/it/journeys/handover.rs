//! Pickup of a car over REST: photos as a form and as JSON, report and confirmation.

use chrono::TimeDelta;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::harness::{Guest, Host, Response, Rest, mesh_with_manual_clock, next_slot, photo};

const ANGLES: [&str; 6] = ["front", "rear", "left", "right", "interior", "dashboard"];

fn form(angle: &'static str, content_type: &str, file: Vec<u8>) -> Form {
    let file = Part::bytes(file).file_name("사진.png").mime_str(content_type);
    Form::new()
        .text("phase", "pickup")
        .text("angle", angle)
        .part("file", file.expect("a content type"))
}

async fn upload(rest: &Rest, booking: &str, form: Form) -> Response {
    let request = rest.request(Method::POST, &format!("/v1/bookings/{booking}/photos"));
    Response::of(request.multipart(form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pickup_is_recorded_by_forms_and_confirmed() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let car = host.car().await;
    let slot = next_slot(mesh.now());
    let id = guest.request(&car, slot).await;
    host.approve(&id).await.ok(200);
    guest.confirmed(&id).await;
    clock.set(slot.start - TimeDelta::minutes(30));
    let (host_rest, guest_rest) = (host.sign_in().await, guest.sign_in().await);

    for angle in ANGLES {
        let uploaded = upload(&guest_rest, &id, form(angle, "image/png", photo()))
            .await
            .ok(201);
        assert_eq!(
            (&uploaded["angle"], &uploaded["party"]),
            (&json!(angle), &json!("guest"))
        );
    }
    let wrong = upload(&guest_rest, &id, form("front", "image/gif", photo())).await;
    let problem = wrong.expect_error(400, "COMMON001");
    assert_eq!(problem["errors"][0]["field"], "content_type");
    upload(&guest_rest, &id, form("front", "image/png", vec![0; 3 << 20]))
        .await
        .expect_error(409, "BOOKING032");
    upload(&guest_rest, &id, form("front", "image/png", vec![0; 4 << 20]))
        .await
        .expect_error(413, "COMMON009");

    let path = format!("/v1/bookings/{id}/handover");
    let report = json!({ "phase": "pickup", "odometer_km": 12_345, "energy_percent": 80 });
    let report = guest_rest.put(&path, &report).await.ok(200);
    let seen = host_rest.get(&path).await.ok(200);
    assert_eq!(seen["pickup_record"]["report_sha256"], report["sha256"]);
    let confirmation =
        json!({ "phase": "pickup", "report_sha256": report["sha256"], "damage_notes": "앞 범퍼 흠집" });
    host_rest
        .put(&format!("{path}/confirm"), &confirmation)
        .await
        .ok(200);
    let seen = guest_rest.get(&path).await.ok(200);
    assert_eq!(
        (&seen["is_intact"], &seen["pickup_record"]["is_final"]),
        (&json!(true), &json!(true))
    );
    let booking = guest_rest.get(&format!("/v1/bookings/{id}")).await.ok(200);
    let shown: Vec<&Value> = booking["pickup_photos"]
        .as_array()
        .expect("photos")
        .iter()
        .collect();
    assert_eq!(shown.len(), ANGLES.len());
    let url = shown[0]["url"].as_str().expect("a URL");
    let file = reqwest::get(url).await.expect("a response");
    assert_eq!(file.status(), 200);
}
