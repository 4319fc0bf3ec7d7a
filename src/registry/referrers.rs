//! Referrers: by the API, or by a tag that lists them where a registry has no API.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU8, Ordering},
};

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{
    Error, ReferrersMode, Result,
    http::{StatusCode, header},
    link,
    manifests::is_not_found,
    repository::Inner,
    response::Response,
    trace::bare_url,
    transport::Request,
};
use crate::oci::{Descriptor, Digest, Document, media_type};

/// The digest that no manifest has: asked for to find out whether there is an API.
const NO_MANIFEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const MOST_PAGES: usize = 10_000;

/// Whether a registry has the referrers API for a repository.
#[derive(Default)]
pub(crate) struct Support(AtomicU8);

impl Support {
    /// `None` while it is not known.
    pub(crate) fn known(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            1 => Some(false),
            2 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn learn(&self, supported: bool) {
        self.0.store(if supported { 2 } else { 1 }, Ordering::Relaxed);
    }
}

/// A page of referrers. Entries may be malformed, and must not hide the others.
#[derive(Deserialize)]
struct Page {
    manifests: Option<Vec<Value>>,
    annotations: Option<Value>,
}

impl Page {
    /// The filters that a server of the time before the specification says it has applied.
    fn filters(&self) -> Option<&str> {
        self.annotations.as_ref()?.get("org.opencontainers.referrers.filtersApplied")?.as_str()
    }
}

/// What the API lists.
#[derive(Default)]
struct Listed {
    entries: Vec<Descriptor>,
    /// Has the server filtered in the way of the time before the specification?
    is_filtered_oddly: bool,
}

fn names_artifact_type(filters: &str) -> bool {
    filters.split(',').any(|filter| filter.trim() == "artifactType")
}

impl Inner {
    /// Lists the referrers of a manifest, only those of one artifact type if it is given.
    ///
    /// Implements distribution-spec v1.1, "Listing Referrers".
    pub(crate) async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        let mode = self.client.options().referrers;
        let ask = match mode {
            ReferrersMode::Tag => false,
            ReferrersMode::Api => true,
            ReferrersMode::Auto => self.support.known() != Some(false),
        };
        if ask && let Some(listed) = self.referrers_by_api(&subject.digest, artifact_type).await? {
            return Ok(listed);
        }
        if mode == ReferrersMode::Api {
            return Err(Error::NoReferrersApi);
        }
        self.referrers_by_tag(&subject.digest, artifact_type).await
    }

    /// `None` when there is no API.
    async fn referrers_by_api(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Option<Vec<Descriptor>>> {
        let wanted = artifact_type.filter(|wanted| !wanted.is_empty());
        let Some(listed) = self.listed(subject, wanted).await? else { return Ok(None) };
        if let Some(wanted) = wanted
            && listed.entries.is_empty()
            && listed.is_filtered_oddly
        {
            return self.filtered_by_us(subject, wanted).await;
        }
        Ok(Some(of_type(listed.entries, wanted)))
    }

    /// Lists all referrers and looks into those whose entries do not say what they are: servers of the time
    /// before the specification filter by the config's media type only.
    async fn filtered_by_us(&self, subject: &Digest, wanted: &str) -> Result<Option<Vec<Descriptor>>> {
        let Some(listed) = self.listed(subject, None).await? else { return Ok(None) };
        let mut found = Vec::new();
        for mut entry in listed.entries {
            if entry.artifact_type.as_deref() != Some(wanted) && entry.is_manifest() {
                let bytes = self.fetch_bytes(&entry).await?;
                let document =
                    Document::parse(&entry.media_type, &bytes).map_err(crate::content::Error::from)?;
                entry.artifact_type = document.artifact_type().map(str::to_owned);
            }
            found.push(entry);
        }
        Ok(Some(of_type(found, Some(wanted))))
    }

    /// Reads all pages of the API's list. `None` when there is no API.
    async fn listed(&self, subject: &Digest, artifact_type: Option<&str>) -> Result<Option<Listed>> {
        let url = self.client.endpoint().referrers(&self.name, &subject.to_string(), artifact_type);
        let Some(mut response) = self.ask(url).await? else { return Ok(None) };
        let mut listed = Listed::default();
        let (mut seen, mut visited) = (HashSet::new(), HashSet::new());
        for _ in 0..MOST_PAGES {
            visited.insert(response.url.to_string());
            let next = link::next(response.lines("link"));
            let url = response.url.clone();
            let by_header = response.lines("oci-filters-applied").any(names_artifact_type);
            let wrong = response.protocol("the answer is not a list of referrers");
            let body = response.read(self.client.options().manifest_limit).await?;
            let page: Page = serde_json::from_slice(&body).map_err(|_| wrong)?;
            let by_annotation = page.filters().is_some_and(names_artifact_type);
            listed.is_filtered_oddly |= by_annotation && !by_header;
            let entries = self.entries(page.manifests.unwrap_or_default());
            listed.entries.extend(entries.into_iter().filter(|entry| seen.insert(entry.digest.clone())));
            let Some(next) = next else { return Ok(Some(listed)) };
            let next = link::resolve(&url, &next).map_err(|reason| Error::Protocol {
                method: "GET".to_owned(),
                url: bare_url(&url),
                reason: reason.to_owned(),
            })?;
            if visited.contains(next.as_str()) {
                self.client.notice("the registry links its pages of referrers in a circle");
                return Ok(Some(listed));
            }
            let request = Request::get(next).header(header::ACCEPT, media_type::IMAGE_INDEX);
            response = self.client.expect(request, &self.scopes, &[StatusCode::OK]).await?;
        }
        Err(response.protocol("the list of referrers is too long"))
    }

    /// Asks the API for the first page, and learns whether there is one; `None` when there is not.
    async fn ask(&self, url: Url) -> Result<Option<Response>> {
        let request = Request::get(url).header(header::ACCEPT, media_type::IMAGE_INDEX);
        let response = self.client.send(request, &self.scopes).await?;
        match response.status {
            StatusCode::OK if response.content_type() == media_type::IMAGE_INDEX => {
                self.support.learn(true);
                return Ok(Some(response));
            }
            StatusCode::OK
            | StatusCode::BAD_REQUEST
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_ACCEPTABLE
            | StatusCode::NOT_IMPLEMENTED => response.discard().await,
            StatusCode::NOT_FOUND => {
                let error = response.into_error().await;
                if error.response().is_some_and(|response| response.problems.has("NAME_UNKNOWN")) {
                    return Err(error);
                }
            }
            _ => return Err(response.into_error().await),
        }
        self.support.learn(false);
        Ok(None)
    }

    async fn referrers_by_tag(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        let tag = subject.referrers_tag();
        let (node, bytes) = match self.fetch_manifest(&tag, &[]).await {
            Ok(read) => read,
            Err(error) if is_not_found(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        if node.media_type != media_type::IMAGE_INDEX {
            return Err(Error::Protocol {
                method: "GET".to_owned(),
                url: self.client.endpoint().manifest(&self.name, &tag).into(),
                reason: format!("the tag of the referrers names a {}", node.media_type),
            });
        }
        let listing: Page = serde_json::from_slice(&bytes).map_err(|error| {
            let (media_type, reason) = (node.media_type, error.to_string());
            crate::content::Error::from(crate::oci::Error::InvalidDocument { media_type, reason })
        })?;
        let mut seen = HashSet::new();
        let mut entries = self.entries(listing.manifests.unwrap_or_default());
        entries.retain(|entry| seen.insert(entry.digest.clone()));
        Ok(of_type(entries, artifact_type))
    }

    /// Reads entries; a malformed one is reported and left out.
    fn entries(&self, values: Vec<Value>) -> Vec<Descriptor> {
        let read = |value: Value| match Descriptor::deserialize(value) {
            Ok(entry) => Some(entry),
            Err(error) => {
                self.client
                    .notice(&format!("{} lists a referrer that is malformed: {error}", self.full_name()));
                None
            }
        };
        values.into_iter().filter_map(read).collect()
    }

    /// Sees to it that a manifest that was just written is listed, if it has a subject. `indexed` is the
    /// subject that the registry took note of.
    pub(crate) async fn list_referrer(
        &self,
        node: &Descriptor,
        bytes: &[u8],
        indexed: Option<&Digest>,
    ) -> Result<()> {
        let Some(subject) = subject_of(node, bytes) else { return Ok(()) };
        match self.client.options().referrers {
            ReferrersMode::Api => return Ok(()),
            ReferrersMode::Auto if indexed == Some(&subject.digest) => {
                self.support.learn(true);
                return Ok(());
            }
            ReferrersMode::Auto | ReferrersMode::Tag => {}
        }
        self.publish(&subject.digest, entry_for(node, bytes)).await
    }

    /// The subject of a manifest with the entry in its list, when that list is kept by us.
    pub(crate) async fn unlisted_subject(&self, node: &Descriptor) -> Result<Option<(Digest, Descriptor)>> {
        let mode = self.client.options().referrers;
        if mode == ReferrersMode::Api || !media_type::may_have_subject(&node.media_type) {
            return Ok(None);
        }
        let bytes = self.fetch_bytes(node).await?;
        let Some(subject) = subject_of(node, &bytes) else { return Ok(None) };
        let by_tag = mode == ReferrersMode::Tag || !self.has_api().await?;
        Ok(by_tag.then(|| (subject.digest, entry_for(node, &bytes))))
    }

    async fn has_api(&self) -> Result<bool> {
        if let Some(known) = self.support.known() {
            return Ok(known);
        }
        let probe = self.client.endpoint().referrers(&self.name, NO_MANIFEST, None);
        let page = self.ask(probe).await?;
        let has_api = page.is_some();
        if let Some(page) = page {
            page.discard().await;
        }
        Ok(has_api)
    }
}

/// The subject of a manifest, as far as the manifest can be read.
fn subject_of(node: &Descriptor, bytes: &[u8]) -> Option<Descriptor> {
    if !media_type::may_have_subject(&node.media_type) {
        return None;
    }
    Document::parse(&node.media_type, bytes).ok()?.subject
}

/// The entry that describes a referrer in the list of its subject.
///
/// Implements distribution-spec v1.1, "Pushing Manifests with Subject".
fn entry_for(node: &Descriptor, bytes: &[u8]) -> Descriptor {
    let mut entry = node.plain();
    if let Ok(document) = Document::parse(&node.media_type, bytes) {
        entry.artifact_type = document.artifact_type().map(str::to_owned);
        entry.annotations = document.annotations;
    }
    entry
}

fn of_type(mut listed: Vec<Descriptor>, artifact_type: Option<&str>) -> Vec<Descriptor> {
    if let Some(wanted) = artifact_type.filter(|wanted| !wanted.is_empty()) {
        listed.retain(|entry| entry.artifact_type.as_deref() == Some(wanted));
    }
    listed
}
