//! Tables of templates and what they print, as Go's `text/template` and Sprig are documented to.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{Environment, Error, Template};

mod codecs;
mod collections;
mod dates;
mod errors;
mod golden;
mod language;
mod limits;
mod numbers;
mod printing;
mod surroundings;
mod texts;

/// The data of most cases.
const DATA: &str = r#"{
    "mediaType": "x/y", "s": "Hello World", "e": "", "t": true, "f": false, "z": 0, "n": null, "i": 7, "size": 394,
    "big": 2097152, "fl": 1.5, "l": ["c", "a", "b", "a"], "o": {"b": "2", "a": "1", "c": {"d": "deep"}},
    "x": [3, 1.5, -2], "el": [], "eo": {}, "ln": [null, 1], "lm": [{"k": "v"}], "u": "héllo wörld"
}"#;

fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("the data of a test is JSON")
}

/// Some variables, a clock that stands still, and UTC.
fn environment() -> Environment {
    Environment {
        variables: Arc::new(|name| match name {
            "HOME" => Some("/home/a".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }),
        now: "2024-05-06T07:08:09Z".parse().expect("a time"),
        ..Environment::default()
    }
}

fn apply(template: &str, data: &Json) -> Result<String, Error> {
    Template::parse(template)?.with_environment(environment()).render(data)
}

/// Checks templates and their output.
fn renders(cases: &[(&str, &str)]) {
    let data = json(DATA);
    for (template, expected) in cases {
        assert_eq!(apply(template, &data).as_deref(), Ok(*expected), "{template}");
    }
}

/// Checks what single expressions print.
fn values(cases: &[(&str, &str)]) {
    let data = json(DATA);
    for (expression, expected) in cases {
        assert_eq!(apply(&format!("{{{{{expression}}}}}"), &data).as_deref(), Ok(*expected), "{expression}");
    }
}

/// Checks templates and the errors they end in.
fn fails(cases: &[(&str, &str)]) {
    let data = json(DATA);
    for (template, expected) in cases {
        let error = apply(template, &data).map_err(|error| error.to_string());
        assert_eq!(error, Err((*expected).to_owned()), "{template}");
    }
}
