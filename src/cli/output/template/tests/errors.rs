//! Errors: what is wrong, and where.

use super::fails;

#[test]
fn syntax_errors_name_line_and_column() {
    fails(&[
        ("{{.digest", "template: format output:1:9: unclosed action"),
        ("{{end}}", "template: format output:1:0: unexpected {{end}}"),
        ("{{else}}", "template: format output:1:0: unexpected {{else}}"),
        ("{{if .t}}x", "template: format output:1:10: unexpected end of the template: {{end}} is missing"),
        (
            "{{if .t}}x{{else}}y{{else}}z{{end}}",
            "template: format output:1:18: expected {{end}}; found {{else}}",
        ),
        ("{{range}}{{end}}", "template: format output:1:7: missing value for range"),
        ("{{if}}x{{end}}", "template: format output:1:4: missing value for if"),
        ("{{}}", "template: format output:1:2: missing value for command"),
        ("{{| print}}", r#"template: format output:1:2: unexpected "|" in command"#),
        (r#"{{"open}}"#, "template: format output:1:2: unterminated quoted string"),
        ("{{`open}}", "template: format output:1:2: unterminated raw quoted string"),
        ("{{'a}}", "template: format output:1:2: unterminated character constant"),
        ("{{'ab'}}", "template: format output:1:2: malformed character constant: 'ab'"),
        (r#"{{"\q"}}"#, r#"template: format output:1:2: invalid escape in "\q""#),
        ("{{1a}}", r#"template: format output:1:2: bad number syntax: "1a""#),
        ("{{1_}}", r#"template: format output:1:2: illegal number syntax: "1_""#),
        ("{{0x}}", r#"template: format output:1:2: illegal number syntax: "0x""#),
        ("{{1e400}}", r#"template: format output:1:2: illegal number syntax: "1e400""#),
        (
            "{{99999999999999999999}}",
            r#"template: format output:1:2: integer overflow: "99999999999999999999""#,
        ),
        ("{{1i}}", r#"template: format output:1:2: complex numbers are not supported: "1i""#),
        ("{{/* never closed", "template: format output:1:0: unclosed comment"),
        ("{{/* closed */ late}}", "template: format output:1:0: comment ends before closing delimiter"),
        ("{{(1}}", "template: format output:1:4: unclosed left paren"),
        ("{{1)}}", "template: format output:1:3: unexpected right paren"),
        ("{{.x.}}", r#"template: format output:1:4: unexpected "." in operand"#),
        (r#"{{"a".b}}"#, r#"template: format output:1:5: unexpected . after term "a""#),
        ("{{true.b}}", "template: format output:1:6: unexpected . after term true"),
        ("{{1 | 2}}", "template: format output:1:6: non executable command in pipeline stage 2"),
        (
            r#"{{print "a" | "b"}}"#,
            "template: format output:1:14: non executable command in pipeline stage 2",
        ),
        ("{{$x}}", r#"template: format output:1:2: undefined variable "$x""#),
        ("{{$x = 1}}", r#"template: format output:1:2: undefined variable "$x""#),
        ("{{$x := $x}}", r#"template: format output:1:8: undefined variable "$x""#),
        ("{{if true}}{{$y := 1}}{{end}}{{$y}}", r#"template: format output:1:31: undefined variable "$y""#),
        ("{{$x, $y := 1}}", "template: format output:1:4: too many declarations in command"),
        ("{{range $x, 1 := .l}}{{end}}", "template: format output:1:12: range can only initialize variables"),
        ("{{range $a, $b, $c := .l}}{{end}}", "template: format output:1:14: too many declarations in range"),
        ("{{break}}", "template: format output:1:2: {{break}} outside {{range}}"),
        ("{{continue}}", "template: format output:1:2: {{continue}} outside {{range}}"),
        ("{{range .l}}{{break 1}}{{end}}", r#"template: format output:1:20: unexpected "1" in {{break}}"#),
        ("{{template}}", r#"template: format output:1:10: unexpected "}}" in template clause"#),
        ("{{template x}}", r#"template: format output:1:11: unexpected "x" in template clause"#),
        (
            r#"{{define "a"}}1{{end}}{{define "a"}}2{{end}}"#,
            r#"template: format output:1:24: multiple definition of template "a""#,
        ),
        (
            r#"{{define "a"}}1"#,
            "template: format output:1:15: unexpected end of the template: {{end}} is missing",
        ),
        ("{{define x}}{{end}}", r#"template: format output:1:9: unexpected "x" in define clause"#),
        (
            r#"{{if true}}{{define "a"}}{{end}}{{end}}"#,
            "template: format output:1:13: unexpected <define> in command",
        ),
        (r#"{{block "b"}}{{end}}"#, "template: format output:1:11: missing value for block clause"),
        ("{{.a:b}}", "template: format output:1:4: expected :="),
        ("{{.a}b}}", "template: format output:1:2: bad character U+007D '}'"),
        ("{{@}}", r#"template: format output:1:2: unexpected "@" in command"#),
        ("{{x#}}", "template: format output:1:2: bad character U+0023 '#'"),
        (
            "first\n second {{.a}}\n third {{.b | |}}",
            r#"template: format output:3:14: unexpected "|" in command"#,
        ),
        (
            "{{if eq .a \"x\"\n  \"y\" }}{{end}}\n{{nonsense}}",
            r#"template: format output:3:2: function "nonsense" not defined"#,
        ),
    ]);
}

#[test]
fn unknown_functions_are_found_before_anything_runs() {
    fails(&[
        ("{{nofunc 1}}", r#"template: format output:1:2: function "nofunc" not defined"#),
        (
            "{{if false}}{{upper (nofunc)}}{{end}}",
            r#"template: format output:1:21: function "nofunc" not defined"#,
        ),
        ("a\nb {{json .}}", r#"template: format output:2:4: function "json" not defined"#),
    ]);
}

#[test]
fn execution_errors_name_the_place_and_the_expression() {
    fails(&[
        (
            "{{.s.x}}",
            r#"template: format output:1:4: executing "format output" at <.s.x>: can't evaluate field x in type string"#,
        ),
        (
            "{{.l.x}}",
            r#"template: format output:1:4: executing "format output" at <.l.x>: can't evaluate field x in type []interface {}"#,
        ),
        (
            "{{.size.x}}",
            r#"template: format output:1:7: executing "format output" at <.size.x>: can't evaluate field x in type float64"#,
        ),
        (
            "{{.n.x}}",
            r#"template: format output:1:4: executing "format output" at <.n.x>: nil pointer evaluating interface {}.x"#,
        ),
        (
            "{{$x := 1}}{{$x.y}}",
            r#"template: format output:1:15: executing "format output" at <$x.y>: can't evaluate field y in type int"#,
        ),
        (
            "{{(index .l 0).b}}",
            r#"template: format output:1:12: executing "format output" at <0>: can't evaluate field b in type string"#,
        ),
        (
            "{{.s 1}}",
            r#"template: format output:1:2: executing "format output" at <.s>: s is not a method but has arguments"#,
        ),
        (
            "{{1 | .s}}",
            r#"template: format output:1:6: executing "format output" at <.s>: s is not a method but has arguments"#,
        ),
        (
            r#"{{"a" "b"}}"#,
            r#"template: format output:1:2: executing "format output" at <"a">: can't give argument to non-function "a""#,
        ),
        (
            "{{. 1}}",
            r#"template: format output:1:2: executing "format output" at <.>: can't give argument to non-function ."#,
        ),
        (
            "{{nil}}",
            r#"template: format output:1:2: executing "format output" at <nil>: nil is not a command"#,
        ),
        (
            "{{upper .size}}",
            r#"template: format output:1:8: executing "format output" at <.size>: wrong type for value; expected string; got float64"#,
        ),
        (
            "{{upper .missing}}",
            r#"template: format output:1:8: executing "format output" at <.missing>: invalid value; expected string"#,
        ),
        (
            "{{upper .n}}",
            r#"template: format output:1:8: executing "format output" at <.n>: wrong type for value; expected string; got interface {}"#,
        ),
        (
            "{{upper 1}}",
            r#"template: format output:1:8: executing "format output" at <1>: expected string; found 1"#,
        ),
        (
            "{{upper}}",
            r#"template: format output:1:2: executing "format output" at <upper>: wrong number of args for upper: want 1 got 0"#,
        ),
        (
            r#"{{upper "a" "b"}}"#,
            r#"template: format output:1:2: executing "format output" at <upper>: wrong number of args for upper: want 1 got 2"#,
        ),
        (
            r#"{{"a" | upper "b"}}"#,
            r#"template: format output:1:8: executing "format output" at <upper>: wrong number of args for upper: want 1 got 2"#,
        ),
        (
            r#"{{trunc 3.5 "x"}}"#,
            r#"template: format output:1:8: executing "format output" at <3.5>: expected integer; found 3.5"#,
        ),
        (
            r#"{{trunc "3" "x"}}"#,
            r#"template: format output:1:8: executing "format output" at <"3">: expected integer; found "3""#,
        ),
        (
            r#"{{trunc .size "x"}}"#,
            r#"template: format output:1:8: executing "format output" at <.size>: wrong type for value; expected int; got float64"#,
        ),
        (
            r#"{{trunc (add 1 2) "x"}}"#,
            r#"template: format output:1:15: executing "format output" at <2>: wrong type for value; expected int; got int64"#,
        ),
        (
            r#"{{ternary 1 2 "x"}}"#,
            r#"template: format output:1:14: executing "format output" at <"x">: expected bool; found "x""#,
        ),
        (
            "{{ternary 1 2 nil}}",
            r#"template: format output:1:14: executing "format output" at <nil>: cannot assign nil to bool"#,
        ),
        (
            r#"{{get .l "a"}}"#,
            r#"template: format output:1:6: executing "format output" at <.l>: wrong type for value; expected map[string]interface {}; got []interface {}"#,
        ),
        (
            r#"{{dateModify "1h" 5}}"#,
            r#"template: format output:1:18: executing "format output" at <5>: can't handle 5 for arg of type time.Time"#,
        ),
        (
            "{{eq .size 394}}",
            r#"template: format output:1:2: executing "format output" at <eq .size 394>: error calling eq: incompatible types for comparison: float64 and int (numbers of the data are float64: write 1.0 for 1, or pipe them through int)"#,
        ),
        (
            "{{lt .s 1}}",
            r#"template: format output:1:2: executing "format output" at <lt .s 1>: error calling lt: incompatible types for comparison: string and int"#,
        ),
        (
            "{{eq .l .l}}",
            r#"template: format output:1:2: executing "format output" at <eq .l .l>: error calling eq: non-comparable type []interface {}"#,
        ),
        (
            "{{eq 1}}",
            r#"template: format output:1:2: executing "format output" at <eq 1>: error calling eq: missing argument for comparison"#,
        ),
        (
            "{{lt true false}}",
            r#"template: format output:1:2: executing "format output" at <lt true false>: error calling lt: invalid type for comparison"#,
        ),
        (
            "{{lt .n 1}}",
            r#"template: format output:1:2: executing "format output" at <lt .n 1>: error calling lt: invalid type for comparison"#,
        ),
        (
            "{{len 3}}",
            r#"template: format output:1:2: executing "format output" at <len 3>: error calling len: len of type int"#,
        ),
        (
            "{{len .missing}}",
            r#"template: format output:1:2: executing "format output" at <len .missing>: error calling len: len of nil"#,
        ),
        (
            "{{index .l 9}}",
            r#"template: format output:1:2: executing "format output" at <index .l 9>: error calling index: index out of range: 9"#,
        ),
        (
            "{{index .l -1}}",
            r#"template: format output:1:2: executing "format output" at <index .l -1>: error calling index: index out of range: -1"#,
        ),
        (
            r#"{{index .l "a"}}"#,
            r#"template: format output:1:2: executing "format output" at <index .l "a">: error calling index: cannot index slice/array with type string"#,
        ),
        (
            "{{index .o 1}}",
            r#"template: format output:1:2: executing "format output" at <index .o 1>: error calling index: value has type int; should be string"#,
        ),
        (
            r#"{{index .o "a" "b"}}"#,
            r#"template: format output:1:2: executing "format output" at <index .o "a" "b">: error calling index: cannot index slice/array with type string"#,
        ),
        (
            "{{index .n 1}}",
            r#"template: format output:1:2: executing "format output" at <index .n 1>: error calling index: index of untyped nil"#,
        ),
        (
            r#"{{index .o "zz" "b"}}"#,
            r#"template: format output:1:2: executing "format output" at <index .o "zz" "b">: error calling index: index of nil pointer"#,
        ),
        (
            "{{call .s}}",
            r#"template: format output:1:2: executing "format output" at <call .s>: error calling call: non-function of type string"#,
        ),
        (
            "{{range .size}}{{end}}",
            r#"template: format output:1:8: executing "format output" at <.size>: range can't iterate over a value of type float64"#,
        ),
        (
            "{{range .s}}{{end}}",
            r#"template: format output:1:8: executing "format output" at <.s>: range can't iterate over a value of type string"#,
        ),
        (
            "{{range $i, $x := 3}}{{end}}",
            r#"template: format output:1:18: executing "format output" at <3>: can't use 3 to iterate over more than one variable"#,
        ),
        (
            r#"{{template "unknown"}}"#,
            r#"template: format output:1:11: executing "format output" at <{{template "unknown"}}>: template "unknown" not defined"#,
        ),
        (
            "{{define \"t\"}}\n{{fail \"in\"}}{{end}}{{template \"t\" .}}",
            r#"template: format output:2:2: executing "t" at <fail "in">: error calling fail: in"#,
        ),
        (
            r#"{{fail "boo"}}"#,
            r#"template: format output:1:2: executing "format output" at <fail "boo">: error calling fail: boo"#,
        ),
        (
            "{{div 1 0}}",
            r#"template: format output:1:2: executing "format output" at <div 1 0>: error calling div: integer divide by zero"#,
        ),
        (
            "{{mod 1 0}}",
            r#"template: format output:1:2: executing "format output" at <mod 1 0>: error calling mod: integer divide by zero"#,
        ),
        (
            "{{divf 1 0}}",
            r#"template: format output:1:2: executing "format output" at <divf 1 0>: error calling divf: decimal division by 0"#,
        ),
        (
            "{{first 5}}",
            r#"template: format output:1:2: executing "format output" at <first 5>: error calling first: cannot find first on type int"#,
        ),
        (
            "{{rest nil}}",
            r#"template: format output:1:2: executing "format output" at <rest nil>: error calling rest: cannot find rest on type <nil>"#,
        ),
        (
            r#"{{slice "abc" 1}}"#,
            r#"template: format output:1:2: executing "format output" at <slice "abc" 1>: error calling slice: list should be type of slice or array but string"#,
        ),
        (
            "{{slice .l 3 1}}",
            r#"template: format output:1:2: executing "format output" at <slice .l 3 1>: error calling slice: slice index out of bounds"#,
        ),
        (
            "{{chunk 0 .l}}",
            r#"template: format output:1:2: executing "format output" at <chunk 0 .l>: error calling chunk: the size of a chunk must be positive"#,
        ),
        (
            r#"{{substr 3 1 "hello"}}"#,
            r#"template: format output:1:2: executing "format output" at <substr 3 1 "hello">: error calling substr: slice bounds out of range [3:1]"#,
        ),
        (
            r#"{{repeat -1 "a"}}"#,
            r#"template: format output:1:2: executing "format output" at <repeat -1 "a">: error calling repeat: negative repeat count"#,
        ),
        (
            r#"{{set nil "a" 1}}"#,
            r#"template: format output:1:2: executing "format output" at <set nil "a" 1>: error calling set: assignment to entry in nil map"#,
        ),
        (
            r#"{{dig "a" "b" "none" .o}}"#,
            r#"template: format output:1:2: executing "format output" at <dig "a" "b" "none" .o>: error calling dig: "b" is looked up in string, not in a map"#,
        ),
        (
            r#"{{dig "a" .o}}"#,
            r#"template: format output:1:2: executing "format output" at <dig "a" .o>: error calling dig: dig needs at least three arguments"#,
        ),
        (
            "{{deepCopy nil}}",
            r#"template: format output:1:2: executing "format output" at <deepCopy nil>: error calling deepCopy: cannot copy nil"#,
        ),
        (
            r#"{{mustFromJson "x"}}"#,
            r#"template: format output:1:2: executing "format output" at <mustFromJson "x">: error calling mustFromJson: invalid JSON: expected value at line 1 column 1"#,
        ),
        (
            r#"{{mustRegexFind "(" "x"}}"#,
            r#"template: format output:1:2: executing "format output" at <mustRegexFind "(" "x">: error calling mustRegexFind: error parsing regexp "(": unclosed group"#,
        ),
        (
            r#"{{regexFind "a**" "x"}}"#,
            r#"template: format output:1:2: executing "format output" at <regexFind "a**" "x">: error calling regexFind: error parsing regexp "a**": invalid nested repetition operator: *"#,
        ),
        (
            r#"{{mustRegexFind "(?=a)" "x"}}"#,
            r#"template: format output:1:2: executing "format output" at <mustRegexFind "(?=a)" "x">: error calling mustRegexFind: error parsing regexp "(?=a)": invalid or unsupported Perl syntax: (?="#,
        ),
        (
            r#"{{mustRegexFind "[b-a]" "x"}}"#,
            r#"template: format output:1:2: executing "format output" at <mustRegexFind "[b-a]" "x">: error calling mustRegexFind: error parsing regexp "[b-a]": invalid character class range: b-a"#,
        ),
        (
            r#"{{mustRegexFind "\\u00e9" "x"}}"#,
            r#"template: format output:1:2: executing "format output" at <mustRegexFind "\\u00e9" "x">: error calling mustRegexFind: error parsing regexp "\\u00e9": invalid escape sequence: \u"#,
        ),
        (
            r#"{{mustRegexFind "a{1001}" "x"}}"#,
            r#"template: format output:1:2: executing "format output" at <mustRegexFind "a{1001}" "x">: error calling mustRegexFind: error parsing regexp "a{1001}": invalid repeat count: {1001}"#,
        ),
        (
            r#"{{mustToDate "2006-01-02" "2020-02-30"}}"#,
            r#"template: format output:1:2: executing "format output" at <mustToDate "2006-01-02" "2020-02-30">: error calling mustToDate: parsing time "2020-02-30": day out of range"#,
        ),
        (
            r#"{{mustToDate "2006-01-02" "x"}}"#,
            r#"template: format output:1:2: executing "format output" at <mustToDate "2006-01-02" "x">: error calling mustToDate: parsing time "x" as "2006-01-02": cannot parse "x" as a year"#,
        ),
        (
            r#"{{mustToDate "2006" "2020x"}}"#,
            r#"template: format output:1:2: executing "format output" at <mustToDate "2006" "2020x">: error calling mustToDate: parsing time "2020x": extra text: "x""#,
        ),
        (
            r#"{{mustDateModify "1d" now}}"#,
            r#"template: format output:1:2: executing "format output" at <mustDateModify "1d" now>: error calling mustDateModify: unknown unit "d" in duration "1d""#,
        ),
        (
            r#"{{semver "x"}}"#,
            r#"template: format output:1:2: executing "format output" at <semver "x">: error calling semver: invalid semantic version "x""#,
        ),
        (
            r#"{{semverCompare "foo" "1.0.0"}}"#,
            r#"template: format output:1:2: executing "format output" at <semverCompare "foo" "1.0.0">: error calling semverCompare: improper constraint: "foo""#,
        ),
        (
            r#"{{(semver "1.2.3").Foo}}"#,
            r#"template: format output:1:10: executing "format output" at <"1.2.3">: can't evaluate field Foo in type *semver.Version"#,
        ),
        (
            "{{now.Year 1}}",
            r#"template: format output:1:2: executing "format output" at <now>: wrong number of args for Year: want 0 got 1"#,
        ),
        (
            r#"{{urlParse ":"}}"#,
            r#"template: format output:1:2: executing "format output" at <urlParse ":">: error calling urlParse: cannot parse URL ":": missing protocol scheme"#,
        ),
        (
            r#"{{urlParse "http://a b"}}"#,
            r#"template: format output:1:2: executing "format output" at <urlParse "http://a b">: error calling urlParse: cannot parse URL "http://a b": invalid character " " in host name"#,
        ),
        (
            r#"{{urlJoin (dict "host" 5)}}"#,
            r#"template: format output:1:2: executing "format output" at <urlJoin (dict "host" 5)>: error calling urlJoin: the host of a URL must be a string, not int"#,
        ),
        (
            "{{randInt 2 1}}",
            r#"template: format output:1:2: executing "format output" at <randInt 2 1>: error calling randInt: no integer is at least 2 and less than 1"#,
        ),
        (
            "before\n  {{range .l}}{{.x}}{{end}}",
            r#"template: format output:2:16: executing "format output" at <.x>: can't evaluate field x in type string"#,
        ),
    ]);
}
