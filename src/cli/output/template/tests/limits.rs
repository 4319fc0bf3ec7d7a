//! No template, however odd, panics, exhausts the stack or takes memory without end.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::{Error, Template};
use super::{DATA, apply, fails, json, renders};

/// The reason of an error, without its place.
fn reason(template: &str) -> String {
    match apply(template, &json(DATA)) {
        Ok(output) => format!("no error, but {output:.80}"),
        Err(Error::Execution { reason, .. } | Error::Syntax { reason, .. }) => reason,
        Err(other) => other.to_string(),
    }
}

#[test]
fn nesting_is_bounded() {
    let too_deep = "blocks and parentheses are nested more than 1000 levels deep";
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    assert_eq!(reason(&format!("{{{{{}}}}}", nested("(", "1", ")", 100_000))), too_deep);
    assert_eq!(reason(&format!("{{{{{}}}}}", "(".repeat(100_000))), too_deep);
    assert_eq!(reason(&nested("{{if .t}}", "x", "{{end}}", 100_000)), too_deep);
    assert_eq!(reason(&nested(r#"{{block "b" .}}"#, "x", "{{end}}", 100_000)), too_deep);
    assert_eq!(reason(&format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}".repeat(100_000))), too_deep);
    let deep = format!("{{{{{}}}}}", nested("(print ", "1", ")", 1000));
    let blocks = nested("{{range 1}}", "x", "{{end}}", 1000);
    renders(&[(&deep, "1"), (&blocks, "x")]);
}

#[test]
fn templates_that_call_themselves_end() {
    let too_deep = "exceeded maximum template depth (10000)";
    assert_eq!(reason(r#"{{define "x"}}{{template "x"}}{{end}}{{template "x"}}"#), too_deep);
    assert_eq!(
        reason(
            r#"{{define "x"}}{{range $k, $v := dict "a" 1}}{{with 1}}{{template "x" (or 0 (print (1)))}}{{end}}{{end}}{{end}}{{template "x"}}"#
        ),
        too_deep
    );
    renders(&[(
        r#"{{define "x"}}{{if .}}{{template "x" rest .}}{{else}}end{{end}}{{end}}{{template "x" (until 2000)}}"#,
        "end",
    )]);
}

#[test]
fn texts_are_bounded() {
    let too_long = "the text would be longer than 64 MiB";
    for template in [
        r#"{{repeat 99999999999 "x"}}"#,
        r#"{{indent 99999999999 "x"}}"#,
        r#"{{$x := repeat 1000000 "x"}}{{replace "x" $x $x}}"#,
        r#"{{$x := repeat 1000000 "x"}}{{regexReplaceAll "x" $x $x}}"#,
        r#"{{$x := repeat 1000000 "x"}}{{regexReplaceAll ".*" $x (repeat 1000 "$0")}}"#,
        r#"{{wrapWith 1 (repeat 1000000 "x") (repeat 1000 "y")}}"#,
        r#"{{$x := repeat 1000000 "x"}}{{range until 40}}{{$x = print $x $x}}{{end}}"#,
        r#"{{$x := repeat 1000000 "x"}}{{range until 100}}{{$x}}{{end}}"#,
        r#"{{$x := repeat 1000000 "x"}}{{join $x (until 100)}}"#,
        r#"{{range until 100}}{{printf "%9999999d" 1}}{{end}}"#,
    ] {
        let found = reason(template);
        assert!(found.ends_with(too_long), "{template}: {found}");
    }
    renders(&[
        (r#"{{printf "%9999999d" 1 | len}} {{printf "%99999999d" 1}}"#, "9999999 %!(NOVERB)%!(EXTRA int=1)"),
        (
            r#"{{printf "%.2000f" 1.5 | len}} {{printf "%.2000e" 1.5 | len}} {{printf "%.2000x" 1.5 | len}}"#,
            "2002 2006 2008",
        ),
        (r#"{{printf "%.99999g" 0.1 | len}} {{printf "%#.99999g" 1.0 | len}}"#, "57 100000"),
    ]);
}

#[test]
fn lists_are_bounded() {
    for template in [
        "{{until 99999999999}}",
        "{{seq 1 99999999999}}",
        "{{untilStep -9223372036854775808 9223372036854775807 1}}",
        "{{$x := list 1}}{{range until 40}}{{$x = concat $x $x}}{{end}}",
        r#"{{splitList "" (repeat 1000001 "x")}}"#,
        r#"{{regexFindAll "" (repeat 1000001 "x") -1}}"#,
    ] {
        let reason = reason(template);
        assert!(
            reason.contains("more than 1000000 items") || reason.contains("too long"),
            "{template}: {reason}"
        );
    }
    assert!(reason("{{randAlpha 99999999999}}").ends_with("99999999999 random bytes are too many"));
}

#[test]
fn work_is_bounded() {
    let too_much = "the template takes more than 20000000 steps";
    assert_eq!(reason("{{range 9223372036854775807}}{{end}}"), too_much);
    let doubling = "{{$x := list 1}}{{range until 40}}{{$x = list $x $x}}{{end}}";
    assert!(reason(&format!("{doubling}{{{{len (deepCopy $x)}}}}")).ends_with(too_much));
}

#[test]
fn values_may_be_nested_but_not_without_end() {
    let too_deep = "the value is nested more than 1000 levels deep";
    renders(&[
        ("{{$x := list}}{{range until 50000}}{{$x = list $x}}{{end}}done", "done"),
        (r#"{{$x := dict}}{{range until 50000}}{{$x = dict "a" $x}}{{end}}done"#, "done"),
        (
            r#"{{$x := dict}}{{$_ := set $x "a" $x}}{{$_ := merge $x $x}}{{deepEqual $x $x}}{{len $x}}"#,
            "true1",
        ),
    ]);
    assert_eq!(reason("{{$x := list}}{{range until 2000}}{{$x = list $x}}{{end}}{{$x}}"), too_deep);
    for template in [
        "{{$x}}",
        "{{mustToJson $x}}",
        "{{deepCopy $x}}",
        r#"{{$y := dict}}{{$_ := set $y "a" $y}}{{deepEqual $x $y}}"#,
        r#"{{printf "%d" $x}}"#,
    ] {
        let found = reason(&format!(r#"{{{{$x := dict}}}}{{{{$_ := set $x "a" $x}}}}{template}"#));
        assert!(found.ends_with(too_deep), "{template}: {found}");
    }
    let mut data = json!(1);
    for _ in 0..1100 {
        data = json!([data]);
    }
    let error = apply("x", &data).map_err(|error| error.to_string());
    assert_eq!(error, Err("template: format output: the data is nested more than 1000 levels deep".into()));
}

#[test]
fn extremes_of_numbers_are_no_trouble() {
    renders(&[
        ("{{div -9223372036854775808 -1}} {{mod -9223372036854775808 -1}}", "-9223372036854775808 0"),
        ("{{round 1 2147483648}} {{round 1.5 -400}} {{trunc -9223372036854775808 \"ab\"}}", "NaN NaN ab"),
        (
            r#"{{int (float64 "inf")}} {{int (float64 "nan")}} {{toJson (float64 "inf")}}"#,
            "-9223372036854775808 -9223372036854775808 ",
        ),
        (
            r#"{{printf "%d %x" -9223372036854775808 -9223372036854775808}}"#,
            "-9223372036854775808 -8000000000000000",
        ),
        (r#"{{dateModify "2000000h" (toDate "2006" "9999")}}"#, "9999-01-01 00:00:00 +0000 UTC"),
        (
            r#"{{duration "9223372036854775807"}} {{durationRound (int64 -9223372036854775808)}}"#,
            "2562047h47m16.854775807s 292y",
        ),
    ]);
    fails(&[
        (
            r#"{{(toDate "2006" "2020").AddDate 9223372036854775807 9223372036854775807 9223372036854775807}}"#,
            r#"template: format output:1:17: executing "format output" at <"2020">: error calling AddDate: the time is out of range"#,
        ),
        (
            r#"{{date "2006" 9223372036854775807}}"#,
            r#"template: format output:1:2: executing "format output" at <date "2006" 9223372036854775807>: error calling date: the time is out of range"#,
        ),
    ]);
}

/// Words of the language, of which random sources are made.
const WORDS: [&str; 72] = [
    "{{",
    "}}",
    "{{-",
    "-}}",
    " ",
    "\n",
    "if",
    "else",
    "end",
    "range",
    "with",
    "define",
    "template",
    "block",
    "break",
    "continue",
    "{{end}}",
    "{{else}}",
    "{{if .t}}",
    "{{range .l}}",
    "{{with .o}}",
    "{{define \"q\"}}",
    ".",
    "$",
    ".x",
    ".l",
    ".o.c.d",
    "$x",
    ":=",
    "=",
    "|",
    "(",
    ")",
    ",",
    "1",
    "-1",
    "1.5",
    "0x",
    "\"a\"",
    "`b`",
    "'c'",
    "\"%d\"",
    "\"%*[2].3v\"",
    "true",
    "nil",
    "/*",
    "*/",
    "print",
    "printf",
    "len",
    "index",
    "slice",
    "upper",
    "list",
    "dict",
    "set",
    "first",
    "toJson",
    "regexFind",
    "\"[a-\"",
    "toDate",
    "date",
    "\"2006 Jan _2\"",
    "now",
    "semver",
    "semverCompare",
    "urlParse",
    "dig",
    "round",
    "wrap",
    "é",
    "\u{0}",
];

/// Functions and some of the values they may be called with.
fn calls() -> impl Strategy<Value = String> {
    const NAMES: [&str; 60] = [
        "abbrev",
        "abbrevboth",
        "add",
        "append",
        "atoi",
        "b32dec",
        "b64dec",
        "camelcase",
        "chunk",
        "clean",
        "compact",
        "concat",
        "date",
        "dateInZone",
        "dateModify",
        "default",
        "dict",
        "dig",
        "divf",
        "duration",
        "durationRound",
        "eq",
        "expandenv",
        "fromJson",
        "has",
        "html",
        "indent",
        "index",
        "int",
        "join",
        "js",
        "kebabcase",
        "lt",
        "merge",
        "mulf",
        "pick",
        "printf",
        "quote",
        "regexFindAll",
        "regexReplaceAll",
        "regexSplit",
        "replace",
        "round",
        "semver",
        "semverCompare",
        "slice",
        "snakecase",
        "splitn",
        "substr",
        "toDate",
        "toDecimal",
        "toPrettyJson",
        "trimAll",
        "trunc",
        "uniq",
        "urlJoin",
        "urlParse",
        "urlquery",
        "wrap",
        "wrapWith",
    ];
    let text = prop_oneof![any::<String>(), "[-+.0-9a-zA-Z:/%$\\[\\](){}*?^ ]{0,12}"];
    let argument = prop_oneof![
        text.prop_map(|text| serde_json::to_string(&text).unwrap_or_default()),
        any::<i64>().prop_map(|number| number.to_string()),
        (-20_i64..20).prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        prop::sample::select(vec![
            ".",
            ".l",
            ".o",
            ".s",
            ".n",
            ".x",
            ".missing",
            "nil",
            "true",
            "now",
            "(list)",
            "(until 3)"
        ])
        .prop_map(str::to_owned),
    ];
    let call = (prop::sample::select(NAMES.to_vec()), prop::collection::vec(argument, 0..4));
    call.prop_map(|(name, arguments)| format!("{{{{{name} {}}}}}", arguments.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_template_or_an_error(source in any::<String>()) {
        let _ = apply(&source, &Json::Null);
        let _ = apply(&format!("{{{{{source}}}}}"), &Json::Null);
    }

    #[test]
    fn any_words_of_the_language_are_a_template_or_an_error(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..24)
    ) {
        let data = json(DATA);
        let _ = apply(&words.concat(), &data);
        let _ = apply(&words.join(" "), &data);
        let _ = apply(&format!("{{{{{}}}}}", words.join(" ")), &data);
    }

    #[test]
    fn any_call_gives_text_or_an_error(template in calls()) {
        let _ = apply(&template, &json(DATA));
    }

    #[test]
    fn an_error_points_into_the_source(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..24)) {
        let source = words.concat();
        if let Err(Error::Syntax { position, .. } | Error::UnknownFunction { position, .. }) = Template::parse(&source) {
            let line = source.split('\n').nth(position.line - 1);
            prop_assert!(line.is_some_and(|line| position.column <= line.len()), "{position} in {source:?}");
        }
    }
}
