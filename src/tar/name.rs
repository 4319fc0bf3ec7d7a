//! Names with `/` between their parts *(pure)*.

/// The shortest name for the same thing, told from the text alone: no empty part, no `.`, and no `..`
/// behind another part. A leading `..` stays, and nothing at all becomes `.`.
pub(crate) fn clean(name: &[u8]) -> Vec<u8> {
    let is_absolute = name.first() == Some(&b'/');
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(&last) if last != b".." => {
                    parts.pop();
                }
                _ if is_absolute => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    let mut cleaned = if is_absolute { vec![b'/'] } else { Vec::new() };
    cleaned.extend_from_slice(&parts.join(&b'/'));
    if cleaned.is_empty() { vec![b'.'] } else { cleaned }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_as_short_as_it_can_be() {
        let cases = [
            ("", "."),
            (".", "."),
            ("./a", "a"),
            ("a/", "a"),
            ("a//b/./c", "a/b/c"),
            ("a/../b", "b"),
            ("a/..", "."),
            ("..", ".."),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("../../a/..", "../.."),
            ("/", "/"),
            ("//a/", "/a"),
            ("/../a", "/a"),
            ("/a/../..", "/"),
            ("...", "..."),
        ];
        for (name, expected) in cases {
            assert_eq!(String::from_utf8(clean(name.as_bytes())).unwrap(), expected, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_clean_name_stays_as_it_is(name in "[ab./]{0,20}") {
            let once = clean(name.as_bytes());
            assert_eq!(clean(&once), once);
        }
    }
}
