//! Texts.

use super::{renders, values};

#[test]
fn case_changes_letter_by_letter() {
    values(&[
        (r#"upper "aé""#, "AÉ"),
        (r#"lower "AÉ""#, "aé"),
        (r#"title "hello wORLD foo-bar it's x_y éa""#, "Hello WORLD Foo-Bar It'S X_y Éa"),
        (r#"untitle "Hello World Foo-Bar""#, "hello world foo-Bar"),
        (r#"swapcase "Hello aé É""#, "hELLO AÉ é"),
        (r#"upper "ß""#, "ß"),
    ]);
}

#[test]
fn names_change_their_spelling() {
    renders(&[
        (
            r#"{{range list "FirstName" "HTTPServer" "NoHTTPS" "GO_PATH" "GO PATH" "http2xx" "HTTP20xOK" "Duration2m3s" "Bld4Floor3rd" "ID3" "a1b" "_Foo__Bar_" "ab.Cd" "1A2b"}}{{snakecase .}} {{end}}"#,
            "first_name http_server no_https go_path go_path http_2xx http_20x_ok duration_2m3s bld4_floor_3rd id3 a_1b _foo__bar_ ab.cd 1_a_2b ",
        ),
        (
            r#"{{range list "FirstName" "HTTPServer" "foo_bar baz" "foo2Bar"}}{{kebabcase .}} {{end}}"#,
            "first-name http-server foo-bar-baz foo2-bar ",
        ),
        (
            r#"{{range list "foo_bar-baz qux" "FooBar" "_foo__bar_" "http server" "HTTPServer" "foo.bar" "aBC" "AB_CD"}}{{camelcase .}} {{end}}"#,
            "FooBarBazQux FooBar _Foo_Bar_ HttpServer Httpserver Foo.bar ABC AbCd ",
        ),
    ]);
}

#[test]
fn trimming_takes_from_the_ends() {
    values(&[
        (r#"trim "  a b  ""#, "a b"),
        (r#"trimAll "$" "$5$""#, "5"),
        (r#"trimall "ab" "abcba""#, "c"),
        (r#"trimPrefix "-" "-a-""#, "a-"),
        (r#"trimSuffix "-" "-a-""#, "-a"),
        (r#"trimAll "" " a ""#, " a "),
        (r#"nospace "a b\t c\n""#, "abc"),
    ]);
}

#[test]
fn cutting_counts_bytes() {
    values(&[
        (r#"trunc 3 "hello""#, "hel"),
        (r#"trunc -3 "hello""#, "llo"),
        (r#"trunc 0 "hello""#, ""),
        (r#"trunc 99 "hello""#, "hello"),
        (r#"trunc -99 "hello""#, "hello"),
        (r#"trunc 1 "é""#, "\u{fffd}"),
        (r#"substr 1 3 "hello""#, "el"),
        (r#"substr -1 3 "hello""#, "hel"),
        (r#"substr 1 -1 "hello""#, "ello"),
        (r#"substr 1 99 "hello""#, "ello"),
    ]);
}

#[test]
fn texts_are_searched_and_replaced() {
    values(&[
        (r#"contains "ell" "hello""#, "true"),
        (r#"hasPrefix "he" "hello""#, "true"),
        (r#"hasSuffix "x" "hello""#, "false"),
        (r#"contains "" "a""#, "true"),
        (r#"replace "l" "L" "hello""#, "heLLo"),
        (r#"replace "" "-" "abc""#, "-a-b-c-"),
        (r#"replace "a" "" "banana""#, "bnn"),
        (r#"repeat 3 "ab""#, "ababab"),
        (r#"repeat 0 "a""#, ""),
        (r#"initials "Ada bob-x  Carl""#, "AbC"),
        (r#"plural "one" "many" 1"#, "one"),
        (r#"plural "one" "many" 0"#, "many"),
        (r#"plural "one" "many" 2"#, "many"),
        ("hello", "Hello!"),
    ]);
}

#[test]
fn abbreviation_leaves_dots() {
    values(&[
        (r#"abbrev 7 "hello world""#, "hell..."),
        (r#"abbrev 3 "hello""#, "hello"),
        (r#"abbrev 11 "hello world""#, "hello world"),
        (r#"abbrev 4 "hello world""#, "h..."),
        (r#"abbrevboth 5 10 "1234 5678 9123""#, "...5678..."),
        (r#"abbrevboth 0 10 "1234 5678 9123""#, "1234 56..."),
        (r#"abbrevboth 10 10 "1234 5678 9123""#, "...78 9123"),
        (r#"abbrevboth 5 4 "1234567""#, "1234567"),
        (r#"abbrevboth 20 10 "1234 5678 9123""#, "...78 9123"),
    ]);
}

#[test]
fn lines_are_wrapped_and_indented() {
    values(&[
        (r#"wrap 5 "aa bb cc dd""#, "aa bb\ncc dd"),
        (r#"wrap 5 "aaaaaaaa bb cc""#, "aaaaaaaa\nbb cc"),
        (r#"wrap 5 "  lead x""#, "lead\nx"),
        (r#"wrap 0 "aa bb""#, "aa\nbb"),
        (r#"wrap 5 "aa      bb""#, "aa   \n  bb"),
        (r#"wrap 5 "aa  bb\ncc dd""#, "aa \nbb\ncc\ndd"),
        (r#"wrapWith 5 "/" "aa bb cc dd""#, "aa bb/cc dd"),
        (r#"wrapWith 5 "\t" "aaaaaaaa bb cc""#, "aaaaa\taaa\tbb cc"),
        (r#"wrapWith 5 "" "aa bb cc""#, "aa bb\ncc"),
        (r#"indent 2 "a\nb""#, "  a\n  b"),
        (r#"nindent 2 "a\nb""#, "\n  a\n  b"),
        (r#"indent 0 "a""#, "a"),
        (r#"indent 2 """#, "  "),
        (r#"nindent 1 "a\n\nb""#, "\n a\n \n b"),
    ]);
}

#[test]
fn values_become_texts() {
    values(&[
        (r#"quote "a" 1 "b\"c""#, r#""a" "1" "b\"c""#),
        (r#"quote .n "a" 1.5 true .l"#, r#""a" "1.5" "true" "[c a b a]""#),
        ("quote", ""),
        (r#"squote "a" 1 "it's""#, "'a' '1' 'it's'"),
        (r#"cat "a" 1 nil "b""#, "a 1 b"),
        (r#"cat "a" .l"#, "a [c a b a]"),
        ("toString 1.5", "1.5"),
        ("toString true", "true"),
        ("toString .l", "[c a b a]"),
        ("toString .n", "<nil>"),
        ("toString .big", "2.097152e+06"),
    ]);
}

#[test]
fn lists_of_texts_are_joined_and_split() {
    values(&[
        (r#"join "," .l"#, "c,a,b,a"),
        (r#"join "-" (list 1 2 3)"#, "1-2-3"),
        (r#"join "," .ln"#, "1"),
        (r#"join "," .x"#, "3,1.5,-2"),
        (r#"join "," "alone""#, "alone"),
        (r#"join "," nil"#, ""),
        (r#"join "," .o"#, "map[a:1 b:2 c:map[d:deep]]"),
        (r#"splitList "," "a,b,c""#, "[a b c]"),
        (r#"splitList "" "abc""#, "[a b c]"),
        (r#"len (splitList "," "")"#, "1"),
        (r#"(split "," "a,b")._0"#, "a"),
        (r#"split "," "a,b""#, "map[_0:a _1:b]"),
        (r#"(splitn "," 2 "a,b,c")._1"#, "b,c"),
        (r#"splitn "," -1 "a,b,c""#, "map[_0:a _1:b _2:c]"),
        (r#"splitn "," 0 "a""#, "map[]"),
        (r#"splitn "" 2 "abc""#, "map[_0:a _1:bc]"),
        ("sortAlpha .l", "[a a b c]"),
        (r#"sortAlpha (list 3 1 "b" nil)"#, "[1 3 b]"),
        (r#"sortAlpha "x""#, "[x]"),
        (r#"toStrings (list 1 true nil "a")"#, "[1 true a]"),
        ("toStrings 5", "[5]"),
        ("toStrings nil", "[]"),
    ]);
}
