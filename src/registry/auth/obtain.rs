//! Getting a token from a token server, by all means that are safe.

use std::sync::{Arc, PoisonError};

use url::Url;
use zeroize::Zeroizing;

use super::{
    Authenticator,
    error::AuthError,
    grant::{Grant, Source},
    realm::{self, Trust},
    token::{self, ANSWER_LIMIT, secret_header},
};
use crate::{
    credentials::{Found, Login, Notice, Secret},
    registry::{
        Error, Origin, ResponseError, Result, acr, http::StatusCode, jwt, response::Response, scope::Scopes,
        trace::bare_url, transport::Request,
    },
};

/// What several tasks wait for together.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct FlightKey {
    source: Source,
    identity: u64,
    scopes: Scopes,
}

#[derive(Clone)]
pub(super) enum Outcome {
    Granted(Arc<Grant>),
    Denied(Denial),
}

/// A token server, or what we know ourselves, says no.
#[derive(Clone)]
pub(super) enum Denial {
    Response(Box<ResponseError>),
    Expired { expired: std::time::SystemTime, is_azure: bool },
}

/// What is asked for, where and for whom.
pub(super) struct Wish<'a> {
    pub(super) source: &'a Arc<Source>,
    /// Everything that is planned.
    pub(super) scopes: &'a Scopes,
    /// What the challenge names, in case everything is too much.
    pub(super) least: &'a Scopes,
    pub(super) repository: &'a str,
}

impl Authenticator {
    /// A new token in place of one that is about to end.
    pub(super) async fn renew(&self, grant: &Grant) -> Option<Arc<Grant>> {
        let (source, repository) = (grant.source.as_ref()?, &grant.repository);
        let login = self.login(repository).await.ok()?;
        let wish = Wish { source, scopes: &grant.scopes, least: &grant.scopes, repository };
        self.obtain(&wish, login.as_deref()).await.ok()
    }

    /// Gets a token, by all means that are safe.
    pub(super) async fn obtain(&self, wish: &Wish<'_>, login: Option<&Login>) -> Result<Arc<Grant>> {
        let known_bad =
            login.is_some_and(|login| self.notes().refused.contains(&login.credential.fingerprint()));
        let may_go_without =
            login.is_some_and(|login| login.origin != Found::Given) && wish.scopes.is_read_only();
        let mut denial = None;
        if !(known_bad && may_go_without) {
            match self.fetch(wish, login).await? {
                Outcome::Granted(grant) => return Ok(grant),
                Outcome::Denied(first) => denial = Some(first),
            }
            if let Some(login) = login
                && let Some(renewed) = self.ask_again(wish.repository, login).await?
            {
                match self.fetch(wish, Some(&renewed)).await? {
                    Outcome::Granted(grant) => return Ok(grant),
                    Outcome::Denied(second) => denial = Some(second),
                }
            }
        }
        // A login that is no longer good must not stand in the way of what everybody may read.
        if let (Some(login), true) = (login, may_go_without) {
            match self.fetch(wish, None).await? {
                Outcome::Granted(grant) => {
                    self.notes().refused.insert(login.credential.fingerprint());
                    self.tell(&Notice::Refused { registry: &self.host, origin: &login.origin });
                    return Ok(grant);
                }
                Outcome::Denied(last) => denial = denial.or(Some(last)),
            }
        }
        Err(match denial {
            Some(Denial::Response(mut response)) => {
                response.hints.extend(self.login_hint(login));
                if !wish.scopes.is_empty() {
                    response.hints.push(format!("asked for {}", wish.scopes));
                }
                Error::Response(response)
            }
            Some(Denial::Expired { expired, is_azure }) => {
                AuthError::Expired { host: self.host.clone(), expired, is_azure }.into()
            }
            // Cannot happen: without a denial there was a grant.
            None => AuthError::NoCredential { host: self.host.clone() }.into(),
        })
    }

    /// Asks for everything; when that is denied, for what the challenge names.
    async fn fetch(&self, wish: &Wish<'_>, login: Option<&Login>) -> Result<Outcome> {
        let outcome = self.fetch_once(wish, wish.scopes, login).await?;
        match outcome {
            Outcome::Denied(Denial::Response(_)) if !wish.least.is_empty() && wish.least != wish.scopes => {
                self.fetch_once(wish, wish.least, login).await
            }
            outcome => Ok(outcome),
        }
    }

    /// Asks a token server, together with all others who want the same. What it denies is not asked again.
    async fn fetch_once(&self, wish: &Wish<'_>, scopes: &Scopes, login: Option<&Login>) -> Result<Outcome> {
        let identity = login.map_or(0, |login| login.credential.fingerprint());
        let key = || FlightKey { source: (**wish.source).clone(), identity, scopes: scopes.clone() };
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever finished just before us has put a token there before the flight was taken away.
            let current =
                self.grants().iter().find(|grant| grant.is_current(wish.source, identity, scopes)).cloned();
            if let Some(current) = current {
                return Ok(Outcome::Granted(current));
            }
            Arc::clone(flights.entry(key()).or_default())
        };
        let request = async || {
            let outcome = self.request(wish, scopes, login, identity).await?;
            if let Outcome::Granted(grant) = &outcome {
                self.grants().push(Arc::clone(grant));
            }
            Ok::<_, Error>(outcome)
        };
        let outcome = flight.get_or_try_init(request).await?.clone();
        if matches!(outcome, Outcome::Granted(_)) {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            if flights.get(&key()).is_some_and(|current| Arc::ptr_eq(current, &flight)) {
                flights.remove(&key());
            }
        }
        Ok(outcome)
    }

    /// Asks a token server once.
    async fn request(
        &self,
        wish: &Wish<'_>,
        scopes: &Scopes,
        login: Option<&Login>,
        identity: u64,
    ) -> Result<Outcome> {
        let Source { realm, service } = &**wish.source;
        let service = service.as_deref();
        let trusted = self.trust(realm, login)?;
        let withheld = login.is_some() && !trusted;
        if withheld && !scopes.is_read_only() {
            return Err(self.untrusted(wish.source).into());
        }
        let login = login.filter(|_| trusted);
        if login.is_some() && realm.host_str() == Some(self.transport.home().host()) {
            self.warn_unverified();
        }
        let identity_token = login.and_then(|login| login.credential.identity());
        let response = match identity_token {
            Some(token) => {
                self.transport.hide(token.expose());
                self.transport.send(&mut token::exchange(realm, service, scopes, token)).await?
            }
            None => match self.question(wish, scopes, login)? {
                Ok(mut question) => self.transport.send(&mut question).await?,
                Err(denial) => return Ok(Outcome::Denied(denial)),
            },
        };
        if identity_token.is_some() && is_no_oauth(&response) {
            // A password goes to servers that know nothing of identity tokens; the token itself never does.
            let password = login.filter(|login| login.credential.basic().is_some());
            let Some(login) = password else {
                return Err(AuthError::NoIdentityTokens { host: self.host.clone() }.into());
            };
            let plain = Login { credential: login.credential.without_token(), origin: login.origin.clone() };
            response.discard().await;
            return Box::pin(self.request(wish, scopes, Some(&plain), identity)).await;
        }
        if !response.status.is_success() {
            let is_denied = matches!(response.status.as_u16(), 401 | 403)
                || (response.status == StatusCode::BAD_REQUEST && identity_token.is_some());
            let error = response.into_error().await;
            return match error {
                Error::Response(_) if is_denied && withheld => Err(self.untrusted(wish.source).into()),
                Error::Response(response) if is_denied => Ok(Outcome::Denied(Denial::Response(response))),
                error => Err(error),
            };
        }
        let answer = self.read(realm, response).await?;
        if let (Some(login), Some(used), Some(new)) = (login, identity_token, &answer.refresh_token)
            && used != new
        {
            self.rotate(wish.repository, login, new).await;
        }
        let header = secret_header("Bearer", answer.token.expose())
            .ok_or_else(|| answer_error(realm, "the token cannot be sent in a header"))?;
        let now = (self.transport.options().clock)();
        let mut grant = Grant::token(header, scopes.clone(), &answer, now);
        grant.source = Some(Arc::clone(wish.source));
        wish.repository.clone_into(&mut grant.repository);
        (grant.withheld, grant.identity) = (withheld, identity);
        Ok(Outcome::Granted(Arc::new(grant)))
    }

    /// The question with a password if there is one, unless that is known to be of no use.
    fn question(
        &self,
        wish: &Wish<'_>,
        scopes: &Scopes,
        login: Option<&Login>,
    ) -> Result<Result<Request<'static>, Denial>> {
        let Source { realm, service } = &**wish.source;
        let Some((login, (user, password))) =
            login.and_then(|login| Some((login, login.credential.basic()?)))
        else {
            return Ok(Ok(token::ask(realm, service.as_deref(), scopes, None)));
        };
        if let Some(expired) = self.expired(password) {
            return Ok(Err(expired));
        }
        let header = self.basic_header(login)?;
        Ok(Ok(token::ask(realm, service.as_deref(), scopes, Some((user, header)))))
    }

    async fn read(&self, realm: &Url, response: Response) -> Result<token::Answer> {
        let content_type = response.content_type();
        let body = Zeroizing::new(response.read(ANSWER_LIMIT).await?.to_vec());
        token::parse(&content_type, &body).map_err(|reason| answer_error(realm, reason).into())
    }

    /// May the credential be sent to a token server?
    fn trust(&self, realm: &Url, login: Option<&Login>) -> Result<bool, AuthError> {
        let refuse = |reason| AuthError::Realm { host: self.host.clone(), realm: bare_url(realm), reason };
        let origin = Origin::of(realm).ok_or_else(|| refuse("it is neither http nor https"))?;
        let policy = &self.transport.options().auth.realms;
        let remembered = login.and_then(|login| login.credential.realm());
        match realm::judge(self.transport.home(), &origin, policy).map_err(refuse)? {
            Trust::Credentials => Ok(true),
            Trust::Anonymous => Ok(origin.is_secure() && remembered == Some(&*origin.to_string())),
            Trust::FirstUse => {
                if login.is_some() {
                    self.notes().first_use = Some(origin);
                }
                Ok(true)
            }
        }
    }

    /// A password that is a token may be known to be over without asking anybody.
    fn expired(&self, password: &Secret) -> Option<Denial> {
        let claims = jwt::Claims::of(password.expose())?;
        let expired = claims.expires()?;
        let now = (self.transport.options().clock)();
        let is_azure = acr::is_token(&claims) || self.is_azure();
        (expired < now).then_some(Denial::Expired { expired, is_azure })
    }

    async fn rotate(&self, repository: &str, login: &Login, token: &Secret) {
        let store = self.transport.options().auth.store.clone();
        if let Some(store) = store
            && let Err(error) = store.rotate(login, token).await
        {
            self.tell(&Notice::NotKept { registry: &self.host, error: &error });
        }
        let credential = login.credential.duplicate().with_identity_token(token.expose());
        let rotated = Arc::new(Login { credential, origin: login.origin.clone() });
        let mut logins = self.logins.lock().await;
        logins.insert(repository.to_owned(), Some(rotated));
    }

    pub(super) fn untrusted(&self, source: &Source) -> AuthError {
        let realm =
            Origin::of(&source.realm).map_or_else(|| bare_url(&source.realm), |origin| origin.to_string());
        AuthError::Untrusted { host: self.host.clone(), realm }
    }
}

/// Does the token server say that there is nothing that takes a POST?
fn is_no_oauth(response: &Response) -> bool {
    matches!(response.status.as_u16(), 404 | 405)
}

fn answer_error(realm: &Url, reason: &'static str) -> AuthError {
    AuthError::Answer { realm: bare_url(realm), reason }
}
