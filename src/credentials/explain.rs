//! Tells which place answers for a registry, without telling the answer.

use std::fmt;

use super::{Chain, Error, Found, HelperError, Place, chain, document::Document, keys};

/// What one place says about a registry.
#[derive(Debug)]
pub struct Finding {
    /// The place.
    pub place: Place,
    /// What it says.
    pub answer: Answer,
}

/// What a place says about a registry. Holds no secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// There is no such file.
    Absent,
    /// It has nothing for this registry.
    Nothing,
    /// It has a secret. The first such finding is the one that is used.
    Has {
        /// Entry or helper that has it.
        origin: Found,
        /// What kind of secret: a password or a token.
        kind: &'static str,
    },
    /// A helper that it names has nothing.
    HelperNothing {
        /// The program.
        program: String,
    },
    /// A helper that it names is broken and is passed over.
    HelperFailed {
        /// What is wrong with it.
        error: std::sync::Arc<HelperError>,
    },
    /// It cannot be read.
    Unreadable {
        /// Why.
        error: Error,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = &self.place;
        match &self.answer {
            Answer::Absent => write!(f, "{place}: no such file"),
            Answer::Nothing => write!(f, "{place}: nothing for this registry"),
            Answer::Has { origin: Found::Helper { suffix, key, .. }, kind } => {
                write!(f, "{place}: a {kind} from docker-credential-{suffix}, asked for {key:?}")
            }
            Answer::Has { origin: Found::Entry { key, .. }, kind } => {
                write!(f, "{place}: a {kind} in entry {key:?}")
            }
            Answer::Has { kind, .. } => write!(f, "{place}: a {kind}"),
            Answer::HelperNothing { program } => {
                write!(f, "{place}: {program} has nothing for this registry")
            }
            Answer::HelperFailed { error } => write!(f, "{place}: {error}"),
            Answer::Unreadable { error } => write!(f, "{place}: {error}"),
        }
    }
}

impl Chain {
    /// Asks all places in order, also those after the one that is used, and tells what each says.
    ///
    /// Helper programs are run, as a real lookup does.
    pub async fn explain(&self, registry: &str, repository: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        for place in &self.places {
            let answers = match place.load(&self.options.environment) {
                Ok(Some(document)) => self.explain_document(place, &document, registry, repository).await,
                Ok(None) => vec![Answer::Absent],
                Err(error) => vec![Answer::Unreadable { error }],
            };
            findings.extend(answers.into_iter().map(|answer| Finding { place: place.clone(), answer }));
        }
        findings
    }

    async fn explain_document(
        &self,
        place: &Place,
        document: &Document,
        registry: &str,
        repository: &str,
    ) -> Vec<Answer> {
        let entry = match document.entry(registry, repository, &place.to_string()) {
            Ok(found) => found.map(|(key, credential)| {
                let closer = keys::is_namespaced_match(&key, repository);
                let origin = Found::Entry { place: place.clone(), key };
                (closer, Answer::Has { origin, kind: credential.kind() })
            }),
            Err(error) => Some((false, Answer::Unreadable { error })),
        };
        let helper = self.explain_helper(place, document, registry).await;
        let answers: Vec<_> = match (entry, helper) {
            (Some((true, entry)), helper) => [Some(entry), helper].into_iter().flatten().collect(),
            (entry, helper) => [helper, entry.map(|(_, entry)| entry)].into_iter().flatten().collect(),
        };
        if answers.is_empty() { vec![Answer::Nothing] } else { answers }
    }

    async fn explain_helper(&self, place: &Place, document: &Document, registry: &str) -> Option<Answer> {
        let named = document.helper(registry)?;
        for key in chain::helper_keys(&named) {
            match self.options.helpers.get(&named.suffix, &key).await {
                Ok(Some(credential)) => {
                    let origin = Found::Helper { place: place.clone(), suffix: named.suffix, key };
                    return Some(Answer::Has { origin, kind: credential.kind() });
                }
                Ok(None) => {}
                Err(error) => return Some(Answer::HelperFailed { error }),
            }
        }
        Some(Answer::HelperNothing { program: format!("docker-credential-{}", named.suffix) })
    }
}
