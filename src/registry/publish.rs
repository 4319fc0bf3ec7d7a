//! The list of referrers under a tag, which we keep where a registry has no API for it.
//!
//! Nobody guards that list: two writers that read and write at the same time lose an entry. So a writer
//! remembers all it has seen, and looks again until it has found everything in place twice, long enough
//! apart that whoever was writing has finished. What it misses then, it puts back.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::{
    Error, Result,
    http::{HeaderName, Method, StatusCode, header},
    listing::Listing,
    lock::Lock,
    repository::Inner,
    transport::{Request, random},
};
use crate::oci::{Descriptor, Digest, media_type};

/// How long other writers may keep us from finishing.
const DEADLINE: Duration = Duration::from_secs(60);
/// Lists that are put in order at once; most of the time they are waited for.
const SIDE_BY_SIDE: usize = 64;
/// How often a registry may miss something that is there, and refuse a list because of it.
const MOST_DOUBTS: u32 = 3;
/// Failures of the server after which a list is given up; each comes after the usual repetitions.
const MOST_FAILURES: u32 = 4;
/// Longest time between two looks.
const LONGEST_SETTLE: Duration = Duration::from_secs(5);

/// Changes of referrers tags that wait for each other, by tag.
#[derive(Default)]
pub(crate) struct Queues(Mutex<HashMap<String, Arc<Queue>>>);

/// Changes of one tag. Whoever has the turn makes all that wait.
#[derive(Default)]
struct Queue {
    turn: tokio::sync::Mutex<()>,
    waiting: Mutex<Changes>,
    made: Mutex<BTreeSet<String>>,
}

impl Queue {
    /// Did whoever had the turn make these changes, too?
    fn have_been_made(&self, changes: &Changes) -> bool {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let are_made = changes.digests().all(|digest| made.contains(digest));
        made.retain(|digest| !(are_made && changes.has(digest)));
        are_made
    }
}

/// Referrers that are stored and not listed yet, by subject.
#[derive(Default)]
pub(crate) struct Unlisted {
    turn: tokio::sync::Mutex<()>,
    entries: Mutex<BTreeMap<Digest, Vec<Descriptor>>>,
}

impl Unlisted {
    pub(crate) fn add(&self, subject: Digest, entry: Descriptor) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).entry(subject).or_default().push(entry);
    }

    fn take(&self) -> BTreeMap<Digest, Vec<Descriptor>> {
        std::mem::take(&mut *self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Entries that are to be in the list, and digests that are not, by digest.
#[derive(Debug, Clone, Default)]
struct Changes {
    add: BTreeMap<String, Descriptor>,
    remove: BTreeSet<String>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    fn digests(&self) -> impl Iterator<Item = &String> {
        self.add.keys().chain(&self.remove)
    }

    fn has(&self, digest: &str) -> bool {
        self.add.contains_key(digest) || self.remove.contains(digest)
    }

    fn take_up(&mut self, more: Self) {
        for digest in more.remove {
            self.add.remove(&digest);
            self.remove.insert(digest);
        }
        for (digest, entry) in more.add {
            self.remove.remove(&digest);
            self.add.insert(digest, entry);
        }
    }
}

impl Inner {
    /// Adds entries to the list of a subject's referrers.
    pub(crate) async fn publish(&self, subject: &Digest, entries: Vec<Descriptor>) -> Result<()> {
        self.publish_under(&subject.referrers_tag(), entries).await
    }

    /// Lists all referrers that were stored and not listed yet, those of many subjects side by side.
    pub(crate) async fn publish_unlisted(&self) -> Result<()> {
        // What another takes away to list it is waited for.
        let _turn = self.unlisted.turn.lock().await;
        let lists = futures_util::stream::iter(self.unlisted.take()).map(|(subject, entries)| async move {
            let outcome = self.publish(&subject, entries.clone()).await;
            if outcome.is_err() {
                entries.into_iter().for_each(|entry| self.unlisted.add(subject.clone(), entry));
            }
            outcome
        });
        // One that fails is no reason to leave the others out.
        let outcomes: Vec<_> = lists.buffer_unordered(SIDE_BY_SIDE).collect().await;
        outcomes.into_iter().collect()
    }

    /// Takes an entry off the list of a subject's referrers.
    pub(crate) async fn unlist_referrer(&self, subject: &Digest, referrer: &Digest) -> Result<()> {
        let remove = BTreeSet::from([referrer.to_string()]);
        self.change(&subject.referrers_tag(), Changes { remove, ..Changes::default() }).await
    }

    /// Adds entries to the list under a tag.
    pub(crate) async fn publish_under(&self, tag: &str, entries: Vec<Descriptor>) -> Result<()> {
        let add = entries.into_iter().map(|entry| (entry.digest.to_string(), entry)).collect();
        self.change(tag, Changes { add, ..Changes::default() }).await
    }

    /// Makes changes, together with those of others that wait meanwhile.
    async fn change(&self, tag: &str, changes: Changes) -> Result<()> {
        let queue = {
            let mut queues = self.queues.0.lock().unwrap_or_else(PoisonError::into_inner);
            queues.entry(tag.to_owned()).or_default().clone()
        };
        queue.made.lock().unwrap_or_else(PoisonError::into_inner).retain(|digest| !changes.has(digest));
        queue.waiting.lock().unwrap_or_else(PoisonError::into_inner).take_up(changes.clone());
        let _turn = queue.turn.lock().await;
        if queue.have_been_made(&changes) {
            return Ok(());
        }
        // Whoever had the turn before may have failed with our change in hand.
        queue.waiting.lock().unwrap_or_else(PoisonError::into_inner).take_up(changes);
        Upkeep::new(self, tag, &queue).run().await
    }
}

/// What is known while the list of one tag is put in order.
struct Upkeep<'a> {
    repository: &'a Inner,
    tag: &'a str,
    queue: &'a Queue,
    changes: Changes,
    /// Entries that were in the list at some time.
    seen: Listing,
    /// Entries whose manifests are not there, which the registry minds.
    gone: BTreeSet<String>,
    /// Since when nothing was missing.
    quiet: Option<Instant>,
    /// The longest that reading and writing took.
    slowest: Duration,
    /// How often the list was written.
    writes: u32,
    /// How often the server failed.
    failures: u32,
    /// How often the registry missed something that is there.
    doubts: u32,
    /// The registry refuses to replace what has changed meanwhile.
    is_guarded: bool,
}

/// What came of one look at the list.
enum Round {
    /// Everything is in place.
    Quiet,
    /// Something was put in order.
    Written,
    /// The registry misses something that is there.
    Doubted,
    /// Somebody else was faster.
    Overtaken,
}

impl<'a> Upkeep<'a> {
    fn new(repository: &'a Inner, tag: &'a str, queue: &'a Queue) -> Self {
        Self {
            repository,
            tag,
            queue,
            changes: Changes::default(),
            seen: Listing::default(),
            gone: BTreeSet::new(),
            quiet: None,
            slowest: Duration::ZERO,
            writes: 0,
            failures: 0,
            doubts: 0,
            is_guarded: false,
        }
    }

    async fn run(mut self) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.take_up();
            let lock = Lock::take(self.repository, self.tag).await;
            let round = self.round().await;
            drop(lock);
            let settle = self.settle();
            let pause = match round {
                // Some registries stumble where several write the same list at once.
                Err(error) if self.may_pass(&error) => settle.mul_f64(0.3 + random()),
                Err(error) => return Err(error),
                Ok(Round::Quiet) => {
                    let now = Instant::now();
                    let since = *self.quiet.get_or_insert(now);
                    // Whoever comes to know that an entry is gone leaves it out; one look is enough. So it is
                    // where nothing had to be written: whoever wrote has looked again.
                    let is_certain = self.is_guarded || self.changes.add.is_empty() || self.writes == 0;
                    let is_settled = is_certain || now - since >= settle;
                    if is_settled && self.finish() {
                        return Ok(());
                    }
                    settle.mul_f64(1.0 + 0.3 * random())
                }
                // What is in place right after the first write has begun to settle. Where it is not, there are
                // others, and all of them begin again at another moment.
                Ok(Round::Written) if self.writes == 1 => Duration::ZERO,
                Ok(Round::Written | Round::Doubted) => settle.mul_f64(0.3 + random()),
                Ok(Round::Overtaken) => Duration::from_millis(20).mul_f64(random()),
            };
            if Instant::now() + pause > deadline {
                let (repository, tag) = (self.repository.full_name(), self.tag.to_owned());
                return Err(Error::Unsettled { repository, tag });
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Is it a failure of the server that may be over at the next look?
    fn may_pass(&mut self, error: &Error) -> bool {
        self.failures += 1;
        self.failures <= MOST_FAILURES && error.status().is_some_and(|status| status.is_server_error())
    }

    /// Takes up the changes of others.
    fn take_up(&mut self) {
        let more = std::mem::take(&mut *self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if !more.is_empty() {
            self.quiet = None;
            self.changes.take_up(more);
        }
    }

    /// Ends, unless somebody has come meanwhile.
    fn finish(&self) -> bool {
        let waiting = self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.is_empty() {
            return false;
        }
        let mut made = self.queue.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.extend(self.changes.digests().cloned());
        true
    }

    /// How long two looks have to be apart.
    fn settle(&self) -> Duration {
        let least = self.repository.client.options().settle;
        if self.is_guarded {
            Duration::ZERO
        } else {
            least.max(self.slowest * 4).min(LONGEST_SETTLE.max(least))
        }
    }

    /// Looks at the list, and puts it in order.
    async fn round(&mut self) -> Result<Round> {
        let started = Instant::now();
        let (mut list, version) = self.read().await?;
        self.seen.merge(&list);
        let mut is_changed = false;
        for digest in self.changes.remove.iter().chain(&self.gone) {
            self.seen.remove(digest);
            is_changed |= list.remove(digest);
        }
        for (digest, entry) in &self.changes.add {
            if !list.has(digest) {
                is_changed |= list.add(entry);
            }
        }
        for digest in list.missing(&self.seen) {
            if self.still_exists(&digest).await? {
                is_changed |= list.add_from(&self.seen, &digest);
            } else {
                self.seen.remove(&digest);
            }
        }
        if !is_changed {
            return Ok(Round::Quiet);
        }
        self.quiet = None;
        // What a server calls a failure may have taken effect all the same.
        self.writes += 1;
        let written = self.write(&list, version).await?;
        self.slowest = self.slowest.max(started.elapsed());
        match written {
            Written::Yes => Ok(Round::Written),
            Written::Overtaken => {
                self.is_guarded = true;
                Ok(Round::Overtaken)
            }
            // Some registries do not see for a moment what others are just storing once more.
            Written::Dangling(error) if !self.find_gone(&list).await? => {
                self.doubts += 1;
                if self.doubts > MOST_DOUBTS { Err(error) } else { Ok(Round::Doubted) }
            }
            Written::Dangling(_) => Ok(Round::Overtaken),
        }
    }

    /// Finds entries whose manifests are not there any more. Returns whether there were any.
    async fn find_gone(&mut self, list: &Listing) -> Result<bool> {
        let before = self.gone.len();
        for digest in list.digests() {
            if !self.changes.add.contains_key(&digest) && !self.still_exists(&digest).await? {
                self.gone.insert(digest);
            }
        }
        Ok(self.gone.len() > before)
    }

    /// Reads the list, and what tells this state of it from others.
    async fn read(&self) -> Result<(Listing, Version)> {
        let repository = self.repository;
        let url = repository.client.endpoint().manifest(&repository.name, self.tag);
        let request = Request::get(url)
            // All types are asked for, or something else under the tag would be taken for nothing.
            .header(header::ACCEPT, &media_type::MANIFESTS.join(", "))
            .header(header::CACHE_CONTROL, "no-cache");
        let response = repository.client.send(request, &repository.scopes).await?;
        match response.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                response.discard().await;
                return Ok((Listing::default(), Version::Absent));
            }
            _ => return Err(response.into_error().await),
        }
        let version = response.header("etag").map_or(Version::Unknown, |etag| Version::Tag(etag.to_owned()));
        let declared = response.content_type();
        let limit = repository.client.options().manifest_limit;
        let wrong = |reason: String| response.protocol(reason);
        if declared != media_type::IMAGE_INDEX {
            return Err(wrong(format!("the tag of the referrers names a {declared}, which is left alone")));
        }
        let malformed = wrong("the list of the referrers is malformed, and is left alone".to_owned());
        let bytes = response.read(limit).await?;
        Ok((Listing::parse(&bytes).ok_or(malformed)?, version))
    }

    /// Writes the list.
    async fn write(&self, list: &Listing, version: Version) -> Result<Written> {
        let repository = self.repository;
        if list.is_empty() && self.delete_tag().await? {
            return Ok(Written::Yes);
        }
        let bytes = list.to_bytes();
        let node = Descriptor::of(media_type::IMAGE_INDEX, &bytes);
        let response = repository.send_manifest(self.tag, &node, &bytes, version.condition()).await?;
        if response.status == StatusCode::PRECONDITION_FAILED {
            response.discard().await;
            return Ok(Written::Overtaken);
        }
        match repository.confirm_manifest(&node, &bytes, response).await {
            Ok(_) => Ok(Written::Yes),
            Err(error) if is_about_content(&error) => Ok(Written::Dangling(error)),
            Err(error) => Err(error),
        }
    }

    /// Deletes the tag of an empty list. Says no where a tag cannot be deleted alone.
    async fn delete_tag(&self) -> Result<bool> {
        let repository = self.repository;
        let url = repository.client.endpoint().manifest(&repository.name, self.tag);
        let response = repository.client.send(Request::new(Method::DELETE, url), &repository.scopes).await?;
        let is_gone = response.status.is_success() || response.status == StatusCode::NOT_FOUND;
        response.discard().await;
        Ok(is_gone)
    }

    /// Is a referrer still there that has disappeared from the list?
    async fn still_exists(&self, digest: &str) -> Result<bool> {
        match self.repository.resolve_manifest(digest, &[]).await {
            Ok(_) => Ok(true),
            Err(error) if super::manifests::is_not_found(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What came of writing the list.
enum Written {
    Yes,
    /// It has changed meanwhile.
    Overtaken,
    /// The registry misses something that the list names.
    Dangling(Error),
}

fn is_about_content(error: &Error) -> bool {
    let codes = ["MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_INVALID"];
    error.response().is_some_and(|said| codes.iter().any(|code| said.problems.has(code)))
}

/// A state of the list.
enum Version {
    /// There was none.
    Absent,
    /// The registry calls it so.
    Tag(String),
    /// The registry does not say.
    Unknown,
}

impl Version {
    /// The header by which only this state is replaced. Registries that do not know it ignore it.
    fn condition(&self) -> Option<(HeaderName, &str)> {
        match self {
            Self::Absent => Some((header::IF_NONE_MATCH, "*")),
            Self::Tag(etag) => Some((header::IF_MATCH, etag)),
            Self::Unknown => None,
        }
    }
}
