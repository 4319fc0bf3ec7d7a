//! The servers that other tests rely on are what those tests take them for.

use reqwest::Client;

use crate::support::{
    Access, Authority, Test, TestRegistry,
    http::{client, client_as, client_trusting},
    nginx,
    pass::PassStore,
    server::{self, DISTRIBUTION, DOCKER_REGISTRY, Distribution, USER},
    signer::Signer,
};

async fn status(client: &Client, url: &str) -> u16 {
    client.get(url).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn registries_of_both_generations_ask_for_the_password() {
    for program in [DOCKER_REGISTRY, DISTRIBUTION] {
        let Some(server) = Distribution::new().with_password().start(program) else { continue };
        let url = format!("http://{}/v2/", server.host());
        assert_eq!(status(&client(), &url).await, 401);
        let request = client().get(&url).basic_auth(USER.0, Some(USER.1));
        assert_eq!(request.send().await.unwrap().status(), 200, "{}", server.log());
    }
}

#[tokio::test]
async fn a_registry_with_tls_is_known_by_its_authority() {
    let authority = Authority::new();
    let Some(server) = Distribution::new().with_tls(&authority.server()).start(DISTRIBUTION) else { return };
    let trusting = client_trusting(&[authority.der().clone()]);
    assert_eq!(status(&trusting, &format!("https://{}/v2/", server.host())).await, 200);
}

#[tokio::test]
async fn registries_of_both_generations_verify_the_tokens_that_our_token_server_signs() {
    let signer = Signer::new("test-issuer");
    let access = Access::bearer("alice", "wonderland").tokens_elsewhere().tokens_signed_by(&signer);
    let tokens = TestRegistry::builder().access(access).start().await;
    for program in [DOCKER_REGISTRY, DISTRIBUTION] {
        let registry = Distribution::new().with_tokens(&tokens.realm(), "test-registry", &signer);
        let Some(server) = registry.start(program) else { continue };
        let url = format!("http://{}/v2/app/tags/list", server.host());
        let refused = client().get(&url).send().await.unwrap();
        let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert!(challenge.contains(&tokens.realm()), "{challenge}");
        let ask = async |user: &str| {
            let url = format!("{}?service=test-registry&scope=repository:app:pull", tokens.realm());
            let answer = client().get(url).basic_auth(user, Some("wonderland")).send().await.unwrap();
            let document: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            document["token"].as_str().unwrap_or_default().to_owned()
        };
        let with = async |token: String| client().get(&url).bearer_auth(token).send().await.unwrap().status();
        // There is no such repository, which is only said to those who may look.
        assert_eq!(with(ask("alice").await).await, 404, "{}", server.log());
        assert_eq!(with(ask("mallory").await).await, 401);
    }
}

#[tokio::test]
async fn a_cache_asks_its_origin_once() {
    let origin = TestRegistry::start().await;
    let node = origin.content("app").insert_artifact("a/b", &[("hi.txt", b"hi")]);
    let Some(cache) = Distribution::new().proxying(&origin.url("")).start(DISTRIBUTION) else { return };
    let url = format!("http://{}/v2/app/manifests/{}", cache.host(), node.digest);
    for _ in 0..2 {
        let request = client().get(&url).header("accept", &node.media_type);
        assert_eq!(request.send().await.unwrap().status(), 200, "{}", cache.log());
    }
    assert_eq!(origin.count("GET /v2/app/manifests/* 200"), 1, "{:?}", origin.lines());
}

#[tokio::test]
async fn nginx_lets_in_those_with_a_certificate() {
    let Some(registry) = server::docker_registry() else { return };
    let (servers, clients) = (Authority::new(), Authority::new());
    let identity = servers.server();
    let front = nginx::start(|files, [port, _]| {
        let certificate = files.write("server.pem", &identity.certificate);
        let key = files.write("server.key", &identity.key);
        let authority = files.write("clients.pem", clients.pem());
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};\n\
             ssl_client_certificate {authority}; ssl_verify_client on;\n\
             location / {{ proxy_pass http://{}; proxy_set_header Host $http_host; }} }}\n",
            registry.host().replace("localhost", "127.0.0.1")
        )
    });
    let Some(front) = front else { return };
    let url = format!("https://{}/v2/", front.host());
    let roots = [servers.der().clone()];
    assert_eq!(status(&client_trusting(&roots), &url).await, 400);
    assert_eq!(status(&client_as(&clients.client("alice"), &roots), &url).await, 200);
}

#[tokio::test]
async fn nginx_redirects_blobs_to_a_host_that_wants_no_credentials() {
    let Some(registry) = server::docker_registry() else { return };
    let Some(front) = nginx::redirecting_blobs(&registry) else { return };
    let digest = oras::oci::Digest::of(b"hello");
    let opened = client().post(format!("http://{}/v2/app/blobs/uploads/", front.host()));
    let opened = opened.header("content-length", "0").send().await.unwrap();
    let location = opened.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(&format!("http://{}/", front.host())), "{location}");
    let close = client().put(format!("{location}&digest={digest}")).body("hello");
    assert_eq!(close.send().await.unwrap().status(), 201);
    let blob = format!("http://{}/v2/app/blobs/{digest}", front.host());
    let redirect = client().get(blob).send().await.unwrap();
    assert_eq!(redirect.status(), 307);
    let url = redirect.headers()["location"].to_str().unwrap();
    assert_eq!(client().get(url).send().await.unwrap().bytes().await.unwrap(), "hello");
    assert_eq!(client().get(url).bearer_auth("token").send().await.unwrap().status(), 400);
}

#[test]
fn the_helper_pass_keeps_what_it_is_given_and_calls_nothing_a_success() {
    let test = Test::new();
    let Some(store) = PassStore::create(&test) else { return };
    // It does not say "not found" of what it does not have.
    let (found, answer) = store.get("localhost:5000");
    assert!(found && answer.contains(r#""Secret":"""#), "{answer}");
    store.store("localhost:5000", "alice", "wonderland");
    let (found, answer) = store.get("localhost:5000");
    assert!(found && answer.contains(r#""Secret":"wonderland""#), "{answer}");
}
