//! Path templates of `google.api.http`:
//!
//! ```text
//! Template = "/" Segments [ ":" Verb ]      Segments = Segment { "/" Segment }
//! Segment  = "*" | "**" | literal | "{" field { "." field } [ "=" Segments ] "}"
//! ```
//!
//! `*` is one segment, `**` the rest of the path. A variable without a pattern is one segment.

use std::ops::Range;

use anyhow::{Context as _, ensure};

use super::Bindings;
use super::path::{decode, decode_many};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
    verb: Option<String>,
    variables: Vec<Variable>,
}

/// One place of the path. The order is that of specificity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Segment {
    Literal(String),
    One,
    Rest,
}

/// A field of the request that the path sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Path of the field, `booking.id`.
    pub field: String,
    at: Range<usize>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let context = || format!("in the path template {text:?}");
        let path = text
            .strip_prefix('/')
            .context("it does not begin with a slash")
            .with_context(context)?;
        let (path, verb) = split_verb(path);
        let mut template = Self {
            segments: Vec::new(),
            verb: verb.map(str::to_owned),
            variables: Vec::new(),
        };
        for part in split_outside_braces(path) {
            template.push(part).with_context(context)?;
        }
        let rest = template
            .segments
            .iter()
            .position(|segment| *segment == Segment::Rest);
        ensure!(
            rest.is_none_or(|at| at + 1 == template.segments.len()),
            "{}: ** must be last",
            context()
        );
        Ok(template)
    }

    fn push(&mut self, part: &str) -> anyhow::Result<()> {
        let Some(variable) = part.strip_prefix('{') else {
            self.segments.push(Segment::parse(part)?);
            return Ok(());
        };
        let variable = variable.strip_suffix('}').context("a brace is not closed")?;
        let (field, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
        ensure!(!field.is_empty(), "a variable has no name");
        let start = self.segments.len();
        for part in pattern.split('/') {
            self.segments.push(Segment::parse(part)?);
        }
        self.variables.push(Variable {
            field: field.to_owned(),
            at: start..self.segments.len(),
        });
        Ok(())
    }

    /// The fields the path sets.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The values of the variables when the path fits, and `None` when it does not, or is not UTF-8.
    pub fn matches(&self, path: &[&str]) -> Option<Bindings> {
        let without_verb;
        let path = match &self.verb {
            None => path,
            Some(verb) => {
                let (last, before) = path.split_last()?;
                let last = last.strip_suffix(verb.as_str())?.strip_suffix(':')?;
                without_verb = [before, &[last]].concat();
                &without_verb
            }
        };
        let rest = self.segments.last() == Some(&Segment::Rest);
        if path.len() < self.segments.len() || (!rest && path.len() > self.segments.len()) {
            return None;
        }
        let fits = |(segment, given): (&Segment, &&str)| segment.fits(given);
        if !self.segments.iter().zip(path).all(fits) {
            return None;
        }
        self.variables
            .iter()
            .map(|variable| self.bind(variable, path))
            .collect()
    }

    fn bind(&self, variable: &Variable, path: &[&str]) -> Option<(String, String)> {
        let Range { start, end } = variable.at;
        let value = match &self.segments[start..end] {
            [Segment::One] => decode(path[start])?,
            pattern if pattern.last() == Some(&Segment::Rest) => decode_many(&path[start..])?,
            _ => decode_many(&path[start..end])?,
        };
        Some((variable.field.clone(), value))
    }

    /// What to sort by so that the first match is the best: literals before variables, verbs before none.
    pub(super) fn specificity(&self) -> (&[Segment], bool) {
        (&self.segments, self.verb.is_none())
    }

    /// Both fit exactly the same paths.
    pub(super) fn covers_the_same(&self, other: &Self) -> bool {
        self.segments == other.segments && self.verb == other.verb
    }

    /// The path as OpenAPI writes it: `/v1/vehicles/{vehicle_id}/images/{image_id}:complete`.
    pub fn to_openapi(&self) -> String {
        let mut path = String::new();
        let mut at = 0;
        while at < self.segments.len() {
            path.push('/');
            let variable = self.variables.iter().find(|variable| variable.at.start == at);
            match (variable, &self.segments[at]) {
                (Some(variable), _) => path.extend(["{", &variable.field, "}"]),
                (None, Segment::Literal(text)) => path.push_str(text),
                (None, Segment::One | Segment::Rest) => path.push('*'),
            }
            at = variable.map_or(at + 1, |variable| variable.at.end);
        }
        self.verb.iter().fold(path, |path, verb| format!("{path}:{verb}"))
    }
}

impl Segment {
    fn parse(text: &str) -> anyhow::Result<Self> {
        ensure!(
            !text.is_empty() && !text.contains(['{', '}']),
            "{text:?} is no segment"
        );
        Ok(match text {
            "*" => Self::One,
            "**" => Self::Rest,
            literal => Self::Literal(literal.to_owned()),
        })
    }

    fn fits(&self, given: &str) -> bool {
        match self {
            Self::Literal(text) => {
                given == text || (given.contains('%') && decode(given).is_some_and(|given| given == *text))
            }
            Self::One | Self::Rest => !given.is_empty(),
        }
    }
}

/// The verb follows the last colon, when that is outside of braces and after the last slash.
fn split_verb(path: &str) -> (&str, Option<&str>) {
    match path.rsplit_once(':') {
        Some((path, verb)) if !verb.contains(['/', '}']) => (path, Some(verb)),
        _ => (path, None),
    }
}

/// Cuts at slashes, but not at those of a variable's pattern.
fn split_outside_braces(path: &str) -> Vec<&str> {
    let mut inside = false;
    let is_cut = |letter: char| {
        inside = (inside || letter == '{') && letter != '}';
        letter == '/' && !inside
    };
    path.split(is_cut).collect()
}

#[cfg(test)]
mod tests {
    use super::super::path::segments;
    use super::*;

    fn matched(template: &str, path: &str) -> Option<Bindings> {
        Template::parse(template).unwrap().matches(&segments(path))
    }

    /// A template, a path, and what the variables are when the path fits.
    type Case = (
        &'static str,
        &'static str,
        Option<&'static [(&'static str, &'static str)]>,
    );

    fn owned(pairs: &[(&str, &str)]) -> Bindings {
        pairs
            .iter()
            .map(|(field, value)| ((*field).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn templates_match_paths() {
        let table: [Case; 20] = [
            ("/v1/bookings", "/v1/bookings", Some(&[])),
            ("/v1/bookings", "/v1/bookings/", None),
            ("/v1/bookings", "/v1/Bookings", None),
            ("/v1/bookings", "/v1/%62ookings", Some(&[])),
            ("/v1/bookings/{id}", "/v1/bookings/7", Some(&[("id", "7")])),
            ("/v1/bookings/{id}", "/v1/bookings/", None),
            ("/v1/bookings/{id}", "/v1/bookings/7/x", None),
            (
                "/v1/bookings/{id}",
                "/v1/bookings/a%2Fb%20%ED%95%9C",
                Some(&[("id", "a/b 한")]),
            ),
            ("/v1/bookings/{id}", "/v1/bookings/%FF", None),
            ("/v1/{booking.id}/x", "/v1/7/x", Some(&[("booking.id", "7")])),
            (
                "/v1/{a}/images/{b}:complete",
                "/v1/1/images/2:complete",
                Some(&[("a", "1"), ("b", "2")]),
            ),
            ("/v1/{a}/images/{b}:complete", "/v1/1/images/2", None),
            ("/v1/{a}/images/{b}:complete", "/v1/1/images/:complete", None),
            ("/v1/{a}:go", "/v1/x:y:go", Some(&[("a", "x:y")])),
            ("/v1/all:go", "/v1/all:go", Some(&[])),
            (
                "/v1/{name=shelves/*}",
                "/v1/shelves/3",
                Some(&[("name", "shelves/3")]),
            ),
            (
                "/v1/{name=shelves/*/books/*}/x",
                "/v1/shelves/3/books/4/x",
                Some(&[("name", "shelves/3/books/4")]),
            ),
            (
                "/v1/{name=files/**}",
                "/v1/files/a/b%2Fc/d",
                Some(&[("name", "files/a/b%2Fc/d")]),
            ),
            ("/v1/{name=**}:read", "/v1/a/b:read", Some(&[("name", "a/b")])),
            ("/v1/*/x", "/v1/anything/x", Some(&[])),
        ];
        for (template, path, expected) in table {
            assert_eq!(
                matched(template, path),
                expected.map(owned),
                "{template} on {path}"
            );
        }
    }

    #[test]
    fn broken_templates_are_refused() {
        for broken in [
            "v1/x", "/v1//x", "/v1/{x", "/v1/{}", "/v1/{a=}", "/v1/**/x", "/v1/a{b}",
        ] {
            assert!(Template::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn openapi_names_variables_whatever_their_pattern() {
        for (template, path) in [
            ("/v1/{a}/images/{b}:complete", "/v1/{a}/images/{b}:complete"),
            ("/v1/{name=shelves/*}/books", "/v1/{name}/books"),
            ("/v1/all:go", "/v1/all:go"),
        ] {
            assert_eq!(Template::parse(template).unwrap().to_openapi(), path);
        }
    }
}
