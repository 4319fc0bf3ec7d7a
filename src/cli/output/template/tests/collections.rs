//! Lists, dicts, defaults and types.

use super::{renders, values};

#[test]
fn lists_are_taken_apart() {
    values(&[
        ("first .l", "c"),
        ("last .l", "a"),
        ("rest .l", "[a b a]"),
        ("initial .l", "[c a b]"),
        ("first .el", "<no value>"),
        ("last .el", "<no value>"),
        ("rest .el", "[]"),
        ("mustFirst .l", "c"),
        ("mustRest .l", "[a b a]"),
        ("slice .l 1 3", "[a b]"),
        ("slice .l 2", "[b a]"),
        ("slice .l 1 1", "[]"),
        ("slice .l", "[c a b a]"),
        ("slice .el", "<no value>"),
        ("slice .l 4", "[]"),
        (r#"slice .l "1" "2""#, "[a]"),
        (r#"printf "%T" (slice (until 3) 1)"#, "[]int"),
        ("chunk 2 .l", "[[c a] [b a]]"),
        ("chunk 9 .l", "[[c a b a]]"),
        ("chunk 2 (until 5)", "[[0 1] [2 3] [4]]"),
        ("chunk 2 .el", "[]"),
    ]);
}

#[test]
fn lists_are_put_together() {
    values(&[
        ("list", "[]"),
        (r#"list 1 "a" true"#, "[1 a true]"),
        ("tuple 1 2", "[1 2]"),
        (r#"append .l "z""#, "[c a b a z]"),
        (r#"prepend .l "z""#, "[z c a b a]"),
        ("push .l 1", "[c a b a 1]"),
        (r#"mustAppend (until 2) "x""#, "[0 1 x]"),
        ("concat .l (list 1 2) (until 1)", "[c a b a 1 2 0]"),
        ("concat", "[]"),
    ]);
    renders(&[("{{$x := list 1}}{{$y := append $x 2}}{{$x}}{{$y}}", "[1][1 2]")]);
}

#[test]
fn lists_are_reordered_and_searched() {
    values(&[
        ("reverse .l", "[a b a c]"),
        ("uniq .l", "[c a b]"),
        (r#"uniq (list 1 1.0 "1" 1)"#, "[1 1 1]"),
        (r#"without .l "a" "b""#, "[c]"),
        ("without (list 1 2) 1.0", "[1 2]"),
        (r#"has "b" .l"#, "true"),
        (r#"has "q" .l"#, "false"),
        ("has 1 nil", "false"),
        ("has (list 1) (list (list 1))", "true"),
        (r#"compact (list 1 "" 0 "a" nil false (list))"#, "[1 a]"),
    ]);
}

#[test]
fn sequences_count_up_and_down() {
    values(&[
        ("until 4", "[0 1 2 3]"),
        ("until 0", "[]"),
        ("until -3", "[0 -1 -2]"),
        ("untilStep 3 9 3", "[3 6]"),
        ("untilStep 5 0 -2", "[5 3 1]"),
        ("untilStep 0 5 -1", "[]"),
        ("untilStep 0 0 0", "[]"),
        ("seq 3", "1 2 3"),
        ("seq 0", "1 0"),
        ("seq -2", "1 0 -1 -2"),
        ("seq 2 4", "2 3 4"),
        ("seq 5 1", "5 4 3 2 1"),
        ("seq 1 2 7", "1 3 5 7"),
        ("seq 5 -2 1", "5 3 1"),
        ("seq 1 -1 5", ""),
        ("seq", ""),
        ("seq 0 3 10", "0 3 6 9"),
        ("seq 1 0 5", ""),
    ]);
}

#[test]
fn dicts_hold_what_is_set() {
    values(&[
        (r#"dict "b" 1 "a" "x""#, "map[a:x b:1]"),
        ("dict", "map[]"),
        (r#"dict "a""#, "map[a:]"),
        ("dict 1 2", "map[1:2]"),
        ("dict nil 1", "map[<nil>:1]"),
        (r#"dict 1.5 "x" true nil"#, "map[1.5:x true:<nil>]"),
        (r#"get .o "a""#, "1"),
        (r#"get .o "zz""#, ""),
        (r#"hasKey .o "a""#, "true"),
        (r#"hasKey .o "zz""#, "false"),
        (r#"get (dict "a" nil) "a""#, "<no value>"),
        (r#"get nil "a""#, ""),
        ("keys .o | sortAlpha", "[a b c]"),
        (r#"keys .o .eo (dict "z" 1) | sortAlpha"#, "[a b c z]"),
        (r#"keys (dict "k" 1)"#, "[k]"),
        (r#"values (dict "a" 1)"#, "[1]"),
        (r#"pluck "a" .o .eo (dict "a" nil)"#, "[1 <nil>]"),
        (r#"pick .o "a" "zz""#, "map[a:1]"),
        (r#"omit .o "a" "zz""#, "map[b:2 c:map[d:deep]]"),
        (r#"dig "c" "d" "none" .o"#, "deep"),
        (r#"dig "c" "q" "none" .o"#, "none"),
        (r#"dig "q" "none" .o"#, "none"),
        (r#"dig "c" "none" .o"#, "map[d:deep]"),
    ]);
    renders(&[(
        r#"{{$d := dict "a" 1}}{{$e := $d}}{{$_ := set $d "b" 2}}{{$e}}{{$_ = unset $d "a"}}{{$e}}"#,
        "map[a:1 b:2]map[b:2]",
    )]);
}

#[test]
fn dicts_are_merged() {
    values(&[
        (r#"merge (dict "a" 1) (dict "a" 2 "b" 3)"#, "map[a:1 b:3]"),
        (r#"mergeOverwrite (dict "a" 1) (dict "a" 2 "b" 3)"#, "map[a:2 b:3]"),
        (r#"merge (dict "a" 1) (dict "b" 2) (dict "b" 3 "c" 4)"#, "map[a:1 b:2 c:4]"),
        (r#"merge (dict "a" (dict "b" 1)) (dict "a" (dict "b" 2 "c" 3))"#, "map[a:map[b:1 c:3]]"),
        (r#"mergeOverwrite (dict "a" (dict "b" 1)) (dict "a" (dict "b" 2 "c" 3))"#, "map[a:map[b:2 c:3]]"),
        (r#"merge (dict "a" 0 "b" "") (dict "a" 5 "b" "x")"#, "map[a:5 b:x]"),
        (r#"mergeOverwrite (dict "a" 1 "b" "y") (dict "a" 0 "b" "")"#, "map[a:0 b:]"),
        (r#"mergeOverwrite (dict "a" 1) (dict "a" nil)"#, "map[a:<nil>]"),
        (r#"merge (dict "a" (list 1)) (dict "a" (list 2))"#, "map[a:[1]]"),
        (r#"merge nil (dict "a" 1)"#, "map[a:1]"),
        (r#"mustMerge (dict) (dict "a" nil)"#, "map[]"),
    ]);
    renders(&[(
        r#"{{$d := dict "a" 1}}{{$_ := merge $d (dict "b" 2)}}{{$d}}{{$_ := merge $d $d}}{{$d}}"#,
        "map[a:1 b:2]map[a:1 b:2]",
    )]);
}

#[test]
fn copies_are_independent() {
    values(&[
        ("deepEqual (list 1 2) (list 1 2)", "true"),
        (r#"deepEqual .l (list "c")"#, "false"),
        ("deepEqual 1 1.0", "false"),
        ("deepEqual nil nil", "true"),
        ("deepEqual .o .o", "true"),
        ("deepEqual (until 2) (list 0 1)", "false"),
        (r#"deepEqual (dict "a" 1) (dict "a" 1)"#, "true"),
        ("deepEqual (rest .el) (list)", "false"),
    ]);
    renders(&[(
        r#"{{$d := dict "a" (dict "b" 1)}}{{$e := deepCopy $d}}{{$_ := set $d.a "b" 2}}{{$d}}{{$e}} {{deepCopy 5}} {{deepCopy .ln}} {{printf "%T" (deepCopy (until 2))}}"#,
        "map[a:map[b:2]]map[a:map[b:1]] 5 [<nil> 1] []int",
    )]);
}

#[test]
fn defaults_stand_in_for_what_is_empty() {
    values(&[
        (r#"default "d" .e"#, "d"),
        (r#"default "d" .s"#, "Hello World"),
        (r#"default "d" .missing"#, "d"),
        ("default 5 .z", "5"),
        (r#".n | default "null""#, "null"),
        (r#"default "d""#, "d"),
        (r#"default "d" false"#, "d"),
        (r#"default "d" .el"#, "d"),
        ("empty .e", "true"),
        ("empty .l", "false"),
        ("empty .missing", "true"),
        ("empty 0", "true"),
        ("empty 0.1", "false"),
        ("empty false", "true"),
        ("coalesce .e .missing .s", "Hello World"),
        (r#"coalesce 0 "" nil"#, "<no value>"),
        (r#"all 1 "a" true"#, "true"),
        ("all 1 0", "false"),
        ("all", "true"),
        (r#"any 0 """#, "false"),
        ("any 0 1", "true"),
        ("any", "false"),
        (r#"ternary "y" "n" true"#, "y"),
        (r#".f | ternary "y" "n""#, "n"),
    ]);
}

#[test]
fn types_have_go_names() {
    values(&[
        ("kindOf .i", "float64"),
        ("kindOf .s", "string"),
        ("kindOf .l", "slice"),
        ("kindOf .o", "map"),
        ("kindOf .t", "bool"),
        ("kindOf .n", "invalid"),
        ("kindOf 1", "int"),
        ("kindOf (add 1 2)", "int64"),
        ("kindOf (index .s 0)", "uint8"),
        ("kindOf now", "struct"),
        (r#"kindOf (semver "1.2.3")"#, "ptr"),
        ("typeOf .i", "float64"),
        ("typeOf .o", "map[string]interface {}"),
        ("typeOf .l", "[]interface {}"),
        ("typeOf 1", "int"),
        ("typeOf (list)", "[]interface {}"),
        ("typeOf (dict)", "map[string]interface {}"),
        ("typeOf nil", "<nil>"),
        ("typeOf (add 1 2)", "int64"),
        ("typeOf now", "time.Time"),
        (r#"typeOf (semver "1.2.3")"#, "*semver.Version"),
        (r#"typeOf (split "," "a")"#, "map[string]string"),
        (r#"kindIs "string" .s"#, "true"),
        (r#"kindIs "invalid" nil"#, "true"),
        (r#"typeIs "float64" .i"#, "true"),
        (r#"typeIs "int" .i"#, "false"),
        (r#"typeIsLike "semver.Version" (semver "1.2.3")"#, "true"),
        (r#"typeIsLike "string" .s"#, "true"),
    ]);
}
