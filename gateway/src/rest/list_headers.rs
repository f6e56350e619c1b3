//! Headers of a bare list: the token of the next page, and the number of items on all pages.

use carshare_chassis::Error;
use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::json::MessageView;
use crate::routes::Route;

pub(crate) const NEXT_PAGE_TOKEN: HeaderName = HeaderName::from_static("x-next-page-token");
pub(crate) const NEXT_PAGE_TOKEN_FIELD: &str = "next_page_token";
pub(crate) const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
pub(crate) const TOTAL_COUNT_FIELD: &str = "total_size";
/// Query parameter in which the client sends the token back.
const PAGE_TOKEN: &str = "page_token";

/// Writes the token of the next page to a header, and as a link (RFC 8288) to another: a bare list has no field for it.
pub(super) fn link_next_page(headers: &mut HeaderMap, uri: &Uri, token: &str) {
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

/// Writes the number of items on all pages to a header, if the reply has it: a bare list has no field for it.
pub(super) fn add_total(
    headers: &mut HeaderMap,
    route: &Route,
    reply: &mut MessageView<'_>,
) -> Result<(), Error> {
    let field = route.rpc.output.field(TOTAL_COUNT_FIELD);
    if let Some(field) = field.filter(|field| reply.has(*field)) {
        let total = reply.field_to_json(field).map_err(Error::internal)?;
        headers.insert(
            TOTAL_COUNT,
            HeaderValue::try_from(total).map_err(Error::internal)?,
        );
    }
    Ok(())
}
