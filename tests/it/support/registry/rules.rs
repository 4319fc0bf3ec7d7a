//! When something goes wrong: rules that choose requests.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use hyper::Method;

use super::{fault::Fault, message::Request};

/// Is the rule for this request?
type Test = Box<dyn Fn(&Request) -> bool + Send + Sync>;

/// A rule in the making: which requests it is for.
pub(crate) struct Condition<'a> {
    rules: &'a Rules,
    methods: String,
    path: String,
    skip: usize,
    times: usize,
    also: Option<Test>,
}

impl Condition<'_> {
    /// For so many requests; once unless said otherwise.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// For every request.
    pub(crate) fn always(self) -> Self {
        self.times(usize::MAX)
    }

    /// Not for the first so many requests.
    pub(crate) fn after(mut self, requests: usize) -> Self {
        self.skip = requests;
        self
    }

    /// Only for requests that are so.
    pub(crate) fn when(mut self, condition: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        self.also = Some(Box::new(condition));
        self
    }

    /// For some requests only, with this probability; the same requests whenever they come in the same
    /// order.
    pub(crate) fn sometimes(self, probability: f64, seed: u64) -> Self {
        let state = Mutex::new(seed);
        self.always().when(move |_| {
            // SplitMix64.
            let mut state = state.lock().unwrap();
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let high = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap();
            f64::from(high) < probability * f64::from(u32::MAX)
        })
    }

    /// What goes wrong with them.
    pub(crate) fn then(self, fault: Fault) -> Hits {
        let hits = Arc::new(AtomicUsize::new(0));
        self.rules.0.lock().unwrap().push(Rule {
            methods: self.methods,
            path: self.path,
            skip: self.skip,
            times: self.times,
            also: self.also,
            fault,
            hits: hits.clone(),
        });
        Hits(hits)
    }
}

/// How often a rule was met.
pub(crate) struct Hits(Arc<AtomicUsize>);

impl Hits {
    /// So often.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

struct Rule {
    methods: String,
    path: String,
    skip: usize,
    times: usize,
    also: Option<Test>,
    fault: Fault,
    hits: Arc<AtomicUsize>,
}

impl Rule {
    fn concerns(&self, request: &Request) -> bool {
        let method = |wanted: &str| {
            wanted == "*" || Method::from_bytes(wanted.as_bytes()).is_ok_and(|m| m == request.method)
        };
        let target = if self.path.contains('?') { request.target() } else { request.path.clone() };
        self.methods.split(',').any(|wanted| method(wanted.trim()))
            && matches(&self.path, &target)
            && self.also.as_ref().is_none_or(|also| also(request))
    }
}

/// The rules, in the order in which they were made; the first that applies is used.
#[derive(Default)]
pub(crate) struct Rules(Mutex<Vec<Rule>>);

impl Rules {
    pub(crate) fn on(&self, methods: &str, path: &str) -> Condition<'_> {
        Condition {
            rules: self,
            methods: methods.to_owned(),
            path: path.to_owned(),
            skip: 0,
            times: 1,
            also: None,
        }
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// The fault for this request, if any.
    pub(crate) fn take(&self, request: &Request) -> Option<Fault> {
        for rule in self.0.lock().unwrap().iter_mut().filter(|rule| rule.concerns(request)) {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if rule.times > 0 {
                rule.times -= 1;
                rule.hits.fetch_add(1, Ordering::SeqCst);
                return Some(rule.fault.clone());
            }
        }
        None
    }
}

/// Does the text match the pattern, in which `*` stands for any text?
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    (0..=text.len()).any(|start| text.is_char_boundary(start) && matches(rest, &text[start..]))
}
