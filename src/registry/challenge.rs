//! What a server wants to know before it answers: the `WWW-Authenticate` header (pure).

/// One way to show who we are, as a server offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// Name of the way, in lower case.
    pub(crate) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// A parameter by its lower-case name. Of several with one name the first one counts.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads all challenges of all lines of the header, in order.
///
/// One line may hold several, separated by the same commas that separate their parameters. What is
/// malformed is passed over, so that it never hides what follows.
///
/// Implements RFC 9110, section 11.6.1, and accepts what servers make of it.
pub(crate) fn parse<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    for line in lines {
        Scanner { bytes: line, at: 0 }.scan(&mut challenges);
    }
    challenges
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn scan(&mut self, challenges: &mut Vec<Challenge>) {
        let first = challenges.len();
        // A scheme stands at the beginning or behind a comma, a parameter may stand anywhere.
        let mut may_begin = true;
        loop {
            may_begin |= self.skip_separators();
            let Some(next) = self.peek() else { return };
            let name = self.take_while(is_token);
            if name.is_empty() {
                if next == b'"' {
                    self.quoted(b'"');
                } else {
                    self.at += 1;
                }
                may_begin = false;
                continue;
            }
            self.skip_space();
            if self.peek() == Some(b'=') {
                self.at += 1;
                let value = self.value();
                // What stands before the first scheme of the line belongs to nothing.
                if challenges.len() > first
                    && let Some(challenge) = challenges.last_mut()
                {
                    challenge.parameters.push((lower(name), value));
                }
            } else if may_begin {
                challenges.push(Challenge { scheme: lower(name), parameters: Vec::new() });
                self.skip_token68(name);
            }
            may_begin = false;
        }
    }

    /// Passes over `YII=` in `Negotiate YII=`, which looks like a parameter without a value.
    fn skip_token68(&mut self, scheme: &[u8]) {
        if ["bearer", "basic"].iter().any(|known| scheme.eq_ignore_ascii_case(known.as_bytes())) {
            return;
        }
        let begin = self.at;
        self.take_while(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
        self.take_while(|b| b == b'=');
        self.skip_space();
        if self.peek().is_some_and(|b| b != b',') {
            self.at = begin;
        }
    }

    fn value(&mut self) -> String {
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.quoted(b'"'),
            Some(b'\'') => self.quoted(b'\''),
            _ => lossy(self.take_while(|b| b != b',' && !b.is_ascii_whitespace())),
        }
    }

    /// The text between quotes; one that is not closed ends with the line.
    fn quoted(&mut self, quote: u8) -> String {
        self.at += 1;
        let mut text = Vec::new();
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b if b == quote => break,
                b'\\' if quote == b'"' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                b => text.push(b),
            }
        }
        lossy(&text)
    }

    /// Was there a comma?
    fn skip_separators(&mut self) -> bool {
        self.take_while(|b| b == b',' || b.is_ascii_whitespace()).contains(&b',')
    }

    fn skip_space(&mut self) {
        self.take_while(|b| b.is_ascii_whitespace());
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&b| !accept(b)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn lower(name: &[u8]) -> String {
    lossy(name).to_ascii_lowercase()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Challenges as text: `scheme{key=value}`, joined by a blank.
    fn show(lines: &[&str]) -> String {
        let challenges = parse(lines.iter().map(|line| line.as_bytes()));
        let show = |challenge: &Challenge| {
            let parameters: Vec<_> =
                challenge.parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{}{{{}}}", challenge.scheme, parameters.join("|"))
        };
        challenges.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_header_is_read_as_far_as_it_makes_sense() {
        let cases: &[(&[&str], &str)] = &[
            // as registries send it
            (
                &[
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#,
                ],
                "bearer{realm=https://auth.docker.io/token|service=registry.docker.io|scope=repository:a/b:pull}",
            ),
            (&[r#"Basic realm="Registry Realm""#], "basic{realm=Registry Realm}"),
            (
                &[
                    r#"Bearer realm="https://r/t",service="s",scope="repository:a:pull,push repository:b:pull""#,
                ],
                "bearer{realm=https://r/t|service=s|scope=repository:a:pull,push repository:b:pull}",
            ),
            (
                &[r#"Bearer realm="https://r/t",error="invalid_token""#],
                "bearer{realm=https://r/t|error=invalid_token}",
            ),
            (
                &[r#"BASIC realm="Sonatype Nexus Repository Manager""#],
                "basic{realm=Sonatype Nexus Repository Manager}",
            ),
            (&["basic realm="], "basic{realm=}"),
            (&["Basic"], "basic{}"),
            (&["Bearer"], "bearer{}"),
            (&[r#"Bearer error="insufficient_scope""#], "bearer{error=insufficient_scope}"),
            (&[r#"Bearer REALM="https://r/t",Service="s""#], "bearer{realm=https://r/t|service=s}"),
            // several challenges
            (
                &[r#"Bearer realm="r",service="s""#, r#"Basic realm="b""#],
                "bearer{realm=r|service=s} basic{realm=b}",
            ),
            (
                &[r#"Bearer realm="r",service="s", Basic realm="b""#],
                "bearer{realm=r|service=s} basic{realm=b}",
            ),
            (
                &[r#"Basic realm="b", Bearer realm="r",service="s""#],
                "basic{realm=b} bearer{realm=r|service=s}",
            ),
            (&[r#"Negotiate, Basic realm="b""#], "negotiate{} basic{realm=b}"),
            (&["Negotiate", "NTLM", r#"Basic realm="b""#], "negotiate{} ntlm{} basic{realm=b}"),
            (&[r#"Negotiate YII=, Basic realm="b""#], "negotiate{} basic{realm=b}"),
            (&[r#"Negotiate YIIab/+==, Basic realm="b""#], "negotiate{} basic{realm=b}"),
            (&[r#"NTLM TlRMTVNTUAAC, Basic realm="b""#], "ntlm{} basic{realm=b}"),
            (
                &[r#"Digest realm="d", nonce="n", qop="auth,auth-int", Basic realm="b""#],
                "digest{realm=d|nonce=n|qop=auth,auth-int} basic{realm=b}",
            ),
            (&[r#"Digest realm=d, Basic realm=b"#], "digest{realm=d} basic{realm=b}"),
            (&["Basic realm=b,Basic"], "basic{realm=b} basic{}"),
            // blanks and empty elements
            (&[r#"Bearer realm = "r" , service= "s""#], "bearer{realm=r|service=s}"),
            (&["Bearer\trealm=\"r\",\tservice=\"s\""], "bearer{realm=r|service=s}"),
            (&[r#"Bearer   realm="r""#], "bearer{realm=r}"),
            (&[r#", ,Bearer realm="r",,service="s","#], "bearer{realm=r|service=s}"),
            (&[r#"Bearer ,realm="r""#], "bearer{realm=r}"),
            (&[r#"Bearer realm="r" service="s""#], "bearer{realm=r|service=s}"),
            (&[""], ""),
            (&[" , "], ""),
            // quotes
            (&[r#"Bearer realm="a\"b\\c""#], r#"bearer{realm=a"b\c}"#),
            (&["Bearer realm=https://r/t?a=b,service=s"], "bearer{realm=https://r/t?a=b|service=s}"),
            (&["Bearer realm='https://r/t',service='s'"], "bearer{realm=https://r/t|service=s}"),
            (&[r#"Bearer realm="",service="s""#], "bearer{realm=|service=s}"),
            (&["Bearer realm=,service=s"], "bearer{realm=|service=s}"),
            (&[r#"Bearer realm="https://r/t"#], "bearer{realm=https://r/t}"),
            (&[r#"Bearer realm="r\"#], "bearer{realm=r}"),
            (&[r#"Bearer realm="a,Basic realm=b""#], "bearer{realm=a,Basic realm=b}"),
            (&["Basic realm=My Registry, Bearer realm=r"], "basic{realm=My} bearer{realm=r}"),
            // unknown, doubled and malformed
            (&[r#"Bearer realm="r",x-new="1",service="s""#], "bearer{realm=r|x-new=1|service=s}"),
            (&[r#"realm="r", Basic realm="b""#], "basic{realm=b}"),
            (&[r#"@@@, Basic realm="b""#], "basic{realm=b}"),
            (&[r#""quoted, Bearer", Basic realm="b""#], "basic{realm=b}"),
            (&[r#"Bearer realm=r; service=s, Basic realm="b""#], "bearer{realm=r;|service=s} basic{realm=b}"),
            (&[r#"(comment) Bearer realm="r", Basic realm="b""#], "basic{realm=b}"),
            (&["Bearer realm==x"], "bearer{realm==x}"),
            (&["="], ""),
            (&["Bearer =r, Basic realm=b"], "basic{realm=b}"),
            (&["Bearer realm=\u{e9}"], "bearer{realm=\u{e9}}"),
        ];
        assert!(cases.len() >= 40);
        for (lines, expected) in cases {
            assert_eq!(show(lines), *expected, "{lines:?}");
        }
    }

    #[test]
    fn of_two_parameters_of_one_name_the_first_counts() {
        let challenges = parse([br#"Bearer realm="a",Realm="b""#.as_slice()]);
        assert_eq!(challenges[0].get("realm"), Some("a"));
        assert_eq!(challenges[0].get("scope"), None);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        let challenges = parse([b"Bearer realm=\"\xff\xfe\", Basic realm=b".as_slice()]);
        assert_eq!(challenges.len(), 2);
        assert_eq!(challenges[1].get("realm"), Some("b"));
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4)) {
            parse(lines.iter().map(Vec::as_slice));
        }

        #[test]
        fn a_good_challenge_is_found_behind_anything_without_quotes(before in "[ -!#-&(-~]{0,30}") {
            let line = format!("{before}, Bearer realm=\"r\",service=\"s\"");
            let found = parse([line.as_bytes()]);
            let bearer = found.iter().rev().find(|challenge| challenge.scheme == "bearer");
            prop_assert_eq!(bearer.and_then(|challenge| challenge.get("service")), Some("s"));
        }

        #[test]
        fn quoting_survives(realm in "[ -~]{0,30}") {
            let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
            let line = format!("Bearer realm=\"{quoted}\", service=s");
            let found = parse([line.as_bytes()]);
            prop_assert_eq!(found[0].get("realm"), Some(&*realm));
            prop_assert_eq!(found[0].get("service"), Some("s"));
        }
    }
}
