//! What the reference client was seen to print, for data of the same shape.

use serde_json::{Value as Json, json};

use super::{apply, json as parsed};

/// Applies templates; `None` stands for a failure.
fn recorded(data: &Json, cases: &[(&str, Option<&str>)]) {
    for (template, expected) in cases {
        assert_eq!(apply(template, data).ok().as_deref(), *expected, "{template}");
    }
}

/// The document of `repo tags`.
fn tags(tags: &[&str]) -> Json {
    json!({ "tags": tags })
}

/// The document of `manifest fetch`, of a manifest that holds a bit of everything.
fn manifest() -> Json {
    fetched(
        r#"{"mediaType":"x/y","s":"Hello World","e":"","t":true,"f":false,"z":0,"n":null,"i":7,"l":["c","a","b","a"],"o":{"b":"2","a":"1","c":{"d":"deep"}},"x":[3,1.5,-2]}"#,
    )
}

/// The same, of one that holds numbers.
fn numbers() -> Json {
    fetched(
        r#"{"mediaType":"x/y","l":[0,1,-1,10,999999,1000000,1234567,2097152,123456789012,9007199254740993,1e20,1e21,1.5,0.1,100.25,0.0001,0.00001,1e-7,-0.5,3.0]}"#,
    )
}

fn fetched(content: &str) -> Json {
    json!({
        "reference": "L@sha256:2f431c0a56b3eb2698d7aff50173f62f9063d92884587ab64642eb7b9d9f4f1e",
        "mediaType": "x/y",
        "digest": "sha256:2f431c0a56b3eb2698d7aff50173f62f9063d92884587ab64642eb7b9d9f4f1e",
        "size": content.len(),
        "content": parsed(content),
    })
}

#[test]
fn arithmetic_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                "{{add 1 2 3}} {{add1 4}} {{sub 5 7}} {{mul 2 3 4}} {{div 7 2}} {{mod 7 3}} {{max 1 5 3}} {{min 4 2 8}}",
                Some("6 5 -2 24 3 1 5 2"),
            ),
            (
                "{{add .content.i 1}} {{mul .content.i 2}} {{.content.i | int | add 1}} {{sub .content.i .content.z}}",
                Some("8 14 8 7"),
            ),
            (
                "{{floor 1.9}} {{ceil 1.1}} {{round 1.2345 2}} {{floor -1.5}} {{addf 1.5 2}} {{subf 3 1.5}} {{mulf 1.5 2}} {{divf 3 2}} {{maxf 1.5 2}} {{minf 1.5 2}}",
                Some("1 2 1.23 -2 3.5 1.5 3 1.5 2 1.5"),
            ),
            (
                r#"{{int "12"}} {{int64 "12"}} {{float64 "1.5"}} {{atoi "42"}} {{int 3.99}} {{toDecimal "0777"}} {{int "x"}}"#,
                Some("12 12 1.5 42 3 511 0"),
            ),
            ("{{div 1 0}}", None),
        ],
    );
}

#[test]
fn comparison_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                r#"{{eq .content.s "Hello World"}} {{ne .content.s "x"}} {{eq .content.s "a" "b" "Hello World"}}"#,
                Some("true true true"),
            ),
            (
                "{{eq .content.i 7.0}} {{lt .content.i 8.0}} {{ge .content.i 7.0}} {{gt 2 1}} {{le 2 1}}",
                Some("true true true true false"),
            ),
            (r#"{{lt "a" "b"}} {{eq true .content.t}} {{eq 1 1}} {{ne 1 2}}"#, Some("true true true true")),
            ("{{eq .content.i 7}}", None),
            ("{{lt .content.s 1}}", None),
            ("{{eq .content.l .content.l}}", None),
        ],
    );
}

#[test]
fn dates_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                r#"{{toDate "2006-01-02" "2020-02-29" | date "Mon Jan 2 2006 15:04:05 MST"}}"#,
                Some("Sat Feb 29 2020 00:00:00 UTC"),
            ),
            (
                r#"{{toDate "2006-01-02" "2020-02-29" | htmlDate}} {{toDate "2006-01-02" "2020-02-29" | unixEpoch}} {{date "2006-01-02T15:04:05Z07:00" 86400}}"#,
                Some("2020-02-29 1582934400 1970-01-02T00:00:00Z"),
            ),
            (
                r#"{{toDate "2006-01-02" "2020-02-29" | dateModify "-1.5h" | date "2006-01-02 15:04"}} {{dateInZone "15:04 MST" (toDate "2006-01-02" "2020-02-29") "UTC"}}"#,
                Some("2020-02-28 22:30 00:00 UTC"),
            ),
            (
                r#"{{duration "95"}} {{duration "3600"}} {{durationRound "2h10m5s"}} {{durationRound "400h"}}"#,
                Some("1m35s 1h0m0s 2h 16d"),
            ),
        ],
    );
}

#[test]
fn defaults_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                r#"{{default "d" .content.e}} {{default "d" .content.s}} {{default "d" .content.missing}} {{default 5 .content.z}} {{.content.n | default "null"}}"#,
                Some("d Hello World d 5 null"),
            ),
            (
                "{{empty .content.e}} {{empty .content.l}} {{empty .content.missing}} {{empty 0}}",
                Some("true false true true"),
            ),
            (
                r#"{{coalesce .content.e .content.missing .content.s}} {{all 1 "a" true}} {{all 1 0}} {{any 0 ""}} {{any 0 1}}"#,
                Some("Hello World true false false true"),
            ),
            (r#"{{ternary "y" "n" true}} {{.content.f | ternary "y" "n"}}"#, Some("y n")),
        ],
    );
}

#[test]
fn dicts_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                r#"{{dict "b" 1 "a" "x"}} {{get (dict "k" "v") "k"}} {{get .content.o "a"}} [{{get .content.o "zz"}}]"#,
                Some("map[a:x b:1] v 1 []"),
            ),
            (
                r#"{{hasKey .content.o "a"}} {{hasKey .content.o "zz"}} {{keys .content.o | sortAlpha}} {{pick .content.o "a"}} {{omit .content.o "c"}}"#,
                Some("true false [a b c] map[a:1] map[a:1 b:2]"),
            ),
            (
                r#"{{merge (dict "a" 1) (dict "a" 2 "b" 3)}} {{mergeOverwrite (dict "a" 1) (dict "a" 2 "b" 3)}} {{dig "c" "d" "none" .content.o}} {{dig "c" "q" "none" .content.o}}"#,
                Some("map[a:1 b:3] map[a:2 b:3] deep none"),
            ),
            (
                r#"{{$d := dict "a" 1}}{{$_ := set $d "b" 2}}{{$_ = unset $d "a"}}{{$d}} {{pluck "a" (dict "a" 1) (dict "a" 2)}} {{values (dict "a" 1)}}"#,
                Some("map[b:2] [1 2] [1]"),
            ),
            ("{{deepCopy .content.o}} {{len .content.o}}", Some("map[a:1 b:2 c:map[d:deep]] 3")),
        ],
    );
}

#[test]
fn failing_while_it_runs_as_recorded() {
    recorded(
        &tags(&["a", "b"]),
        &[
            ("before {{index .tags 5}} after", None),
            (r#"{{fail "stop"}}"#, None),
            ("{{.tags.x}}", None),
            ("{{range .tags}}{{.}}{{.x}}{{end}}", None),
            (r#"{{template "t" .}}{{define "t"}}{{fail "in"}}{{end}}"#, None),
            (r#"{{mustRegexFind "(" "x"}}"#, None),
            ("{{1 | 2}}", None),
        ],
    );
}

#[test]
fn if_and_else_as_recorded() {
    recorded(
        &manifest(),
        &[
            ("{{if .content.t}}yes{{else}}no{{end}}", Some("yes")),
            ("{{if .content.f}}yes{{else if .content.i}}seven{{else}}no{{end}}", Some("seven")),
            (
                "{{if .content.e}}full{{else}}empty{{end}}{{if .content.z}}full{{else}}zero{{end}}{{if .content.n}}full{{else}}null{{end}}{{if .content.missing}}full{{else}}missing{{end}}",
                Some("emptyzeronullmissing"),
            ),
            (
                "{{if and .content.t .content.s}}both{{end}} {{if or .content.f .content.e}}some{{else}}none{{end}} {{if not .content.f}}not{{end}}",
                Some("both none not"),
            ),
            (
                r#"{{and 1 0 2}} {{or 0 "" 3}} {{and .content.t .content.s}} {{or .content.e .content.i}} {{not 1}}"#,
                Some("0 3 Hello World 7 false"),
            ),
        ],
    );
}

#[test]
fn index_slice_and_len_as_recorded() {
    recorded(
        &manifest(),
        &[
            (r#"{{index .content.l 0}}{{index .content.l 2}} {{index .content.o "c" "d"}}"#, Some("cb deep")),
            (
                "{{slice .content.l 1 3}} {{slice .content.l 2}} {{slice .content.l 1 1}}",
                Some("[a b] [b a] []"),
            ),
            (r#"{{len .content.l}} {{len .content.s}} {{len .content.o}} {{len "é"}}"#, Some("4 11 3 2")),
            ("{{index .content.l 9}}", None),
            (r#"{{index .content.o "a" "b"}}"#, None),
        ],
    );
}

#[test]
fn json_and_encodings_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                r#"{{toJson .content.o}} {{toJson .content.l}} {{toJson "<&>é"}} {{toRawJson "<&>é"}}"#,
                Some(r#"{"a":"1","b":"2","c":{"d":"deep"}} ["c","a","b","a"] "\u003c\u0026\u003eé" "<&>é""#),
            ),
            (
                "{{toPrettyJson .content.o}}",
                Some("{\n  \"a\": \"1\",\n  \"b\": \"2\",\n  \"c\": {\n    \"d\": \"deep\"\n  }\n}"),
            ),
            (r#"{{(fromJson "{\"a\":[1,2.5]}").a}} {{fromJson "[1,\"x\"]"}}"#, Some("[1 2.5] [1 x]")),
            (
                r#"{{b64enc .content.s}} {{b64dec "SGVsbG8="}} {{b32enc "hi"}} {{b32dec "NBUQ===="}}"#,
                Some("SGVsbG8gV29ybGQ= Hello NBUQ==== hi"),
            ),
            (
                r#"{{sha256sum "a"}} {{sha1sum "a"}} {{adler32sum "a"}}"#,
                Some(
                    "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb 86f7e437faa5a7fce15d1ddcb9eaeaea377667b8 6422626",
                ),
            ),
            (r#"{{sha512sum "a" | trunc 16}} {{b64dec "aGk="}}"#, Some("1f40fc92da241694 hi")),
        ],
    );
}

#[test]
fn lists_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                "{{first .content.l}} {{last .content.l}} {{rest .content.l}} {{initial .content.l}}",
                Some("c a [a b a] [c a b]"),
            ),
            (
                r#"{{append .content.l "z"}} {{prepend .content.l "z"}} {{concat .content.l (list 1 2)}} {{reverse .content.l}}"#,
                Some("[c a b a z] [z c a b a] [c a b a 1 2] [a b a c]"),
            ),
            (
                r#"{{uniq .content.l}} {{without .content.l "a"}} {{has "b" .content.l}} {{has "q" .content.l}} {{compact (list 1 "" 0 "a")}}"#,
                Some("[c a b] [c b] true false [1 a]"),
            ),
            (
                r#"{{slice .content.l 1 2}} {{chunk 2 .content.l}} {{list}} {{list 1 "a" true}} {{len (list)}}"#,
                Some("[a] [[c a] [b a]] [] [1 a true] 0"),
            ),
            (
                "{{until 4}} {{untilStep 3 9 3}} {{seq 3}} {{seq 2 4}} {{seq 1 2 7}}",
                Some("[0 1 2 3] [3 6] 1 2 3 2 3 4 1 3 5 7"),
            ),
        ],
    );
}

#[test]
fn malformed_as_recorded() {
    recorded(
        &tags(&["a", "b"]),
        &[
            ("{{.tags", None),
            ("{{end}}", None),
            ("{{if .tags}}x", None),
            ("{{range}}{{end}}", None),
            ("{{nofunc 1}}", None),
            ("{{$undefined}}", None),
            ("{{break}}", None),
            (r#"{{"open}}"#, None),
            ("{{else}}", None),
        ],
    );
}

#[test]
fn missing_keys_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                "{{.nothing}} {{.content.nothing}} {{.content.nothing.deeper}}",
                Some("<no value> <no value> <no value>"),
            ),
            ("{{.content.n}} {{.Digest}}", Some("<no value> <no value>")),
            (
                r#"{{.content.o.zzz}} {{index .content.o "zzz"}} {{index .content "i"}}"#,
                Some("<no value> <no value> 7"),
            ),
            ("{{len .content.missing}}", None),
            ("{{.content.s.x}}", None),
        ],
    );
}

#[test]
fn named_templates_as_recorded() {
    recorded(
        &tags(&["a", "b"]),
        &[
            (r#"{{define "t"}}<{{.}}>{{end}}{{range .tags}}{{template "t" .}}{{end}}"#, Some("<a><b>")),
            (r#"{{block "b" .tags}}{{len .}}{{end}}"#, Some("2")),
            (
                r#"{{define "x"}}{{if .}}[{{first .}}{{template "x" rest .}}]{{end}}{{end}}{{template "x" .tags}}"#,
                Some("[a[b]]"),
            ),
            (r#"{{define "n"}}nothing {{.}}{{end}}{{template "n"}}"#, Some("nothing <no value>")),
            (r#"{{template "unknown"}}"#, None),
            (r#"{{define "a"}}1{{end}}{{define "a"}}2{{end}}{{template "a"}}"#, None),
        ],
    );
}

#[test]
fn numbers_as_recorded() {
    recorded(
        &numbers(),
        &[
            (
                "{{range .content.l}}{{.}} {{end}}",
                Some(
                    "0 1 -1 10 999999 1e+06 1.234567e+06 2.097152e+06 1.23456789012e+11 9.007199254740992e+15 1e+20 1e+21 1.5 0.1 100.25 0.0001 1e-05 1e-07 -0.5 3 ",
                ),
            ),
            (
                "{{range .content.l}}{{toJson .}} {{end}}",
                Some(
                    "0 1 -1 10 999999 1000000 1234567 2097152 123456789012 9007199254740992 100000000000000000000 1e+21 1.5 0.1 100.25 0.0001 0.00001 1e-7 -0.5 3 ",
                ),
            ),
            (
                r#"{{range .content.l}}{{printf "%v" .}} {{end}}"#,
                Some(
                    "0 1 -1 10 999999 1e+06 1.234567e+06 2.097152e+06 1.23456789012e+11 9.007199254740992e+15 1e+20 1e+21 1.5 0.1 100.25 0.0001 1e-05 1e-07 -0.5 3 ",
                ),
            ),
            (
                "{{range .content.l}}{{if lt . 1e18}}{{int64 .}} {{int .}} {{end}}{{end}}",
                Some(
                    "0 0 1 1 -1 -1 10 10 999999 999999 1000000 1000000 1234567 1234567 2097152 2097152 123456789012 123456789012 9007199254740992 9007199254740992 1 1 0 0 100 100 0 0 0 0 0 0 0 0 3 3 ",
                ),
            ),
        ],
    );
}

#[test]
fn numbers_converted_as_recorded() {
    recorded(
        &numbers(),
        &[
            (
                "{{range .content.l}}{{float64 .}} {{end}}",
                Some(
                    "0 1 -1 10 999999 1e+06 1.234567e+06 2.097152e+06 1.23456789012e+11 9.007199254740992e+15 1e+20 1e+21 1.5 0.1 100.25 0.0001 1e-05 1e-07 -0.5 3 ",
                ),
            ),
            (
                "{{range .content.l}}{{toString .}} {{end}}",
                Some(
                    "0 1 -1 10 999999 1e+06 1.234567e+06 2.097152e+06 1.23456789012e+11 9.007199254740992e+15 1e+20 1e+21 1.5 0.1 100.25 0.0001 1e-05 1e-07 -0.5 3 ",
                ),
            ),
            (
                r#"{{range .content.l}}{{printf "%.2f" .}} {{end}}"#,
                Some(
                    "0.00 1.00 -1.00 10.00 999999.00 1000000.00 1234567.00 2097152.00 123456789012.00 9007199254740992.00 100000000000000000000.00 1000000000000000000000.00 1.50 0.10 100.25 0.00 0.00 0.00 -0.50 3.00 ",
                ),
            ),
            (
                r#"{{range .content.l}}{{printf "%e" .}} {{end}}"#,
                Some(
                    "0.000000e+00 1.000000e+00 -1.000000e+00 1.000000e+01 9.999990e+05 1.000000e+06 1.234567e+06 2.097152e+06 1.234568e+11 9.007199e+15 1.000000e+20 1.000000e+21 1.500000e+00 1.000000e-01 1.002500e+02 1.000000e-04 1.000000e-05 1.000000e-07 -5.000000e-01 3.000000e+00 ",
                ),
            ),
            (
                r#"{{range .content.l}}{{printf "%g" .}} {{end}}"#,
                Some(
                    "0 1 -1 10 999999 1e+06 1.234567e+06 2.097152e+06 1.23456789012e+11 9.007199254740992e+15 1e+20 1e+21 1.5 0.1 100.25 0.0001 1e-05 1e-07 -0.5 3 ",
                ),
            ),
            (
                "{{.content.l}}",
                Some(
                    "[0 1 -1 10 999999 1e+06 1.234567e+06 2.097152e+06 1.23456789012e+11 9.007199254740992e+15 1e+20 1e+21 1.5 0.1 100.25 0.0001 1e-05 1e-07 -0.5 3]",
                ),
            ),
            (
                "{{1}} {{1.0}} {{1e3}} {{0x1F}} {{0b11}} {{-2}} {{1_000}} {{2.50}} {{1000000}} {{1e6}}",
                Some("1 1 1000 31 3 -2 1000 2.5 1000000 1e+06"),
            ),
        ],
    );
}

#[test]
fn pipelines_as_recorded() {
    recorded(
        &manifest(),
        &[
            ("{{.content.s | upper | lower | title}}", Some("Hello World")),
            (r#"{{.content.s | printf "%s-%s" "x"}}"#, Some("x-Hello World")),
            ("{{(len .content.l) | add 1}} {{add 1 (mul 2 3)}}", Some("5 7")),
            (
                r#"{{"a" | eq "a"}} {{.content.l | join "+"}} {{.content.l | first | upper | quote}}"#,
                Some(r#"true c+a+b+a "C""#),
            ),
            ("{{$x := .content.s | trunc 5}}{{$x}} {{$x | len}}", Some("Hello 5")),
        ],
    );
}

#[test]
fn print_and_println_as_recorded() {
    recorded(
        &manifest(),
        &[
            (r#"{{print 1 2 "a" "b" 3}}|{{print "a" 1}}|{{print .content.l}}"#, Some("1 2ab3|a1|[c a b a]")),
            (r#"{{println 1 "a"}}{{println}}x"#, Some("1 a\n\nx")),
            (
                "{{.content.o}} {{.content.l}} {{.content.t}} {{.content.x}}",
                Some("map[a:1 b:2 c:map[d:deep]] [c a b a] true [3 1.5 -2]"),
            ),
            (
                r#"{{html "<a b=\"c\">&"}} {{js "a<b\"c"}} {{urlquery "a b&c/d"}}"#,
                Some(r#"&lt;a b=&#34;c&#34;&gt;&amp; a\u003Cb\"c a+b%26c%2Fd"#),
            ),
            (r#"{{"<&>"}} {{.content.s}}"#, Some("<&> Hello World")),
        ],
    );
}

#[test]
fn printf_verbs_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                r#"{{printf "%s|%v|%q|%x" .content.s .content.s .content.s .content.s}}"#,
                Some(r#"Hello World|Hello World|"Hello World"|48656c6c6f20576f726c64"#),
            ),
            (
                r#"{{printf "%d|%5d|%-5d|%05d|%+d|%x|%o|%b|%c" 42 42 42 42 42 42 42 42 65}}"#,
                Some("42|   42|42   |00042|+42|2a|52|101010|A"),
            ),
            (r#"{{printf "%t|%v" .content.t .content.f}}"#, Some("true|false")),
            (r#"{{printf "%10s|%-10s|%.3s|%%" "abcd" "abcd" "abcd"}}"#, Some("      abcd|abcd      |abc|%")),
            (r#"{{printf "%6.2f|%g|%e" 3.14159 1e21 1234.5}}"#, Some("  3.14|1e+21|1.234500e+03")),
            (
                r#"{{printf "%v %v %v" .content.l .content.o .content.n}}"#,
                Some("[c a b a] map[a:1 b:2 c:map[d:deep]] <nil>"),
            ),
            (
                r#"{{printf "%T %T %T %T" .content.i .content.s .content.l .content.t}}"#,
                Some("float64 string []interface {} bool"),
            ),
            (
                r#"{{printf "%d" "x"}} {{printf "%s"}} {{printf "a" 1}}"#,
                Some("%!d(string=x) %!s(MISSING) a%!(EXTRA int=1)"),
            ),
            (r#"{{printf "%*d|%[2]d %[1]d" 5 42}}"#, Some("   42|42 5")),
        ],
    );
}

#[test]
fn range_forms_as_recorded() {
    recorded(
        &tags(&["a", "b", "c"]),
        &[
            ("{{range .tags}}{{.}};{{end}}", Some("a;b;c;")),
            ("{{range $t := .tags}}{{$t}};{{end}}", Some("a;b;c;")),
            ("{{range $i, $t := .tags}}{{$i}}{{$t}};{{end}}", Some("0a;1b;2c;")),
            ("{{range .missing}}x{{else}}none{{end}}", Some("none")),
            (r#"{{range .tags}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}"#, Some("a")),
            (r#"{{range .tags}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}"#, Some("ac")),
            ("{{range $i, $t := .tags}}{{if $i}}, {{end}}{{$t}}{{$.tags | len}}{{end}}", Some("a3, b3, c3")),
            ("{{range 3}}{{.}}{{end}}", Some("012")),
        ],
    );
}

#[test]
fn range_over_maps_as_recorded() {
    recorded(
        &manifest(),
        &[
            ("{{range $k, $v := .content.o}}{{$k}}={{$v}};{{end}}", Some("a=1;b=2;c=map[d:deep];")),
            ("{{range .content.o}}[{{.}}]{{end}}", Some("[1][2][map[d:deep]]")),
            ("{{range $k, $v := .content.missing}}x{{else}}none{{end}}", Some("none")),
            (r#"{{range $k, $v := dict "y" 1 "x" 2}}{{$k}}{{$v}}{{end}}"#, Some("x2y1")),
        ],
    );
}

#[test]
fn regex_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                r#"{{regexMatch "^H.*d$" .content.s}} {{regexFind "[a-z]+" .content.s}} {{regexFindAll "[a-z]+" .content.s -1}} {{regexFindAll "o" .content.s 1}}"#,
                Some("true ello [ello orld] [o]"),
            ),
            (
                r#"{{regexReplaceAll "(\\w+) (\\w+)" .content.s "${2} $1"}} {{regexReplaceAllLiteral "o" .content.s "${1}"}}"#,
                Some("World Hello Hell${1} W${1}rld"),
            ),
            (
                r#"{{regexSplit " " .content.s -1}} {{regexSplit "l" .content.s 2}} {{regexQuoteMeta "1.2+"}}"#,
                Some(r"[Hello World] [He lo World] 1\.2\+"),
            ),
            (
                r#"{{regexFind "(?i)WORLD" .content.s}} [{{regexFind "zzz" .content.s}}] {{mustRegexReplaceAll "[aeiou]" .content.s "*"}}"#,
                Some("World [] H*ll* W*rld"),
            ),
        ],
    );
}

#[test]
fn semver_and_paths_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                r#"{{semverCompare "^1.2.0" "1.3.3"}} {{semverCompare ">=1.2 <1.3" "1.3.3"}} {{semverCompare "~1.3" "1.3.9"}} {{semverCompare "1.x || 3.x" "2.0.0"}}"#,
                Some("true false true false"),
            ),
            (
                r#"{{(semver "v1.2.3-rc.1+b5").Major}} {{(semver "v1.2.3-rc.1+b5").Prerelease}} {{(semver "v1.2.3-rc.1+b5").Metadata}} {{semver "v1.2"}}"#,
                Some("1 rc.1 b5 1.2.0"),
            ),
            (
                r#"{{base "a/b/c.txt"}} {{dir "a/b/c.txt"}} {{ext "a/b/c.txt"}} {{clean "a/../b//c"}} {{isAbs "/a"}} {{isAbs "a"}}"#,
                Some("c.txt a/b .txt b/c true false"),
            ),
            (
                r#"{{(urlParse "https://u:p@h:1/p?q=1#f").host}} {{(urlParse "https://u:p@h:1/p?q=1#f").query}} {{urlJoin (dict "scheme" "http" "host" "h:1" "path" "/p" "query" "q=1")}}"#,
                Some("h:1 q=1 http://h:1/p?q=1"),
            ),
        ],
    );
}

#[test]
fn string_lists_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                r#"{{join "," .content.l}} {{join "-" (list 1 2 3)}} {{sortAlpha .content.l}}"#,
                Some("c,a,b,a 1-2-3 [a a b c]"),
            ),
            (
                r#"{{splitList "," "a,b,c"}} {{(split "," "a,b")._0}} {{(splitn "," 2 "a,b,c")._1}}"#,
                Some("[a b c] a b,c"),
            ),
            (
                r#"{{toStrings (list 1 true "a")}} {{join "|" (list "x" 1 nil)}} {{join "," "alone"}}"#,
                Some("[1 true a] x|1 alone"),
            ),
        ],
    );
}

#[test]
fn strings_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                r#"{{trim "  a b  "}}|{{trimAll "$" "$5$"}}|{{trimPrefix "-" "-a-"}}|{{trimSuffix "-" "-a-"}}|{{nospace "a b  c"}}"#,
                Some("a b|5|a-|-a|abc"),
            ),
            (
                r#"{{upper "aé"}} {{lower "AÉ"}} {{title "hello world"}} {{untitle "Hello World"}} {{swapcase "aB"}}"#,
                Some("AÉ aé Hello World hello world Ab"),
            ),
            (
                r#"{{repeat 3 "ab"}} {{substr 1 3 "hello"}} {{trunc 3 "hello"}} {{trunc -3 "hello"}} {{abbrev 7 "hello world"}} {{initials "Ada Bob"}}"#,
                Some("ababab el hel llo hell... AB"),
            ),
            (
                r#"{{contains "ell" "hello"}} {{hasPrefix "he" "hello"}} {{hasSuffix "x" "hello"}}"#,
                Some("true true false"),
            ),
            (
                r#"{{quote "a" 1 "b\"c"}} {{squote "a" "b"}} {{cat "a" 1 "b"}} {{replace "l" "L" "hello"}}"#,
                Some(r#""a" "1" "b\"c" 'a' 'b' a 1 b heLLo"#),
            ),
            (
                r#"{{snakecase "FirstName"}} {{camelcase "first_name"}} {{kebabcase "FirstName"}} {{plural "one" "many" 1}} {{plural "one" "many" 2}}"#,
                Some("first_name FirstName first-name one many"),
            ),
            (
                r#"{{wrap 5 "aa bb cc dd"}}|{{wrapWith 5 "/" "aa bb cc dd"}}"#,
                Some("aa bb\ncc dd|aa bb/cc dd"),
            ),
            (r#"{{indent 2 "a\nb"}}|{{nindent 2 "a\nb"}}"#, Some("  a\n  b|\n  a\n  b")),
        ],
    );
}

#[test]
fn text_and_comments_as_recorded() {
    recorded(
        &tags(&["a", "b"]),
        &[
            ("plain text", Some("plain text")),
            ("{{/* nothing */}}[{{/* a b */}}]", Some("[]")),
            (r"{{ `raw \n {{` }}", Some(r"raw \n {{")),
            (r#"{{"quoted\t\u00e9\x41"}}"#, Some("quoted\téA")),
            (r#"a\nb{{"\n"}}c"#, Some("a\\nb\nc")),
            (r#"{{"{{"}}.tags{{"}}"}}"#, Some("{{.tags}}")),
        ],
    );
}

#[test]
fn trim_markers_as_recorded() {
    recorded(
        &tags(&["a", "b"]),
        &[
            ("x  {{- 1 -}}  y", Some("x1y")),
            ("x  {{- 1}}  y", Some("x1  y")),
            ("x  {{1 -}}  y  {{- /* gone */ -}}  z", Some("x  1yz")),
            ("{{range .tags -}} [ {{- . -}} ] {{- end}}", Some("[a][b]")),
        ],
    );
}

#[test]
fn types_as_recorded() {
    recorded(
        &manifest(),
        &[
            (
                "{{kindOf .content.i}} {{kindOf .content.s}} {{kindOf .content.l}} {{kindOf .content.o}} {{kindOf .content.t}} {{kindOf 1}} {{kindOf (list)}}",
                Some("float64 string slice map bool int slice"),
            ),
            (
                "{{typeOf .content.i}} {{typeOf .content.o}} {{typeOf .content.l}} {{typeOf 1}} {{typeOf (list)}} {{typeOf (dict)}}",
                Some(
                    "float64 map[string]interface {} []interface {} int []interface {} map[string]interface {}",
                ),
            ),
            (
                r#"{{kindIs "string" .content.s}} {{typeIs "float64" .content.i}} {{deepEqual (list 1 2) (list 1 2)}} {{deepEqual .content.l (list "c")}}"#,
                Some("true true true false"),
            ),
            (
                "{{toString 1.5}} {{toString true}} {{toString .content.l}} {{toString .content.n}}",
                Some("1.5 true [c a b a] <nil>"),
            ),
        ],
    );
}

#[test]
fn with_and_variables_as_recorded() {
    recorded(
        &manifest(),
        &[
            ("{{with .content.o}}{{.a}}{{.b}}{{end}}", Some("12")),
            ("{{with .content.e}}x{{else}}empty{{end}}", Some("empty")),
            ("{{with .content.missing}}x{{else with .content.s}}{{.}}{{end}}", Some("Hello World")),
            ("{{with $x := .content.i}}{{$x}} {{$.mediaType}}{{end}}", Some("7 x/y")),
            ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", Some("2")),
            ("{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", Some("21")),
            (
                "{{$a := .content.o}}{{$a.c.d}} {{.content.o.c.d}} {{(.content.o.c).d}}",
                Some("deep deep deep"),
            ),
        ],
    );
}

/// The document of `push` of two tags.
fn push() -> Json {
    json!({
        "reference": "L@sha256:70cffe781c9f4b952374eb7c89ae2520a4f49e0e29687c997750195b1c8a33d2",
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": "sha256:70cffe781c9f4b952374eb7c89ae2520a4f49e0e29687c997750195b1c8a33d2",
        "size": 584,
        "annotations": { "org.opencontainers.image.created": "2020-01-01T00:00:00Z" },
        "artifactType": "application/vnd.unknown.artifact.v1",
        "referenceAsTags": ["L:v1", "L:v2"],
    })
}

#[test]
fn push_of_two_tags_as_recorded() {
    recorded(
        &push(),
        &[
            (
                "{{.}}",
                Some(
                    "map[annotations:map[org.opencontainers.image.created:2020-01-01T00:00:00Z] artifactType:application/vnd.unknown.artifact.v1 digest:sha256:70cffe781c9f4b952374eb7c89ae2520a4f49e0e29687c997750195b1c8a33d2 mediaType:application/vnd.oci.image.manifest.v1+json reference:L@sha256:70cffe781c9f4b952374eb7c89ae2520a4f49e0e29687c997750195b1c8a33d2 referenceAsTags:[L:v1 L:v2] size:584]",
                ),
            ),
            (
                r#"{{toJson .referenceAsTags}} {{join "," .referenceAsTags}} {{.referenceAsTags | first}}{{"\n"}}"#,
                Some("[\"L:v1\",\"L:v2\"] L:v1,L:v2 L:v1\n"),
            ),
            (
                r#"{{define "x"}}<{{.}}>{{end}}{{template "x" .artifactType}}"#,
                Some("<application/vnd.unknown.artifact.v1>"),
            ),
            ("{{.digest}}", Some("sha256:70cffe781c9f4b952374eb7c89ae2520a4f49e0e29687c997750195b1c8a33d2")),
            (
                "{{.reference}} {{.mediaType}} {{.size}}",
                Some(
                    "L@sha256:70cffe781c9f4b952374eb7c89ae2520a4f49e0e29687c997750195b1c8a33d2 application/vnd.oci.image.manifest.v1+json 584",
                ),
            ),
            (
                "{{range $k, $v := .annotations}}{{$k}}={{$v}};{{end}}",
                Some("org.opencontainers.image.created=2020-01-01T00:00:00Z;"),
            ),
            (
                r#"{{.digest | trunc 12 | upper}} {{if eq .mediaType "x"}}a{{else}}b{{end}} {{len .annotations}} {{index .annotations "org.opencontainers.image.created"}} {{printf "%q" .mediaType}} {{.missing}}"#,
                Some(
                    r#"SHA256:70CFF b 1 2020-01-01T00:00:00Z "application/vnd.oci.image.manifest.v1+json" <no value>"#,
                ),
            ),
            (
                "{{toPrettyJson .annotations}}",
                Some("{\n  \"org.opencontainers.image.created\": \"2020-01-01T00:00:00Z\"\n}"),
            ),
            (
                r#"{{with .annotations}}{{range $k,$v := .}}{{$k | quote}}{{end}}{{end}}{{- "" -}} {{/* comment */}}{{ .size | int | add 1 }}"#,
                Some(r#""org.opencontainers.image.created"585"#),
            ),
            ("{{.digest", None),
            (
                "{{.foo.bar}}|{{upper .mediaType}}|{{println .size}}",
                Some("<no value>|APPLICATION/VND.OCI.IMAGE.MANIFEST.V1+JSON|584\n"),
            ),
        ],
    );
}

#[test]
fn other_documents_as_recorded() {
    let large = json!({ "content": { "a": "x".repeat(4_100_000) }, "size": 4_100_026 });
    recorded(
        &large,
        &[("{{len .content.a}} {{.size}} {{.size | int64}}", Some("4100000 4.100026e+06 4100026"))],
    );
    recorded(
        &json!({ "mediaType": "x/list", "content": null }),
        &[("{{.mediaType}} {{.content}}", Some("x/list <no value>"))],
    );
    recorded(
        &tags(&[]),
        &[("{{.tags}} {{len .tags}} {{range .tags}}x{{else}}none{{end}}", Some("[] 0 none"))],
    );
    recorded(
        &json!({ "registry": "localhost:5000", "repositories": ["b", "a/x"] }),
        &[(
            "{{.registry}} {{range $i, $r := sortAlpha .repositories}}{{$i}}={{$r}} {{end}}",
            Some("localhost:5000 0=a/x 1=b "),
        )],
    );
    recorded(
        &tags(&["<&>", r#"a"b\c"#, "line\u{2028}end", "tab\there", "v1", "é"]),
        &[("{{range .tags}}{{.}};{{end}}", Some("<&>;a\"b\\c;line\u{2028}end;tab\there;v1;é;"))],
    );
}
