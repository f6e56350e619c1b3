//! `Accept-Language: en…` selects English error messages. Everything else is Korean, as at Toss.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::middleware::Next;
use axum::response::Response;

use super::error::Error;

pub(super) async fn translate(request: Request, next: Next) -> Response {
    let language = request
        .headers()
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let english = language.is_some_and(|language| language.to_ascii_lowercase().starts_with("en"));
    let response = next.run(request).await;
    match response.extensions().get::<Error>().copied() {
        Some(error) if english => response.map(|_| Body::from(error.english_body())),
        _ => response,
    }
}
