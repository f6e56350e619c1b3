//! Problems made from errors and from statuses.

use carshare_proto::booking::v1::ErrorReason as Booking;
use carshare_proto::common::v1::ErrorReason as Common;
use serde_json::json;
use tonic::Code;

use super::*;

fn info(lang: Lang) -> RequestInfo {
    RequestInfo::for_test(lang, "c-1", "/v1/bookings/7/start")
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn status_of_a_service_is_in_the_language_of_the_client() {
    let error = Error::new(Booking::WrongState)
        .with("from", "pending")
        .with("to", "active");
    let problem = Problem::from_status(&error.into_status(Lang::En));
    let korean = problem.to_json(&info(Lang::Ko));
    let expected = json!({
        "type": "/docs#BOOKING003",
        "title": "Wrong state",
        "status": 409,
        "detail": "현재 예약 상태에서는 처리할 수 없습니다. (pending → active)",
        "instance": "/v1/bookings/7/start",
        "code": "BOOKING003",
        "reason": "WRONG_STATE",
        "correlation_id": "c-1",
        "metadata": { "from": "pending", "to": "active" },
    });
    assert_eq!(korean, expected);
    let english = problem.to_json(&info(Lang::En));
    assert_eq!(english["detail"], "The booking cannot go from pending to active.");
}

#[test]
fn every_violation_has_field_message_and_rule() {
    let violation = Violation {
        field: "email".into(),
        rule: "STRING_EMAIL".into(),
        ko: "이메일".into(),
        en: "must be an e-mail address".into(),
    };
    let error = Error::new(Common::InvalidArgument).violations_of([violation]);
    for problem in [
        Problem::from_error(&error),
        Problem::from_status(&error.into_status(Lang::Ko)),
    ] {
        let of = |lang| problem.to_json(&info(lang))["errors"].clone();
        assert_eq!(
            of(Lang::Ko),
            json!([{ "field": "email", "message": "이메일", "rule": "STRING_EMAIL" }])
        );
        assert_eq!(of(Lang::En)[0]["message"], "must be an e-mail address");
    }
}

#[test]
fn http_status_of_the_catalogue_is_used() {
    let error = Error::new(Common::IdempotencyKeyReused).into_status(Lang::Ko);
    assert_eq!(
        Problem::from_status(&error)
            .into_response(&info(Lang::Ko))
            .status(),
        422
    );
}

#[test]
fn status_without_details_is_mapped_by_its_code() {
    for (code, expected, ours) in [
        (Code::Unavailable, 503, "COMMON005"),
        (Code::Unknown, 503, "COMMON005"),
        (Code::DeadlineExceeded, 504, "COMMON006"),
        (Code::Internal, 500, "COMMON007"),
        (Code::NotFound, 500, "COMMON007"),
    ] {
        let problem = Problem::from_status(&Status::new(code, "secret inner text"));
        let response = problem.clone().into_response(&info(Lang::En));
        assert_eq!(
            (response.status().as_u16(), problem.code()),
            (expected, ours),
            "{code:?}"
        );
        assert!(!problem.to_json(&info(Lang::En)).to_string().contains("secret"));
    }
}

#[test]
fn unknown_reason_is_described_by_its_own_details() {
    let details = vec![
        ErrorInfo::new(
            "BRAND_NEW",
            "carshare.booking",
            [("code".to_owned(), "BOOKING099".to_owned())],
        )
        .into(),
        tonic_types::LocalizedMessage::new("ko", "새로운 오류").into(),
    ];
    let status = Status::with_error_details_vec(Code::Aborted, "Something new.", details);
    let problem = Problem::from_status(&status);
    let json = problem.to_json(&info(Lang::Ko));
    assert_eq!(
        (&json["status"], &json["code"], &json["detail"]),
        (&json!(409), &json!("BOOKING099"), &json!("새로운 오류"))
    );
    assert_eq!(problem.to_json(&info(Lang::En))["detail"], "Something new.");
}

#[test]
fn retry_after_is_rounded_up_and_present_on_every_503() {
    let limited = Error::new(Common::RateLimited).retry_after(Duration::from_millis(1_200));
    let response = Problem::from_error(&limited).into_response(&info(Lang::Ko));
    assert_eq!(
        (response.status().as_u16(), header(&response, "retry-after")),
        (429, Some("2"))
    );
    let unavailable = Problem::from_error(&Error::new(Common::Unavailable)).into_response(&info(Lang::Ko));
    assert_eq!(header(&unavailable, "retry-after"), Some("1"));
    let missing = Problem::from_error(&Error::new(Common::NotFound)).into_response(&info(Lang::Ko));
    assert_eq!(header(&missing, "retry-after"), None);
}

#[test]
fn unauthorized_response_has_a_challenge() {
    for (reason, challenge) in [
        (Common::Unauthenticated, r#"Bearer realm="carshare""#),
        (
            Common::TokenExpired,
            r#"Bearer realm="carshare", error="invalid_token""#,
        ),
        (
            Common::TokenRevoked,
            r#"Bearer realm="carshare", error="invalid_token""#,
        ),
    ] {
        let response = Problem::from_error(&Error::new(reason)).into_response(&info(Lang::En));
        assert_eq!(header(&response, "www-authenticate"), Some(challenge));
        assert_eq!(header(&response, "content-type"), Some(PROBLEM_JSON));
        assert_eq!(header(&response, "content-language"), Some("en"));
    }
}
