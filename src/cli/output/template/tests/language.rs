//! The language itself: text, literals, variables, blocks, pipelines, comparison.

use super::{renders, values};

#[test]
fn text_stands_for_itself() {
    renders(&[
        ("plain text", "plain text"),
        (r"a\nb", r"a\nb"),
        (r#"{{"{{"}}x{{"}}"}}"#, "{{x}}"),
        ("}} is text {{1}}", "}} is text 1"),
        ("é☃", "é☃"),
    ]);
}

#[test]
fn comments_leave_nothing() {
    renders(&[
        ("{{/* nothing */}}[{{/* a */}}]", "[]"),
        ("x {{- /* trims both sides */ -}} y", "xy"),
        (r#"{{/* {{ "quoted" }} */}}x"#, "x"),
    ]);
}

#[test]
fn trim_markers_take_white_space_with_them() {
    renders(&[
        ("x  {{- 1 -}}  y", "x1y"),
        ("x  {{- 1}}  y", "x1  y"),
        ("x  {{1 -}}  y", "x  1y"),
        ("x \n {{- \"a\" -}} \n\t y", "xay"),
        ("{{23 -}} < {{- 45}}", "23<45"),
        ("{{- -3 -}}", "-3"),
    ]);
}

#[test]
fn literals_have_their_values() {
    values(&[
        ("1", "1"),
        ("-2", "-2"),
        ("+1", "1"),
        ("0x1F", "31"),
        ("0X1f", "31"),
        ("0o17", "15"),
        ("017", "15"),
        ("0b11", "3"),
        ("1_000", "1000"),
        ("0x_ff", "255"),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("1e6", "1e+06"),
        ("2.50", "2.5"),
        (".5", "0.5"),
        ("1.", "1"),
        ("0x1p4", "16"),
        ("0x.8p1", "1"),
        ("1_0.5", "10.5"),
        ("'a'", "97"),
        (r"'\n'", "10"),
        (r"'\''", "39"),
        (r"'\x41'", "65"),
        ("'☃'", "9731"),
        (r"'\u00e9'", "233"),
        (r#""q\t\"\\\x41\101\u00e9\U0001F600""#, "q\t\"\\AAé😀"),
        (r#"`raw \n "q"`"#, r#"raw \n "q""#),
        ("true", "true"),
        ("false", "false"),
        ("print nil", "<nil>"),
        (r#"printf "%T %T %T %T %T" 1 1.0 'a' "s" true"#, "int float64 int string bool"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775807", "9223372036854775807"),
    ]);
}

#[test]
fn fields_follow_maps_and_missing_keys() {
    values(&[
        (".missing", "<no value>"),
        (".missing.deeper", "<no value>"),
        (".n", "<no value>"),
        ("(.n).x", "<no value>"),
        (".Digest", "<no value>"),
        ("(index .lm 0).k", "v"),
        ("(index .lm 0).zz", "<no value>"),
    ]);
    renders(&[
        ("{{.s}} {{.o.c.d}} {{(.o).c.d}} {{(.o.c).d}} {{$.o.a}}", "Hello World deep deep deep 1"),
        ("{{$x := .o}}{{$x.c.d}} {{$x.zz}} {{$x.zz.y}}", "deep <no value> <no value>"),
    ]);
}

#[test]
fn variables_have_scopes() {
    renders(&[
        ("{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}", "12"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"),
        (r#"{{$x := "a"}}{{with .o}}{{$x}}{{.a}}{{$.s}}{{end}}"#, "a1Hello World"),
        ("{{$x := .i | int | add 1}}{{$x}}", "8"),
        ("{{$x := 0}}{{range .l}}{{$x = add $x 1}}{{end}}{{$x}}", "4"),
        ("{{with $x := 5}}{{$x}}{{end}}", "5"),
        ("{{$a := 1}}{{$b := $a}}{{$a = 7}}{{$a}}{{$b}}", "71"),
        ("{{$x := .missing}}{{$x}} {{print $x}}", "<no value> <nil>"),
        ("{{($x := 3)}}{{$x}}", "33"),
    ]);
}

#[test]
fn if_takes_the_branch_of_the_truth() {
    renders(&[
        (
            "{{if .t}}y{{else}}n{{end}} {{if .f}}y{{else}}n{{end}} {{if .e}}y{{else}}n{{end}} {{if .z}}y{{else}}n{{end}}",
            "y n n n",
        ),
        (
            "{{if .n}}y{{else}}n{{end}} {{if .missing}}y{{else}}n{{end}} {{if .el}}y{{else}}n{{end}} {{if .eo}}y{{else}}n{{end}} {{if .l}}y{{end}}",
            "n n n n y",
        ),
        ("{{if .f}}a{{else if .z}}b{{else if .s}}c{{else}}d{{end}}", "c"),
        (r#"{{if eq .s "x"}}a{{else}}{{if .t}}b{{end}}{{end}}"#, "b"),
        (r#"{{if 0.0}}y{{else}}n{{end}}{{if -1}}y{{end}}{{if "0"}}y{{end}}"#, "nyy"),
        ("{{if $x := .s}}{{$x}}{{else}}no {{$x}}{{end}}", "Hello World"),
        ("{{if $x := .e}}{{$x}}{{else}}no{{$x}}{{end}}", "no"),
    ]);
}

#[test]
fn with_sets_the_dot_unless_empty() {
    renders(&[
        ("{{with .o}}{{.a}}{{.b}}{{end}}{{with .e}}x{{else}}empty{{end}}", "12empty"),
        ("{{with .missing}}x{{else with .s}}{{.}}{{else}}y{{end}}", "Hello World"),
        ("{{with .f}}x{{else with .z}}y{{else}}{{.s}}{{end}}", "Hello World"),
        ("{{with index .l 1}}{{.}}{{end}}", "a"),
    ]);
}

#[test]
fn range_walks_lists_maps_and_numbers() {
    renders(&[
        ("{{range .l}}{{.}};{{end}}", "c;a;b;a;"),
        ("{{range $x := .l}}{{$x}};{{end}}", "c;a;b;a;"),
        ("{{range $i, $x := .l}}{{$i}}{{$x}};{{end}}", "0c;1a;2b;3a;"),
        ("{{range $k, $v := .o}}{{$k}}={{$v}};{{end}}", "a=1;b=2;c=map[d:deep];"),
        ("{{range .o}}[{{.}}]{{end}}", "[1][2][map[d:deep]]"),
        (
            "{{range 3}}{{.}}{{end}} {{range $i := 3}}{{$i}}{{end}} {{range 0}}x{{else}}none{{end}} {{range -1}}x{{else}}none{{end}}",
            "012 012 none none",
        ),
        (
            "{{range .el}}x{{else}}none{{end}} {{range .eo}}x{{else}}none{{end}} {{range .missing}}x{{else}}none{{end}} {{range .n}}x{{else}}none{{end}}",
            "none none none none",
        ),
        (r#"{{range .l}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}"#, "ca"),
        (r#"{{range .l}}{{if eq . "a"}}{{continue}}{{end}}{{.}}{{end}}"#, "cb"),
        (r#"{{range .l}}{{range $.l}}{{if eq . "a"}}{{break}}{{end}}{{.}}{{end}}|{{end}}"#, "c|c|c|c|"),
        ("{{$x := 0}}{{range $x = .l}}{{end}}{{$x}}", "a"),
        (r#"{{$i := 0}}{{$x := ""}}{{range $i, $x = .l}}{{end}}{{$i}}{{$x}}"#, "3a"),
        ("{{range $i, $x := .el}}{{else}}{{$x}}{{$i}}{{end}}", "[][]"),
        (r#"{{range until 3}}{{.}}{{end}}{{range splitList "," "x,y"}}{{.}}{{end}}"#, "012xy"),
        ("{{range .lm}}{{.k}},{{end}}", "v,"),
        ("{{range .ln}}{{.}} {{end}}", "<no value> 1 "),
        ("{{range $i, $e := .l}}{{if $i}}, {{end}}{{$e}}{{end}}", "c, a, b, a"),
        (r#"{{range int64 2}}{{printf "%T" .}} {{end}}"#, "int64 int64 "),
    ]);
}

#[test]
fn pipelines_pass_the_last_value_on() {
    values(&[
        (".s | upper | lower | title", "Hello World"),
        (r#".s | printf "%s-%s" "x""#, "x-Hello World"),
        (r#""a" | eq "a""#, "true"),
        ("3 | add 1 2", "6"),
        ("1 | ", "1"),
        ("(2 | ) | print", "2"),
        ("(len .l) | add 1", "5"),
        ("add 1 (mul 2 3)", "7"),
        ("add (add 1 2) (add 3 4)", "10"),
        ("1 | print | len", "1"),
        (" .l | first | upper | quote ", r#""C""#),
        ("print (1) 2", "1 2"),
        ("((((1))))", "1"),
        (".s\n| upper\n", "HELLO WORLD"),
        ("len (print .missing)", "5"),
    ]);
}

#[test]
fn templates_are_defined_and_applied() {
    renders(&[
        (r#"{{define "t"}}<{{.}}>{{end}}{{range .l}}{{template "t" .}}{{end}}"#, "<c><a><b><a>"),
        (r#"{{template "t" .s}}{{define "t"}}[{{.}}]{{end}}"#, "[Hello World]"),
        (r#"{{define "n"}}nothing {{.}}{{end}}{{template "n"}}"#, "nothing <no value>"),
        (
            r#"{{define "x"}}{{if .}}[{{first .}}{{template "x" rest .}}]{{end}}{{end}}{{template "x" .l}}"#,
            "[c[a[b[a]]]]",
        ),
        (r#"{{block "b" .l}}{{len .}}{{end}}"#, "4"),
        (r#"{{define "b"}}mine{{end}}{{block "c" .}}{{template "b"}}{{end}}"#, "mine"),
        (r#"{{define `raw name`}}r{{end}}{{template `raw name`}}{{template "raw name"}}"#, "rr"),
        (r#"{{$x := 1}}{{define "d"}}{{$}}{{end}}{{template "d" 5}}"#, "5"),
        (r#"{{define "e"}}{{end}}{{define "e"}}full{{end}}{{template "e"}}"#, "full"),
        (r#"{{define "d"}}{{$x := .}}{{$x}}{{end}}{{template "d" 1 | add 1}}{{template "d" 3}}"#, "23"),
        (r#"{{template "a" $x := .s}}{{$x}}{{define "a"}}{{.}}{{end}}"#, "Hello WorldHello World"),
    ]);
}

#[test]
fn logic_stops_where_it_is_decided() {
    values(&[
        ("and 1 0 2", "0"),
        ("and 1 2", "2"),
        (r#"or 0 "" 3"#, "3"),
        (r#"or 0 """#, ""),
        (r#"and "" 0"#, ""),
        ("not 1", "false"),
        ("not .e", "true"),
        (r#"or 1 (fail "no")"#, "1"),
        (r#"and 0 (fail "no")"#, "0"),
        ("and .t .s", "Hello World"),
        ("or .e .i", "7"),
        ("1 | and 2", "1"),
        ("1 | or 0", "1"),
        ("2 | and 0", "0"),
        (r#"or .missing "default""#, "default"),
        (r#"and .missing "x""#, "<no value>"),
    ]);
}

#[test]
fn comparison_follows_go() {
    values(&[
        ("eq 1 1", "true"),
        ("eq 1 2", "false"),
        ("eq 1 2 1", "true"),
        ("ne 1 2", "true"),
        (r#"eq "a" "b" "a""#, "true"),
        ("eq true .t", "true"),
        ("eq .fl 1.5", "true"),
        ("eq .i 7.0", "true"),
        ("lt 1 2", "true"),
        ("le 2 2", "true"),
        ("gt 2 1", "true"),
        ("ge 1 2", "false"),
        (r#"lt "a" "b""#, "true"),
        (r#"gt "b" "a""#, "true"),
        ("lt .fl 2.0", "true"),
        ("ge 1.5 .fl", "true"),
        ("eq .missing nil", "true"),
        ("eq .n nil", "true"),
        ("eq .missing .n", "true"),
        ("eq .n 1", "false"),
        ("eq 1 .n", "false"),
        (r#"ne .n "x""#, "true"),
        ("eq .l nil", "false"),
        ("eq (len .l) 4", "true"),
        ("eq (int .i) 7", "true"),
        ("eq (int64 1) 1", "true"),
        ("lt (len .l) 5", "true"),
        ("eq (index .s 0) 72", "true"),
    ]);
    renders(&[(
        r#"{{$v := semver "1.0.0"}}{{eq $v $v}} {{eq (semver "1.0.0") (semver "1.0.0")}} {{eq (rest .el) nil}}"#,
        "true false true",
    )]);
}

#[test]
fn index_and_len_look_inside() {
    values(&[
        ("index .l 0", "c"),
        ("index .l 2", "b"),
        (r#"index .o "c" "d""#, "deep"),
        (r#"index .o "zz""#, "<no value>"),
        ("index .s 1", "101"),
        ("index .l (int .z)", "c"),
        ("len .l", "4"),
        ("len .s", "11"),
        ("len .o", "3"),
        ("len .u", "13"),
        (r#"len "é""#, "2"),
        ("len .el", "0"),
        (r#"index .lm 0 "k""#, "v"),
        ("index .l", "[c a b a]"),
        (r#"index (split "," "a,b") "_1""#, "b"),
        (r#"index (split "," "a") "_9""#, ""),
    ]);
}
