//! Decodes a form with a file (`multipart/form-data`, RFC 7578) to a request message: a part for each field.
//!
//! The part of the field that is `bytes` holds the file. Its content type becomes the field `content_type`, unless a part has that name.

use axum::body::Bytes;
use carshare_chassis::Error;
use carshare_chassis::error::Violation;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::stream;
use multer::{Field, Multipart};

use super::request::malformed;
use crate::json::{DecodeError, MAX_VIOLATIONS};
use crate::routes::Route;

/// Field with the content type of the file.
const CONTENT_TYPE_FIELD: &str = "content_type";

/// Upper bound of the parts of a form.
const MAX_PARTS: usize = 100;

/// Appends the fields of the form and returns every violation.
///
/// # Errors
/// A body that is no form.
pub(super) async fn decode(
    route: &Route,
    boundary: String,
    body: Bytes,
    message: &mut Vec<u8>,
) -> Result<Vec<Violation>, Error> {
    let mut form = Multipart::new(stream::iter([Ok::<_, std::io::Error>(body)]), boundary);
    let mut decoder = Decoder {
        route,
        message,
        named: Vec::new(),
        file_type: None,
        violations: Vec::new(),
    };
    while let Some(part) = form.next_field().await.map_err(|error| malformed(&error))? {
        if decoder.named.len() >= MAX_PARTS {
            return Err(Error::new(Common::TooLarge));
        }
        decoder.part(part).await?;
    }
    Ok(decoder.finish())
}

struct Decoder<'a> {
    route: &'a Route,
    message: &'a mut Vec<u8>,
    /// Names of the parts so far.
    named: Vec<String>,
    file_type: Option<String>,
    violations: Vec<Violation>,
}

impl Decoder<'_> {
    async fn part(&mut self, part: Field<'_>) -> Result<(), Error> {
        let name = part.name().unwrap_or_default().to_owned();
        let file_type = part
            .content_type()
            .map(|media_type| media_type.essence_str().to_owned());
        let content = part.bytes().await.map_err(|error| malformed(&error))?;
        let is_repeated = self.named.contains(&name);
        self.named.push(name.clone());
        if is_repeated {
            self.refuse(name, &DecodeError::Repeated);
            return Ok(());
        }
        if self.route.has_variable(&name) {
            self.refuse(name, &DecodeError::GivenByPath);
            return Ok(());
        }
        let input = &self.route.rpc.input;
        match input.field(&name).filter(|field| input.is_bytes(*field)) {
            Some(field) => {
                input.assign_bytes(field, &content, self.message);
                self.file_type = file_type;
            }
            None => self.text(name, &content),
        }
        Ok(())
    }

    fn text(&mut self, name: String, content: &[u8]) {
        let input = &self.route.rpc.input;
        let assigned = match std::str::from_utf8(content) {
            Ok(text) => input.assign(&name, &[text.to_owned()], self.message),
            Err(_) => Err(DecodeError::NotUtf8),
        };
        if let Err(error) = assigned {
            self.refuse(name, &error);
        }
    }

    fn refuse(&mut self, name: String, error: &DecodeError) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(error.at(name));
        }
    }

    fn finish(mut self) -> Vec<Violation> {
        let is_named = self.named.iter().any(|name| name == CONTENT_TYPE_FIELD);
        let input = &self.route.rpc.input;
        let has_field = input
            .field(CONTENT_TYPE_FIELD)
            .is_some_and(|field| input.is_string(field));
        if let Some(file_type) = self.file_type.take().filter(|_| has_field && !is_named) {
            // A string field takes any text.
            let _ = input.assign(CONTENT_TYPE_FIELD, &[file_type], self.message);
        }
        self.violations
    }
}

#[cfg(test)]
mod tests;
