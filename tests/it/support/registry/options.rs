//! How a test's registry behaves. By default as the distribution specification 1.1 says.

use super::{TestRegistry, access::Access, forward::Upstream};
use crate::support::tls::ServerTls;

/// Does the registry know about referrers?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Referrers {
    /// The API of the specification 1.1, and `OCI-Subject` on a push.
    Api,
    /// The API, but no `OCI-Subject`.
    ApiWithoutSubjectHeader,
    /// As servers of the time before 1.1: no `OCI-Subject`, the filter's mark is an annotation, and the
    /// artifact type of an image manifest is its config's media type.
    ReleaseCandidate,
    /// No API: 404.
    Off,
}

/// What a registry does about a chunk that is not where the upload stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunks {
    /// 416, as the specification says.
    InOrder,
    /// It is appended, wherever it belongs.
    Appended,
    /// Chunks are not supported.
    Refused,
}

/// What remains of an upload when the connection ends within a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterCut {
    /// The bytes that arrived.
    KeepsBytes,
    /// Nothing: the upload is gone with all its chunks.
    LosesUpload,
}

/// What the `Location` of an upload looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locations {
    /// A path.
    Relative,
    /// A whole URL of the host that was asked.
    Absolute,
}

/// Choices of a test, and the registry they are for.
#[derive(Clone)]
pub(crate) struct Options {
    pub(super) access: Access,
    pub(super) tls: Option<ServerTls>,
    pub(super) upstream: Option<Upstream>,
    pub(super) referrers: Referrers,
    pub(super) oras_alpha_api: bool,
    pub(super) oras_extension_api: bool,
    pub(super) page_size: Option<usize>,
    pub(super) referrers_page_size: Option<usize>,
    pub(super) most_per_page: Option<usize>,
    pub(super) smallest_chunk: Option<usize>,
    pub(super) chunks: Chunks,
    pub(super) after_cut: AfterCut,
    pub(super) locations: Locations,
    pub(super) single_post: bool,
    pub(super) mounts: bool,
    pub(super) mounts_from_anywhere: bool,
    pub(super) shares_blobs: bool,
    pub(super) deletes: bool,
    pub(super) deletes_tags: bool,
    pub(super) enforces_conditions: bool,
    pub(super) body_limit: Option<usize>,
    pub(super) manifest_limit: usize,
    pub(super) refused_types: Vec<String>,
    pub(super) fixed_repositories: bool,
    pub(super) redirects_blobs: bool,
    pub(super) signed_url_uses: Option<usize>,
    pub(super) ranges: bool,
    pub(super) checks_content: bool,
    pub(super) takes_subjects_for_blobs: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::default(),
            tls: None,
            upstream: None,
            referrers: Referrers::Api,
            oras_alpha_api: false,
            oras_extension_api: false,
            page_size: None,
            referrers_page_size: None,
            most_per_page: None,
            smallest_chunk: None,
            chunks: Chunks::InOrder,
            after_cut: AfterCut::KeepsBytes,
            locations: Locations::Relative,
            single_post: true,
            mounts: true,
            mounts_from_anywhere: false,
            shares_blobs: false,
            deletes: true,
            deletes_tags: true,
            enforces_conditions: false,
            body_limit: None,
            manifest_limit: 4 << 20,
            refused_types: Vec::new(),
            fixed_repositories: false,
            redirects_blobs: false,
            signed_url_uses: None,
            ranges: true,
            checks_content: true,
            takes_subjects_for_blobs: false,
        }
    }
}

/// Says how a registry is to behave, then starts it.
#[derive(Clone, Default)]
pub(crate) struct Builder {
    pub(super) options: Options,
}

impl Builder {
    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// What it knows of referrers.
    pub(crate) fn referrers(self, referrers: Referrers) -> Self {
        self.with(|options| options.referrers = referrers)
    }

    /// Also has the first referrers API, `/oras/artifacts/v1/…`.
    pub(crate) fn oras_alpha_api(self) -> Self {
        self.with(|options| options.oras_alpha_api = true)
    }

    /// Also has the second referrers API, `/v2/…/_oras/artifacts/referrers`.
    pub(crate) fn oras_extension_api(self) -> Self {
        self.with(|options| options.oras_extension_api = true)
    }

    /// Lists of tags and repositories come in pages of so many, whatever the client asks for.
    pub(crate) fn page_size(self, entries: usize) -> Self {
        self.with(|options| options.page_size = Some(entries))
    }

    /// Lists of referrers come in pages of so many.
    pub(crate) fn referrers_page_size(self, entries: usize) -> Self {
        self.with(|options| options.referrers_page_size = Some(entries))
    }

    /// A greater `n` is refused with 400.
    pub(crate) fn most_per_page(self, entries: usize) -> Self {
        self.with(|options| options.most_per_page = Some(entries))
    }

    /// The smallest chunk that is accepted, but for the last.
    pub(crate) fn smallest_chunk(self, bytes: usize) -> Self {
        self.with(|options| options.smallest_chunk = Some(bytes))
    }

    /// What becomes of chunks.
    pub(crate) fn chunks(self, chunks: Chunks) -> Self {
        self.with(|options| options.chunks = chunks)
    }

    /// What remains of an upload that was cut.
    pub(crate) fn after_cut(self, after_cut: AfterCut) -> Self {
        self.with(|options| options.after_cut = after_cut)
    }

    /// The form of upload locations.
    pub(crate) fn locations(self, locations: Locations) -> Self {
        self.with(|options| options.locations = locations)
    }

    /// A POST with the whole blob is answered by 202, and its body thrown away.
    pub(crate) fn without_single_post(self) -> Self {
        self.with(|options| options.single_post = false)
    }

    /// A mount is answered by 202, as if the blob could not be mounted.
    pub(crate) fn without_mounts(self) -> Self {
        self.with(|options| options.mounts = false)
    }

    /// A mount needs no source: whatever the registry has anywhere is mounted.
    pub(crate) fn mounts_from_anywhere(self) -> Self {
        self.with(|options| options.mounts_from_anywhere = true)
    }

    /// What any repository has, all of them have.
    pub(crate) fn shares_blobs(self) -> Self {
        self.with(|options| options.shares_blobs = true)
    }

    /// Nothing can be deleted: 405.
    pub(crate) fn without_deletes(self) -> Self {
        self.with(|options| options.deletes = false)
    }

    /// Tags cannot be deleted: 400.
    pub(crate) fn without_tag_deletes(self) -> Self {
        self.with(|options| options.deletes_tags = false)
    }

    /// `If-Match` and `If-None-Match` on a manifest push are obeyed: 412.
    pub(crate) fn enforces_conditions(self) -> Self {
        self.with(|options| options.enforces_conditions = true)
    }

    /// Greater bodies are refused with 413.
    pub(crate) fn body_limit(self, bytes: usize) -> Self {
        self.with(|options| options.body_limit = Some(bytes))
    }

    /// Greater manifests are refused with 413; 4 MiB unless said otherwise.
    pub(crate) fn manifest_limit(self, bytes: usize) -> Self {
        self.with(|options| options.manifest_limit = bytes)
    }

    /// Manifests of this media type, or whose config or artifact type is this one, are refused.
    pub(crate) fn refuses_type(self, media_type: &str) -> Self {
        self.with(|options| options.refused_types.push(media_type.to_owned()))
    }

    /// Repositories are not made by a push: 404 for those that a test did not make.
    pub(crate) fn fixed_repositories(self) -> Self {
        self.with(|options| options.fixed_repositories = true)
    }

    /// Blobs are answered by a redirect to another host, which refuses requests with credentials.
    pub(crate) fn redirects_blobs(self) -> Self {
        self.with(|options| options.redirects_blobs = true)
    }

    /// As [`redirects_blobs`](Self::redirects_blobs), but each URL that it redirects to is good for so
    /// many answers, and then says 403.
    pub(crate) fn redirects_blobs_for(self, answers: usize) -> Self {
        self.with(|options| {
            options.redirects_blobs = true;
            options.signed_url_uses = Some(answers);
        })
    }

    /// `Range` is ignored: 200 and the whole blob.
    pub(crate) fn without_ranges(self) -> Self {
        self.with(|options| options.ranges = false)
    }

    /// Manifests may name content that is not there.
    pub(crate) fn without_content_checks(self) -> Self {
        self.with(|options| options.checks_content = false)
    }

    /// Speaks TLS, as do its token server and its blob host.
    pub(crate) fn tls(self, tls: ServerTls) -> Self {
        self.with(|options| options.tls = Some(tls))
    }

    /// Answers nothing itself: a real registry, given by its scheme, host and port, does, and this one
    /// notes and bends what it says.
    pub(crate) fn in_front_of(self, url: &str) -> Self {
        self.with(|options| options.upstream = Some(Upstream::new(url)))
    }

    /// Who may do what.
    pub(crate) fn access(self, access: Access) -> Self {
        self.with(|options| options.access = access)
    }

    /// Asks for this user and password.
    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        self.access(Access::basic(user, password))
    }

    /// Asks for a token, which this user can have.
    pub(crate) fn bearer(self, user: &str, password: &str) -> Self {
        self.access(Access::bearer(user, password))
    }

    /// The subject of an image manifest is looked for among the blobs, as registries did that knew the OCI
    /// artifact manifest.
    pub(crate) fn takes_subjects_for_blobs(self) -> Self {
        self.with(|options| options.takes_subjects_for_blobs = true)
    }

    /// Starts the registry.
    pub(crate) async fn start(self) -> TestRegistry {
        self.start_blocking()
    }

    /// Starts the registry, for tests that are not async.
    pub(crate) fn start_blocking(self) -> TestRegistry {
        TestRegistry::launch(self.options)
    }
}
