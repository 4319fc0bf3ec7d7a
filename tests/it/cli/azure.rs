//! Azure's registry, as a user of docs/azure.md meets it: at its own name, by https, with every kind of identity.

use serde_json::json;

use crate::support::{
    Authority, Fault, Outcome, ServerTls, Test, TestRegistry,
    cli::binary,
    registry::{Access as May, Answer},
};

const HOST: &str = "myregistry.azurecr.io";
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
/// An Entra token, which opens far more than a registry.
const ENTRA: &str = "canary-entra";
/// What no output may hold. (Tokens of the test's registry begin with `secret-`; signed ones with `eyJ`.)
const SECRETS: [&str; 4] = ["canary", "secret-", "eyJ", "Y2FuYXJ5"];

/// A registry of Azure that the binary finds at its name, and the cloud that gives out Entra tokens.
struct Azure {
    test: Test,
    registry: TestRegistry,
    cloud: TestRegistry,
}

impl Azure {
    fn new() -> Self {
        Self::with(|access| access)
    }

    fn with(change: impl FnOnce(May) -> May) -> Self {
        let authority = Authority::new();
        let access = May::acr("alice", "canary-alice", ENTRA).user("app-id", "canary-principal");
        let access = change(access.realm(&format!("https://{HOST}/oauth2/token")));
        let tls = ServerTls::new(authority.server_called(&[HOST]));
        let registry = TestRegistry::builder().access(access).tls(tls).start_blocking();
        let cloud = TestRegistry::start_blocking();
        let answer = Answer::json(200, &json!({"access_token": ENTRA, "token_type": "Bearer"}));
        cloud.on("*", "*").always().then(Fault::answer(answer));
        let test = Test::new();
        test.write("ca.pem", authority.pem());
        test.set("SSL_CERT_FILE", test.path("ca.pem").to_str().unwrap());
        test.write("hi.txt", "hi");
        // Only the address is another one.
        let resolve = format!("--resolve {HOST}:443:127.0.0.1:{}", registry.address().port());
        let line = format!("#!/bin/sh\nexec '{}' \"$@\" {resolve}\n", binary().display());
        test.program("oras", &line);
        let azure = Self { test, registry, cloud };
        azure.install_az();
        azure
    }

    /// A program that does what `az` does when somebody is logged in.
    fn install_az(&self) {
        let token = self.registry.new_refresh_token("alice");
        let login = format!(
            r#"{{"auths":{{"{HOST}":{{"auth":"MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwOg==","identitytoken":"{token}"}}}}}}"#
        );
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in\n\
             'acr login --name myregistry') mkdir -p \"$DOCKER_CONFIG\"; echo '{login}' > \"$DOCKER_CONFIG/config.json\" ;;\n\
             'acr login --name myregistry --expose-token --output tsv --query accessToken') echo '{token}' ;;\n\
             *) echo \"unexpected: $*\" >&2; exit 1 ;;\nesac\n"
        );
        self.test.program("az", &script);
    }

    /// The cloud as a place that a variable of the environment names.
    fn cloud(&self, path: &str) -> String {
        self.cloud.url(path)
    }

    #[track_caller]
    fn run(&self, script: &str) -> Outcome {
        let outcome = self.test.shell(&format!("set -euo pipefail\n{script}"));
        SECRETS.iter().fold(outcome, |outcome, secret| outcome.never_says(secret))
    }

    /// The Entra token went to the exchange and nowhere else; nothing of the registry went to the cloud.
    #[track_caller]
    fn check_secrets(&self) {
        for request in self.registry.requests().iter().filter(|request| request.contains(ENTRA)) {
            assert!(request.line().starts_with("POST /oauth2/exchange "), "{request:?}");
        }
        self.cloud.never_saw("secret-");
        self.cloud.never_saw("eyJ");
    }

    fn is_pushed(&self) -> bool {
        self.registry.content("hello").tagged("v1").is_some()
    }
}

/// The shell commands of a page, block by block, with the heading that each stands under.
fn blocks(page: &str) -> Vec<(String, String)> {
    let (mut heading, mut blocks, mut block) = (String::new(), Vec::new(), None);
    for line in page.lines() {
        match (&mut block, line) {
            (None, "```sh") => block = Some(String::new()),
            (None, _) => {
                if let Some(text) = line.strip_prefix("## ") {
                    text.clone_into(&mut heading);
                }
            }
            (Some(_), "```") => blocks.extend(block.take().map(|text| (heading.clone(), text))),
            (Some(text), _) => text.push_str(&format!("{line}\n")),
        }
    }
    blocks
}

#[test]
fn every_command_of_the_page_on_azure_works() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/azure.md");
    let blocks = blocks(&std::fs::read_to_string(page).unwrap());
    assert_eq!(blocks.len(), 8, "{blocks:#?}");
    for (heading, block) in blocks {
        let azure = Azure::new();
        azure.test.set("CLIENT_ID", "app-id").set("SECRET", "canary-principal");
        match &*heading {
            "From a pipeline" => {
                azure.test.set("AZURE_CLIENT_ID", "app-id").set("AZURE_TENANT_ID", "tenant");
                azure.test.set("AZURE_CLIENT_SECRET", "canary-principal");
                azure.test.set("AZURE_AUTHORITY_HOST", azure.cloud("/"));
            }
            "From Cloud Shell" => {
                azure.test.set("MSI_ENDPOINT", azure.cloud("/oauth2/token"));
            }
            _ => {}
        }
        azure.run(&block).succeeds();
        assert_eq!(azure.is_pushed(), block.contains("oras push"), "{heading}: {block}");
        azure.check_secrets();
        azure.registry.never_saw(if block.contains("CLIENT_ID") { ENTRA } else { "canary-principal" });
    }
}

#[test]
fn the_token_of_az_is_stored_as_what_it_is() {
    let azure = Azure::new();
    azure
        .run(&format!(
            "az acr login --name myregistry --expose-token --output tsv --query accessToken |\n\
             oras login {HOST} --username {NOBODY} --password-stdin"
        ))
        .succeeds()
        .prints("Login Succeeded\n")
        .says_nothing_aside();
    let stored: serde_json::Value =
        serde_json::from_str(&azure.test.read_text(".docker/config.json")).unwrap();
    let token = stored["auths"][HOST]["identitytoken"].as_str().unwrap();
    assert!(token.starts_with("eyJ"));
    azure.registry.forget_requests();
    azure.run(&format!("oras push {HOST}/hello:v1 hi.txt")).succeeds();
    // It is exchanged by a form, with the name that the challenge gives the service.
    let asked = azure.registry.requests_like("*/oauth2/token*");
    assert!(!asked.is_empty());
    for request in asked {
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        assert!(
            body.contains("grant_type=refresh_token") && body.contains(&format!("service={HOST}")),
            "{body}"
        );
        assert_eq!(request.header("authorization"), None);
    }
    azure.run(&format!("oras login --explain {HOST}")).succeeds().stdout_contains("identity token");
}

#[test]
fn an_identity_of_the_environment_is_used_when_it_is_asked_for_and_not_otherwise() {
    type Setting = fn(&Azure) -> Vec<(&'static str, String)>;
    let settings: [(&str, Setting); 4] = [
        ("/tenant/oauth2/v2.0/token", |azure| {
            azure.test.write("federated", "canary-assertion\n");
            vec![
                ("AZURE_FEDERATED_TOKEN_FILE", azure.test.path("federated").to_str().unwrap().to_owned()),
                ("AZURE_CLIENT_ID", "app-id".into()),
                ("AZURE_TENANT_ID", "tenant".into()),
                ("AZURE_AUTHORITY_HOST", azure.cloud("")),
            ]
        }),
        ("/tenant/oauth2/v2.0/token", |azure| {
            vec![
                ("AZURE_CLIENT_SECRET", "canary-secret".into()),
                ("AZURE_CLIENT_ID", "app-id".into()),
                ("AZURE_TENANT_ID", "tenant".into()),
                ("AZURE_AUTHORITY_HOST", azure.cloud("")),
            ]
        }),
        ("/msi/token", |azure| {
            vec![
                ("IDENTITY_ENDPOINT", azure.cloud("/msi/token")),
                ("IDENTITY_HEADER", "canary-header".into()),
            ]
        }),
        ("/oauth2/token", |azure| vec![("MSI_ENDPOINT", azure.cloud("/oauth2/token"))]),
    ];
    for (path, setting) in settings {
        let azure = Azure::new();
        for (name, value) in setting(&azure) {
            azure.test.set(name, value);
        }
        // Nobody asked for it.
        azure.run(&format!("oras push {HOST}/hello:v1 hi.txt")).fails().stderr_contains("log in");
        assert!(azure.cloud.requests().is_empty());
        azure.run(&format!("oras push --azure-auth {HOST}/hello:v1 hi.txt --debug")).succeeds();
        assert!(azure.is_pushed());
        let asked: Vec<_> = azure.cloud.lines();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert!(asked[0].contains(path), "{asked:?}");
        for secret in ["canary-assertion", "canary-secret", "canary-header"] {
            azure.registry.never_saw(secret);
        }
        azure.check_secrets();
        // Nothing of it is kept.
        assert!(!azure.test.exists(".docker"));
    }
}

#[test]
fn an_identity_of_azure_is_never_shown_to_other_registries() {
    let azure = Azure::new();
    azure.test.set("MSI_ENDPOINT", azure.cloud("/oauth2/token"));
    let other = TestRegistry::builder().bearer("alice", "canary-alice").start_blocking();
    azure
        .run(&format!("'{}' push --azure-auth {}/hello:v1 hi.txt", binary().display(), other.host()))
        .fails();
    assert!(azure.cloud.requests().is_empty());
    other.never_saw(ENTRA);
}

#[test]
fn an_identity_that_cannot_be_had_is_named_with_every_way_that_was_tried() {
    let azure = Azure::new();
    azure.cloud.heal();
    let refusal = json!({"error": "invalid_client", "error_description": "canary-said"});
    azure.cloud.on("*", "*").always().then(Fault::answer(Answer::json(400, &refusal)));
    azure.test.set("AZURE_CLIENT_SECRET", "canary-secret").set("AZURE_CLIENT_ID", "app-id");
    azure.test.set("AZURE_TENANT_ID", "tenant").set("AZURE_AUTHORITY_HOST", azure.cloud(""));
    let failed = azure.run(&format!("oras push --azure-auth {HOST}/hello:v1 hi.txt")).fails();
    failed
        .stderr_contains("no Azure identity for myregistry.azurecr.io")
        .stderr_contains("the client secret of the environment")
        .stderr_contains("400");
    azure.registry.never_saw("canary");
}

#[test]
fn a_token_that_has_ended_is_not_sent_and_az_is_named() {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    let azure = Azure::new();
    let encode = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": "Azure Container Registry", "grant_type": "access_token", "exp": 1_000});
    let token = format!("{}.{}.c2lnbmVk", encode(json!({"alg": "RS256"})), encode(claims));
    azure.test.set("TOKEN", &token);
    let push =
        format!("printf %s \"$TOKEN\" | oras push -u {NOBODY} --password-stdin {HOST}/hello:v1 hi.txt");
    azure
        .run(&push)
        .fails()
        .stderr_contains("the token for myregistry.azurecr.io expired at 1970-01-01T00:16:40Z")
        .stderr_contains("az acr login");
    azure.registry.never_saw(&token);
}

#[test]
fn anonymous_users_pull_and_are_told_to_log_in_for_a_push() {
    let azure = Azure::with(|access| access.anybody_may("pull", "*"));
    let node = azure.registry.content("hello").insert_artifact("a/b", &[("hi.txt", b"hi")]);
    azure.registry.content("hello").tag("v0", &node);
    azure.run(&format!("oras pull {HOST}/hello:v0 -o out")).succeeds();
    azure.run(&format!("oras push {HOST}/hello:v1 hi.txt")).fails().stderr_contains("log in to push");
    assert!(!azure.is_pushed());
}

#[test]
fn a_refusal_names_what_a_token_for_single_repositories_lacks() {
    let azure = Azure::with(|access| access.user("scoped", "canary-scoped").who_may("pull", "hello"));
    let node = azure.registry.content("hello").insert_artifact("a/b", &[("hi.txt", b"hi")]);
    azure.registry.content("hello").tag("v0", &node);
    // These two ask for what the tests' registry does not know.
    for (path, scope) in
        [("/v2/hello/tags/list*", "repository:hello:metadata_read"), ("/v2/_catalog*", "registry:catalog:*")]
    {
        let challenge =
            format!("Bearer realm=\"https://{HOST}/oauth2/token\",service=\"{HOST}\",scope=\"{scope}\"");
        let refusal = Fault::error(401, "UNAUTHORIZED", "authentication required");
        azure.registry.on("GET", path).always().then(refusal.and_header("www-authenticate", &challenge));
    }
    azure.run(&format!("printf canary-scoped | oras login {HOST} -u scoped --password-stdin")).succeeds();
    azure.run(&format!("oras pull {HOST}/hello:v0 -o out")).succeeds();
    for (command, needed) in [
        (format!("oras push {HOST}/hello:v1 hi.txt"), "content/write"),
        (format!("oras repo tags {HOST}/hello"), "metadata/read"),
        (format!("oras manifest delete -f {HOST}/hello:v0"), "content/delete"),
        (format!("oras repo ls {HOST}"), "cannot list the registry"),
    ] {
        azure.run(&command).fails().stderr_contains(needed);
    }
}
