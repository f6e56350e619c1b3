//! `GET /v2/local/search/address.json`: address search.

use axum::Json;
use axum::extract::Query;
use serde::Deserialize;
use serde_json::{Value, json};

use super::addresses;
use super::document;
use super::error::Error;

/// Query parameters, as strings: errors in them have Kakao's messages.
#[derive(Deserialize)]
pub(super) struct Parameters {
    query: Option<String>,
    analyze_type: Option<String>,
    page: Option<String>,
    size: Option<String>,
}

pub(super) async fn handle(Query(parameters): Query<Parameters>) -> Result<Json<Value>, Error> {
    let query = parameters
        .query
        .as_deref()
        .map(str::trim)
        .filter(|query| !query.is_empty());
    let query = query.ok_or(Error::Missing("query"))?;
    let exact = match parameters.analyze_type.as_deref() {
        None | Some("similar") => false,
        Some("exact") => true,
        Some(_) => return Err(Error::Invalid("analyze_type is invalid".to_owned())),
    };
    let page = number("page", parameters.page.as_deref(), 1, 45)?;
    let size = number("size", parameters.size.as_deref(), 10, 30)?;

    let found = addresses::search(query, exact);
    let total = found.len();
    let documents: Vec<Value> = found
        .into_iter()
        .skip((page - 1) * size)
        .take(size)
        .map(|(place, by)| document::found(place, by))
        .collect();
    Ok(Json(json!({
        "meta": { "total_count": total, "pageable_count": total.min(45), "is_end": page * size >= total },
        "documents": documents,
    })))
}

fn number(name: &str, given: Option<&str>, default: usize, max: usize) -> Result<usize, Error> {
    let Some(given) = given else { return Ok(default) };
    match given.parse::<usize>() {
        Ok(0) => Err(Error::Invalid(format!("{name} is less than min"))),
        Ok(value) if value > max => Err(Error::Invalid(format!("{name} is more than max"))),
        Ok(value) => Ok(value),
        Err(_) => Err(Error::Invalid(format!("{name} is not a number"))),
    }
}
