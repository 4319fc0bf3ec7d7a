//! The `Link` header (pure).

use url::Url;

use super::Origin;

/// Finds the target of the link to the next page, in all lines of a `Link` header.
///
/// Implements RFC 8288, section 3, and distribution-spec v1.1, "Listing Tags".
pub(crate) fn next<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<String> {
    lines.into_iter().find_map(next_in_line)
}

fn next_in_line(line: &str) -> Option<String> {
    let mut rest = line;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        let (is_next, after) = parameters(after);
        if is_next {
            return Some(target.trim().to_owned());
        }
        rest = after;
    }
    None
}

/// Reads the parameters of one link: whether its relation is `next`, and what follows the link. A link
/// without any relation is taken for the next page, as older registries mean it.
fn parameters(text: &str) -> (bool, &str) {
    let mut relation = None;
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix(';') {
        let (name, value, after) = parameter(after.trim_start());
        if name.eq_ignore_ascii_case("rel") && relation.is_none() {
            relation = Some(value.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next")));
        }
        rest = after.trim_start();
    }
    let after = rest.find(',').map_or("", |comma| &rest[comma + 1..]);
    (relation.unwrap_or(true), after)
}

/// Reads `name=value` or `name="value"`, and returns what follows.
fn parameter(text: &str) -> (&str, String, &str) {
    let end = text.find(['=', ';', ',']).unwrap_or(text.len());
    let (name, rest) = (text[..end].trim(), &text[end..]);
    let Some(value) = rest.strip_prefix('=').map(str::trim_start) else { return (name, String::new(), rest) };
    let Some(quoted) = value.strip_prefix('"') else {
        let end = value.find([';', ',']).unwrap_or(value.len());
        return (name, value[..end].trim().to_owned(), &value[end..]);
    };
    let mut content = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (name, content, &quoted[at + 1..]),
            '\\' => content.extend(chars.next().map(|(_, c)| c)),
            c => content.push(c),
        }
    }
    (name, content, "")
}

/// The URL of the next page. It stays with the origin that is asked: a link whose scheme differs only
/// because a proxy stands between is followed the way we came.
///
/// # Errors
/// It leads to another host, or is no URL.
pub(crate) fn resolve(base: &Url, target: &str) -> Result<Url, &'static str> {
    let mut url = base.join(target).map_err(|_| "the link to the next page is not a URL")?;
    url.set_fragment(None);
    let (Some(from), Some(to)) = (Origin::of(base), Origin::of(&url)) else {
        return Err("the link to the next page is neither http nor https");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the link to the next page names a user");
    }
    let default_port = to.port() == if to.is_secure() { 443 } else { 80 };
    let same_port = to.port() == from.port() || (from.is_secure() != to.is_secure() && default_port);
    if from.host() != to.host() || !same_port {
        return Err("the link to the next page leads to another host");
    }
    // Both can only fail for URLs without a host.
    let _ = url.set_scheme(base.scheme());
    let _ = url.set_port(base.port());
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_every_form_of_the_header() {
        let cases: &[(&[&str], Option<&str>)] = &[
            (&[r#"</v2/_catalog?last=b&n=1>; rel="next""#], Some("/v2/_catalog?last=b&n=1")),
            (&["</a>; rel=next"], Some("/a")),
            (&["</a>;rel=next ; title=x"], Some("/a")),
            (&[r#"</a>; title="x, <y>; rel=prev"; rel="first NEXT""#], Some("/a")),
            (&[r#"</p>; rel="prev", </n>; rel="next""#], Some("/n")),
            (&[r#"</p>; rel="prev""#, r#"</n>; rel="next""#], Some("/n")),
            (&[r#"</p>; rel="prev""#], None),
            (&["</a>"], Some("/a")),
            (&[r#"</a?x=1,2;3>; rel="next""#], Some("/a?x=1,2;3")),
            (&[r#"</a>; rel="prev"; rel="next""#], None),
            (&[r#"</a>; title="un\"closed"; rel="next""#], Some("/a")),
            (&[r#"</a>; title="unclosed; rel=next"#], Some("/a")),
            (&["</a"], None),
            (&["nothing"], None),
            (&[], None),
        ];
        for (lines, expected) in cases {
            assert_eq!(next(lines.iter().copied()).as_deref(), *expected, "{lines:?}");
        }
    }

    #[test]
    fn pages_stay_with_their_registry() {
        let other = Err("the link to the next page leads to another host");
        let cases = [
            (
                "https://h/v2/a/tags/list?n=1",
                "/v2/a/tags/list?last=b/c&orderby=",
                Ok("https://h/v2/a/tags/list?last=b/c&orderby="),
            ),
            ("https://h/v2/a/tags/list", "?last=b", Ok("https://h/v2/a/tags/list?last=b")),
            ("https://h/v2/a/tags/list", "https://h:443/x", Ok("https://h/x")),
            ("https://h/v2/a/tags/list", "http://h/x", Ok("https://h/x")),
            ("https://h:8443/v2/", "http://h/x", Ok("https://h:8443/x")),
            ("http://h:5000/v2/", "https://h:5000/x", Ok("http://h:5000/x")),
            ("https://h/v2/", "https://g/x", other),
            ("https://h/v2/", "//g/x", other),
            ("https://h/v2/", "https://h:8443/x", other),
            ("http://h:5000/v2/", "http://h:6000/x", other),
            ("https://h/v2/", "https://u:p@h/x", Err("the link to the next page names a user")),
            (
                "https://h/v2/",
                "file:///etc/passwd",
                Err("the link to the next page is neither http nor https"),
            ),
        ];
        for (base, target, expected) in cases {
            let resolved = resolve(&Url::parse(base).unwrap(), target).map(String::from);
            assert_eq!(resolved, expected.map(str::to_owned), "{base} {target}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
        #[test]
        fn no_link_leads_to_another_place(text in "[<>;,=\" a-z/:.@%\\\\-]{0,60}") {
            crate::registry::fuzz::link(text.as_bytes());
            crate::registry::fuzz::link(format!("<{text}>; rel=next").as_bytes());
            crate::registry::fuzz::link(format!("<https://registry.example{text}>").as_bytes());
        }

        #[test]
        fn the_next_page_is_found_behind_other_links(
            others in proptest::collection::vec("</[a-z?&=]{0,8}>; rel=\"(prev|first)\"(; title=\"[a-z,<>;]{0,8}\")?", 0..4),
            target in "/[a-z?&=]{1,12}",
        ) {
            let mut links = others;
            links.push(format!("<{target}>; rel=\"next\""));
            proptest::prop_assert_eq!(next([&*links.join(", ")]), Some(target));
        }
    }
}
