//! The Azure identity of the environment, exchanged for a refresh token of a registry.
//!
//! Used only when the user switched it on, and only for registries of Azure: an Entra token opens far more
//! than a registry, so it is sent nowhere but to the exchange of such a host.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::{Azure, is_registry};
use crate::{
    credentials::{Program, Secret},
    registry::{
        AuthError, AuthOptions, Options, Origin, Proxies, Retries, TlsOptions,
        auth::token::form,
        http::{HeaderName, HeaderValue},
        transport::{Redirects, Request, Transport},
    },
};

/// Whom a token is for: the registry service; where a cloud does not know it, its resource manager.
const AUDIENCE: &str = "https://containerregistry.azure.net";
/// Largest answer that is read, in bytes.
const ANSWER_LIMIT: u64 = 128 << 10;
/// How long the metadata service may take to accept a connection: elsewhere nobody answers there at all.
const METADATA_CONNECT: Duration = Duration::from_secs(1);
/// How long `az` may take.
const PROGRAM_LIMIT: Duration = Duration::from_secs(30);

/// A way to get an Entra token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    WorkloadIdentity,
    ClientSecret,
    AppService,
    CloudShell,
    VirtualMachine,
    CommandLine,
}

impl Way {
    const ALL: [Self; 6] = [
        Self::WorkloadIdentity,
        Self::ClientSecret,
        Self::AppService,
        Self::CloudShell,
        Self::VirtualMachine,
        Self::CommandLine,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::WorkloadIdentity => "the workload identity of the environment",
            Self::ClientSecret => "the client secret of the environment",
            Self::AppService => "the managed identity of the environment",
            Self::CloudShell => "the identity of Cloud Shell",
            Self::VirtualMachine => "the managed identity of the machine",
            Self::CommandLine => "the login of az",
        }
    }

    /// Does the environment have what this way needs? The last two find out by trying.
    fn is_there(self, azure: &Azure) -> bool {
        let has_client = azure.client_id.is_some() && azure.tenant_id.is_some();
        match self {
            Self::WorkloadIdentity => has_client && azure.federated_token_file.is_some(),
            Self::ClientSecret => has_client && azure.client_secret.is_some(),
            Self::AppService => azure.identity_endpoint.is_some() && azure.identity_header.is_some(),
            Self::CloudShell => azure.msi_endpoint.is_some() && azure.identity_endpoint.is_none(),
            Self::VirtualMachine => azure.metadata_endpoint.is_some(),
            Self::CommandLine => azure.path.is_some(),
        }
    }
}

/// Gets a refresh token of a registry: where it comes from, and the token.
///
/// # Errors
/// No way led to a token; the error says what each one said.
pub(in crate::registry) async fn ambient(
    azure: &Azure,
    transport: &Transport,
    host: &str,
) -> Result<(&'static str, Secret), AuthError> {
    let (home, options) = (transport.home(), transport.options());
    let fail = |reason: String| AuthError::Azure { host: host.to_owned(), reason };
    if !is_registry(home, Some(azure)) || !(home.is_secure() || home.is_loopback()) {
        return Err(fail("it is not a registry of Azure".to_owned()));
    }
    let mut reasons = Vec::new();
    for way in Way::ALL.into_iter().filter(|way| way.is_there(azure)) {
        for audience in [AUDIENCE, resource_manager(home.host())] {
            let asked = Asked { azure, options, host: home.host(), audience };
            let result = match asked.entra_token(way).await {
                Ok(token) => exchange(transport, azure, &token).await,
                Err(reason) => Err(reason),
            };
            match result {
                Ok(token) => return Ok((way.name(), token)),
                Err(reason) => reasons.push(format!("{}: {reason}", way.name())),
            }
        }
    }
    reasons.dedup();
    if reasons.is_empty() {
        reasons.push("there is none".to_owned());
    }
    Err(fail(reasons.join("; ")))
}

/// Exchanges an Entra token for a refresh token of the registry.
async fn exchange(transport: &Transport, azure: &Azure, token: &Secret) -> Result<Secret, String> {
    let home = transport.home();
    let url = Url::parse(&format!("{home}/oauth2/exchange")).map_err(|error| error.to_string())?;
    let service = home.authority();
    let mut fields = vec![("grant_type", "access_token"), ("service", &*service)];
    fields.extend(azure.tenant_id.as_deref().map(|tenant| ("tenant", tenant)));
    fields.push(("access_token", token.expose()));
    let mut request = form(url, &fields);
    request.redirects = Redirects { most: 0, same_origin: true };
    read_token(transport, request, "refresh_token").await
}

/// What is asked of a source of Entra tokens.
struct Asked<'a> {
    azure: &'a Azure,
    options: &'a Options,
    /// The registry.
    host: &'a str,
    audience: &'a str,
}

impl Asked<'_> {
    async fn entra_token(&self, way: Way) -> Result<Secret, String> {
        match way {
            Way::WorkloadIdentity => {
                let path = self.azure.federated_token_file.as_deref().unwrap_or(Path::new(""));
                let assertion = tokio::fs::read_to_string(path).await;
                let assertion =
                    Zeroizing::new(assertion.map_err(|error| format!("read {}: {error}", path.display()))?);
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                self.client_credentials(&[
                    ("client_assertion_type", kind),
                    ("client_assertion", assertion.trim()),
                ])
                .await
            }
            Way::ClientSecret => {
                let secret = self.azure.client_secret.as_ref().map_or("", |secret| secret.expose());
                self.client_credentials(&[("client_secret", secret)]).await
            }
            Way::AppService => {
                let mut url = parse(self.azure.identity_endpoint.as_deref())?;
                self.add_query(&mut url, "2019-08-01");
                let mut request = Request::get(url).confidential();
                let header = self.azure.identity_header.as_ref().map_or("", |secret| secret.expose());
                let mut header = HeaderValue::from_str(header).map_err(|_| "IDENTITY_HEADER is no header")?;
                header.set_sensitive(true);
                request.headers.insert(HeaderName::from_static("x-identity-header"), header);
                self.local(request).await
            }
            Way::CloudShell => {
                let url = parse(self.azure.msi_endpoint.as_deref())?;
                self.local(form(url, &[("resource", self.audience)])).await
            }
            Way::VirtualMachine => {
                let mut url = parse(self.azure.metadata_endpoint.as_deref())?;
                url.set_path("/metadata/identity/oauth2/token");
                self.add_query(&mut url, "2018-02-01");
                self.local(Request::get(url).confidential()).await
            }
            Way::CommandLine => self.command_line().await,
        }
    }

    /// Asks the cloud's authority, as an application that can prove who it is.
    async fn client_credentials(&self, proof: &[(&str, &str)]) -> Result<Secret, String> {
        let authority = self.azure.authority_host.as_deref().unwrap_or_else(|| authority(self.host));
        let tenant = self.azure.tenant_id.as_deref().unwrap_or_default();
        let url = format!("{}/{tenant}/oauth2/v2.0/token", authority.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|_| "AZURE_AUTHORITY_HOST is not a URL".to_owned())?;
        let origin = Origin::of(&url).filter(|origin| origin.is_secure() || origin.is_loopback());
        let origin = origin.ok_or("AZURE_AUTHORITY_HOST is not reached by https")?;
        let scope = format!("{}/.default", self.audience.trim_end_matches('/'));
        let client = self.azure.client_id.as_deref().unwrap_or_default();
        let mut fields =
            vec![("grant_type", "client_credentials"), ("client_id", client), ("scope", &*scope)];
        fields.extend(proof);
        let mut request = form(url, &fields);
        request.redirects = Redirects { most: 0, same_origin: true };
        read_token(&self.transport(origin, self.options.proxies.clone()), request, "access_token").await
    }

    /// Asks a service of the machine itself: never by a proxy, and never anywhere else.
    async fn local(&self, mut request: Request<'static>) -> Result<Secret, String> {
        let origin = Origin::of(&request.url).ok_or("the endpoint is neither http nor https")?;
        request = request.header(HeaderName::from_static("metadata"), "true");
        request.redirects = Redirects { most: 0, same_origin: true };
        read_token(&self.transport(origin, Proxies::default()), request, "access_token").await
    }

    fn add_query(&self, url: &mut Url, version: &str) {
        let mut query = url.query_pairs_mut();
        query.append_pair("api-version", version).append_pair("resource", self.audience);
        if let Some(client) = &self.azure.client_id {
            query.append_pair("client_id", client);
        }
    }

    async fn command_line(&self) -> Result<Secret, String> {
        let program = Program::find(self.azure.path.as_deref(), "az").ok_or("az is not installed")?;
        let arguments = ["account", "get-access-token", "--output", "json", "--resource", self.audience];
        let output = program.run(&arguments, PROGRAM_LIMIT).await.map_err(|error| error.to_string())?;
        text_of(&output, "accessToken").ok_or_else(|| "az printed no token".to_owned())
    }

    /// A way to another party: nothing that is meant for the registry goes there.
    fn transport(&self, home: Origin, proxies: Proxies) -> Transport {
        let mut options = self.options.clone();
        if proxies == Proxies::default() {
            options.limits.connect = METADATA_CONNECT;
            options.retries = Retries { most: 0, ..options.retries };
        }
        options.proxies = proxies;
        options.headers.clear();
        options.tls = TlsOptions::default();
        options.auth = AuthOptions::default();
        Transport::new(Arc::new(options), home)
    }
}

/// Sends a request and takes one member of the answer.
async fn read_token(transport: &Transport, mut request: Request<'_>, member: &str) -> Result<Secret, String> {
    let chain = |error: &dyn std::error::Error| match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let response = transport.send(&mut request).await.map_err(|error| chain(&error))?;
    if !response.status.is_success() {
        // What stands there may repeat what was sent.
        return Err(format!("{} answered {}", response.origin, response.status));
    }
    let body = response.read(ANSWER_LIMIT).await.map_err(|error| chain(&error))?;
    let body = Zeroizing::new(body.to_vec());
    text_of(&body, member).ok_or_else(|| format!("{} answered without {member}", transport.home()))
}

fn text_of(json: &[u8], member: &str) -> Option<Secret> {
    let value: Value = serde_json::from_slice(json).ok()?;
    value.get(member)?.as_str().filter(|text| !text.is_empty()).map(Secret::new)
}

fn parse(url: Option<&str>) -> Result<Url, String> {
    Url::parse(url.unwrap_or_default()).map_err(|_| "the endpoint is not a URL".to_owned())
}

/// Who gives Entra tokens in the cloud of a registry.
fn authority(host: &str) -> &'static str {
    match host.rsplit('.').next() {
        Some("cn") => "https://login.partner.microsoftonline.cn",
        Some("us") => "https://login.microsoftonline.us",
        _ => "https://login.microsoftonline.com",
    }
}

fn resource_manager(host: &str) -> &'static str {
    match host.rsplit('.').next() {
        Some("cn") => "https://management.chinacloudapi.cn/",
        Some("us") => "https://management.usgovcloudapi.net/",
        _ => "https://management.azure.com/",
    }
}

#[cfg(test)]
mod tests;
