//! Secrets that were sent, taken out of what servers say: some repeat what they were sent.

use std::{
    borrow::Cow,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::Engine as _;
use zeroize::Zeroizing;

use super::{
    http::{HeaderMap, header},
    trace::MASK,
};

/// Shorter ones are part of too many words, in bytes.
const SHORTEST: usize = 4;
/// Values of the user's own headers need not be secret, and ordinary words are not.
const SHORTEST_OWN: usize = 8;

/// All secrets that one transport has sent, in the forms in which they may come back. Never shown.
#[derive(Default)]
pub(crate) struct Hidden(Mutex<Vec<Zeroizing<String>>>);

impl Hidden {
    /// Remembers a secret that is about to be sent.
    pub(crate) fn add(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let quoted = Zeroizing::new(serde_json::Value::from(secret).to_string());
        let mut secrets = self.locked();
        for form in [secret, &*Zeroizing::new(encoded), quoted.trim_matches('"')] {
            if !secrets.iter().any(|known| known.as_str() == form) {
                secrets.push(Zeroizing::new(form.to_owned()));
            }
        }
        // What is part of something longer must not spoil it before it is found.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// Remembers what the headers of a request say of us; `own` are the names that the user gave.
    pub(crate) fn note(&self, headers: &HeaderMap, own: &[String]) {
        for (name, value) in headers {
            let Ok(text) = value.to_str() else { continue };
            if name == header::AUTHORIZATION {
                let (scheme, secret) = text.split_once(' ').unwrap_or(("", text));
                self.add(secret);
                if scheme.eq_ignore_ascii_case("basic") {
                    self.add_password(secret);
                }
            } else if text.len() >= SHORTEST_OWN
                && own.iter().any(|own| own.eq_ignore_ascii_case(name.as_str()))
            {
                self.add(text);
            }
        }
    }

    fn add_password(&self, encoded: &str) {
        let decoded = base64::prelude::BASE64_STANDARD.decode(encoded).unwrap_or_default();
        let decoded = Zeroizing::new(decoded);
        if let Some((_, password)) = std::str::from_utf8(&decoded).ok().and_then(|pair| pair.split_once(':'))
        {
            self.add(password);
        }
    }

    /// A text without the secrets.
    pub(crate) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        for secret in self.locked().iter().filter(|secret| text.contains(secret.as_str())) {
            clean = Cow::Owned(clean.replace(secret.as_str(), MASK));
        }
        clean
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Zeroizing<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::http::HeaderValue;

    #[test]
    fn what_was_sent_is_found_in_every_form_in_which_it_may_come_back() {
        let hidden = Hidden::default();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Basic dTpjYW5hcnkvIisx"));
        headers.insert("x-own", HeaderValue::from_static("canary-own"));
        headers.insert("x-flag", HeaderValue::from_static("true"));
        hidden.note(&headers, &["X-Own".to_owned(), "X-Flag".to_owned()]);
        let clean = |text: &str| hidden.clean(text).into_owned();
        for said in
            ["you sent dTpjYW5hcnkvIisx", "your password is canary/\"+1", "p=canary%2F%22%2B1", "canary-own"]
        {
            assert!(!clean(said).contains("canary") && !clean(said).contains("dTpj"), "{said}");
        }
        assert_eq!(clean(r#"{"message":"canary/\"+1 is wrong"}"#), r#"{"message":"***** is wrong"}"#);
        assert_eq!(clean("that is true"), "that is true");
        hidden.add("abc");
        assert_eq!(clean("abc"), "abc");
    }

    #[test]
    fn a_secret_that_is_part_of_another_does_not_spoil_it() {
        let hidden = Hidden::default();
        hidden.add("canary");
        hidden.add("canary-and-more");
        assert_eq!(hidden.clean("canary canary-and-more"), "***** *****");
    }
}
