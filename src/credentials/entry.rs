//! One entry of `auths` in a config file (pure).

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Credential, Secret};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// Reads an entry. `None`: it holds no secret, as the marker that Docker leaves when a helper holds it.
///
/// # Errors
/// It cannot be understood; the text says why, without what it holds.
pub(super) fn decode(entry: &Value) -> Result<Option<Credential>, &'static str> {
    let entry = match entry {
        Value::Object(entry) => entry,
        Value::Null => return Ok(None),
        _ => return Err("not an object"),
    };
    let text = |name: &str| match entry.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err("a member is not a string"),
    };
    let (auth, identity, registry) = (text("auth")?, text("identitytoken")?, text("registrytoken")?);
    let credential = if auth.is_empty() {
        Credential::from_parts(text("username")?, text("password")?, identity, registry)
    } else {
        let pair = decode_pair(auth)?;
        let (username, password) = pair.split_once(':').ok_or("auth holds no colon")?;
        Credential::from_parts(username, password, identity, registry)
    };
    let realm = entry.get("realm").and_then(Value::as_str).map(str::to_owned);
    Ok((!credential.is_empty()).then_some(credential.with_realm(realm)))
}

/// Names and values of the members under which a credential is kept; `None` when a colon in the user name
/// forbids it.
pub(super) fn encode(credential: &Credential) -> Option<Vec<(&'static str, Secret)>> {
    let username = credential.username();
    if username.contains(':') {
        return None;
    }
    let mut members = Vec::new();
    let password = credential.basic().map_or("", |(_, password)| password.expose());
    if !(username.is_empty() && password.is_empty()) {
        let pair = Zeroizing::new(format!("{username}:{password}"));
        members.push(("auth", Secret::new(base64::prelude::BASE64_STANDARD.encode(&*pair))));
    }
    if let Some(token) = credential.identity() {
        members.push(("identitytoken", token.duplicate()));
    }
    if let Some(token) = credential.registry() {
        members.push(("registrytoken", token.duplicate()));
    }
    if let Some(realm) = credential.realm() {
        members.push(("realm", Secret::new(realm)));
    }
    Some(members)
}

/// Decodes base64 of either alphabet, with or without padding, with white space; drops trailing NULs, which
/// old versions of Docker wrote.
fn decode_pair(auth: &str) -> Result<Zeroizing<String>, &'static str> {
    let compact = Zeroizing::new(auth.split_ascii_whitespace().collect::<String>());
    let alphabet = if compact.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let bytes = GeneralPurpose::new(alphabet, LENIENT).decode(&*compact).map_err(|_| "auth is not base64")?;
    let mut text = Zeroizing::new(String::from_utf8(bytes).map_err(|_| "auth is not UTF-8")?);
    let length = text.trim_end_matches('\0').len();
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn pair(entry: &Value) -> (String, String) {
        let credential = decode(entry).unwrap().unwrap();
        let (username, password) = credential.basic().unwrap();
        (username.to_owned(), password.expose().to_owned())
    }

    #[test]
    fn a_pair_is_read_from_every_spelling() {
        let cases = [
            (json!({"auth": "YWxpY2U6d29uZGVy"}), "alice", "wonder"),
            (json!({"auth": "YTpi"}), "a", "b"),
            (json!({"auth": "YTpiOmM="}), "a", "b:c"),
            (json!({"auth": "YTpiOmM"}), "a", "b:c"),
            (json!({"auth": " YTpi\nOmM= "}), "a", "b:c"),
            (json!({"auth": "YTo_Pz8-"}), "a", "???>"),
            (json!({"auth": "YTo/Pz8+"}), "a", "???>"),
            (json!({"auth": "YTpiAAA="}), "a", "b"),
            (json!({"auth": "OmI="}), "", "b"),
            (json!({"username": "u", "password": "p"}), "u", "p"),
            (json!({"auth": "YTpi", "username": "u", "password": "p"}), "a", "b"),
            (json!({"auth": "", "username": "u", "password": "p"}), "u", "p"),
            (json!({"auth": "YTpi", "email": "x@y", "more": {"z": 1}}), "a", "b"),
        ];
        for (entry, username, password) in cases {
            assert_eq!(pair(&entry), (username.to_owned(), password.to_owned()), "{entry}");
        }
    }

    #[test]
    fn tokens_are_read_beside_and_instead_of_a_pair() {
        let identity = decode(&json!({"auth": "dTo=", "identitytoken": "id"})).unwrap().unwrap();
        assert_eq!(identity.identity().map(Secret::expose), Some("id"));
        assert!(identity.basic().is_none());
        let registry = decode(&json!({"registrytoken": "rt"})).unwrap().unwrap();
        assert_eq!(registry.registry().map(Secret::expose), Some("rt"));
        let token_user = decode(&json!({"auth": "PHRva2VuPjppZA=="})).unwrap().unwrap();
        assert_eq!(token_user.identity().map(Secret::expose), Some("id"));
    }

    #[test]
    fn an_entry_without_a_secret_is_no_credential() {
        for entry in
            [json!({}), json!(null), json!({"auth": ""}), json!({"email": "x@y"}), json!({"auth": "Og=="})]
        {
            assert_eq!(decode(&entry).unwrap(), None, "{entry}");
        }
    }

    #[test]
    fn an_unreadable_entry_is_refused_without_being_shown() {
        let cases = [
            json!({"auth": "!!!canary"}),
            json!({"auth": "YWxpY2U="}),
            json!({"auth": "/zo="}),
            json!({"auth": ["canary"]}),
            json!("canary"),
        ];
        for entry in cases {
            let reason = decode(&entry).unwrap_err();
            assert!(!reason.contains("canary"), "{entry}: {reason}");
        }
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let all = [
            Credential::password("alice", "won:der"),
            Credential::password("robot", ""),
            Credential::identity_token("id"),
            Credential::registry_token("rt"),
            Credential::password("alice", "wonder").with_realm(Some("https://auth.example".into())),
            Credential::password("00000000-0000-0000-0000-000000000000", "").with_identity_token("id"),
        ];
        for credential in all {
            let members = encode(&credential).unwrap();
            let entry: Value =
                members.into_iter().map(|(name, text)| (name, text.expose().to_owned())).collect();
            assert_eq!(decode(&entry).unwrap(), Some(credential), "{entry}");
        }
        assert!(encode(&Credential::password("a:b", "c")).is_none());
    }

    proptest! {
        #[test]
        fn no_entry_makes_decoding_panic(auth in ".{0,60}") {
            let _ = decode(&json!({"auth": auth}));
        }

        #[test]
        fn every_pair_survives(username in "[^:\0]{1,20}", password in "[^\0]{1,20}") {
            prop_assume!(username != Credential::TOKEN_USER);
            let members = encode(&Credential::password(&*username, &*password)).unwrap();
            let entry = json!({"auth": members[0].1.expose()});
            prop_assert_eq!(pair(&entry), (username, password));
        }
    }
}
