//! Code samples of an operation: curl, TypeScript (fetch) and Python (httpx).

use std::fmt::Write as _;

use carshare_chassis::Lang;
use carshare_chassis::method_registry::Policy;
use http::Method;
use serde_json::{Value, json};

use super::examples;
use super::operation::body_example;
use super::parameters::example_query;
use super::schema::Direction;
use crate::routes::Route;

/// Returns the samples of a route in the form of `x-codeSamples`.
pub(super) fn of_route(route: &Route, server: &str) -> Value {
    let call = Call::of(route, server);
    json!([
        { "lang": "Shell", "label": "curl", "source": call.curl() },
        { "lang": "TypeScript", "label": "TypeScript", "source": call.typescript() },
        { "lang": "Python", "label": "Python", "source": call.python() },
    ])
}

struct Call {
    method: Method,
    url: String,
    is_authorized: bool,
    is_stream: bool,
    body: Option<Value>,
}

impl Call {
    fn of(route: &Route, server: &str) -> Self {
        let input = route.rpc.descriptor.input();
        let mut path = route.path.clone();
        for variable in &route.variables {
            if let Some(field) = input.get_field_by_name(variable) {
                let value = examples::of_field(&field, Direction::Request, Lang::default());
                path = path.replace(&format!("{{{variable}}}"), value.as_str().unwrap_or_default());
            }
        }
        Self {
            method: route.method.clone(),
            url: format!("{server}{path}{}", example_query(route)),
            is_authorized: *route.rpc.method.policy() != Policy::Public,
            is_stream: route.rpc.method.streaming().server,
            body: body_example(route, Lang::default()),
        }
    }

    /// A request with an idempotency key may be repeated after a lost response.
    fn is_mutation(&self) -> bool {
        self.method != Method::GET
    }

    fn curl(&self) -> String {
        let mut lines = vec![match (&self.method, self.is_stream) {
            (&Method::GET, true) => format!("curl -N '{}'", self.url),
            (&Method::GET, false) => format!("curl '{}'", self.url),
            (method, _) => format!("curl -X {method} '{}'", self.url),
        }];
        if self.is_authorized {
            lines.push(r#"-H "Authorization: Bearer $ACCESS_TOKEN""#.to_owned());
        }
        if self.is_mutation() {
            lines.push(r#"-H "Idempotency-Key: $(uuidgen)""#.to_owned());
        }
        if let Some(body) = &self.body {
            lines.push("-H 'Content-Type: application/json'".to_owned());
            lines.push(format!("-d '{}'", format!("{body:#}").replace('\'', r"'\''")));
        }
        lines.join(" \\\n  ")
    }

    fn typescript(&self) -> String {
        let mut options = Vec::new();
        if self.is_mutation() {
            options.push(format!("  method: \"{}\",", self.method));
        }
        let mut headers = Vec::new();
        if self.is_authorized {
            headers.push("    Authorization: `Bearer ${accessToken}`,".to_owned());
        }
        if self.is_mutation() {
            headers.push("    \"Idempotency-Key\": crypto.randomUUID(),".to_owned());
        }
        if self.body.is_some() {
            headers.push("    \"Content-Type\": \"application/json\",".to_owned());
        }
        if !headers.is_empty() {
            options.push(format!("  headers: {{\n{}\n  }},", headers.join("\n")));
        }
        if let Some(body) = &self.body {
            let body = format!("{body:#}").replace('\n', "\n  ");
            options.push(format!("  body: JSON.stringify({body}),"));
        }
        let arguments = if options.is_empty() {
            format!("\"{}\"", self.url)
        } else {
            format!("\"{}\", {{\n{}\n}}", self.url, options.join("\n"))
        };
        format!(
            "const response: Response = await fetch({arguments});\n\
             if (!response.ok) throw new Error((await response.json()).detail);\n"
        )
    }

    fn python(&self) -> String {
        let mut headers = Vec::new();
        let mut imports = "import httpx\n";
        if self.is_authorized {
            headers.push("        \"Authorization\": f\"Bearer {access_token}\",\n");
        }
        if self.is_mutation() {
            imports = "import uuid\n\nimport httpx\n";
            headers.push("        \"Idempotency-Key\": str(uuid.uuid4()),\n");
        }
        let mut arguments = format!("    \"{}\",\n", self.url);
        if !headers.is_empty() {
            let _ = write!(arguments, "    headers={{\n{}    }},\n", headers.concat());
        }
        if let Some(body) = &self.body {
            let _ = writeln!(arguments, "    json={},", python_literal(body, 1));
        }
        let method = self.method.as_str().to_ascii_lowercase();
        format!("{imports}\nresponse = httpx.{method}(\n{arguments})\nresponse.raise_for_status()\n")
    }
}

/// Formats JSON as a Python expression.
fn python_literal(value: &Value, depth: usize) -> String {
    let (inner, outer) = ("    ".repeat(depth + 1), "    ".repeat(depth));
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Object(members) if !members.is_empty() => {
            let lines = members
                .iter()
                .map(|(name, value)| format!("{inner}\"{name}\": {},\n", python_literal(value, depth + 1)));
            format!("{{\n{}{outer}}}", lines.collect::<String>())
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| python_literal(item, depth));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
