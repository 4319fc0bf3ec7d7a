//! What a registry holds.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use oras::oci::{Descriptor, Digest, Document};

use super::{access::Scope, tokens::acr_token};

/// Everything, behind one lock.
#[derive(Default)]
pub(crate) struct State {
    pub(super) repositories: BTreeMap<String, Repository>,
    pub(super) uploads: HashMap<String, Upload>,
    /// How many answers each signed URL of the blob host is still good for.
    pub(super) signatures: HashMap<String, usize>,
    pub(super) tokens: HashMap<String, Token>,
    /// Refresh tokens and the users they stand for.
    pub(super) refresh_tokens: HashMap<String, String>,
    counter: u64,
}

/// A token that was given out.
pub(crate) struct Token {
    scopes: Vec<Scope>,
    /// Requests that it is still good for; `None` is any number.
    uses: Option<usize>,
}

/// The content of one repository, named by digest.
#[derive(Default)]
pub(crate) struct Repository {
    pub(super) blobs: BTreeMap<String, Bytes>,
    pub(super) manifests: BTreeMap<String, Manifest>,
    /// Digests of manifests in the order in which they arrived.
    pub(super) arrivals: Vec<String>,
    pub(super) tags: BTreeMap<String, String>,
}

/// A manifest as it was pushed.
#[derive(Clone)]
pub(crate) struct Manifest {
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
}

/// An upload that is not closed yet.
pub(crate) struct Upload {
    pub(super) repository: String,
    pub(super) bytes: Vec<u8>,
    /// Must come back in the query; changes with every chunk, as in registries that sign their state.
    pub(super) state: String,
    /// A chunk below the minimum has arrived, so it must have been the last.
    pub(super) ended: bool,
}

impl State {
    /// A text that was not given out before.
    pub(super) fn fresh(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}-{}", self.counter)
    }

    /// Gives out a token that is made of a text that was not used before.
    pub(super) fn new_token(
        &mut self,
        scopes: Vec<Scope>,
        uses: Option<usize>,
        make: impl FnOnce(String, &[Scope]) -> String,
    ) -> String {
        let unique = self.fresh("secret-token");
        let token = make(unique, &scopes);
        self.tokens.insert(token.clone(), Token { scopes, uses });
        token
    }

    /// Gives out a refresh token.
    pub(super) fn new_refresh_token(&mut self, user: &str, acr: bool) -> String {
        let name = self.fresh("secret-refresh-token");
        let token = if acr { acr_token("refresh_token", &name) } else { name };
        self.refresh_tokens.insert(token.clone(), user.to_owned());
        token
    }

    /// What a token is good for, if it is good for anything; counts as one use.
    pub(super) fn use_token(&mut self, token: &str) -> Option<Vec<Scope>> {
        let token = self.tokens.get_mut(token)?;
        if let Some(uses) = &mut token.uses {
            *uses = uses.checked_sub(1)?;
        }
        Some(token.scopes.clone())
    }

    pub(super) fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }

    /// Does any repository have this blob?
    pub(super) fn blob_anywhere(&self, digest: &str) -> Option<Bytes> {
        self.repositories.values().find_map(|repository| repository.blobs.get(digest).cloned())
    }
}

impl Repository {
    /// The digest that a tag or digest stands for, if there is such a manifest.
    pub(super) fn resolve(&self, reference: &str) -> Option<String> {
        let digest = self.tags.get(reference).map_or(reference, String::as_str);
        self.manifests.contains_key(digest).then(|| digest.to_owned())
    }

    pub(super) fn insert(&mut self, digest: &str, manifest: Manifest) {
        if self.manifests.insert(digest.to_owned(), manifest).is_none() {
            self.arrivals.push(digest.to_owned());
        }
    }

    pub(super) fn remove(&mut self, digest: &str) -> bool {
        self.tags.retain(|_, tagged| tagged != digest);
        self.arrivals.retain(|arrived| arrived != digest);
        self.manifests.remove(digest).is_some()
    }

    /// Manifests whose subject is this digest, in the order in which they arrived, with what they say.
    pub(super) fn referrers(&self, subject: &str) -> Vec<(Descriptor, Document)> {
        let read = |digest: &String| {
            let manifest = self.manifests.get(digest)?;
            let document = Document::parse(&manifest.media_type, &manifest.bytes).ok()?;
            let named = document.subject.as_ref()?.digest.to_string();
            (named == subject).then(|| (manifest.describe(digest), document))
        };
        self.arrivals.iter().filter_map(read).collect()
    }
}

impl Manifest {
    pub(super) fn describe(&self, digest: &str) -> Descriptor {
        let digest: Digest = digest.parse().unwrap();
        Descriptor::new(self.media_type.clone(), digest, self.bytes.len() as u64)
    }
}

/// Are these the bytes that the digest names?
pub(super) fn is_digest_of(digest: &str, bytes: &[u8]) -> bool {
    digest.parse::<Digest>().is_ok_and(|digest| Digest::of_with(digest.algorithm(), bytes) == digest)
}
