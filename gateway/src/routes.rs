//! The REST routes, read once from the `google.api.http` options of the contract.

mod path;
mod template;

use std::sync::Arc;

use carshare_proto::google::api::HttpRule;
use carshare_proto::google::api::http_rule::Pattern;
use http::Method;

pub use template::{Template, Variable};

use crate::method_table::Rpc;

/// One way to reach an RPC over REST.
#[derive(Debug)]
pub struct Route {
    pub method: Method,
    pub template: Template,
    /// Where the body goes.
    pub body: Body,
    /// The field of the reply that is the answer, instead of the whole reply.
    pub response_body: Option<String>,
    pub rpc: Arc<Rpc>,
}

/// Where the body of a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none; everything that is not in the path is in the query.
    None,
    /// It is the request but for what the path says; there is no query.
    Whole,
    /// It is this field; everything else is in the query.
    Field(String),
}

/// All routes, the more specific before the less.
#[derive(Debug, Default)]
pub struct Routes(Vec<Route>);

/// Values of the variables of a path, by field.
pub type Bindings = Vec<(String, String)>;

/// What a method and a path lead to.
#[derive(Debug)]
pub enum Found<'a> {
    /// A route, with what its path says.
    Route(&'a Route, Bindings),
    /// The path exists, under these methods.
    OtherMethods(Vec<Method>),
    Nothing,
}

impl Routes {
    /// The routes of these RPCs.
    ///
    /// # Errors
    /// A template that cannot be read, or two RPCs at one place: defects of the contract.
    pub fn read<'a>(rpcs: impl IntoIterator<Item = &'a Arc<Rpc>>) -> anyhow::Result<Self> {
        let mut routes = Vec::new();
        for rpc in rpcs {
            for rule in rules(rpc.http.as_ref()) {
                routes.push(Route::read(rule, Arc::clone(rpc))?);
            }
        }
        routes.sort_by(|a, b| a.rank().cmp(&b.rank()));
        for pair in routes.windows(2) {
            let same =
                pair[0].method == pair[1].method && pair[0].template.covers_the_same(&pair[1].template);
            anyhow::ensure!(
                !same,
                "{} and {} have one route",
                pair[0].rpc.path,
                pair[1].rpc.path
            );
        }
        Ok(Self(routes))
    }

    /// What `method` and the raw `path` of a URL lead to. HEAD is answered wherever GET is.
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let wanted = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let segments = path::segments(path);
        let mut others = Vec::new();
        for route in &self.0 {
            let Some(bindings) = route.template.matches(&segments) else {
                continue;
            };
            if route.method == *wanted {
                return Found::Route(route, bindings);
            }
            if !others.contains(&route.method) {
                others.push(route.method.clone());
            }
        }
        if others.is_empty() {
            Found::Nothing
        } else {
            Found::OtherMethods(others)
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }
}

fn rules(rule: Option<&HttpRule>) -> impl Iterator<Item = &HttpRule> {
    rule.into_iter()
        .flat_map(|rule| std::iter::once(rule).chain(&rule.additional_bindings))
}

impl Route {
    fn rank(&self) -> impl Ord + '_ {
        (self.template.specificity(), self.method.as_str())
    }

    fn read(rule: &HttpRule, rpc: Arc<Rpc>) -> anyhow::Result<Self> {
        let (method, template) = match rule.pattern.as_ref() {
            Some(Pattern::Get(path)) => (Method::GET, path),
            Some(Pattern::Put(path)) => (Method::PUT, path),
            Some(Pattern::Post(path)) => (Method::POST, path),
            Some(Pattern::Delete(path)) => (Method::DELETE, path),
            Some(Pattern::Patch(path)) => (Method::PATCH, path),
            Some(Pattern::Custom(custom)) => (custom.kind.parse()?, &custom.path),
            None => anyhow::bail!("{} has an http option without a path", rpc.path),
        };
        let body = match rule.body.as_str() {
            "" => Body::None,
            "*" => Body::Whole,
            field => Body::Field(field.to_owned()),
        };
        let response_body = (!rule.response_body.is_empty()).then(|| rule.response_body.clone());
        Ok(Self {
            method,
            template: Template::parse(template)?,
            body,
            response_body,
            rpc,
        })
    }
}

#[cfg(test)]
mod tests;
