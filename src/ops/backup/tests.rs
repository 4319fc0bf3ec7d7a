use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::{
    content::{ByteStream, Memory, TagPages},
    oci::{Annotations, Digest, ImageManifest, Index},
    progress::{Event, Silent},
};

/// A source of which some content is gone, though it is still listed as a referrer.
struct Lossy {
    memory: Arc<Memory>,
    /// Each subject with a referrer that is listed.
    listed: Vec<(Digest, Descriptor)>,
    gone: Vec<Digest>,
    /// What was looked up or read.
    asked: Mutex<Vec<String>>,
}

impl Lossy {
    fn new(memory: Arc<Memory>) -> Self {
        Self { memory, listed: Vec::new(), gone: Vec::new(), asked: Mutex::default() }
    }

    fn check(&self, digest: &Digest) -> content::Result<()> {
        self.asked.lock().unwrap().push(digest.to_string());
        match self.gone.contains(digest) {
            true => Err(content::Error::NotFound { reference: format!("app@{digest}") }),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Source for Lossy {
    async fn resolve(&self, reference: &str) -> content::Result<Descriptor> {
        self.memory.resolve(reference).await
    }
    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> content::Result<ByteStream> {
        self.check(&node.digest)?;
        self.memory.fetch_unverified(node, offset).await
    }
    async fn exists(&self, node: &Descriptor) -> content::Result<bool> {
        self.memory.exists(node).await
    }
    async fn referrers(&self, subject: &Descriptor, kind: Option<&str>) -> content::Result<Vec<Descriptor>> {
        let mut listed = self.memory.referrers(subject, kind).await?;
        let more = self.listed.iter().filter(|(of, _)| *of == subject.digest).map(|(_, node)| node.clone());
        listed.extend(more);
        Ok(listed)
    }
    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        self.memory.tags(last)
    }
}

/// Stores a manifest with one layer, attached to a subject if there is one.
fn manifest(store: &Memory, layer: &str, subject: Option<&Descriptor>) -> Descriptor {
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: media_type::IMAGE_MANIFEST.to_owned(),
        artifact_type: Some("t/1".to_owned()),
        config: store.insert(media_type::EMPTY, "{}"),
        layers: vec![store.insert("a/layer", layer.to_owned())],
        subject: subject.cloned(),
        annotations: Annotations::new(),
    };
    store.insert(media_type::IMAGE_MANIFEST, manifest.to_bytes())
}

fn index(store: &Memory, manifests: &[&Descriptor]) -> Descriptor {
    let index = Index::of(manifests.iter().map(|&node| node.clone()).collect());
    store.insert(media_type::IMAGE_INDEX, index.to_bytes())
}

fn tagged(tag: &str, node: &Descriptor) -> Tagged {
    Tagged { tag: tag.to_owned(), node: node.clone() }
}

const EACH: Concurrency = Concurrency::exactly(0);
const WITH_REFERRERS: Options = Options { referrers: true, skips_stale_lists: false, concurrency: EACH };
const LENIENT: Options = Options { referrers: false, skips_stale_lists: true, concurrency: EACH };

async fn save(
    source: impl Source + 'static,
    target: &Arc<Memory>,
    options: Options,
    tagged: &Tagged,
) -> Result<Outcome> {
    Backup::new(Arc::new(source), target.clone(), options).save(tagged, Arc::new(Silent)).await
}

#[tokio::test]
async fn tags_are_looked_up_at_once_and_come_in_the_order_that_was_asked_for() {
    let store = Memory::new();
    for tag in ["a", "b", "c"] {
        store.tag(&manifest(&store, tag, None), tag).await.unwrap();
    }
    assert_eq!(all_tags(&store).await.unwrap(), ["a", "b", "c"]);
    let wanted = ["c", "a", "c", "b"].map(str::to_owned);
    let found = resolve(&store, &wanted, Concurrency::exactly(2)).await.unwrap();
    assert_eq!(found.iter().map(|found| found.tag.as_str()).collect::<Vec<_>>(), wanted);
    assert_eq!(found[0].node, store.resolve("c").await.unwrap());
    let error = resolve(&store, &["a".to_owned(), "none".to_owned()], EACH).await.unwrap_err();
    assert_eq!(error.to_string(), "failed to resolve tag \"none\"");
}

#[tokio::test]
async fn a_tag_is_saved_without_what_is_attached_to_it() {
    let (source, target) = (Memory::new(), Arc::new(Memory::new()));
    let root = manifest(&source, "x", None);
    let referrer = manifest(&source, "sig", Some(&root));
    let outcome = save(source, &target, Options::default(), &tagged("v1", &root)).await.unwrap();
    assert_eq!(outcome, Outcome::Saved { referrers: 0, gone: Vec::new() });
    assert_eq!(target.resolve("v1").await.unwrap().digest, root.digest);
    assert!(!target.exists(&referrer).await.unwrap());
}

#[tokio::test]
async fn referrers_come_along_and_are_counted_in_the_target() {
    let (source, target) = (Memory::new(), Arc::new(Memory::new()));
    let root = manifest(&source, "x", None);
    let first = manifest(&source, "sbom", Some(&root));
    let second = manifest(&source, "sig", Some(&first));
    // Saved before, and since then gone from the source.
    let earlier = manifest(&target, "earlier", Some(&root));
    let outcome = save(source, &target, WITH_REFERRERS, &tagged("v1", &root)).await.unwrap();
    assert_eq!(outcome, Outcome::Saved { referrers: 3, gone: Vec::new() });
    for node in [&root, &first, &second, &earlier] {
        assert!(target.exists(node).await.unwrap());
    }
    assert_eq!(target.resolve("v1").await.unwrap().digest, root.digest);
}

#[tokio::test]
async fn what_the_target_has_is_not_read_again() {
    let (memory, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
    let root = manifest(&memory, "x", None);
    let referrer = manifest(&memory, "sig", Some(&root));
    save(Lossy::new(memory.clone()), &target, WITH_REFERRERS, &tagged("v1", &root)).await.unwrap();
    let source = Arc::new(Lossy::new(memory));
    let backup = Backup::new(source.clone(), target.clone(), WITH_REFERRERS);
    backup.save(&tagged("v2", &root), Arc::new(Silent)).await.unwrap();
    // Only whether the referrer is one.
    assert_eq!(*source.asked.lock().unwrap(), [referrer.digest.to_string()]);
    assert_eq!(target.resolve("v2").await.unwrap().digest, root.digest);
}

#[tokio::test]
async fn a_referrer_that_is_listed_but_gone_is_reported_and_everything_else_is_saved() {
    let (memory, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
    let root = manifest(&memory, "x", None);
    let whole = manifest(&memory, "sbom", Some(&root));
    let gone = manifest(&memory, "sig", Some(&whole));
    let mut source = Lossy::new(memory);
    source.gone.push(gone.digest.clone());
    let outcome = save(source, &target, WITH_REFERRERS, &tagged("v1", &root)).await.unwrap();
    let said = format!("app@{}: not found", gone.digest);
    assert_eq!(outcome, Outcome::Saved { referrers: 1, gone: vec![said] });
    assert!(target.exists(&root).await.unwrap() && target.exists(&whole).await.unwrap());
    assert!(!target.exists(&gone).await.unwrap());
}

#[tokio::test]
async fn what_is_listed_but_attached_to_something_else_stays_behind() {
    let (memory, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
    let root = manifest(&memory, "x", None);
    let stranger = manifest(&memory, "stranger", None);
    let mut source = Lossy::new(memory);
    source.listed.push((root.digest.clone(), stranger.clone()));
    let outcome = save(source, &target, WITH_REFERRERS, &tagged("v1", &root)).await.unwrap();
    assert_eq!(outcome, Outcome::Saved { referrers: 0, gone: Vec::new() });
    assert_eq!(target.resolve("v1").await.unwrap().digest, root.digest);
    assert!(target.exists(&root).await.unwrap() && !target.exists(&stranger).await.unwrap());
}

#[tokio::test]
async fn an_index_that_is_gone_is_a_referrer_that_is_gone() {
    let (memory, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
    let root = manifest(&memory, "x", None);
    let gone = Descriptor::of(media_type::IMAGE_INDEX, b"gone");
    let mut source = Lossy::new(memory);
    source.listed.push((root.digest.clone(), gone.clone()));
    source.gone.push(gone.digest.clone());
    let outcome = save(source, &target, WITH_REFERRERS, &tagged("v1", &root)).await.unwrap();
    let said = format!("app@{}: not found", gone.digest);
    assert_eq!(outcome, Outcome::Saved { referrers: 0, gone: vec![said] });
}

#[tokio::test]
async fn a_root_that_is_not_whole_is_a_failure_and_gets_no_tag() {
    for options in [Options::default(), WITH_REFERRERS, LENIENT] {
        let (memory, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
        let root = manifest(&memory, "x", None);
        manifest(&memory, "sig", Some(&root));
        let mut source = Lossy::new(memory);
        source.gone.push(Digest::of(b"x"));
        let error = save(source, &target, options, &tagged("v1", &root)).await.unwrap_err();
        assert!(matches!(error, Error::Content(error) if is_gone(&error)));
        assert!(target.resolve("v1").await.is_err());
    }
}

#[tokio::test]
async fn a_stale_list_of_referrers_is_left_out_and_what_is_there_of_it_is_saved() {
    for options in [LENIENT, Options { referrers: true, ..LENIENT }] {
        let (memory, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
        let subject = manifest(&memory, "x", None);
        let whole = manifest(&memory, "sbom", Some(&subject));
        let gone = manifest(&memory, "sig", Some(&subject));
        let list = index(&memory, &[&gone, &whole]);
        let mut source = Lossy::new(memory);
        source.gone.push(gone.digest.clone());
        let name = subject.digest.referrers_tag();
        let outcome = save(source, &target, options, &tagged(&name, &list)).await.unwrap();
        assert_eq!(outcome, Outcome::Stale { gone: format!("app@{}: not found", gone.digest) });
        assert!(target.resolve(&name).await.is_err());
        assert!(target.exists(&whole).await.unwrap() && !target.exists(&gone).await.unwrap());
    }
}

#[tokio::test]
async fn a_list_whose_subject_is_gone_is_left_out_too() {
    let (memory, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
    let subject = manifest(&memory, "x", None);
    let referrer = manifest(&memory, "sbom", Some(&subject));
    let list = index(&memory, &[&referrer]);
    let mut source = Lossy::new(memory);
    source.gone.push(subject.digest.clone());
    let name = subject.digest.referrers_tag();
    let outcome = save(source, &target, LENIENT, &tagged(&name, &list)).await.unwrap();
    assert_eq!(outcome, Outcome::Stale { gone: format!("app@{}: not found", subject.digest) });
}

#[tokio::test]
async fn a_stale_list_that_was_asked_for_is_a_failure() {
    let (memory, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
    let subject = manifest(&memory, "x", None);
    let gone = manifest(&memory, "sig", Some(&subject));
    let list = index(&memory, &[&gone]);
    let mut source = Lossy::new(memory);
    source.gone.push(gone.digest);
    let name = subject.digest.referrers_tag();
    assert!(save(source, &target, Options::default(), &tagged(&name, &list)).await.is_err());
}

#[test]
fn a_list_of_referrers_is_an_index_under_a_tag_that_is_a_digest() {
    let image = Descriptor::of(media_type::IMAGE_MANIFEST, b"x");
    let index = Descriptor::of(media_type::IMAGE_INDEX, b"x");
    let (hex, long) = ("0123456789abcdef".repeat(4), "0123456789abcdef".repeat(8));
    for (tag, node, expected) in [
        (format!("sha256-{hex}"), &index, true),
        (format!("sha512-{hex}"), &index, true),
        (format!("sha512-{long}"), &index, true),
        (format!("sha256-{hex}"), &image, false),
        (format!("sha256-{hex}.sig"), &index, false),
        (format!("sha256-{}", &hex[1..]), &index, false),
        (format!("md5-{hex}"), &index, false),
        ("v1".to_owned(), &index, false),
    ] {
        assert_eq!(is_list(&tagged(&tag, node)), expected, "{tag}");
    }
}

#[derive(Default)]
struct Words(Mutex<Vec<&'static str>>);

impl Progress for Words {
    fn event(&self, event: Event<'_>) {
        let word = match event {
            Event::Started(_) => "started",
            Event::Done(_) => "done",
            Event::Present(_) => "present",
            _ => return,
        };
        self.0.lock().unwrap().push(word);
    }
}

#[tokio::test]
async fn of_what_is_there_only_the_ends_are_reported() {
    let (source, target) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
    let root = manifest(&source, "x", None);
    let first = manifest(&source, "sbom", Some(&root));
    manifest(&source, "sig", Some(&first));
    let backup = Backup::new(source, target, WITH_REFERRERS);
    backup.save(&tagged("v1", &root), Arc::new(Silent)).await.unwrap();
    let words = Arc::new(Words::default());
    backup.save(&tagged("v2", &root), words.clone()).await.unwrap();
    assert_eq!(*words.0.lock().unwrap(), ["present"]);
}
