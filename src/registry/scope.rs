//! What a token is wanted for (pure).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Actions on resources, such as `repository:app:pull,push`; no resource is named twice.
///
/// What is no such triple is kept as it is: a resource without actions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Scopes {
    resources: BTreeMap<String, BTreeSet<String>>,
}

impl Scopes {
    /// Actions on a repository.
    pub(crate) fn repository(name: &str, actions: &[&str]) -> Self {
        Self::of(format!("repository:{name}"), actions)
    }

    /// The list of repositories.
    pub(crate) fn catalog() -> Self {
        Self::of("registry:catalog".to_owned(), &["*"])
    }

    /// What a challenge names. A lone `*`, as some registries send it, names nothing.
    pub(crate) fn of_challenge(text: Option<&str>) -> Self {
        text.filter(|text| text.trim() != "*").map(Self::parse).unwrap_or_default()
    }

    /// Reads a list that is separated by blanks, as challenges have it. A resource may hold colons.
    pub(crate) fn parse(text: &str) -> Self {
        let mut scopes = Self::default();
        for scope in text.split_ascii_whitespace() {
            let (resource, actions) = match scope.rsplit_once(':') {
                Some((resource, actions)) if resource.contains(':') => (resource, actions),
                _ => (scope, ""),
            };
            let actions = actions.split(',').filter(|action| !action.is_empty()).map(str::to_owned);
            scopes.resources.entry(resource.to_owned()).or_default().extend(actions);
        }
        scopes
    }

    fn of(resource: String, actions: &[&str]) -> Self {
        let actions = actions.iter().map(|action| (*action).to_owned()).collect();
        Self { resources: BTreeMap::from([(resource, actions)]) }
    }

    /// Both together.
    pub(crate) fn union(mut self, other: &Self) -> Self {
        for (resource, actions) in &other.resources {
            self.resources.entry(resource.clone()).or_default().extend(actions.iter().cloned());
        }
        self
    }

    /// What to ask for when a challenge and our own plans each name something. The list of repositories is
    /// never asked for together with a repository: some registries refuse such a request as a whole.
    pub(crate) fn joined(challenge: &Self, planned: &Self) -> Self {
        if planned.is_empty() || challenge.is_empty() || challenge.is_catalog() == planned.is_catalog() {
            planned.clone().union(challenge)
        } else {
            challenge.clone()
        }
    }

    /// Is everything that `other` names allowed by this?
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.resources.iter().all(|(resource, actions)| {
            self.resources.get(resource).is_some_and(|own| own.contains("*") || own.is_superset(actions))
        })
    }

    /// Is nothing written or deleted with it?
    pub(crate) fn is_read_only(&self) -> bool {
        let reads = |actions: &BTreeSet<String>| actions.iter().all(|action| action == "pull");
        self.resources.iter().all(|(resource, actions)| resource == "registry:catalog" || reads(actions))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Each resource with its actions, all sorted; `*` stands for all others.
    pub(crate) fn list(&self) -> Vec<String> {
        let show = |(resource, actions): (&String, &BTreeSet<String>)| {
            let actions: Vec<_> = actions.iter().map(String::as_str).collect();
            match () {
                // What follows its last colon would be read as an action.
                () if actions.is_empty() && resource.matches(':').count() > 1 => format!("{resource}:"),
                () if actions.is_empty() => resource.clone(),
                () if actions.contains(&"*") => format!("{resource}:*"),
                () => format!("{resource}:{}", actions.join(",")),
            }
        };
        self.resources.iter().map(show).collect()
    }

    fn is_catalog(&self) -> bool {
        self.resources.keys().any(|resource| resource.starts_with("registry:"))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.list().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scopes_are_read_and_written_sorted() {
        let cases = [
            ("repository:a:pull", "repository:a:pull"),
            ("repository:a:push,pull", "repository:a:pull,push"),
            ("repository:b:pull repository:a:pull", "repository:a:pull repository:b:pull"),
            ("repository:a:pull repository:a:push", "repository:a:pull,push"),
            ("repository:a:pull,*", "repository:a:*"),
            ("repository:host:5000/a:pull", "repository:host:5000/a:pull"),
            ("repository(plugin):a:pull", "repository(plugin):a:pull"),
            ("artifact-repository:a/b:pull", "artifact-repository:a/b:pull"),
            ("registry:catalog:*", "registry:catalog:*"),
            ("aws", "aws"),
            ("a:b", "a:b"),
            ("repository:a:", "repository:a"),
            ("*", "*"),
            ("  ", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(Scopes::parse(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_union_names_each_resource_once() {
        let both = Scopes::repository("a", &["pull"]).union(&Scopes::repository("a", &["push", "pull"]));
        assert_eq!(both, Scopes::repository("a", &["pull", "push"]));
        assert_ne!(both.clone().union(&Scopes::catalog()), both);
    }

    #[test]
    fn a_wider_scope_covers_a_narrower_one() {
        let cases = [
            ("repository:a:pull,push", "repository:a:pull", true),
            ("repository:a:pull", "repository:a:pull,push", false),
            ("repository:a:*", "repository:a:pull,push", true),
            ("repository:a:pull repository:b:pull", "repository:b:pull", true),
            ("repository:a:pull", "repository:b:pull", false),
            ("repository:a:pull", "", true),
            ("", "repository:a:pull", false),
        ];
        for (wide, narrow, covers) in cases {
            assert_eq!(Scopes::parse(wide).covers(&Scopes::parse(narrow)), covers, "{wide} / {narrow}");
        }
    }

    #[test]
    fn the_list_of_repositories_is_never_asked_for_with_a_repository() {
        let (catalog, repository) = (Scopes::catalog(), Scopes::repository("a", &["pull"]));
        assert_eq!(Scopes::joined(&repository, &catalog), repository);
        assert_eq!(Scopes::joined(&catalog, &repository), catalog);
        assert_eq!(Scopes::joined(&Scopes::default(), &repository), repository);
        let push = Scopes::repository("a", &["push"]);
        assert_eq!(Scopes::joined(&repository, &push).to_string(), "repository:a:pull,push");
    }

    #[test]
    fn a_lone_star_in_a_challenge_names_nothing() {
        assert!(Scopes::of_challenge(Some(" * ")).is_empty());
        assert!(Scopes::of_challenge(None).is_empty());
        assert_eq!(Scopes::of_challenge(Some("registry:catalog:*")), Scopes::catalog());
    }

    #[test]
    fn only_pulling_and_listing_is_reading() {
        assert!(Scopes::parse("repository:a:pull repository:b:pull").is_read_only());
        assert!(Scopes::catalog().is_read_only());
        assert!(Scopes::default().is_read_only());
        for text in ["repository:a:pull,push", "repository:a:delete", "repository:a:*"] {
            assert!(!Scopes::parse(text).is_read_only(), "{text}");
        }
    }

    fn scopes() -> impl Strategy<Value = Scopes> {
        let one = ("[ab]", prop::collection::vec("pull|push|delete|\\*", 1..3));
        prop::collection::vec(one, 0..4).prop_map(|all| {
            let all = all.iter().map(|(name, actions)| format!("repository:{name}:{}", actions.join(",")));
            Scopes::parse(&all.collect::<Vec<_>>().join(" "))
        })
    }

    proptest! {
        #[test]
        fn a_union_needs_no_order_and_no_repetition(a in scopes(), b in scopes()) {
            let both = a.clone().union(&b);
            prop_assert_eq!(&both, &b.clone().union(&a));
            prop_assert_eq!(&both, &both.clone().union(&a));
            prop_assert!(both.covers(&a) && both.covers(&b));
            prop_assert!(Scopes::parse(&both.to_string()).covers(&both));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,60}") {
            let _ = Scopes::parse(&text).list();
        }
    }
}
