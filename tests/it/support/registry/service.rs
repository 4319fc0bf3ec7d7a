//! The way of a request: noted, bent by a rule, carried out, answered.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Response, body::Incoming};

use super::{
    connection::Switch,
    delivery::{Delivery, deliver},
    fault::{Act, Fault},
    log::{Log, Origin},
    message::{Answer, Request},
    options::Options,
    routes,
    rules::Rules,
    state::State,
    storage, tokens, uploads,
};

/// All that the servers of one registry share.
pub(crate) struct Service {
    pub(super) options: Options,
    pub(super) state: Mutex<State>,
    pub(super) log: Log,
    pub(super) rules: Rules,
    /// Where the servers listen, as `host:port`.
    pub(super) hosts: Hosts,
}

/// Host and port of each server of a registry.
pub(crate) struct Hosts {
    pub(super) registry: String,
    pub(super) tokens: String,
    pub(super) storage: String,
}

impl Service {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Where challenges send clients for a token.
    pub(super) fn realm(&self) -> String {
        let tokens = &self.options.access.tokens;
        let host = if tokens.elsewhere { &self.hosts.tokens } else { &self.hosts.registry };
        let path = if tokens.acr { "/oauth2/token" } else { "/token" };
        tokens.realm.clone().unwrap_or_else(|| format!("{host}{path}"))
    }

    /// The name that the registry has for its token server.
    pub(super) fn token_service(&self) -> String {
        let realm = self.realm();
        let host = realm.split('/').nth(2).unwrap_or_default();
        if self.options.access.tokens.acr { host.to_owned() } else { "test-registry".to_owned() }
    }

    /// Answers one request, or ends its connection.
    pub(super) async fn answer(
        &self,
        origin: Origin,
        request: hyper::Request<Incoming>,
        switch: Arc<Switch>,
    ) -> Result<Response<Delivery>, h2::Error> {
        let (head, mut incoming) = request.into_parts();
        let mut request = Request {
            origin,
            method: head.method,
            version: head.version,
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head.headers,
            body: Bytes::new(),
        };
        let place = self.log.arrived(&request);
        let fault = self.rules.take(&request).unwrap_or_else(|| Fault::edit(|_, _| {}));
        if let Act::Answer { answer, early: true } = &fault.act {
            self.log.answered(place, answer.status);
            return Ok(finish(&request, (**answer).clone(), &fault, switch));
        }
        if let Act::RefuseStream = fault.act {
            return Err(h2::Reason::REFUSED_STREAM.into());
        }
        self.interrupt(&fault.act, &mut request, &mut incoming, place, &switch).await;
        match read(&mut incoming, usize::MAX).await {
            Ok(body) => request.body = body,
            Err(part) => {
                self.log.body(place, &part);
                uploads::cut(self, &request, &part);
                return hang().await;
            }
        }
        self.log.body(place, &request.body);
        let answer = match &fault.act {
            Act::Answer { answer, .. } => (**answer).clone(),
            _ => self.carry_out(&request).await,
        };
        if matches!(fault.act, Act::LoseAnswer) {
            switch.close();
            return hang().await;
        }
        self.log.answered(place, answer.status);
        Ok(finish(&request, answer, &fault, switch))
    }

    /// What a fault does before a request is carried out; returns if it is to be carried out after all.
    async fn interrupt(
        &self,
        act: &Act,
        request: &mut Request,
        incoming: &mut Incoming,
        place: usize,
        switch: &Switch,
    ) {
        match act {
            Act::Close { reset: true } => switch.reset(),
            Act::Close { reset: false } => switch.close(),
            Act::Raw(bytes) => switch.close_saying(bytes),
            Act::CloseWhileReading { after, reset } => {
                let (Ok(mut part) | Err(mut part)) = read(incoming, *after).await;
                part.truncate(*after);
                self.log.body(place, &part);
                uploads::cut(self, request, &part);
                if *reset { switch.reset() } else { switch.close() }
            }
            Act::Hold(gate) => return gate.pass().await,
            Act::Delay(time) => return tokio::time::sleep(*time).await,
            Act::LoseUpload => return uploads::forget(self, request),
            Act::ExpireTokens => return self.state().tokens.clear(),
            Act::CarryOut | Act::Answer { .. } | Act::LoseAnswer | Act::RefuseStream => return,
        }
        hang::<()>().await;
    }

    async fn carry_out(&self, request: &Request) -> Answer {
        if let Some(upstream) = &self.options.upstream {
            return upstream.answer(request).await;
        }
        match request.origin {
            Origin::Registry => routes::registry(self, request),
            Origin::Tokens => tokens::answer(self, request).unwrap_or_else(routes::not_found),
            Origin::Storage => storage::answer(self, request),
        }
    }
}

/// Applies a fault's changes, and sends the answer as the fault plans it.
fn finish(request: &Request, mut answer: Answer, fault: &Fault, switch: Arc<Switch>) -> Response<Delivery> {
    let has_body = answer.status.as_u16() >= 200 && !matches!(answer.status.as_u16(), 204 | 304);
    if has_body && !answer.headers.contains_key("content-length") {
        let length = answer.body.len().to_string();
        answer.set_header("content-length", length);
    }
    for edit in &fault.edits {
        edit(request, &mut answer);
    }
    let body = if request.method == Method::HEAD {
        Full::default().map_err(|never| match never {}).boxed_unsync()
    } else {
        let stated = answer.headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        deliver(answer.body, stated, fault.plan.clone(), switch)
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// Reads a body until it ends or holds at least so many bytes. The error is what arrived before the
/// client went away.
async fn read(incoming: &mut Incoming, most: usize) -> Result<Bytes, Bytes> {
    let mut body = BytesMut::new();
    while body.len() < most {
        match incoming.frame().await {
            None => break,
            Some(Ok(frame)) => body.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
            Some(Err(_)) => return Err(body.freeze()),
        }
    }
    Ok(body.freeze())
}

/// Waits for the connection to end.
async fn hang<T>() -> T {
    std::future::pending().await
}
