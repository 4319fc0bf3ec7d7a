//! nginx as it stands in front of registries: for client certificates, and as a host that serves blobs.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tempfile::TempDir;

use super::server::{Program, Server, USER};

const NGINX: Program = Program::of_the_system("nginx", "apt-get install nginx");

/// A free port, which somebody else could take before it is used.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A configuration that is being written, and the folder for the files that it names.
pub(crate) struct Files {
    folder: TempDir,
}

impl Files {
    /// Writes a file that the configuration names, and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// Starts nginx. The closure is given ports to listen on and returns what stands within `http { … }`;
/// `localhost` with the first port is the server's host. `None` when nginx is missing.
#[track_caller]
pub(crate) fn start(servers: impl Fn(&Files, [u16; 2]) -> String) -> Option<Server> {
    let binary = NGINX.find()?;
    // Another test may take a port in between.
    for _ in 0..5 {
        let files = Files { folder: tempfile::Builder::new().prefix("oras-nginx-").tempdir().unwrap() };
        let ports = [free_port(), free_port()];
        let path = configure(&files, &servers(&files, ports));
        let mut command = Command::new(&binary);
        command.arg("-p").arg(files.folder.path()).arg("-c").arg(path).args(["-e", "stderr"]);
        let host = format!("localhost:{}", ports[0]);
        if let Ok(server) = Server::start_saying(files.folder, &mut command, "event method", host) {
            return Some(server);
        }
    }
    panic!("nginx does not start");
}

/// Starts nginx in front of a registry, also of one that asks for [`USER`]: blobs are redirected to another origin, which serves them and
/// refuses requests that bring credentials along, as storage services do.
#[track_caller]
pub(crate) fn redirecting_blobs(registry: &Server) -> Option<Server> {
    let behind = registry.host().replace("localhost", "127.0.0.1");
    let login = BASE64_STANDARD.encode(format!("{}:{}", USER.0, USER.1));
    start(|_, [front, storage]| {
        format!(
            "server {{ listen 127.0.0.1:{front};\n\
             location ~ ^/v2/.+/blobs/sha256: {{\n\
             if ($request_method = GET) {{ return 307 http://localhost:{storage}$request_uri?sig=secret; }}\n\
             proxy_pass http://{behind}; proxy_set_header Host $http_host; }}\n\
             location / {{ proxy_pass http://{behind}; proxy_set_header Host $http_host; }} }}\n\
             server {{ listen 127.0.0.1:{storage};\n\
             if ($http_authorization) {{ return 400 '<Error><Code>InvalidAuthenticationInfo</Code></Error>'; }}\n\
             if ($arg_sig != secret) {{ return 403; }}\n\
             location / {{ proxy_pass http://{behind}; proxy_set_header Authorization 'Basic {login}'; }} }}\n"
        )
    })
}

/// Fails unless its log has all of these texts. It writes a line when a request is over, which the client may
/// know before.
#[track_caller]
pub(crate) fn has_logged(server: &Server, texts: &[&str]) {
    let begun = Instant::now();
    loop {
        let log = fs::read_to_string(server.folder().join("access.log")).unwrap();
        if texts.iter().all(|text| log.contains(text)) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{log}");
        std::thread::yield_now();
    }
}

/// One process, which ends when it is told to; a master would leave its workers behind.
fn configure(files: &Files, servers: &str) -> PathBuf {
    let folder = files.folder.path();
    let scratch = |kind: &str| format!("  {kind}_temp_path {}/{kind};\n", folder.display());
    let scratch: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(scratch).concat();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {0}/nginx.pid;\nerror_log stderr notice;\n\
         events {{ worker_connections 256; }}\nhttp {{\n  access_log {0}/access.log;\n  \
         client_max_body_size 0;\n{scratch}{servers}}}\n",
        folder.display()
    );
    PathBuf::from(files.write("nginx.conf", &text))
}
