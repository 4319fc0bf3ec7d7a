//! Referrers: by the API, or by a tag that lists them where a registry has no API.
//!
//! Where there is no API, `legacy_referrers` is asked as well; `relabel` corrects what release candidates of
//! the API report wrongly.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU8, Ordering},
};

use url::Url;

use super::{
    Error, ReferrersMode, Result,
    http::{StatusCode, header},
    manifests::is_not_found,
    referrer_pages::{Listed, Member, entries_of, of_type},
    repository::Inner,
    response::Response,
    transport::Request,
};
use crate::oci::{Descriptor, Digest, Document, media_type};

/// The digest that no manifest has: asked for to find out whether there is an API.
const NO_MANIFEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

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
        let tagged = self.referrers_by_tag(&subject.digest, artifact_type).await?;
        if mode == ReferrersMode::Tag {
            return Ok(tagged);
        }
        // One repository can hold referrers that only an older API knows beside those of a tag.
        let mut listed = self.referrers_by_older_apis(&subject.digest, artifact_type).await;
        let known: HashSet<Digest> = listed.iter().map(|entry| entry.digest.clone()).collect();
        listed.extend(tagged.into_iter().filter(|entry| !known.contains(&entry.digest)));
        Ok(listed)
    }

    /// `None` when there is no API.
    async fn referrers_by_api(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Option<Vec<Descriptor>>> {
        let wanted = artifact_type.filter(|wanted| !wanted.is_empty());
        let filter = wanted.filter(|_| !self.labels.are_wrong());
        let Some(mut listed) = self.listed(subject, filter).await? else { return Ok(None) };
        if filter.is_some() && listed.has_old_mark {
            // The server goes by types that are wrong, so that what it left out is wanted as well.
            self.labels.have_been_wrong();
            listed = self.listed(subject, None).await?.unwrap_or_default();
        }
        let entries = self.relabel(subject, listed.entries, wanted).await;
        Ok(Some(of_type(entries, wanted)))
    }

    /// Reads all pages of the API's list. `None` when there is no API.
    async fn listed(&self, subject: &Digest, artifact_type: Option<&str>) -> Result<Option<Listed>> {
        let url = self.client.endpoint().referrers(&self.name, &subject.to_string(), artifact_type);
        let Some(response) = self.ask(url).await? else { return Ok(None) };
        self.read_pages(response, Member::Manifests).await.map(Some)
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
        let refuse = |reason: String| {
            let media_type = node.media_type.clone();
            crate::content::Error::from(crate::oci::Error::InvalidDocument { media_type, reason })
        };
        let document = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        let listed = entries_of(document, Member::Manifests);
        let listed = listed.ok_or_else(|| refuse("its manifests are no list".to_owned()))?;
        let mut seen = HashSet::new();
        let mut entries = self.entries(listed);
        entries.retain(|entry| seen.insert(entry.digest.clone()));
        Ok(of_type(entries, artifact_type))
    }

    /// Sees to it that a manifest that was just written is listed, if it has a subject. `indexed` is the
    /// subject that the registry took note of.
    pub(crate) async fn list_referrer(
        &self,
        node: &Descriptor,
        bytes: &[u8],
        indexed: Option<&Digest>,
    ) -> Result<()> {
        match self.listing_of(node, bytes, indexed) {
            Some((subject, entry)) => self.publish(&subject, vec![entry]).await,
            None => Ok(()),
        }
    }

    /// The subject of a manifest that was just written with the entry in its list, when that list is to be kept
    /// by us. `indexed` is the subject that the registry took note of.
    pub(crate) fn listing_of(
        &self,
        node: &Descriptor,
        bytes: &[u8],
        indexed: Option<&Digest>,
    ) -> Option<(Digest, Descriptor)> {
        let subject = subject_of(node, bytes)?;
        match self.client.options().referrers {
            ReferrersMode::Api => return None,
            ReferrersMode::Auto if indexed == Some(&subject.digest) => {
                self.support.learn(true);
                return None;
            }
            ReferrersMode::Auto | ReferrersMode::Tag => {}
        }
        Some((subject.digest, entry_for(node, bytes)))
    }

    /// Are lists of referrers ours to keep, as far as is known?
    pub(crate) fn may_keep_lists(&self) -> bool {
        match self.client.options().referrers {
            ReferrersMode::Api => false,
            ReferrersMode::Tag => true,
            ReferrersMode::Auto => self.support.known() != Some(true),
        }
    }

    /// Are lists of referrers ours to keep?
    pub(crate) async fn keeps_lists(&self) -> Result<bool> {
        Ok(match self.client.options().referrers {
            ReferrersMode::Api => false,
            ReferrersMode::Tag => true,
            ReferrersMode::Auto => !self.has_api().await?,
        })
    }

    /// The subject of a manifest with the entry in its list, when that list is kept by us.
    pub(crate) async fn unlisted_subject(&self, node: &Descriptor) -> Result<Option<(Digest, Descriptor)>> {
        let mode = self.client.options().referrers;
        if mode == ReferrersMode::Api || !media_type::may_have_subject(&node.media_type) {
            return Ok(None);
        }
        let bytes = self.fetch_bytes(node).await?;
        let Some(subject) = subject_of(node, &bytes) else { return Ok(None) };
        let by_tag = self.keeps_lists().await?;
        Ok(by_tag.then(|| (subject.digest, entry_for(node, &bytes))))
    }

    pub(crate) async fn has_api(&self) -> Result<bool> {
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
