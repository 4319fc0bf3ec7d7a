//! A repository with some of its tags.

use crate::{
    cli::error::Usage,
    oci::{self, Reference, is_tag},
};

/// `<registry>/<repository>[:<tag>[,<tag>…]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TagList {
    /// The argument as it was typed.
    pub(crate) raw: String,
    /// The repository.
    pub(crate) repository: Reference,
    /// The tags in the order in which they were given; none of them means all.
    pub(crate) tags: Vec<String>,
}

impl TagList {
    /// Reads an argument.
    pub(crate) fn parse(raw: &str) -> Result<Self, Usage> {
        if raw.is_empty() {
            return Err(Usage::new("artifact reference cannot be empty"));
        }
        if raw.contains('@') {
            return Err(Usage::new(format!("digest references are not supported: {raw:?}")));
        }
        let (first, rest) = raw.split_once(',').map_or((raw, None), |(first, rest)| (first, Some(rest)));
        let repository = Reference::parse(first).map_err(|error| match error {
            oci::Error::InvalidTag(tag) => invalid_tag(&tag, raw),
            error => Usage::new(format!("invalid reference {first:?}: {error}")),
        })?;
        let first_tag = Some(repository.reference.as_str()).filter(|tag| !tag.is_empty() || rest.is_some());
        let tags = first_tag.into_iter().chain(rest.into_iter().flat_map(|rest| rest.split(',')));
        let check = |tag: &str| match tag {
            "" => Err(Usage::new(format!("empty tag in reference {raw:?}"))),
            tag if !is_tag(tag) => Err(invalid_tag(tag, raw)),
            tag => Ok(tag.to_owned()),
        };
        let tags = tags.map(check).collect::<Result<_, _>>()?;
        Ok(Self { raw: raw.to_owned(), repository, tags })
    }

    /// `<registry>/<repository>`
    pub(crate) fn name(&self) -> String {
        self.repository.name()
    }
}

fn invalid_tag(tag: &str, raw: &str) -> Usage {
    Usage::new(format!(
        "invalid tag {tag:?} in reference {raw:?}: a tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_follow_the_repository_behind_a_colon_and_commas() {
        for (raw, tags) in [
            ("reg.example/a/b", &[][..] as &[&str]),
            ("reg.example/a/b:", &[]),
            ("reg.example/a/b:v1", &["v1"]),
            ("reg.example:5000/a/b:v1,v2,v1", &["v1", "v2", "v1"]),
        ] {
            let list = TagList::parse(raw).unwrap_or_else(|error| panic!("{raw}: {error}"));
            assert_eq!(list.repository.repository, "a/b", "{raw}");
            assert_eq!(list.tags, *tags, "{raw}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused_with_the_part_that_is_wrong() {
        let long = format!("reg.example/a:{}", "x".repeat(129));
        for (raw, expected) in [
            ("", "artifact reference cannot be empty"),
            ("reg.example/a@sha256:00", "digest references are not supported: \"reg.example/a@sha256:00\""),
            ("reg.example/a:v1,b@c", "digest references are not supported"),
            ("reg.example/a,v1", "empty tag in reference \"reg.example/a,v1\""),
            ("reg.example/a:,v1", "empty tag in reference"),
            ("reg.example/a:v1,", "empty tag in reference"),
            ("reg.example/a:v1,,v2", "empty tag in reference"),
            ("reg.example/a:v1,bad!", "invalid tag \"bad!\" in reference \"reg.example/a:v1,bad!\": "),
            ("reg.example/a:-x", "invalid tag \"-x\" in reference"),
            (&long, "invalid tag"),
            (
                "reg.example/UPPER:v1",
                "invalid reference \"reg.example/UPPER:v1\": invalid repository \"UPPER\"",
            ),
            ("reg.example", "invalid reference \"reg.example\": missing registry or repository"),
        ] {
            let error = TagList::parse(raw).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{raw}: {error}");
        }
    }
}
