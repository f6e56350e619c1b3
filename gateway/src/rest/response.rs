//! Converts a reply message to an HTTP response.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use carshare_chassis::Error;
use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::codec::BytesCodec;
use super::{Call, Client};
use crate::error::GatewayError;
use crate::json::MessageView;
use crate::routes::Route;

/// Header of the next page's token when the body is a bare list.
pub(crate) const NEXT_PAGE_TOKEN: HeaderName = HeaderName::from_static("x-next-page-token");
pub(crate) const NEXT_PAGE_TOKEN_FIELD: &str = "next_page_token";
/// Query parameter in which the client sends the token back.
const PAGE_TOKEN: &str = "page_token";

/// Calls a unary RPC and converts its reply.
pub(super) async fn unary(
    route: &Route,
    uri: &Uri,
    mut client: Client,
    call: Call,
) -> Result<Response, GatewayError> {
    client.ready().await?;
    let reply = client
        .unary(call, route.rpc.path.clone(), BytesCodec)
        .await?
        .into_inner();
    Ok(convert(route, uri, &reply)?)
}

fn convert(route: &Route, uri: &Uri, reply: &[u8]) -> Result<Response, Error> {
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
            link_next_page(&mut headers, uri, next_page_token(route, &reply));
            reply.field_to_json(field)
        }
    };
    Ok((status, headers, body.map_err(Error::internal)?).into_response())
}

/// Returns the token of the next page, which is empty on the last one.
fn next_page_token<'a>(route: &Route, reply: &'a MessageView<'_>) -> &'a str {
    let field = route.rpc.output.field(NEXT_PAGE_TOKEN_FIELD);
    field.and_then(|field| reply.text(field).ok()).unwrap_or_default()
}

/// Returns the status of the `rest` option, or 200.
pub(crate) fn success_status(route: &Route) -> StatusCode {
    // Unset is zero, which is not a status.
    let status = u16::try_from(route.rpc.rest.success_status).ok();
    status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK)
}

/// Writes the token of the next page to a header, and as a link (RFC 8288) to another: a bare list has no field for it.
fn link_next_page(headers: &mut HeaderMap, uri: &Uri, token: &str) {
    if token.is_empty() {
        return;
    }
    let others = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    let others = others.filter(|pair| pair.split('=').next() != Some(PAGE_TOKEN));
    let next = format!("{PAGE_TOKEN}={}", utf8_percent_encode(token, NON_ALPHANUMERIC));
    let query = others.chain([next.as_str()]).collect::<Vec<_>>().join("&");
    let link = format!(r#"<{}?{query}>; rel="next""#, uri.path());
    for (name, value) in [(NEXT_PAGE_TOKEN, token), (LINK, &link)] {
        headers.extend(HeaderValue::from_str(value).map(|value| (name, value)));
    }
}

#[cfg(test)]
mod tests {
    use carshare_proto::auth::v1::AuthResponse;
    use carshare_proto::booking::v1::{Booking, ListBookingsResponse};
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
        let routes = Routes::read(MethodTable::read().unwrap().iter()).unwrap();
        let route = routes
            .iter()
            .find(|route| route.rpc.descriptor.name() == name)
            .unwrap();
        let response = convert(route, &Uri::from_static(uri), &reply.encode_to_vec()).unwrap();
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
        assert!(head.headers().get("link").is_none() && head.headers().get("x-next-page-token").is_none());
    }
}
