//! The engine that all verbs share: it moves a graph of content from a source to a target.
//!
//! Each node is looked at once. A manifest that the target has is taken as complete; else its successors
//! go first and it follows as soon as the last of them is there, whatever the rest of the graph does.
//! Nothing recurses, so a graph may be as deep as it likes.

mod jobs;
mod source_side;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use tokio::task::JoinSet;

use self::{
    jobs::{Job, Jobs, Key, Manifest, MayRefer, Renamed},
    source_side::SourceSide,
};
use super::Concurrency;
use crate::{
    content::{Body, Error, Origin, Result, Side, Source, Target, graph},
    oci::{Descriptor, Digest, media_type},
    progress::{Event, Progress},
};

/// Picks the successors of a manifest that are to be moved, from the manifest and its bytes.
pub type Successors = Arc<dyn Fn(&Descriptor, &[u8]) -> Result<Vec<Descriptor>> + Send + Sync>;

/// A copy of one or more graphs from a source to a target.
#[derive(Clone)]
pub struct GraphCopy {
    source: Arc<dyn Source>,
    target: Arc<dyn Target>,
    progress: Arc<dyn Progress>,
    concurrency: Concurrency,
    force: bool,
    mount: bool,
    tag: Option<String>,
    successors: Successors,
    /// Nodes that are known to be referrers.
    attached: Arc<HashSet<Digest>>,
}

impl GraphCopy {
    /// A copy that moves the default number of nodes at once and mounts what it can.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, target: Arc<dyn Target>, progress: Arc<dyn Progress>) -> Self {
        Self {
            source: Arc::new(SourceSide(source)),
            target,
            progress,
            concurrency: Concurrency::default(),
            force: false,
            mount: true,
            tag: None,
            successors: Arc::new(graph::successors),
            attached: Arc::default(),
        }
    }

    /// Moves so many nodes at once.
    #[must_use]
    pub fn concurrency(mut self, concurrency: Concurrency) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Writes manifests even if the target has them, and so looks at every blob. What is missing is sent, not
    /// mounted: who forces a copy does not trust what is there.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        (self.force, self.mount) = (force, !force);
        self
    }

    /// Gives the root a tag when it is there.
    #[must_use]
    pub fn tag(mut self, tag: Option<String>) -> Self {
        self.tag = tag.filter(|tag| !tag.is_empty());
        self
    }

    /// Moves other successors than all of them.
    #[must_use]
    pub fn successors(mut self, successors: Successors) -> Self {
        self.successors = successors;
        self
    }

    /// Says which nodes are known to be referrers: one that the target has, but does not list, is listed then.
    /// Roots are always looked at so.
    #[must_use]
    pub(super) fn attached(mut self, nodes: &[Descriptor]) -> Self {
        self.attached = Arc::new(nodes.iter().map(|node| node.digest.clone()).collect());
        self
    }

    /// Moves the graph below one root; the tag goes to the root.
    ///
    /// # Errors
    /// The first failure, with the side on which it happened; what was moved before stays.
    pub async fn run(self, root: Descriptor) -> Result<()> {
        self.run_with(root, None).await
    }

    /// Like [`run`](Self::run), with the bytes of the root in hand.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_with(self, root: Descriptor, bytes: Option<Bytes>) -> Result<()> {
        let tagged = self.tag.is_some().then(|| Key::of(&root));
        Run::new(self, tagged).graphs(vec![(root, bytes)]).await
    }

    /// Moves the graphs below several roots; no tag is set.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_all(self, roots: Vec<Descriptor>) -> Result<()> {
        Run::new(self, None).graphs(roots.into_iter().map(|root| (root, None)).collect()).await
    }
}

/// Where a node is on its way.
struct State {
    node: Descriptor,
    /// Successors that are not at the target yet.
    missing: usize,
    /// Manifests that wait for this node.
    waiting: Vec<Key>,
    /// The manifest, once read.
    bytes: Option<Bytes>,
    /// Successors that carry a name, to be announced with the manifest.
    named: Vec<Descriptor>,
    is_done: bool,
}

/// What came of a step.
enum Step {
    Present(Key),
    Read { key: Key, bytes: Bytes, successors: Vec<Descriptor> },
    Moved(Key),
}

struct Run {
    plan: Arc<GraphCopy>,
    origin: Option<Origin>,
    /// The root that gets the tag.
    tagged: Option<Key>,
    roots: HashSet<Digest>,
    states: HashMap<Key, State>,
    jobs: Jobs,
    /// What people were told about, by digest and name.
    announced: HashSet<(Digest, String)>,
}

impl Run {
    fn new(plan: GraphCopy, tagged: Option<Key>) -> Self {
        let origin = plan.source.origin().filter(|_| plan.mount);
        Self {
            plan: Arc::new(plan),
            origin,
            tagged,
            roots: HashSet::new(),
            states: HashMap::new(),
            jobs: Jobs::default(),
            announced: HashSet::new(),
        }
    }

    async fn graphs(mut self, roots: Vec<(Descriptor, Option<Bytes>)>) -> Result<()> {
        self.roots = roots.iter().map(|(root, _)| root.digest.clone()).collect();
        for (root, bytes) in roots.into_iter().rev() {
            self.enter(root, bytes, None);
        }
        let mut running = JoinSet::new();
        let mut large = 0;
        loop {
            while let Some(job) =
                self.jobs.next(|is_small| self.plan.concurrency.allows(is_small, running.len(), large))
            {
                let is_large = !job.is_small();
                large += usize::from(is_large);
                let step = self.step(job);
                running.spawn(async move { (is_large, step.await) });
            }
            match running.join_next().await {
                None => return self.plan.target.flush().await.map_err(|error| error.on(Side::Target)),
                Some(Ok((was_large, step))) => {
                    large -= usize::from(was_large);
                    self.advance(step?)?;
                }
                Some(Err(failure)) => std::panic::resume_unwind(failure.into_panic()),
            }
        }
    }

    /// Takes up a node, unless it is known. Returns whether `waiting` has to wait for it.
    fn enter(&mut self, node: Descriptor, bytes: Option<Bytes>, waiting: Option<&Key>) -> bool {
        let key = Key::of(&node);
        if let Some(state) = self.states.get_mut(&key) {
            if !state.is_done {
                state.waiting.extend(waiting.cloned());
            }
            return !state.is_done;
        }
        self.plan.progress.event(Event::Planned(&node));
        self.jobs.push(match key.is_manifest {
            true => {
                let may_refer = bytes.is_some()
                    || self.roots.contains(&key.digest)
                    || self.plan.attached.contains(&key.digest);
                Job::Inspect(key.clone(), node.clone(), bytes, may_refer)
            }
            false => Job::Move(key.clone(), node.clone()),
        });
        let waiting = waiting.cloned().into_iter().collect();
        self.states
            .insert(key, State { node, missing: 0, waiting, bytes: None, named: Vec::new(), is_done: false });
        true
    }

    /// Starts a step; it runs on its own.
    fn step(&mut self, job: Job) -> impl Future<Output = Result<Step>> + Send + 'static {
        let plan = self.plan.clone();
        let origin = self.origin.clone();
        if let Job::Move(_, node) = &job {
            self.announced.insert((node.digest.clone(), node.display_name().to_owned()));
        }
        let tag = match &job {
            Job::Inspect(key, ..) | Job::Store(key, ..) if self.tagged.as_ref() == Some(key) => {
                plan.tag.clone()
            }
            _ => None,
        };
        async move {
            match job {
                Job::Inspect(key, node, bytes, may_refer) => {
                    plan.inspect(key, node, bytes, may_refer, tag).await
                }
                Job::Move(key, node) => plan.move_blob(key, node, origin).await,
                Job::Store(key, manifest) => plan.store(key, manifest, tag).await,
            }
        }
    }

    /// Takes note of a finished step and finds out what can be done next.
    fn advance(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Present(key) | Step::Moved(key) => self.finish(&key),
            Step::Read { key, bytes, successors } => {
                let mut missing = 0;
                for successor in successors.iter().rev() {
                    if Key::of(successor) == key {
                        return Err(Error::InvalidGraph {
                            digest: key.digest,
                            reason: "the manifest names itself".into(),
                        });
                    }
                    missing += usize::from(self.enter(successor.clone(), None, Some(&key)));
                }
                let state = self.states.get_mut(&key).expect("a node that was read has been entered");
                state.named =
                    successors.into_iter().filter(|successor| successor.title().is_some()).collect();
                state.bytes = Some(bytes);
                state.missing = missing;
                if missing == 0 {
                    self.release(&key);
                }
            }
        }
        Ok(())
    }

    /// Queues a manifest whose successors are all at the target.
    fn release(&mut self, key: &Key) {
        let state = self.states.get_mut(key).expect("only entered nodes are released");
        let bytes = state.bytes.take().expect("a manifest is read before it is released");
        let (node, named) = (state.node.clone(), std::mem::take(&mut state.named));
        let announced = &mut self.announced;
        let new = |node: &Descriptor| announced.insert((node.digest.clone(), node.display_name().to_owned()));
        let unannounced: Vec<_> = named.into_iter().filter(new).collect();
        let renamed = unannounced.into_iter().map(|node| {
            let moved = self.states.get(&Key::of(&node)).map(|state| &state.node.media_type);
            Renamed { has_other_type: moved.is_some_and(|moved| *moved != node.media_type), node }
        });
        let renamed = renamed.collect();
        let manifest = Manifest { node, bytes, renamed };
        self.jobs.push(Job::Store(key.clone(), manifest));
    }

    fn finish(&mut self, key: &Key) {
        let state = self.states.get_mut(key).expect("only entered nodes are finished");
        state.is_done = true;
        for waiting in std::mem::take(&mut state.waiting) {
            let parent = self.states.get_mut(&waiting).expect("only entered nodes wait");
            parent.missing -= 1;
            if parent.missing == 0 {
                self.release(&waiting);
            }
        }
    }
}

impl GraphCopy {
    async fn inspect(
        &self,
        key: Key,
        node: Descriptor,
        bytes: Option<Bytes>,
        may_refer: MayRefer,
        tag: Option<String>,
    ) -> Result<Step> {
        if !self.force && self.target.exists(&node).await.map_err(|error| error.on(Side::Target))? {
            if tag.is_none() || !self.target.names_while_storing() {
                self.progress.event(Event::Present(&node));
            }
            if may_refer && !(tag.is_some() && bytes.is_some() && self.target.names_while_storing()) {
                // What is stored once more with its tag is listed then.
                self.relist(&node, bytes.as_ref()).await?;
            }
            if let Some(tag) = tag {
                self.name(&node, bytes, &tag).await?;
            }
            return Ok(Step::Present(key));
        }
        self.progress.event(Event::Fetching(&node));
        let bytes = match bytes {
            Some(bytes) => bytes,
            None => self.source.fetch_bytes(&node).await?,
        };
        self.progress.event(Event::Processing(&node));
        let successors = (self.successors)(&node, &bytes).map_err(|error| error.on(Side::Source))?;
        Ok(Step::Read { key, bytes, successors })
    }

    /// Lists a manifest that the target has, if it is a referrer that is missing from its subject's list.
    async fn relist(&self, node: &Descriptor, bytes: Option<&Bytes>) -> Result<()> {
        if !media_type::may_have_subject(&node.media_type) || !self.target.lists_referrers() {
            return Ok(());
        }
        let bytes = match bytes {
            Some(bytes) => bytes.clone(),
            None => self.source.fetch_bytes(node).await?,
        };
        self.target.relist(node, &bytes).await.map_err(|error| error.on(Side::Target))
    }

    /// Tags a manifest that the target has.
    async fn name(&self, node: &Descriptor, bytes: Option<Bytes>, tag: &str) -> Result<()> {
        let named = match bytes {
            Some(bytes) if self.target.names_while_storing() => {
                self.target.push_tagged(node, bytes, tag).await
            }
            _ => self.target.tag(node, tag).await,
        };
        named.map_err(|error| error.on(Side::Target))
    }

    async fn store(&self, key: Key, manifest: Manifest, tag: Option<String>) -> Result<Step> {
        let Manifest { node, bytes, renamed } = manifest;
        self.progress.event(Event::Started(&node));
        for successor in &renamed {
            let is_restored =
                self.target.restore(&successor.node).await.map_err(|error| error.on(Side::Target))?;
            self.tell_renamed(successor, is_restored);
        }
        let stored = match tag {
            Some(tag) => self.target.push_tagged(&node, bytes, &tag).await,
            None => self.target.push(&node, Body::from(bytes)).await,
        };
        stored.map_err(|error| error.on(Side::Target))?;
        self.progress.event(Event::Done(&node));
        Ok(Step::Moved(key))
    }

    fn tell_renamed(&self, successor: &Renamed, is_restored: bool) {
        let node = &successor.node;
        match (is_restored, successor.has_other_type) {
            (false, _) => self.progress.event(Event::Skipped(node)),
            (true, false) => self.progress.event(Event::Restored(node)),
            (true, true) => {
                self.progress.event(Event::Started(node));
                self.progress.event(Event::Done(node));
            }
        }
    }

    async fn move_blob(&self, key: Key, node: Descriptor, origin: Option<Origin>) -> Result<Step> {
        let on_target = |error: Error| error.on(Side::Target);
        if self.target.exists(&node).await.map_err(on_target)? {
            self.progress.event(Event::Present(&node));
            return Ok(Step::Present(key));
        }
        if let Some(origin) = origin
            && self.target.mount(&node, &origin).await.map_err(on_target)?
        {
            self.progress.event(Event::Mounted(&node));
            return Ok(Step::Moved(key));
        }
        self.progress.event(Event::Started(&node));
        let body = match node.inline_content() {
            Some(bytes) => Body::from(bytes),
            None => Body::stored(self.source.clone(), node.clone()).observed(self.observer(&node)),
        };
        self.target.push(&node, body).await.map_err(on_target)?;
        self.progress.event(Event::Done(&node));
        Ok(Step::Moved(key))
    }

    fn observer(&self, node: &Descriptor) -> Arc<dyn Fn(u64) + Send + Sync> {
        let (progress, node) = (self.progress.clone(), node.clone());
        Arc::new(move |position| progress.event(Event::Advanced(&node, position)))
    }
}

#[cfg(test)]
mod tests;
