//! The registry of the tests is itself correct, and misbehaves exactly as told.

use oras::oci::{Descriptor, Digest, media_type};
use reqwest::{Method, Response};

use super::*;
use crate::support::{
    http::{client, client_trusting},
    tls::{Authority, ServerTls},
};

async fn send(registry: &TestRegistry, method: &str, path: &str, body: Option<&[u8]>) -> Response {
    let url = if path.starts_with("http") { path.to_owned() } else { registry.url(path) };
    let request = client().request(Method::from_bytes(method.as_bytes()).unwrap(), url);
    let request = request.header("accept", media_type::MANIFESTS.join(","));
    let request = match body {
        Some(body) => request.header("content-length", body.len()).body(body.to_vec()),
        None if method == "POST" => request.header("content-length", "0"),
        None => request,
    };
    request.send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_blob_is_pushed_in_two_requests_and_fetched_whole_and_in_part() {
    let registry = TestRegistry::start().await;
    let digest = Digest::of(b"hello");
    let opened = send(&registry, "POST", "/v2/app/blobs/uploads/", None).await;
    assert_eq!(opened.status(), 202);
    let close = format!("{}&digest={digest}", header(&opened, "location"));
    assert_eq!(send(&registry, "PUT", &close, Some(b"hello")).await.status(), 201);
    let path = format!("/v2/app/blobs/{digest}");
    let whole = send(&registry, "GET", &path, None).await;
    assert_eq!(header(&whole, "content-length"), "5");
    assert_eq!(whole.bytes().await.unwrap(), "hello");
    let part = client().get(registry.url(&path)).header("range", "bytes=1-2").send().await.unwrap();
    assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, "bytes 1-2/5"));
    assert_eq!(part.bytes().await.unwrap(), "el");
    let head = send(&registry, "HEAD", &path, None).await;
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, "5"));
    let beyond = client().get(registry.url(&path)).header("range", "bytes=5-").send().await.unwrap();
    assert_eq!(beyond.status(), 416);
    assert_eq!(registry.lines()[0], "POST /v2/app/blobs/uploads/ 202");
    assert_eq!(registry.requests()[1].body_length, 5);
}

#[tokio::test]
async fn chunks_are_taken_in_order_and_the_last_state_only() {
    let registry = TestRegistry::builder().smallest_chunk(3).start().await;
    let opened = send(&registry, "POST", "/v2/app/blobs/uploads/", None).await;
    assert_eq!(header(&opened, "oci-chunk-min-length"), "3");
    let chunk = async |location: &str, range: &str, bytes: &'static str| {
        let request = client().patch(registry.url(location)).header("content-range", range).body(bytes);
        request.send().await.unwrap()
    };
    let first_location = header(&opened, "location").to_owned();
    let first = chunk(&first_location, "0-2", "hel").await;
    assert_eq!((first.status().as_u16(), header(&first, "range")), (202, "0-2"));
    assert_eq!(chunk(&first_location, "3-4", "lo").await.status(), 404);
    let location = header(&first, "location").to_owned();
    assert_eq!(chunk(&location, "0-2", "hel").await.status(), 416);
    let status = send(&registry, "GET", &location, None).await;
    assert_eq!((status.status().as_u16(), header(&status, "range")), (204, "0-2"));
    let second = chunk(&location, "3-4", "lo").await;
    let close = format!("{}&digest={}", header(&second, "location"), Digest::of(b"hello"));
    assert_eq!(send(&registry, "PUT", &close, Some(b"")).await.status(), 201);
    assert_eq!(registry.content("app").blob(&Digest::of(b"hello")).unwrap(), "hello");
    assert_eq!(registry.content("app").open_uploads(), 0);
}

#[tokio::test]
async fn a_blob_is_mounted_from_another_repository_or_an_upload_is_opened() {
    let registry = TestRegistry::start().await;
    let node = registry.content("one").insert_blob("a/b", "hello");
    let mount = |from: &str| format!("/v2/two/blobs/uploads/?mount={}&from={from}", node.digest);
    assert_eq!(send(&registry, "POST", &mount("three"), None).await.status(), 202);
    assert_eq!(send(&registry, "POST", &mount("one"), None).await.status(), 201);
    assert_eq!(registry.content("two").blobs(), [node.digest.to_string()]);
}

#[tokio::test]
async fn a_manifest_needs_its_content_and_is_only_shown_to_those_who_accept_it() {
    let registry = TestRegistry::start().await;
    let seeded = registry.content("seed").insert_artifact("x/y", &[("hi.txt", b"hi")]);
    let (kind, bytes) = registry.content("seed").manifest(&seeded.digest).unwrap();
    let push = async |name: &str| {
        let request = client().put(registry.url(&format!("/v2/{name}/manifests/v1")));
        request.header("content-type", &kind).body(bytes.clone()).send().await.unwrap()
    };
    assert_eq!(push("empty").await.status(), 400);
    let pushed = push("seed").await;
    assert_eq!(header(&pushed, "docker-content-digest"), seeded.digest.to_string());
    assert_eq!(registry.content("seed").tagged("v1").unwrap(), seeded.digest.to_string());
    let fetched = send(&registry, "GET", "/v2/seed/manifests/v1", None).await;
    assert_eq!(header(&fetched, "content-type"), kind);
    assert_eq!(fetched.bytes().await.unwrap(), bytes);
    let url = registry.url("/v2/seed/manifests/v1");
    assert_eq!(client().get(url).header("accept", "a/b").send().await.unwrap().status(), 404);
    let by_digest = format!("/v2/seed/manifests/{}", seeded.digest);
    assert_eq!(send(&registry, "DELETE", &by_digest, None).await.status(), 202);
    assert_eq!(send(&registry, "HEAD", "/v2/seed/manifests/v1", None).await.status(), 404);
}

#[tokio::test]
async fn referrers_are_filtered_paged_and_told_on_the_push() {
    let registry = TestRegistry::builder().referrers_page_size(1).start().await;
    let app = registry.content("app");
    let subject = app.insert_artifact("x/y", &[]);
    let first = app.insert_referrer(&subject, "sbom/example", &[("a", b"a")]);
    app.insert_referrer(&subject, "signature/example", &[("b", b"b")]);
    let last = app.insert_referrer(&subject, "sbom/example", &[("c", b"c")]);
    let path = format!("/v2/app/referrers/{}?artifactType=sbom%2Fexample", subject.digest);
    let page = send(&registry, "GET", &path, None).await;
    assert_eq!(header(&page, "oci-filters-applied"), "artifactType");
    assert_eq!(header(&page, "content-type"), media_type::IMAGE_INDEX);
    let link = header(&page, "link").to_owned();
    let next = link.strip_prefix('<').unwrap().split_once('>').unwrap().0;
    let list: serde_json::Value = serde_json::from_str(&page.text().await.unwrap()).unwrap();
    assert_eq!(list["manifests"][0]["digest"], first.digest.to_string());
    assert_eq!(list["manifests"].as_array().unwrap().len(), 1);
    let rest = send(&registry, "GET", next, None).await;
    assert!(!rest.headers().contains_key("link"));
    assert!(rest.text().await.unwrap().contains(last.digest.encoded()));
    let (kind, bytes) = app.manifest(&first.digest).unwrap();
    let again = client().put(registry.url(&format!("/v2/app/manifests/{}", first.digest)));
    let again = again.header("content-type", kind).body(bytes).send().await.unwrap();
    assert_eq!(header(&again, "oci-subject"), subject.digest.to_string());
}

#[tokio::test]
async fn a_registry_before_the_specification_marks_filters_in_the_index() {
    let registry = TestRegistry::builder().referrers(Referrers::ReleaseCandidate).start().await;
    let app = registry.content("app");
    let subject = app.insert_artifact("x/y", &[]);
    app.insert_referrer(&subject, "sbom/example", &[]);
    let path = |filter: &str| format!("/v2/app/referrers/{}?artifactType={filter}", subject.digest);
    let text = send(&registry, "GET", &path("sbom%2Fexample"), None).await.text().await.unwrap();
    assert!(text.contains("org.opencontainers.referrers.filtersApplied"), "{text}");
    assert!(text.contains("\"manifests\":[]"), "{text}");
    let text = send(&registry, "GET", &path(""), None).await.text().await.unwrap();
    assert!(text.contains("\"artifactType\":\"application/vnd.oci.empty.v1+json\""), "{text}");
}

#[tokio::test]
async fn the_older_referrers_apis_list_the_oldest_artifact_manifests() {
    let registry = TestRegistry::builder().referrers(Referrers::Off);
    let registry = registry.oras_alpha_api().oras_extension_api().start().await;
    let app = registry.content("app");
    let subject = app.insert_artifact("x/y", &[]);
    let manifest = serde_json::json!({"artifactType": "sbom/example", "subject": subject});
    let referrer = app.insert_manifest(media_type::ORAS_ARTIFACT_MANIFEST, manifest.to_string());
    app.insert_referrer(&subject, "sbom/example", &[]);
    for (path, member) in [
        (
            format!("/oras/artifacts/v1/app/manifests/{}/referrers?artifactType=", subject.digest),
            "references",
        ),
        (format!("/v2/app/_oras/artifacts/referrers?digest={}", subject.digest), "referrers"),
    ] {
        let text = send(&registry, "GET", &path, None).await.text().await.unwrap();
        let expected = serde_json::json!({member: [{
            "mediaType": media_type::ORAS_ARTIFACT_MANIFEST, "artifactType": "sbom/example",
            "digest": referrer.digest, "size": referrer.size,
        }]});
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected);
    }
    let api = send(&registry, "GET", &format!("/v2/app/referrers/{}", subject.digest), None).await;
    assert_eq!(api.status(), 404);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let registry = TestRegistry::start().await;
    let app = registry.content("app");
    let node = app.insert_artifact("x/y", &[]);
    for tag in ["c", "a", "b"] {
        app.tag(tag, &node);
    }
    let page = send(&registry, "GET", "/v2/app/tags/list?n=2", None).await;
    assert_eq!(header(&page, "link"), "</v2/app/tags/list?last=b&n=2>; rel=\"next\"");
    assert_eq!(page.text().await.unwrap(), r#"{"name":"app","tags":["a","b"]}"#);
    let page = send(&registry, "GET", "/v2/app/tags/list?last=b&n=2", None).await;
    assert_eq!(page.text().await.unwrap(), r#"{"name":"app","tags":["c"]}"#);
    let page = send(&registry, "GET", "/v2/_catalog", None).await;
    assert_eq!(page.text().await.unwrap(), r#"{"repositories":["app"]}"#);
}

#[tokio::test]
async fn blobs_on_another_host_are_for_the_bearer_of_the_url_and_nobody_with_a_password() {
    let registry = TestRegistry::builder().redirects_blobs_for(1).start().await;
    let node = registry.content("app").insert_blob("a/b", "hello");
    let redirect = send(&registry, "GET", &format!("/v2/app/blobs/{}", node.digest), None).await;
    assert_eq!(redirect.status(), 307);
    let url = header(&redirect, "location").to_owned();
    assert!(url.starts_with(registry.storage_url()));
    assert_eq!(client().get(&url).bearer_auth("x").send().await.unwrap().status(), 400);
    assert_eq!(send(&registry, "GET", &url, None).await.bytes().await.unwrap(), "hello");
    assert_eq!(send(&registry, "GET", &url, None).await.status(), 403);
    assert!(registry.lines()[1].starts_with("storage: GET /app/sha256:"), "{:?}", registry.lines());
}

#[tokio::test]
async fn the_first_rule_that_applies_bends_so_many_answers() {
    let registry = TestRegistry::start().await;
    let hits =
        registry.on("GET", "/v2/").after(1).times(2).then(Fault::status(503).and_header("retry-after", "1"));
    for expected in [200, 503, 503, 200] {
        assert_eq!(send(&registry, "GET", "/v2/", None).await.status(), expected);
    }
    assert_eq!(hits.count(), 2);
    assert_eq!(registry.count("GET /v2/ 503"), 2);
}

#[tokio::test]
async fn a_body_is_cut_behind_the_byte_that_was_said() {
    let registry = TestRegistry::start().await;
    let bytes = vec![7; 300_000];
    let node = registry.content("app").insert_blob("a/b", bytes);
    let path = format!("/v2/app/blobs/{}", node.digest);
    for cut in [0_usize, 1, 4096, 123_456, 299_999] {
        registry.on("GET", "*/blobs/*").then(Fault::close_after(cut));
        let mut response = send(&registry, "GET", &path, None).await;
        assert_eq!(header(&response, "content-length"), "300000");
        let mut read = 0;
        let failed = loop {
            match response.chunk().await {
                Ok(Some(piece)) => read += piece.len(),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert!(failed);
        assert_eq!(read, cut);
    }
    assert_eq!(send(&registry, "GET", &path, None).await.bytes().await.unwrap().len(), 300_000);
}

#[tokio::test]
async fn a_connection_ends_before_the_answer_within_the_body_or_behind_the_work() {
    let registry = TestRegistry::start().await;
    let digest = Digest::of(b"hello");
    let post = format!("/v2/app/blobs/uploads/?digest={digest}");
    let attempt = async || client().post(registry.url(&post)).body("hello").send().await;
    registry.on("POST", "*").then(Fault::close());
    assert!(attempt().await.is_err());
    registry.on("POST", "*").then(Fault::reset());
    assert!(attempt().await.is_err());
    assert!(registry.repositories().is_empty());
    registry.on("POST", "*").then(Fault::lose_answer());
    assert!(attempt().await.is_err());
    assert_eq!(registry.content("app").blobs(), [digest.to_string()]);
    assert_eq!(
        registry.lines(),
        [format!("POST {post} -"), format!("POST {post} -"), format!("POST {post} -")]
    );
}

#[tokio::test]
async fn what_arrived_of_a_chunk_before_the_cut_is_kept_or_lost() {
    for (after_cut, expected) in [(AfterCut::KeepsBytes, 204), (AfterCut::LosesUpload, 404)] {
        let registry = TestRegistry::builder().after_cut(after_cut).start().await;
        let opened = send(&registry, "POST", "/v2/app/blobs/uploads/", None).await;
        let location = header(&opened, "location");
        registry.on("PATCH", "*").then(Fault::close_while_reading(100_000));
        assert!(client().patch(registry.url(location)).body(vec![0; 4_000_000]).send().await.is_err());
        let status = send(&registry, "GET", location, None).await;
        assert_eq!(status.status(), expected);
        if expected == 204 {
            assert_eq!(header(&status, "range"), "0-99999");
        }
    }
}

#[tokio::test]
async fn an_answer_stalls_until_the_gate_is_opened() {
    let registry = TestRegistry::start().await;
    let node = registry.content("app").insert_blob("a/b", "hello");
    let path = format!("/v2/app/blobs/{}", node.digest);
    let (before, within) = (Gate::new(), Gate::new());
    registry.on("GET", "/v2/").then(Fault::stall(&before));
    registry.on("GET", "*/blobs/*").then(Fault::stall_after(2, &within));
    let url = registry.url("/v2/");
    let ping = tokio::spawn(async move { client().get(url).send().await.unwrap().status() });
    before.reached().await;
    assert!(!ping.is_finished());
    assert_eq!(registry.lines(), ["GET /v2/ -"]);
    before.open();
    assert_eq!(ping.await.unwrap(), 200);
    let mut response = send(&registry, "GET", &path, None).await;
    assert_eq!(response.chunk().await.unwrap().unwrap(), "he");
    within.reached().await;
    within.open();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "llo");
    registry.until("GET /v2/app/blobs/* 200").await;
}

#[tokio::test]
async fn bodies_lie_drip_never_end_or_are_no_http_at_all() {
    let registry = TestRegistry::start().await;
    let node: Descriptor = registry.content("app").insert_blob("a/b", "hello");
    let path = format!("/v2/app/blobs/{}", node.digest);
    let fetch = async |fault: Fault| {
        registry.on("GET", "*").then(fault);
        send(&registry, "GET", &path, None).await
    };
    assert_eq!(fetch(Fault::wrong_bytes()).await.bytes().await.unwrap(), "helln");
    assert_eq!(fetch(Fault::body("other")).await.bytes().await.unwrap(), "other");
    let lie = fetch(Fault::body("hello").and_header("content-length", "9")).await;
    assert!(lie.bytes().await.is_err());
    let unsized_ = fetch(Fault::without_header("content-length")).await;
    assert_eq!(header(&unsized_, "transfer-encoding"), "chunked");
    assert_eq!(unsized_.bytes().await.unwrap(), "hello");
    let dripped = fetch(Fault::drip(2, std::time::Duration::from_millis(1))).await;
    assert_eq!(dripped.bytes().await.unwrap(), "hello");
    let mut endless = fetch(Fault::endless()).await;
    let mut read = 0;
    while read < 1_000_000 {
        read += endless.chunk().await.unwrap().unwrap().len();
    }
    let old = fetch(Fault::raw("HTTP/1.0 200 OK\r\n\r\nhello")).await;
    assert_eq!(old.bytes().await.unwrap(), "hello");
}

#[tokio::test]
async fn a_registry_that_was_dropped_is_gone() {
    let registry = TestRegistry::start().await;
    let url = registry.url("/v2/");
    assert!(client().get(&url).send().await.is_ok());
    let client = client();
    drop(registry);
    let gone = async || client.get(&url).send().await.is_err();
    while !gone().await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn basic_lets_in_those_who_know_the_password_to_what_they_may_do() {
    let access = Access::basic("alice", "wonderland").user("bob", "builder").who_may("pull", "app");
    let registry = TestRegistry::builder().access(access.anybody_may("pull", "public/*")).start().await;
    registry.content("app").insert_artifact("x/y", &[]);
    registry.content("public/app").insert_artifact("x/y", &[]);
    let attempt = async |method: &str, path: &str, who: Option<(&str, &str)>| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = client().request(method, registry.url(path)).header("content-length", "0");
        let request = match who {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        };
        request.send().await.unwrap()
    };
    let anonymous = attempt("GET", "/v2/", None).await;
    assert_eq!(anonymous.status(), 401);
    assert_eq!(header(&anonymous, "www-authenticate"), "Basic realm=\"test registry\"");
    assert_eq!(attempt("GET", "/v2/", Some(("alice", "wonderland"))).await.status(), 200);
    assert!(registry.requests()[1].contains("wonderland"), "a secret is found within Basic");
    assert!(!registry.requests()[0].contains("wonderland"));
    assert_eq!(attempt("GET", "/v2/", Some(("alice", "wrong"))).await.status(), 401);
    assert_eq!(attempt("GET", "/v2/app/tags/list", Some(("bob", "builder"))).await.status(), 200);
    assert_eq!(attempt("POST", "/v2/app/blobs/uploads/", Some(("bob", "builder"))).await.status(), 403);
    assert_eq!(attempt("GET", "/v2/public/app/tags/list", None).await.status(), 200);
}

#[tokio::test]
async fn a_token_is_good_for_its_scopes_and_its_uses() {
    let access =
        Access::bearer("alice", "wonderland").tokens_elsewhere().tokens_expire_in(60).tokens_last_for(2);
    let registry = TestRegistry::builder().access(access).start().await;
    registry.content("app").insert_artifact("x/y", &[]);
    let list = async |token: &str| {
        client().get(registry.url("/v2/app/tags/list")).bearer_auth(token).send().await.unwrap()
    };
    let challenge = list("none").await;
    let text = header(&challenge, "www-authenticate");
    let expected = format!(
        "Bearer realm=\"{}\",service=\"test-registry\",scope=\"repository:app:pull\",error=\"invalid_token\"",
        registry.realm()
    );
    assert_eq!(text, expected);
    let url = format!("{}?service=test-registry&scope=repository:app:pull", registry.realm());
    let token = async |request: reqwest::RequestBuilder| -> serde_json::Value {
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    };
    let given = token(client().get(&url).basic_auth("alice", Some("wonderland"))).await;
    assert_eq!(given["expires_in"], 60);
    let good = given["token"].as_str().unwrap();
    assert_eq!(list(good).await.status(), 200);
    let push = client().post(registry.url("/v2/app/blobs/uploads/")).header("content-length", "0");
    let push = push.bearer_auth(good).send().await.unwrap();
    assert!(header(&push, "www-authenticate").contains("insufficient_scope"));
    assert_eq!(list(good).await.status(), 401);
    let anonymous = token(client().get(&url)).await;
    assert_eq!(list(anonymous["token"].as_str().unwrap()).await.status(), 401);
    let refresh = registry.new_refresh_token("alice");
    let form = format!("grant_type=refresh_token&refresh_token={refresh}&scope=repository:app:pull");
    let post = client().post(registry.realm()).header("content-type", "application/x-www-form-urlencoded");
    let posted = token(post.body(form)).await;
    assert_eq!(list(posted["access_token"].as_str().unwrap()).await.status(), 200);
    registry.expire_tokens();
    assert_eq!(list(posted["access_token"].as_str().unwrap()).await.status(), 401);
    assert_eq!(registry.count("tokens: *"), 3);
}

#[tokio::test]
async fn a_token_of_the_cloud_becomes_tokens_of_the_registry() {
    let registry = TestRegistry::builder().access(Access::acr("alice", "wonderland", "entra")).start().await;
    registry.content("app").insert_artifact("x/y", &[]);
    let post = async |path: &str, form: String| -> serde_json::Value {
        let request = client().post(registry.url(path)).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    };
    let host = registry.host();
    let form = format!("grant_type=access_token&service={host}&access_token=entra");
    let refresh = post("/oauth2/exchange", form).await["refresh_token"].as_str().unwrap().to_owned();
    let form =
        format!("grant_type=refresh_token&service={host}&scope=repository:app:pull&refresh_token={refresh}");
    let given = post("/oauth2/token", form).await;
    assert_eq!(given.as_object().unwrap().len(), 1);
    let list = client().get(registry.url("/v2/app/tags/list"));
    let list = list.bearer_auth(given["access_token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(list.status(), 200);
    let refused = post("/oauth2/exchange", "grant_type=access_token&access_token=other".to_owned()).await;
    assert_eq!(refused["errors"][0]["code"], "UNAUTHORIZED");
}

#[tokio::test]
async fn over_tls_it_is_known_to_those_who_trust_its_authority() {
    let authority = Authority::new();
    let tls = ServerTls::new(authority.server());
    let registry = TestRegistry::builder().tls(tls.clone()).start().await;
    let trusting = client_trusting(&[authority.der().clone()]);
    assert_eq!(trusting.get(registry.url("/v2/")).send().await.unwrap().status(), 200);
    assert_eq!(registry.requests()[0].version, hyper::Version::HTTP_2);
    assert!(client().get(registry.url("/v2/")).send().await.is_err());
    let closed = TestRegistry::builder().tls(tls.http1_only().for_clients_of(&authority)).start().await;
    assert!(trusting.get(closed.url("/v2/")).send().await.is_err());
    let expired = ServerTls::new(authority.expired_server());
    let expired = TestRegistry::builder().tls(expired).start().await;
    assert!(trusting.get(expired.url("/v2/")).send().await.is_err());
    assert_eq!(closed.requests().len() + expired.requests().len(), 0);
}

#[tokio::test]
async fn in_front_of_another_it_passes_on_what_it_does_not_bend() {
    let behind = TestRegistry::start().await;
    let node = behind.content("app").insert_blob("a/b", "hello");
    let front = TestRegistry::builder().in_front_of(&behind.url("")).start().await;
    let hits = front.on("GET", "*").sometimes(0.5, 7).then(Fault::status(503));
    let (mut good, path) = (0, format!("/v2/app/blobs/{}", node.digest));
    for _ in 0..100 {
        let response = send(&front, "GET", &path, None).await;
        match response.status().as_u16() {
            200 => {
                good += 1;
                assert_eq!(response.bytes().await.unwrap(), "hello");
            }
            status => assert_eq!(status, 503),
        }
    }
    assert_eq!((good + hits.count(), behind.requests().len()), (100, good));
    assert!((25..75).contains(&good), "{good}");
    let opened = send(&front, "POST", "/v2/app/blobs/uploads/", None).await;
    assert_eq!((opened.status().as_u16(), header(&opened, "range")), (202, "0-0"));
}

#[tokio::test]
async fn over_http_2_streams_are_refused_and_connections_go_away() {
    let authority = Authority::new();
    let registry = TestRegistry::builder().tls(ServerTls::new(authority.server())).start().await;
    let trusting = client_trusting(&[authority.der().clone()]);
    let ping = async || trusting.get(registry.url("/v2/")).send().await;
    let reason = |error: reqwest::Error| {
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = source {
            if let Some(error) = error.downcast_ref::<h2::Error>() {
                return (error.is_go_away(), error.reason());
            }
            source = error.source();
        }
        (false, None)
    };
    registry.on("GET", "*").then(Fault::refuse_stream());
    assert_eq!(reason(ping().await.unwrap_err()), (false, Some(h2::Reason::REFUSED_STREAM)));
    assert_eq!(ping().await.unwrap().status(), 200);
    assert_eq!(registry.connections(), 1);
    registry.on("GET", "*").then(Fault::go_away());
    assert_eq!(reason(ping().await.unwrap_err()), (true, Some(h2::Reason::NO_ERROR)));
    assert_eq!(ping().await.unwrap().status(), 200);
    assert_eq!(registry.connections(), 2);
    registry.on("GET", "*").then(Fault::raw("no HTTP"));
    assert!(ping().await.is_err());
}
