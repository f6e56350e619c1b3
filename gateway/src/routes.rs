//! The REST routes of the contract, read once from its `google.api.http` options and matched by `matchit`.
//!
//! A path is a literal with variables of one segment each: `/v1/vehicles/{vehicle_id}/images/{image_id}/complete`. A literal
//! precedes a variable. The patterns of `google.api.http` (`{name=shelves/*}`, `**`) are refused at start.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use carshare_proto::google::api::HttpRule;
use carshare_proto::google::api::http_rule::Pattern;
use http::Method;
use matchit::{Match, Router};
use percent_encoding::percent_decode_str;

use crate::method_table::Rpc;

/// A method and a path that call an RPC.
#[derive(Debug)]
pub struct Route {
    pub method: Method,
    /// The path template, in the syntax that `google.api.http`, matchit and OpenAPI share.
    pub path: String,
    /// Paths of the request's fields that the URL path sets, `booking_id` or `booking.id`.
    pub variables: Vec<String>,
    pub body: Body,
    /// The field of the reply that becomes the response body, instead of the whole reply.
    pub response_body: Option<String>,
    pub rpc: Arc<Rpc>,
}

/// The part of the request message that the HTTP body holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: fields that are not in the path are query parameters.
    None,
    /// Everything but the path variables. There are no query parameters.
    Whole,
    /// One field. The others are query parameters.
    Field(String),
}

/// Values of path variables, by field.
pub type Bindings = Vec<(String, String)>;

/// The result of a lookup.
#[derive(Debug)]
pub enum RouteMatch {
    Found(Arc<Route>, Bindings),
    /// The path exists under these methods only.
    OtherMethods(Vec<Method>),
    NotFound,
}

#[derive(Debug, Default)]
pub struct Routes {
    in_order: Vec<Arc<Route>>,
    /// One router a method, so that `GET /a/{id}` does not hide behind `POST /a/b`.
    routers: Vec<(Method, Router<Arc<Route>>)>,
}

impl Routes {
    /// Reads the routes of `rpcs`.
    ///
    /// # Errors
    /// A path with a pattern, or two RPCs with one method and path: defects of the contract.
    pub fn read<'a>(rpcs: impl IntoIterator<Item = &'a Arc<Rpc>>) -> anyhow::Result<Self> {
        let mut routes = Self::default();
        for rpc in rpcs {
            for rule in rules(rpc.http.as_ref()) {
                let route = Route::read(rule, Arc::clone(rpc));
                route
                    .and_then(|route| routes.insert(Arc::new(route)))
                    .with_context(|| format!("the route of {}", rpc.path))?;
            }
        }
        Ok(routes)
    }

    fn insert(&mut self, route: Arc<Route>) -> anyhow::Result<()> {
        let router = match self
            .routers
            .iter_mut()
            .find(|(method, _)| *method == route.method)
        {
            Some((_, router)) => router,
            None => &mut self.routers.push_mut((route.method.clone(), Router::new())).1,
        };
        router.insert(&route.path, Arc::clone(&route))?;
        self.in_order.push(route);
        Ok(())
    }

    /// Finds the route for `method` and the raw path of a URL. HEAD is answered by the routes of GET.
    pub fn find(&self, method: &Method, path: &str) -> RouteMatch {
        let wanted = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let path = decode_unreserved(path);
        let mut others = Vec::new();
        for (method, router) in &self.routers {
            match router.at(&path).ok().and_then(bind) {
                Some((route, bindings)) if method == wanted => return RouteMatch::Found(route, bindings),
                Some(_) => others.push(method.clone()),
                None => {}
            }
        }
        if others.is_empty() {
            RouteMatch::NotFound
        } else {
            RouteMatch::OtherMethods(others)
        }
    }

    /// Iterates over the routes in the order of the contract.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.in_order.iter()
    }
}

/// Decodes the variables. `None` when one of them is not UTF-8.
fn bind(found: Match<'_, '_, &Arc<Route>>) -> Option<(Arc<Route>, Bindings)> {
    let decode = |(field, raw): (&str, &str)| {
        let value = percent_decode_str(raw).decode_utf8().ok()?;
        Some((field.to_owned(), value.into_owned()))
    };
    let bindings: Option<Bindings> = found.params.iter().map(decode).collect();
    Some((Arc::clone(found.value), bindings?))
}

/// Decodes percent-encoded letters, digits and `-._~`, which mean the same in both forms (RFC 3986 §6.2.2.2), so that literals
/// match. An encoded slash stays encoded: it separates nothing.
fn decode_unreserved(path: &str) -> Cow<'_, str> {
    let mut pieces = path.split('%');
    let first = pieces.next().unwrap_or_default();
    if first.len() == path.len() {
        return path.into();
    }
    let decode = |mut path: String, piece: &str| {
        let byte = piece.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)) {
            Some(byte) => path.extend([char::from(byte)].into_iter().chain(piece.chars().skip(2))),
            None => path.extend(["%", piece]),
        }
        path
    };
    pieces.fold(first.to_owned(), decode).into()
}

fn rules(rule: Option<&HttpRule>) -> impl Iterator<Item = &HttpRule> {
    rule.into_iter()
        .flat_map(|rule| std::iter::once(rule).chain(&rule.additional_bindings))
}

impl Route {
    fn read(rule: &HttpRule, rpc: Arc<Rpc>) -> anyhow::Result<Self> {
        let (method, path) = match rule.pattern.as_ref() {
            Some(Pattern::Get(path)) => (Method::GET, path),
            Some(Pattern::Put(path)) => (Method::PUT, path),
            Some(Pattern::Post(path)) => (Method::POST, path),
            Some(Pattern::Delete(path)) => (Method::DELETE, path),
            Some(Pattern::Patch(path)) => (Method::PATCH, path),
            Some(Pattern::Custom(custom)) => (custom.kind.parse()?, &custom.path),
            None => anyhow::bail!("the http option has no path"),
        };
        ensure!(
            path.starts_with('/') && !path.contains("//") && !path.contains(['=', '*']),
            "{path:?} does not begin with a slash, has an empty segment or a pattern"
        );
        let body = match rule.body.as_str() {
            "" => Body::None,
            "*" => Body::Whole,
            field => Body::Field(field.to_owned()),
        };
        Ok(Self {
            method,
            path: path.clone(),
            variables: variables(path),
            body,
            response_body: (!rule.response_body.is_empty()).then(|| rule.response_body.clone()),
            rpc,
        })
    }

    /// Returns whether the URL path sets this field.
    pub fn has_variable(&self, field: &str) -> bool {
        self.variables.iter().any(|variable| variable == field)
    }
}

fn variables(path: &str) -> Vec<String> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    names.map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests;
