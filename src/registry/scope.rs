//! What a token is wanted for (pure).

use std::collections::{BTreeMap, BTreeSet};

/// Actions on resources, such as `repository:app:pull,push`; no resource is named twice.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_names_each_resource_once() {
        let both = Scopes::repository("a", &["pull"]).union(&Scopes::repository("a", &["push", "pull"]));
        assert_eq!(both, Scopes::repository("a", &["pull", "push"]));
        assert_ne!(both.clone().union(&Scopes::catalog()), both);
    }
}
