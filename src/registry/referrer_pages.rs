//! Lists of referrers as registries send them: pages of descriptors, in one of three documents.

use std::collections::HashSet;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{
    Error, Result,
    http::{StatusCode, header},
    link,
    repository::Inner,
    response::Response,
    trace::bare_url,
    transport::Request,
};
use crate::oci::{Descriptor, media_type};

const MOST_PAGES: usize = 10_000;
/// Most bytes of all pages: the entries are held in memory.
const MOST_BYTES: usize = 64 << 20;
const TOO_LONG: &str = "the list of referrers is too long";

/// The mark of a filter that was applied, as release candidates of the specification had it.
const FILTER_MARK: &str = "org.opencontainers.referrers.filtersApplied";

/// A list that was read to its end.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// The entries, each digest once, in the registry's order.
    pub(crate) entries: Vec<Descriptor>,
    /// Did the registry say that it filtered in the way of release candidates only?
    pub(crate) has_old_mark: bool,
}

/// The member of the document that holds the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    /// That of an index; an index without it lists nothing.
    Manifests,
    /// That of the older APIs, which always have it.
    Named(&'static str),
}

impl Member {
    /// The media type of the document.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Manifests => media_type::IMAGE_INDEX,
            Self::Named(_) => "application/json",
        }
    }
}

impl Inner {
    /// Reads a list from its first page on.
    ///
    /// # Errors
    /// A page is no such document, or its link leads where we do not go.
    pub(crate) async fn read_pages(&self, first: Response, member: Member) -> Result<Listed> {
        let mut listed = Listed::default();
        let (mut seen, mut visited) = (HashSet::new(), HashSet::new());
        let mut response = first;
        let accept = member.media_type();
        let mut bytes = 0;
        for _ in 0..MOST_PAGES {
            visited.insert(response.url.to_string());
            let next = link::next(response.lines("link"));
            let url = response.url.clone();
            let has_new_mark = response.lines("oci-filters-applied").any(names_artifact_type);
            let wrong = response.protocol("the answer is not a list of referrers");
            let body = response.read(self.client.options().manifest_limit).await?;
            bytes += body.len();
            let document: Map<String, Value> = match serde_json::from_slice(&body) {
                Ok(document) => document,
                Err(_) => return Err(wrong),
            };
            listed.has_old_mark |= !has_new_mark && has_old_mark(&document);
            let values = entries_of(document, member).ok_or(wrong)?;
            let entries = self.entries(values);
            listed.entries.extend(entries.into_iter().filter(|entry| seen.insert(entry.digest.clone())));
            let Some(next) = next else { return Ok(listed) };
            let refuse = |reason: &str| Error::Protocol {
                method: "GET".to_owned(),
                url: bare_url(&url),
                reason: reason.to_owned(),
            };
            if bytes >= MOST_BYTES {
                return Err(refuse(TOO_LONG));
            }
            let next = link::resolve(&url, &next).map_err(refuse)?;
            if visited.contains(next.as_str()) {
                self.client.notice("the registry links its pages of referrers in a circle");
                return Ok(listed);
            }
            let request = Request::get(next).header(header::ACCEPT, accept);
            response = self.client.expect(request, &self.scopes, &[StatusCode::OK]).await?;
        }
        Err(response.protocol(TOO_LONG))
    }

    /// Reads entries; a malformed one is reported and left out, so that it does not hide the others.
    pub(crate) fn entries(&self, values: Vec<Value>) -> Vec<Descriptor> {
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
}

/// The list in a document; `None` when it is no such document.
pub(crate) fn entries_of(mut document: Map<String, Value>, member: Member) -> Option<Vec<Value>> {
    let (name, may_miss) = match member {
        Member::Manifests => ("manifests", true),
        Member::Named(name) => (name, false),
    };
    match document.remove(name) {
        Some(Value::Array(entries)) => Some(entries),
        Some(Value::Null) => Some(Vec::new()),
        None if may_miss => Some(Vec::new()),
        _ => None,
    }
}

fn has_old_mark(document: &Map<String, Value>) -> bool {
    let mark = document.get("annotations").and_then(|annotations| annotations.get(FILTER_MARK));
    mark.and_then(Value::as_str).is_some_and(names_artifact_type)
}

fn names_artifact_type(filters: &str) -> bool {
    filters.split(',').any(|filter| filter.trim() == "artifactType")
}

/// Keeps the entries of one artifact type; an empty one stands for all.
pub(crate) fn of_type(mut listed: Vec<Descriptor>, artifact_type: Option<&str>) -> Vec<Descriptor> {
    if let Some(wanted) = artifact_type.filter(|wanted| !wanted.is_empty()) {
        listed.retain(|entry| entry.artifact_type.as_deref() == Some(wanted));
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_list_is_found_under_the_name_of_its_generation() {
        let named = Member::Named("references");
        for (text, member, expected) in [
            (r#"{"manifests":[1,2]}"#, Member::Manifests, Some(2)),
            (r#"{"manifests":null}"#, Member::Manifests, Some(0)),
            ("{}", Member::Manifests, Some(0)),
            (r#"{"manifests":{}}"#, Member::Manifests, None),
            (r#"{"references":[1]}"#, named, Some(1)),
            (r#"{"references":null}"#, named, Some(0)),
            (r#"{"referrers":[1]}"#, named, None),
            (r#"{"errors":[]}"#, named, None),
        ] {
            assert_eq!(entries_of(document(text), member).map(|list| list.len()), expected, "{text}");
        }
    }

    #[test]
    fn the_old_mark_of_a_filter_is_an_annotation() {
        let of = |value: &str| document(&format!(r#"{{"annotations":{{"{FILTER_MARK}":{value}}}}}"#));
        assert!(has_old_mark(&of(r#""artifactType""#)));
        assert!(has_old_mark(&of(r#""x, artifactType""#)));
        assert!(!has_old_mark(&of(r#""x""#)));
        assert!(!has_old_mark(&of("1")));
        assert!(!has_old_mark(&document("{}")));
    }
}
