//! Converts a reply message to an HTTP response.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use carshare_chassis::Error;
use carshare_proto::options::v1::Cache;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::codec::BytesCodec;
use super::list_headers::{self, NEXT_PAGE_TOKEN_FIELD};
use super::{Call, Client};
use crate::compression;
use crate::error::GatewayError;
use crate::etag;
use crate::json::MessageView;
use crate::routes::Route;

/// Field of a resource that identifies its state, and of a request that expects one.
pub(crate) const ETAG_FIELD: &str = "etag";

/// Calls a unary RPC and converts its reply.
pub(super) async fn unary(
    route: &Route,
    request: &Parts,
    mut client: Client,
    call: Call,
) -> Result<Response, GatewayError> {
    client.ready().await?;
    let reply = client
        .unary(call, route.rpc.path.clone(), BytesCodec)
        .await?
        .into_inner();
    Ok(convert(route, request, &reply)?)
}

fn convert(route: &Route, request: &Parts, reply: &[u8]) -> Result<Response, Error> {
    let status = success_status(route);
    if status == StatusCode::NO_CONTENT {
        return Ok((status, Body::empty()).into_response());
    }
    let mut reply = route.rpc.output.view(reply).map_err(Error::internal)?;
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = match &route.response_body {
        None => reply.to_json(),
        Some(name) => {
            let no_field = || Error::internal(anyhow::anyhow!("{} has no field {name}", route.rpc.path));
            let field = route.rpc.output.field(name).ok_or_else(no_field)?;
            if let Some(token) = text_field(route, &reply, NEXT_PAGE_TOKEN_FIELD) {
                list_headers::link_next_page(&mut headers, &request.uri, token);
            }
            list_headers::add_total(&mut headers, route, &mut reply)?;
            reply.field_to_json(field)
        }
    };
    let body = body.map_err(Error::internal)?;
    let resource_tag = text_field(route, &reply, ETAG_FIELD).and_then(etag::strong);
    if let Some(cache) = &route.rpc.rest.cache {
        let tag = resource_tag.unwrap_or_else(|| etag::of(&body));
        let is_known = etag::is_known(&request.headers, &tag);
        headers.insert(CACHE_CONTROL, control(cache));
        headers.insert(ETAG, tag);
        if is_known {
            headers.remove(CONTENT_TYPE);
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
    } else if let Some(tag) = resource_tag {
        headers.insert(ETAG, tag);
    }
    let body = compression::compress(body, &mut headers, &request.headers).map_err(Error::internal)?;
    if headers.contains_key(CONTENT_ENCODING)
        && let Some(weak) = headers.get(ETAG).and_then(etag::weakened)
    {
        headers.insert(ETAG, weak);
    }
    Ok((status, headers, body).into_response())
}

/// Returns how long the reply may be kept.
fn control(cache: &Cache) -> HeaderValue {
    match cache.public_max_age_s {
        0 => HeaderValue::from_static("private, no-cache"),
        seconds => HeaderValue::try_from(format!("public, max-age={seconds}"))
            .unwrap_or(HeaderValue::from_static("no-store")),
    }
}

/// Returns a text of the reply, if it has the field and it is not empty.
fn text_field<'a>(route: &Route, reply: &'a MessageView<'_>, name: &str) -> Option<&'a str> {
    let field = route.rpc.output.field(name)?;
    reply.text(field).ok().filter(|text| !text.is_empty())
}

/// Returns the status of the `rest` option, or 200.
pub(crate) fn success_status(route: &Route) -> StatusCode {
    // Unset is zero, which is not a status.
    let status = u16::try_from(route.rpc.rest.success_status).ok();
    status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use carshare_proto::auth::v1::{AuthResponse, GetJwksResponse, User};
    use carshare_proto::booking::v1::{Booking, ListBookingsResponse};
    use carshare_proto::vehicle::v1::Vehicle;
    use http::Request;
    use http::header::{ACCEPT_ENCODING, IF_NONE_MATCH, VARY};
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::method_table::MethodTable;
    use crate::routes::Routes;

    async fn converted(
        name: &str,
        uri: &'static str,
        reply: &impl prost::Message,
    ) -> (Response<()>, Vec<u8>) {
        converted_for(Request::get(uri), name, reply).await
    }

    async fn converted_for(
        request: http::request::Builder,
        name: &str,
        reply: &impl prost::Message,
    ) -> (Response<()>, Vec<u8>) {
        let routes = Routes::read(MethodTable::read().unwrap().iter()).unwrap();
        let route = routes
            .iter()
            .find(|route| route.rpc.descriptor.name() == name)
            .unwrap();
        let (request, ()) = request.body(()).unwrap().into_parts();
        let response = convert(route, &request, &reply.encode_to_vec()).unwrap();
        let (parts, body) = response.into_parts();
        (
            Response::from_parts(parts, ()),
            body.collect().await.unwrap().to_bytes().to_vec(),
        )
    }

    #[tokio::test]
    async fn created_resource_is_201_with_the_whole_reply() {
        let (head, body) = converted("Register", "/v1/auth/register", &AuthResponse::default()).await;
        assert_eq!(
            (head.status().as_u16(), &head.headers()["content-type"]),
            (201, &HeaderValue::from_static("application/json"))
        );
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            json!({ "access_token": "", "refresh_token": "", "expires_in": 0 })
        );
    }

    #[tokio::test]
    async fn no_content_response_has_no_body_and_no_content_type() {
        let reply = carshare_proto::auth::v1::LogoutResponse::default();
        let (head, body) = converted("Logout", "/v1/auth/logout", &reply).await;
        assert_eq!((head.status().as_u16(), body.len()), (204, 0));
        assert!(head.headers().get(CONTENT_TYPE).is_none());
    }

    #[tokio::test]
    async fn list_is_a_bare_array_with_a_link_to_the_next_page() {
        let reply = ListBookingsResponse {
            bookings: vec![Booking::default()],
            next_page_token: "a=b".into(),
            total_size: None,
        };
        let uri = "/v1/bookings?status=pending&page_token=old&page_size=1";
        let (head, body) = converted("ListBookings", uri, &reply).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body.as_array().map(Vec::len), Some(1));
        assert_eq!(head.headers()["x-next-page-token"], "a=b");
        let link = r#"</v1/bookings?status=pending&page_size=1&page_token=a%3Db>; rel="next""#;
        assert_eq!(head.headers()["link"], link);
    }

    #[tokio::test]
    async fn last_page_has_no_link() {
        let (head, body) = converted("ListBookings", "/v1/bookings", &ListBookingsResponse::default()).await;
        assert_eq!(body, b"[]");
        for absent in ["link", "x-next-page-token", "x-total-count"] {
            assert!(!head.headers().contains_key(absent), "{absent}");
        }
    }

    #[tokio::test]
    async fn total_of_a_list_is_a_header() {
        for total in [0, 9_007_199_254_740_993] {
            let reply = ListBookingsResponse {
                total_size: Some(total),
                ..Default::default()
            };
            let (head, body) = converted("ListBookings", "/v1/bookings?include_total=true", &reply).await;
            assert_eq!(
                (&head.headers()["x-total-count"], body),
                (&HeaderValue::from(total), b"[]".to_vec())
            );
        }
    }

    #[tokio::test]
    async fn reply_that_may_be_kept_has_a_tag_and_is_not_sent_again() {
        let vehicle = |color: &str| Vehicle {
            color: Some(color.into()),
            ..Default::default()
        };
        let get = |tag: &HeaderValue| Request::get("/v1/vehicles/v").header(IF_NONE_MATCH, tag);
        let (first, body) = converted("GetVehicle", "/v1/vehicles/v", &vehicle("white")).await;
        assert_eq!(first.headers()[CACHE_CONTROL], "private, no-cache");
        assert!(!body.is_empty());
        let tag = &first.headers()[ETAG];
        let (same, body) = converted_for(get(tag), "GetVehicle", &vehicle("white")).await;
        assert_eq!((same.status(), body.len()), (StatusCode::NOT_MODIFIED, 0));
        assert_eq!(
            (&same.headers()[ETAG], same.headers().get(CONTENT_TYPE)),
            (tag, None)
        );
        let (changed, body) = converted_for(get(tag), "GetVehicle", &vehicle("black")).await;
        assert_eq!(changed.status(), StatusCode::OK);
        assert!(changed.headers()[ETAG] != tag && !body.is_empty());
    }

    #[tokio::test]
    async fn keys_may_be_kept_by_everybody_for_five_minutes_and_other_replies_by_nobody() {
        let (keys, _) = converted("GetJwks", "/.well-known/jwks.json", &GetJwksResponse::default()).await;
        assert_eq!(keys.headers()[CACHE_CONTROL], "public, max-age=300");
        assert!(keys.headers().contains_key(ETAG));
        let (me, _) = converted("GetMe", "/v1/auth/me", &User::default()).await;
        assert!(!me.headers().contains_key(ETAG) && !me.headers().contains_key(CACHE_CONTROL));
    }

    #[tokio::test]
    async fn tag_of_a_resource_is_the_tag_of_its_reply() {
        let me = User {
            etag: Some("a-1".into()),
            ..Default::default()
        };
        let (head, _) = converted("UpdateMe", "/v1/auth/me", &me).await;
        assert_eq!(
            (&head.headers()[ETAG], head.headers().get(CACHE_CONTROL)),
            (&HeaderValue::from_static("\"a-1\""), None)
        );
        let car = Vehicle {
            etag: Some("b-2".into()),
            description: Some("설명".repeat(300)),
            ..Default::default()
        };
        let (plain, _) = converted("GetVehicle", "/v1/vehicles/v", &car).await;
        assert_eq!(plain.headers()[ETAG], "\"b-2\"");
        let get = || Request::get("/v1/vehicles/v");
        let (compressed, _) = converted_for(get().header(ACCEPT_ENCODING, "gzip"), "GetVehicle", &car).await;
        assert_eq!(compressed.headers()[ETAG], "W/\"b-2\"");
        let again = get().header(IF_NONE_MATCH, "W/\"b-2\"");
        let (same, _) = converted_for(again, "GetVehicle", &car).await;
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn large_body_is_compressed_for_clients_that_accept_it() {
        let bookings = |count| ListBookingsResponse {
            bookings: vec![Booking::default(); count],
            ..Default::default()
        };
        let accepting = || Request::get("/v1/bookings").header(ACCEPT_ENCODING, "gzip, zstd");
        let (plain, expected) = converted("ListBookings", "/v1/bookings", &bookings(50)).await;
        assert_eq!(
            (&plain.headers()[VARY], plain.headers().get(CONTENT_ENCODING)),
            (&HeaderValue::from_name(ACCEPT_ENCODING), None)
        );
        let (head, body) = converted_for(accepting(), "ListBookings", &bookings(50)).await;
        assert_eq!(head.headers()[CONTENT_ENCODING], "zstd");
        assert_eq!(zstd::bulk::decompress(&body, expected.len()).unwrap(), expected);
        let (small, _) = converted_for(accepting(), "ListBookings", &bookings(1)).await;
        assert!(!small.headers().contains_key(CONTENT_ENCODING) && !small.headers().contains_key(VARY));
    }
}
