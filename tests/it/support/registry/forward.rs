//! Passing requests on to a real registry, so that what a test bends is a real registry's answer.

use hyper::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use reqwest::Client;

use super::message::{Answer, Request};
use crate::support::http::client;

/// The registry behind this one.
#[derive(Clone)]
pub(crate) struct Upstream {
    url: String,
    client: Client,
}

impl Upstream {
    /// A registry by its scheme, host and port.
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), client: client() }
    }

    /// Its answer. The host that the client asked for is passed on, so that locations lead here again.
    pub(super) async fn answer(&self, request: &Request) -> Answer {
        let mut headers = request.headers.clone();
        headers.remove(CONNECTION);
        headers.remove(TRANSFER_ENCODING);
        headers.insert(CONTENT_LENGTH, request.body.len().into());
        let passed = self.client.request(request.method.clone(), format!("{}{}", self.url, request.target()));
        let sent = passed.headers(headers).body(request.body.clone()).send().await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Answer::new(502).body(error.to_string()),
        };
        let mut answer = Answer::new(response.status().as_u16());
        answer.headers = response.headers().clone();
        answer.headers.remove(CONNECTION);
        answer.headers.remove(TRANSFER_ENCODING);
        match response.bytes().await {
            Ok(body) => answer.body(body),
            Err(error) => Answer::new(502).body(error.to_string()),
        }
    }
}
