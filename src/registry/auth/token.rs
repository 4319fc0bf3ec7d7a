//! Asking a token server: both ways to ask, and what comes back.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::{
    credentials::Secret,
    registry::{
        http::{HeaderValue, Method, header},
        scope::Scopes,
        transport::{Redirects, Request},
    },
};

/// Largest answer that is read, in bytes.
pub(super) const ANSWER_LIMIT: u64 = 128 << 10;
/// The name we go by at token servers.
const CLIENT: &str = "oras-rs";
/// Redirects that a question may take.
const MOST_REDIRECTS: usize = 5;

/// A token, and what its server says about it.
#[derive(Debug)]
pub(in crate::registry) struct Answer {
    pub(super) token: Secret,
    pub(super) expires_in: Option<Duration>,
    pub(super) issued_at: Option<SystemTime>,
    pub(super) refresh_token: Option<Secret>,
    pub(super) scope: Option<String>,
}

/// A question that every server understands: with a password, or without.
///
/// Implements the token authentication specification of distribution, "Requesting a Token".
pub(super) fn ask(
    realm: &Url,
    service: Option<&str>,
    scopes: &Scopes,
    basic: Option<(&str, HeaderValue)>,
) -> Request<'static> {
    let mut url = realm.clone();
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("client_id", CLIENT);
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        for scope in scopes.list() {
            query.append_pair("scope", &scope);
        }
        if let Some((user, _)) = &basic
            && !user.is_empty()
        {
            query.append_pair("account", user);
        }
    }
    let mut request = Request::get(url).confidential();
    request.redirects = Redirects { most: MOST_REDIRECTS, same_origin: basic.is_some() };
    request.authorization = basic.map(|(_, header)| header);
    request
}

/// A question with an identity token, in the form of OAuth 2.
///
/// Implements RFC 6749, section 6.
pub(super) fn exchange(
    realm: &Url,
    service: Option<&str>,
    scopes: &Scopes,
    token: &Secret,
) -> Request<'static> {
    let scopes = scopes.to_string();
    let mut fields = vec![("client_id", CLIENT), ("grant_type", "refresh_token")];
    fields.extend(service.map(|service| ("service", service)));
    if !scopes.is_empty() {
        fields.push(("scope", &scopes));
    }
    fields.push(("refresh_token", token.expose()));
    form(realm.clone(), &fields)
}

/// A POST of a form that holds secrets.
pub(in crate::registry) fn form(url: Url, fields: &[(&str, &str)]) -> Request<'static> {
    let body = Zeroizing::new(form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish());
    let mut request = Request::new(Method::POST, url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .bytes(body.as_bytes().to_vec().into())
        .confidential();
    request.redirects = Redirects { most: MOST_REDIRECTS, same_origin: true };
    request
}

/// A header that holds a secret; `None` when a header cannot hold it.
pub(super) fn secret_header(scheme: &str, secret: &str) -> Option<HeaderValue> {
    let text = Zeroizing::new(format!("{scheme} {secret}"));
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Reads the answer of a token server (pure).
///
/// # Errors
/// It holds no token.
pub(in crate::registry) fn parse(content_type: &str, body: &[u8]) -> Result<Answer, &'static str> {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Err(match content_type {
            "text/html" => "this is a page for people and not a token server",
            _ => "the answer is not a JSON object",
        });
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let token = text("access_token").or_else(|| text("token")).ok_or("the answer holds no token")?;
    Ok(Answer {
        token: Secret::new(token),
        expires_in: members.get("expires_in").and_then(seconds),
        issued_at: text("issued_at").and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(Into::into),
        refresh_token: text("refresh_token").map(Secret::new),
        scope: text("scope").map(str::to_owned),
    })
}

/// A number of seconds, which some servers send as a text.
fn seconds(value: &Value) -> Option<Duration> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (0.0..1e9).contains(&number).then(|| Duration::from_secs_f64(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(body: &str) -> Result<String, &'static str> {
        parse("application/json", body.as_bytes()).map(|answer| answer.token.expose().to_owned())
    }

    #[test]
    fn a_token_is_found_in_every_kind_of_answer() {
        let cases = [
            (r#"{"token":"t"}"#, Ok("t")),
            (r#"{"access_token":"a"}"#, Ok("a")),
            (r#"{"token":"t","access_token":"a"}"#, Ok("a")),
            (r#"{"token":"t","access_token":""}"#, Ok("t")),
            (r#"{"token":"t","access_token":null}"#, Ok("t")),
            (r#"{"token":"t","expires_in":{},"issued_at":7,"refresh_token":[],"scope":1}"#, Ok("t")),
            (r#"{"token":""}"#, Err("the answer holds no token")),
            (r#"{"token":7}"#, Err("the answer holds no token")),
            ("{}", Err("the answer holds no token")),
            ("[]", Err("the answer is not a JSON object")),
            ("t", Err("the answer is not a JSON object")),
            ("", Err("the answer is not a JSON object")),
        ];
        for (body, expected) in cases {
            assert_eq!(token(body), expected.map(str::to_owned), "{body}");
        }
        let html = parse("text/html", b"<html>").unwrap_err();
        assert_eq!(html, "this is a page for people and not a token server");
    }

    #[test]
    fn a_life_is_a_number_or_a_text() {
        let life = |body: &str| parse("", body.as_bytes()).unwrap().expires_in.map(|life| life.as_secs());
        for (value, expected) in
            [("300", Some(300)), ("\"300\"", Some(300)), ("300.9", Some(300)), ("-1", None)]
        {
            assert_eq!(life(&format!(r#"{{"token":"t","expires_in":{value}}}"#)), expected, "{value}");
        }
        for value in ["\"soon\"", "null", "true", "1e99"] {
            assert_eq!(life(&format!(r#"{{"token":"t","expires_in":{value}}}"#)), None, "{value}");
        }
    }

    #[test]
    fn a_question_keeps_the_query_of_its_realm_and_names_each_resource_once() {
        let realm = Url::parse("https://r/token?a=b").unwrap();
        let scopes = Scopes::parse("repository:b:pull repository:a:push,pull");
        let basic = Some(("u", HeaderValue::from_static("Basic x")));
        let request = ask(&realm, Some("s v"), &scopes, basic);
        assert_eq!(
            request.url.as_str(),
            "https://r/token?a=b&client_id=oras-rs&service=s+v&scope=repository%3Aa%3Apull%2Cpush\
             &scope=repository%3Ab%3Apull&account=u"
        );
        assert!(request.redirects.same_origin);
        let anonymous = ask(&Url::parse("https://r/token").unwrap(), None, &Scopes::default(), None);
        assert_eq!(anonymous.url.as_str(), "https://r/token?client_id=oras-rs");
        assert!(anonymous.authorization.is_none() && !anonymous.redirects.same_origin);
    }

    #[test]
    fn a_token_that_no_header_can_hold_is_refused() {
        assert!(secret_header("Bearer", "a\nb").is_none());
        assert!(secret_header("Bearer", "abc").unwrap().is_sensitive());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_answer_holds_a_token_or_none(token in "[!-~]{1,20}", life in ".{0,12}", text in ".{0,40}") {
            crate::registry::fuzz::answers(text.as_bytes());
            let body = serde_json::json!({"token": token.clone(), "expires_in": life, "issued_at": text}).to_string();
            let answer = parse("application/json", body.as_bytes()).ok().unwrap();
            proptest::prop_assert_eq!(answer.token.expose(), &*token);
        }
    }
}
