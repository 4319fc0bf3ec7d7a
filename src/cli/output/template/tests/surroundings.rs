//! What a template is given besides its data, and what it is not given at all.

use std::sync::Arc;

use jiff::tz::{Offset, TimeZone};
use serde_json::{Value as Json, json};

use super::super::{Environment, Error, Template};
use super::{apply, environment, fails, renders, values};

fn with(environment: Environment, template: &str) -> Result<String, Error> {
    Template::parse(template)?.with_environment(environment).render(&Json::Null)
}

#[test]
fn variables_come_from_the_caller() {
    values(&[
        (r#"env "HOME""#, "/home/a"),
        (r#"env "OTHER""#, ""),
        (r#"expandenv "<$HOME> ${HOME}/x $OTHER. $EMPTY""#, "</home/a> /home/a/x . "),
        (r#"expandenv "100$ $ ${} ${open $5 a$""#, "100$ $  open  a$"),
    ]);
    assert_eq!(Template::parse(r#"[{{env "HOME"}}]"#).unwrap().render(&Json::Null).as_deref(), Ok("[]"));
}

#[test]
fn the_clock_and_the_zone_come_from_the_caller() {
    values(&[
        ("now", "2024-05-06 07:08:09 +0000 UTC"),
        (r#"date "15:04" now"#, "07:08"),
        (r#"ago (toDate "2006-01-02 15:04:05" "2024-05-06 05:07:06")"#, "2h1m3s"),
        (r#"durationRound (toDate "2006-01-02" "2024-05-01")"#, "5d"),
        (r#"htmlDate "not a time""#, "2024-05-06"),
    ]);
    let zone = TimeZone::fixed(Offset::from_seconds(5 * 3600).unwrap());
    let eastern = || Environment { time_zone: zone.clone(), ..environment() };
    for (template, expected) in [
        (r#"{{date "15:04 -07" 0}}"#, "05:00 +05"),
        (r#"{{date "15:04 -07" now}}"#, "12:08 +05"),
        (r#"{{(toDate "15:04" "12:00").UTC.Hour}}"#, "7"),
        (r#"{{dateInZone "15:04" 0 "Local"}}"#, "05:00"),
        (r#"{{dateInZone "15:04" 0 "UTC"}}"#, "00:00"),
        (r#"{{(toDate "15:04 -07" "12:00 +05").Format "15:04 Z07:00"}}"#, "12:00 +05:00"),
    ] {
        assert_eq!(with(eastern(), template).as_deref(), Ok(expected), "{template}");
    }
    assert_eq!(
        Template::parse("{{now}}").unwrap().render(&Json::Null).as_deref(),
        Ok("1970-01-01 00:00:00 +0000 UTC")
    );
}

#[test]
fn a_system_without_a_zone_is_on_utc() {
    let nowhere = Environment { time_zone: TimeZone::unknown(), ..environment() };
    assert_eq!(
        with(nowhere, r#"{{date "15:04 MST" 0}} {{now}}"#).as_deref(),
        Ok("00:00 UTC 2024-05-06 07:08:09 +0000 UTC")
    );
}

#[test]
fn only_the_variables_that_are_named_are_looked_up() {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let variables = Arc::new(move |name: &str| {
        log.lock().unwrap().push(name.to_owned());
        None
    });
    with(Environment { variables, ..environment() }, r#"{{env "A"}}{{expandenv "$B ${C}"}}"#).unwrap();
    assert_eq!(*asked.lock().unwrap(), ["A", "B", "C"]);
}

#[test]
fn random_values_have_the_shape_that_was_asked_for() {
    renders(&[
        (
            "{{len (randAlpha 20)}} {{len (randNumeric 20)}} {{len (randAlphaNum 300)}} {{len (randAscii 20)}}",
            "20 20 300 20",
        ),
        (
            r#"{{regexMatch "^[0-9]{50}$" (randNumeric 50)}} {{regexMatch "^[A-Za-z]{50}$" (randAlpha 50)}}"#,
            "true true",
        ),
        (r#"{{regexMatch "^[ -~]{50}$" (randAscii 50)}} {{len (b64dec (randBytes 32))}}"#, "true 32"),
        (
            r#"{{regexMatch "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$" uuidv4}}"#,
            "true",
        ),
        ("{{$n := randInt 3 5}}{{and (ge $n 3) (lt $n 5)}} {{randInt -1 0}}", "true -1"),
        (
            r#"{{splitList "" (shuffle "cabé") | sortAlpha}} {{len (randAlpha -1)}} {{shuffle ""}}"#,
            "[a b c é] 0 ",
        ),
        ("{{eq uuidv4 uuidv4}}", "false"),
    ]);
}

#[test]
fn what_is_left_out_is_refused_before_anything_runs() {
    let names = [
        "bcrypt",
        "buildCustomCert",
        "decryptAES",
        "derivePassword",
        "encryptAES",
        "genCA",
        "genCAWithKey",
        "genPrivateKey",
        "genSelfSignedCert",
        "genSelfSignedCertWithKey",
        "genSignedCert",
        "genSignedCertWithKey",
        "getHostByName",
        "htpasswd",
    ];
    for name in names {
        let error = Template::parse(&format!("{{{{if false}}}}{{{{{name}}}}}{{{{end}}}}")).err();
        assert!(
            matches!(&error, Some(Error::NotOffered { name: found, .. }) if found == name),
            "{name}: {error:?}"
        );
    }
    fails(&[
        (
            r#"{{getHostByName "localhost"}}"#,
            r#"template: format output:1:2: function "getHostByName" is not offered: templates do not use the network"#,
        ),
        (
            r#"x {{genPrivateKey "rsa"}}"#,
            r#"template: format output:1:4: function "genPrivateKey" is not offered: keys, certificates and passwords are not made or used in output templates"#,
        ),
    ]);
}

#[test]
fn every_function_of_sprig_has_an_answer() {
    // The names of Sprig 3.3, and of Go's own functions.
    let names = "abbrev abbrevboth add add1 add1f addf adler32sum ago all and any append atoi b32dec b32enc b64dec \
        b64enc base biggest call camelcase cat ceil chunk clean coalesce compact concat contains date dateInZone \
        dateModify date_in_zone date_modify deepCopy deepEqual default dict dig dir div divf duration durationRound \
        empty env eq expandenv ext fail first float64 floor fromJson ge get gt has hasKey hasPrefix hasSuffix hello \
        html htmlDate htmlDateInZone indent index initial initials int int64 isAbs join js kebabcase keys kindIs \
        kindOf last le len list lower lt max maxf merge mergeOverwrite min minf mod mul mulf mustAppend mustChunk \
        mustCompact mustDateModify mustDeepCopy mustFirst mustFromJson mustHas mustInitial mustLast mustMerge \
        mustMergeOverwrite mustPrepend mustPush mustRegexFind mustRegexFindAll mustRegexMatch mustRegexReplaceAll \
        mustRegexReplaceAllLiteral mustRegexSplit mustRest mustReverse mustSlice mustToDate mustToJson \
        mustToPrettyJson mustToRawJson mustUniq mustWithout must_date_modify ne nindent nospace not now omit or \
        osBase osClean osDir osExt osIsAbs pick pluck plural prepend print printf println push quote randAlpha \
        randAlphaNum randAscii randBytes randInt randNumeric regexFind regexFindAll regexMatch regexQuoteMeta \
        regexReplaceAll regexReplaceAllLiteral regexSplit repeat replace rest reverse round semver semverCompare \
        seq set sha1sum sha256sum sha512sum shuffle slice snakecase sortAlpha split splitList splitn squote sub \
        subf substr swapcase ternary title toDate toDecimal toJson toPrettyJson toRawJson toString toStrings trim \
        trimAll trimPrefix trimSuffix trimall trunc tuple typeIs typeIsLike typeOf uniq unixEpoch unset until \
        untilStep untitle upper urlJoin urlParse urlquery uuidv4 values without wrap wrapWith";
    for name in names.split_whitespace() {
        assert!(Template::parse(&format!("{{{{{name}}}}}")).is_ok(), "{name}");
    }
}

#[test]
fn numbers_of_the_data_are_floats_or_an_error() {
    assert_eq!(apply(r#"{{printf "%T %v" . .}}"#, &json!(1)).as_deref(), Ok("float64 1"));
    assert_eq!(apply("{{.}}", &super::json("9007199254740993")).as_deref(), Ok("9.007199254740992e+15"));
    let error = apply("{{.}}", &super::json("[1e400]")).map_err(|error| error.to_string());
    assert_eq!(error, Err("template: format output: the number 1e+400 is out of range".into()));
}
