//! A request as it arrived and an answer as it will leave, both whole and in memory.

use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode, Version, header::HeaderName, header::HeaderValue};
use serde_json::json;

use super::log::Origin;

/// A request, read to its end.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) origin: Origin,
    pub(crate) method: Method,
    pub(crate) version: Version,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// A header as text; `None` when it is missing or no text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first query parameter of this name, decoded as most servers do: `+` is a space.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.parameters(name).into_iter().next()
    }

    /// All query parameters of this name.
    pub(crate) fn parameters(&self, name: &str) -> Vec<String> {
        let query = self.query.as_deref().unwrap_or_default();
        values(query.as_bytes(), name)
    }

    /// All fields of this name in a form that was posted.
    pub(crate) fn fields(&self, name: &str) -> Vec<String> {
        values(&self.body, name)
    }

    /// Path and query as they stood in the request line.
    pub(crate) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

fn values(form: &[u8], name: &str) -> Vec<String> {
    let pairs = url::form_urlencoded::parse(form);
    pairs.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
}

/// An answer before it is sent.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn new(status: u16) -> Self {
        Self { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Sets a header.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.set_header(name, value);
        self
    }

    /// Sets a header.
    pub(crate) fn set_header(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let name: HeaderName = name.parse().unwrap();
        self.headers.insert(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
    }

    /// Adds one more line of a header.
    pub(crate) fn add_header(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// An answer of JSON.
    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status).header("content-type", "application/json").body(value.to_string())
    }

    /// An error as the distribution specification writes it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::error_with(status, code, message, &json!(null))
    }

    /// An error with a detail.
    pub(crate) fn error_with(status: u16, code: &str, message: &str, detail: &serde_json::Value) -> Self {
        let mut error = json!({"code": code, "message": message});
        if !detail.is_null() {
            error["detail"] = detail.clone();
        }
        Self::json(status, &json!({"errors": [error]}))
    }
}
