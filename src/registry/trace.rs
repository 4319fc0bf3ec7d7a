//! What a listener is told about requests: events whose secrets are already gone.

use std::time::Duration;

use url::Url;

use super::http::{HeaderMap, HeaderValue};

/// Largest body that is shown, in bytes.
pub(crate) const SHOWN_BODY: usize = 16 << 10;

/// What stands for a secret.
pub(crate) const MASK: &str = "*****";
const REDACTED: &str = "REDACTED";

/// Something that happened on the wire.
#[derive(Debug)]
#[non_exhaustive]
pub enum TraceEvent<'a> {
    /// A request is about to be sent.
    Request {
        /// Number of the exchange.
        number: u64,
        /// The method.
        method: &'a str,
        /// The URL, with every value of its query replaced.
        url: &'a str,
        /// Names and values; secrets are replaced.
        headers: &'a [(String, String)],
    },
    /// The answer has begun.
    Response {
        /// Number of the exchange.
        number: u64,
        /// Number and reason, such as `200 OK`.
        status: &'a str,
        /// Names and values; secrets are replaced.
        headers: &'a [(String, String)],
        /// The body, as far as it is fit to be shown.
        body: BodyText<'a>,
    },
    /// No answer came.
    Failed {
        /// Number of the exchange.
        number: u64,
        /// Why.
        message: &'a str,
    },
    /// The registry warns its users. Each text comes once.
    Warning {
        /// Host and port of the registry.
        registry: &'a str,
        /// The text, without control characters.
        text: &'a str,
    },
    /// A request will be repeated after a while.
    Waiting {
        /// Host and port that is waited for.
        host: &'a str,
        /// How long.
        wait: Duration,
        /// What went wrong.
        reason: &'a str,
    },
    /// Something that a person should know, in one line.
    Notice(&'a str),
    /// Something that is of use only to somebody who looks for a fault, in one line.
    Detail(&'a str),
}

/// A body, as far as it is fit to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyText<'a> {
    /// There is none.
    Empty,
    /// It is text.
    Text(&'a str),
    /// It is not text.
    NotText,
    /// It is longer than what is shown.
    TooLarge,
    /// It holds a token.
    Secret,
}

/// Listens to requests and answers. Called from several tasks at once.
pub trait Trace: Send + Sync {
    /// Number for the next exchange. `None` means that exchanges are not shown; then no event of one comes.
    fn begin(&self) -> Option<u64> {
        None
    }

    /// Takes note of an event; must not block for long.
    fn event(&self, event: &TraceEvent<'_>);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Untraced;

impl Trace for Untraced {
    fn event(&self, _: &TraceEvent<'_>) {}
}

/// A URL without user and fragment, and with every value of its query replaced.
#[must_use]
pub fn redact_url(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only for URLs that cannot have a user.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    shown.set_query(None);
    match url.query() {
        None => shown.into(),
        Some(query) => format!("{shown}?{}", redact_query(query)),
    }
}

/// A URL for messages: without user, query and fragment.
#[must_use]
pub(crate) fn bare_url(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    shown.set_query(None);
    shown.into()
}

/// A URL or relative reference from a header, with every value of its query replaced.
fn redact_reference(text: &str) -> String {
    if let Ok(url) = Url::parse(text) {
        return redact_url(&url);
    }
    let text = text.split_once('#').map_or(text, |(before, _)| before);
    match text.split_once('?') {
        None => text.to_owned(),
        Some((path, query)) => format!("{path}?{}", redact_query(query)),
    }
}

/// A text in which no URL has a user.
fn without_users(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(['/', '"', '\'', '?', '#', ',', ' ']).unwrap_or(after.len());
        let user = after[..end].rfind('@').map_or(0, |at| at + 1);
        out.push_str(before);
        out.push_str("://");
        rest = &after[user..];
    }
    out + rest
}

fn redact_query(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) => format!("{name}={REDACTED}"),
        // A part without a name may be a value.
        None if part.is_empty() => String::new(),
        None => REDACTED.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

/// Headers as they are shown, sorted by name; `custom` are the names that the user gave.
pub(crate) fn shown_headers(headers: &HeaderMap, custom: &[String]) -> Vec<(String, String)> {
    let mut shown: Vec<(String, String)> = headers
        .keys()
        .map(|name| {
            let values = headers.get_all(name).iter();
            let text = match name.as_str() {
                "authorization" | "proxy-authorization" | "cookie" | "set-cookie" | "x-identity-header" => {
                    MASK.to_owned()
                }
                name if custom.iter().any(|own| own.eq_ignore_ascii_case(name)) => MASK.to_owned(),
                "location" | "content-location" | "referer" => join(values, redact_reference),
                "link" => join(values, redact_link),
                _ => join(values, without_users),
            };
            (canonical_name(name.as_str()), text)
        })
        .collect();
    shown.sort();
    shown
}

fn join<'a>(values: impl Iterator<Item = &'a HeaderValue>, show: impl Fn(&str) -> String) -> String {
    let shown =
        values.map(|value| if value.is_sensitive() { MASK.to_owned() } else { show(&text_of(value)) });
    shown.collect::<Vec<_>>().join(", ")
}

/// The value of a header as printable text.
pub(crate) fn text_of(value: &HeaderValue) -> String {
    printable(&String::from_utf8_lossy(value.as_bytes()))
}

/// A `Link` header with the queries of its targets replaced.
fn redact_link(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>').unwrap_or((after, ""));
        out.push_str(before);
        out.push('<');
        out.push_str(&redact_reference(target));
        out.push('>');
        rest = after;
    }
    out + rest
}

/// The spelling of a header's name that people know: `Content-Type`.
fn canonical_name(name: &str) -> String {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

/// Is a body of this content type shown?
pub(crate) fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(&*kind, "application/json" | "text/plain" | "text/html") || kind.ends_with("+json")
}

/// How a whole body of a shown content type appears.
pub(crate) fn body_text(body: &[u8]) -> BodyText<'_> {
    match std::str::from_utf8(body) {
        Ok("") => BodyText::Empty,
        Ok(_) if holds_token(body) => BodyText::Secret,
        Ok(text) => BodyText::Text(text),
        Err(_) => BodyText::NotText,
    }
}

fn holds_token(body: &[u8]) -> bool {
    fn search(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Object(members) => members.iter().any(|(key, value)| {
                matches!(
                    &*key.to_ascii_lowercase(),
                    "token" | "access_token" | "refresh_token" | "id_token" | "identity_token"
                ) || search(value)
            }),
            serde_json::Value::Array(items) => items.iter().any(search),
            _ => false,
        }
    }
    serde_json::from_slice(body).is_ok_and(|value| search(&value))
}

/// Text without control characters, so that no server can write to a terminal.
pub(crate) fn printable(text: &str) -> String {
    let clean = |c: char| match c {
        '\n' | '\r' | '\t' => Some(' '),
        // Marks that turn the direction of text can disguise it.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        c if c.is_control() => None,
        c => Some(c),
    };
    text.chars().filter_map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_query_is_shown() {
        let cases = [
            ("https://h/a?sig=s&X-Amz-Date=d", "https://h/a?sig=REDACTED&X-Amz-Date=REDACTED"),
            ("https://u:p@h/a#f", "https://h/a"),
            ("https://h/a?", "https://h/a?"),
            ("https://h/a?secret&b=", "https://h/a?REDACTED&b=REDACTED"),
        ];
        for (url, expected) in cases {
            assert_eq!(redact_url(&Url::parse(url).unwrap()), expected);
        }
        assert_eq!(
            redact_reference("/v2/a/blobs/uploads/1?_state=s"),
            "/v2/a/blobs/uploads/1?_state=REDACTED"
        );
        assert_eq!(
            redact_link("</v2/_catalog?last=x>; rel=\"next\""),
            "</v2/_catalog?last=REDACTED>; rel=\"next\""
        );
    }

    #[test]
    fn secrets_in_headers_are_masked() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer canary"));
        headers.insert("set-cookie", HeaderValue::from_static("a=canary"));
        headers.insert("x-own", HeaderValue::from_static("canary"));
        headers.insert("location", HeaderValue::from_static("http://h/?sig=canary"));
        headers.insert(
            "www-authenticate",
            HeaderValue::from_static("Bearer realm=\"https://u:canary@h/t\",x=y"),
        );
        headers.append("accept", HeaderValue::from_static("a/b"));
        headers.append("accept", HeaderValue::from_static("c/d"));
        let shown = shown_headers(&headers, &["X-Own".to_owned()]);
        assert!(!format!("{shown:?}").contains("canary"), "{shown:?}");
        assert_eq!(shown[0], ("Accept".to_owned(), "a/b, c/d".to_owned()));
        assert!(shown.iter().any(|(_, value)| value == "Bearer realm=\"https://h/t\",x=y"), "{shown:?}");
        assert_eq!(without_users("a@b http://u@h http://h/@ x"), "a@b http://h http://h/@ x");
    }

    #[test]
    fn a_body_with_a_token_is_not_shown() {
        assert_eq!(body_text(b""), BodyText::Empty);
        assert_eq!(body_text(b"plain"), BodyText::Text("plain"));
        assert_eq!(body_text(br#"[{"a":{"Access_Token":"canary"}}]"#), BodyText::Secret);
        assert_eq!(body_text(br#"{"a":"token"}"#), BodyText::Text(r#"{"a":"token"}"#));
        assert_eq!(body_text(b"\xff"), BodyText::NotText);
        assert!(is_text("application/vnd.oci.image.index.v1+json; charset=utf-8"));
        assert!(!is_text("application/octet-stream"));
    }

    #[test]
    fn control_characters_are_dropped() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202e}"), "a[31mb c");
    }
}
