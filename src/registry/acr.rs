//! Azure Container Registry: what is peculiar to it.
//!
//! Its challenges, tokens and redirects are ordinary and handled where all are. Here is how an Entra identity
//! becomes a credential, how tokens of `az acr login` are recognised, and what its refusals mean.

mod ambient;

use std::{fmt, path::PathBuf, sync::Arc};

pub(super) use ambient::ambient;

use super::{Origin, ResponseError, http::Method, jwt::Claims};
use crate::credentials::{Credential, Secret};

/// Domains below which every host is a registry of Azure.
const SUFFIXES: [&str; 3] = [".azurecr.io", ".azurecr.cn", ".azurecr.us"];
/// The user name that goes with a token.
const TOKEN_USER: &str = "00000000-0000-0000-0000-000000000000";
/// Who makes the registry's tokens.
const ISSUER: &str = "Azure Container Registry";

/// The Azure identity of an environment: what its variables say. Only the program itself reads them.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Azure {
    /// `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// `AZURE_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// `AZURE_CLIENT_SECRET`.
    pub client_secret: Option<Arc<Secret>>,
    /// `AZURE_FEDERATED_TOKEN_FILE`: read anew each time, since it changes.
    pub federated_token_file: Option<PathBuf>,
    /// `AZURE_AUTHORITY_HOST`: who gives tokens, when it is not the public cloud.
    pub authority_host: Option<String>,
    /// `IDENTITY_ENDPOINT`: the managed identity of App Service and Container Apps.
    pub identity_endpoint: Option<String>,
    /// `IDENTITY_HEADER`: the password of that endpoint.
    pub identity_header: Option<Arc<Secret>>,
    /// `MSI_ENDPOINT`: the managed identity of Cloud Shell.
    pub msi_endpoint: Option<String>,
    /// Where virtual machines ask for their identity.
    pub metadata_endpoint: Option<String>,
    /// Registries of Azure that go by other names.
    pub hosts: Vec<String>,
    /// `PATH`: where `az` is looked up.
    pub path: Option<std::ffi::OsString>,
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Azure").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

impl Azure {
    /// Takes the variables from a function that looks one up. An empty variable counts as none.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).map(|value| value.to_string_lossy().into_owned());
        let secret = |name: &str| text(name).map(|value| Arc::new(Secret::new(value)));
        Self {
            client_id: text("AZURE_CLIENT_ID"),
            tenant_id: text("AZURE_TENANT_ID"),
            client_secret: secret("AZURE_CLIENT_SECRET"),
            federated_token_file: set("AZURE_FEDERATED_TOKEN_FILE").map(PathBuf::from),
            authority_host: text("AZURE_AUTHORITY_HOST"),
            identity_endpoint: text("IDENTITY_ENDPOINT"),
            identity_header: secret("IDENTITY_HEADER"),
            msi_endpoint: text("MSI_ENDPOINT"),
            metadata_endpoint: Some("http://169.254.169.254".to_owned()),
            hosts: Vec::new(),
            path: set("PATH"),
        }
    }
}

/// Turns a password that is really a refresh token of Azure's registries into an identity token, as `login`
/// stores it, so that it is exchanged and not sent with every question.
///
/// `az acr login --expose-token` prints such a token under the name of an access token.
#[must_use]
pub fn recognise(credential: Credential) -> Credential {
    let token = credential.basic().and_then(|(user, password)| {
        let claims = Claims::of(password.expose()).filter(is_token)?;
        let is_refresh = claims.text("grant_type") == Some("refresh_token");
        (is_refresh && matches!(user, "" | TOKEN_USER)).then(|| password.duplicate())
    });
    match token {
        Some(token) => credential.with_identity_token(token.expose()),
        None => credential,
    }
}

/// Is a password an access token of Azure's registries, which lives for little more than an hour?
#[must_use]
pub fn is_short_lived(credential: &Credential) -> bool {
    let claims = credential.basic().and_then(|(_, password)| Claims::of(password.expose()));
    claims.is_some_and(|claims| is_token(&claims) && claims.text("grant_type") == Some("access_token"))
}

/// Was a token made by Azure's registries?
pub(super) fn is_token(claims: &Claims) -> bool {
    claims.text("iss") == Some(ISSUER)
}

/// Is it a registry of Azure, by its name or because the user says so?
pub(super) fn is_registry(origin: &Origin, azure: Option<&Azure>) -> bool {
    has_suffix(origin.host()) || azure.is_some_and(|azure| azure.hosts.contains(&origin.authority()))
}

/// What a refusal by one of Azure's registries means, in one sentence.
#[must_use]
pub fn advice(response: &ResponseError) -> Option<&'static str> {
    let host = response.host.split(':').next().unwrap_or_default();
    if !has_suffix(host) || !matches!(response.status.as_u16(), 401 | 403) {
        return None;
    }
    let path = response.url.split_once("/v2/").map_or("", |(_, path)| path);
    if path == "_catalog" {
        return Some("tokens for single repositories cannot list the registry");
    }
    if path.ends_with("/tags/list") {
        return Some("a token for single repositories needs metadata/read to list tags");
    }
    if response.method == Method::DELETE {
        return Some("a token for single repositories needs content/delete to delete");
    }
    match response.method {
        Method::POST | Method::PUT | Method::PATCH => Some(
            "anonymous users may pull only; log in to push; a token for single repositories needs content/write",
        ),
        _ => None,
    }
}

fn has_suffix(host: &str) -> bool {
    SUFFIXES.iter().any(|suffix| host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::{Problems, StatusCode, jwt::forge};

    #[test]
    fn a_refresh_token_that_is_given_as_a_password_is_recognised() {
        let refresh = forge(&json!({"iss": ISSUER, "grant_type": "refresh_token"}));
        let access = forge(&json!({"iss": ISSUER, "grant_type": "access_token"}));
        let other = forge(&json!({"iss": "somebody", "grant_type": "refresh_token"}));
        let kind = |user: &str, password: &str| recognise(Credential::password(user, password)).kind();
        assert_eq!(kind(TOKEN_USER, &refresh), "identity token");
        assert_eq!(kind("", &refresh), "identity token");
        assert_eq!(kind("robot", &refresh), "password");
        assert_eq!(kind(TOKEN_USER, &access), "password");
        assert_eq!(kind(TOKEN_USER, &other), "password");
        assert_eq!(kind("u", "p"), "password");
        assert!(is_short_lived(&Credential::password(TOKEN_USER, &*access)));
        assert!(!is_short_lived(&Credential::password(TOKEN_USER, &*refresh)));
    }

    #[test]
    fn registries_of_azure_are_known_by_name_or_by_choice() {
        let origin = |url: &str| Origin::of(&url::Url::parse(url).unwrap()).unwrap();
        let azure = Azure { hosts: vec!["registry.example".into()], ..Azure::default() };
        for url in [
            "https://a.azurecr.io",
            "https://a.b.azurecr.cn",
            "https://A.AZURECR.US",
            "https://registry.example",
        ] {
            assert!(is_registry(&origin(url), Some(&azure)), "{url}");
        }
        for url in [
            "https://azurecr.io",
            "https://a.azurecr.io.evil.example",
            "https://example",
            "https://registry.example:8443",
        ] {
            assert!(!is_registry(&origin(url), Some(&azure)), "{url}");
        }
        assert!(!is_registry(&origin("https://registry.example"), None));
    }

    #[test]
    fn refusals_are_explained() {
        let advice_for = |method: Method, host: &str, path: &str, status: u16| {
            advice(&ResponseError {
                method,
                url: format!("https://{host}/v2/{path}"),
                host: host.to_owned(),
                is_registry: true,
                status: StatusCode::from_u16(status).unwrap(),
                problems: Problems::default(),
                hints: Vec::new(),
                retry_after: None,
                correlation: Vec::new(),
            })
        };
        let azure = "a.azurecr.io";
        assert!(advice_for(Method::GET, azure, "_catalog", 401).unwrap().contains("list the registry"));
        assert!(advice_for(Method::GET, azure, "app/tags/list", 401).unwrap().contains("metadata/read"));
        assert!(
            advice_for(Method::DELETE, azure, "app/manifests/x", 403).unwrap().contains("content/delete")
        );
        assert!(advice_for(Method::POST, azure, "app/blobs/uploads/", 401).unwrap().contains("log in"));
        assert!(advice_for(Method::GET, azure, "app/manifests/x", 401).is_none());
        assert!(advice_for(Method::GET, azure, "_catalog", 500).is_none());
        assert!(advice_for(Method::GET, "example.com", "_catalog", 401).is_none());
    }

    #[test]
    fn the_environment_is_not_shown() {
        let azure = Azure::from_variables(|name| Some(format!("canary-{name}").into()));
        assert_eq!(azure.client_id.as_deref(), Some("canary-AZURE_CLIENT_ID"));
        assert!(!format!("{azure:?}").contains("canary"));
        assert!(Azure::from_variables(|_| Some("".into())).client_id.is_none());
    }
}
