//! A registry like those of Azure, and every source of Entra tokens, each on a port of its own.

use serde_json::json;

use super::*;
use crate::registry::{
    client::Client,
    http::Method,
    scope::Scopes,
    testing::{Party, Recorder, Reply, options},
};

/// A registry that exchanges Entra tokens for this audience only, and takes its own refresh tokens.
async fn registry(audience: &'static str) -> Party {
    Party::start(move |seen| match &*seen.path {
        "/oauth2/exchange" if seen.form("access_token") == format!("entra for {audience}") => {
            Reply::json(json!({"refresh_token": "refresh"}).to_string())
        }
        "/oauth2/exchange" => Reply::status(401),
        "/oauth2/token" if seen.form("refresh_token") == "refresh" => {
            Reply::json(json!({"access_token": "access"}).to_string())
        }
        "/oauth2/token" => Reply::status(401),
        _ if seen.authorization() == Some("Bearer access") => Reply::status(200),
        _ => {
            let host = seen.header("host").unwrap_or_default();
            let challenge = format!("Bearer realm=\"http://{host}/oauth2/token\",service=\"{host}\"");
            Reply::status(401).header("www-authenticate", challenge)
        }
    })
    .await
}

/// A source of Entra tokens, which says for whom each one is.
async fn source() -> Party {
    Party::start(|seen| {
        let audience = [seen.form("scope"), seen.form("resource"), seen.query("resource")].concat();
        let audience = audience.trim_end_matches("/.default");
        Reply::json(json!({"access_token": format!("entra for {audience}")}).to_string())
    })
    .await
}

fn azure(registry: &Party) -> Azure {
    Azure { hosts: vec![registry.host()], client_id: Some("client".into()), ..Azure::default() }
}

/// Reads something from the registry: the status or the error, and what was told.
async fn get(registry: &Party, azure: Option<Azure>) -> (Result<u16, String>, Vec<String>) {
    let trace = Arc::new(Recorder::default());
    let mut options = options(trace.clone());
    options.auth.azure = azure;
    let client = Client::new(&registry.host(), options).unwrap();
    let url = client.endpoint().manifest("app", "v1");
    let response = client.send(Request::new(Method::GET, url), &Scopes::repository("app", &["pull"])).await;
    let status = response.map(|response| response.status.as_u16()).map_err(|error| error.to_string());
    assert!(!trace.all().contains("entra"), "{}", trace.all());
    (status, trace.notices())
}

#[tokio::test]
async fn a_client_secret_becomes_a_refresh_token_and_that_a_token() {
    let (registry, authority) = (registry(AUDIENCE).await, source().await);
    let azure = Azure {
        tenant_id: Some("tenant".into()),
        client_secret: Some(Arc::new(Secret::new("canary"))),
        authority_host: Some(authority.url("/")),
        ..azure(&registry)
    };
    assert_eq!(get(&registry, Some(azure)).await, (Ok(200), Vec::new()));
    let asked = &authority.requests()[0];
    assert_eq!((&*asked.method, &*asked.path), ("POST", "/tenant/oauth2/v2.0/token"));
    assert_eq!(asked.form("grant_type"), "client_credentials");
    assert_eq!((asked.form("client_id"), asked.form("client_secret")), ("client".into(), "canary".into()));
    assert_eq!(asked.form("scope"), "https://containerregistry.azure.net/.default");
    let exchanged = &registry.requests()[1];
    assert_eq!((&*exchanged.method, &*exchanged.path), ("POST", "/oauth2/exchange"));
    assert_eq!(
        (exchanged.form("grant_type"), exchanged.form("tenant")),
        ("access_token".into(), "tenant".into())
    );
    assert_eq!(exchanged.form("service"), registry.host());
    assert!(!registry.has_seen("canary"));
}

#[tokio::test]
async fn a_workload_identity_shows_the_token_of_its_file_as_it_is_now() {
    let (registry, authority) = (registry(AUDIENCE).await, source().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let azure = Azure {
        tenant_id: Some("tenant".into()),
        federated_token_file: Some(file.clone()),
        authority_host: Some(authority.url("")),
        ..azure(&registry)
    };
    for assertion in ["first", "second"] {
        std::fs::write(&file, format!("{assertion}\n")).unwrap();
        assert_eq!(get(&registry, Some(azure.clone())).await.0, Ok(200));
        let asked = authority.requests().pop().unwrap();
        assert_eq!(asked.form("client_assertion"), assertion);
        assert_eq!(
            asked.form("client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
    }
}

#[tokio::test]
async fn managed_identities_are_asked_in_their_own_ways() {
    let registry = registry(AUDIENCE).await;
    let app_service = source().await;
    let azure = Azure {
        identity_endpoint: Some(app_service.url("/msi/token")),
        identity_header: Some(Arc::new(Secret::new("canary"))),
        ..azure(&registry)
    };
    assert_eq!(get(&registry, Some(azure)).await.0, Ok(200));
    let asked = &app_service.requests()[0];
    assert_eq!((&*asked.method, &*asked.path), ("GET", "/msi/token"));
    assert_eq!(asked.header("x-identity-header"), Some("canary"));
    assert_eq!(
        (asked.query("api-version"), asked.query("client_id")),
        ("2019-08-01".into(), "client".into())
    );

    let cloud_shell = source().await;
    let azure = Azure { msi_endpoint: Some(cloud_shell.url("/oauth2/token")), ..self::azure(&registry) };
    assert_eq!(get(&registry, Some(azure)).await.0, Ok(200));
    let asked = &cloud_shell.requests()[0];
    assert_eq!((&*asked.method, asked.header("metadata")), ("POST", Some("true")));
    assert_eq!(asked.form("resource"), AUDIENCE);

    let machine = source().await;
    let azure = Azure { metadata_endpoint: Some(machine.url("")), ..self::azure(&registry) };
    assert_eq!(get(&registry, Some(azure)).await.0, Ok(200));
    let asked = &machine.requests()[0];
    assert_eq!((&*asked.method, &*asked.path), ("GET", "/metadata/identity/oauth2/token"));
    assert_eq!((asked.query("api-version"), asked.header("metadata")), ("2018-02-01".into(), Some("true")));
    assert!(!registry.has_seen("canary"));
}

#[tokio::test]
async fn where_the_registry_service_is_not_known_the_resource_manager_is_named() {
    let (registry, machine) = (registry("https://management.azure.com/").await, source().await);
    let azure = Azure { metadata_endpoint: Some(machine.url("")), ..azure(&registry) };
    assert_eq!(get(&registry, Some(azure)).await.0, Ok(200));
    let audiences: Vec<_> = machine.requests().iter().map(|seen| seen.query("resource")).collect();
    assert_eq!(audiences, [AUDIENCE, "https://management.azure.com/"]);
}

#[cfg(unix)]
#[tokio::test]
async fn the_login_of_az_is_the_last_resort() {
    use std::os::unix::fs::PermissionsExt as _;
    let registry = registry(AUDIENCE).await;
    let folder = tempfile::tempdir().unwrap();
    let az = folder.path().join("az");
    let script = "#!/bin/sh\nfor last; do :; done\necho \"{\\\"accessToken\\\": \\\"entra for $last\\\"}\"\n";
    std::fs::write(&az, script).unwrap();
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).unwrap();
    let gone = Party::start(|_| Reply::status(404)).await;
    let azure =
        Azure { path: Some(folder.path().into()), metadata_endpoint: Some(gone.url("")), ..azure(&registry) };
    assert_eq!(get(&registry, Some(azure)).await.0, Ok(200));
    assert!(!gone.requests().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn what_az_keeps_for_itself_is_not_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let (registry, home) = (registry(AUDIENCE).await, tempfile::tempdir().unwrap());
    let kept = format!("{{\"accessToken\": \"entra for {AUDIENCE}\"}}");
    for name in [".azure/accessTokens.json", ".azure/msal_token_cache.json", ".IdentityService/msal.cache"] {
        std::fs::create_dir_all(home.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(home.path().join(name), &kept).unwrap();
    }
    // This program finds nobody logged in, as az does when it does not trust its own files any more.
    let az = home.path().join("az");
    std::fs::write(&az, "#!/bin/sh\necho 'Please run az login' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).unwrap();
    let home_of = |name: &str| matches!(name, "HOME" | "PATH").then(|| home.path().into());
    let azure =
        Azure { metadata_endpoint: None, hosts: vec![registry.host()], ..Azure::from_variables(home_of) };
    let (status, notices) = get(&registry, Some(azure)).await;
    assert!(status.is_err() && notices[0].contains("Please run az login"), "{status:?} {notices:?}");
    assert_eq!(registry.count("/oauth2/exchange"), 0);
}

#[tokio::test]
async fn without_any_identity_the_reasons_are_told_and_the_request_is_anonymous() {
    let registry = registry(AUDIENCE).await;
    let moved = Party::start(|_| Reply::status(302).header("location", "http://127.0.0.1:1/")).await;
    let azure = Azure { metadata_endpoint: Some(moved.url("")), ..azure(&registry) };
    let (status, notices) = get(&registry, Some(azure)).await;
    assert!(status.unwrap_err().contains("401"));
    assert!(notices[0].contains("the managed identity of the machine"), "{notices:?}");
    let (_, notices) = get(&registry, Some(self::azure(&registry))).await;
    assert!(notices[0].ends_with("there is none"), "{notices:?}");
}

#[tokio::test]
async fn nothing_is_asked_unless_the_user_allowed_it_and_the_registry_is_of_azure() {
    let (registry, machine) = (registry(AUDIENCE).await, source().await);
    assert!(get(&registry, None).await.0.is_err());
    let azure = Azure { metadata_endpoint: Some(machine.url("")), hosts: Vec::new(), ..azure(&registry) };
    assert!(get(&registry, Some(azure)).await.0.is_err());
    assert!(machine.requests().is_empty());
    assert_eq!(registry.count("/oauth2/exchange"), 0);
}

#[test]
fn clouds_have_authorities_of_their_own() {
    for (host, login, manager) in [
        ("a.azurecr.io", "login.microsoftonline.com", "management.azure.com"),
        ("a.azurecr.cn", "login.partner.microsoftonline.cn", "management.chinacloudapi.cn"),
        ("a.azurecr.us", "login.microsoftonline.us", "management.usgovcloudapi.net"),
    ] {
        assert!(authority(host).ends_with(login) && resource_manager(host).contains(manager), "{host}");
    }
}
