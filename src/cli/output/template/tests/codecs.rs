//! JSON, encodings, checksums, paths, URLs, regular expressions, versions.

use super::{renders, values};

#[test]
fn json_is_written_as_go_writes_it() {
    values(&[
        ("toJson .o", r#"{"a":"1","b":"2","c":{"d":"deep"}}"#),
        ("toJson .l", r#"["c","a","b","a"]"#),
        (r#"toJson "<&>é""#, r#""\u003c\u0026\u003eé""#),
        (r#"toRawJson "<&>é""#, r#""<&>é""#),
        ("toJson nil", "null"),
        (r#"toJson "a\u2028\u0001\t\b\"\\""#, r#""a\u2028\u0001\t\b\"\\""#),
        ("toJson (rest .el)", "null"),
        ("toJson (list)", "[]"),
        (
            "toJson .",
            r#"{"big":2097152,"e":"","el":[],"eo":{},"f":false,"fl":1.5,"i":7,"l":["c","a","b","a"],"lm":[{"k":"v"}],"ln":[null,1],"mediaType":"x/y","n":null,"o":{"a":"1","b":"2","c":{"d":"deep"}},"s":"Hello World","size":394,"t":true,"u":"héllo wörld","x":[3,1.5,-2],"z":0}"#,
        ),
        (
            "toJson (list 1000000.0 1e20 1e21 1e-6 1e-7 0.1 -0.5 9007199254740993.0 123456789.25)",
            "[1000000,100000000000000000000,1e+21,0.000001,1e-7,0.1,-0.5,9007199254740992,123456789.25]",
        ),
        ("toJson (list 1 (int64 2) (index .s 0) true)", "[1,2,72,true]"),
        (r#"toJson (semver "v1.2")"#, r#""1.2.0""#),
        (r#"toJson (toDate "2006-01-02" "2020-02-29")"#, r#""2020-02-29T00:00:00Z""#),
        (r#"toJson "\xff""#, r#""\ufffd""#),
        ("mustToJson .ln", "[null,1]"),
        (
            r#"toPrettyJson (dict "b" (list 1 2) "a" (dict) "c" (list))"#,
            "{\n  \"a\": {},\n  \"b\": [\n    1,\n    2\n  ],\n  \"c\": []\n}",
        ),
        ("toPrettyJson .o", "{\n  \"a\": \"1\",\n  \"b\": \"2\",\n  \"c\": {\n    \"d\": \"deep\"\n  }\n}"),
    ]);
}

#[test]
fn json_is_read() {
    values(&[
        (r#"(fromJson "{\"a\":[1,2.5]}").a"#, "[1 2.5]"),
        (r#"fromJson "[1,\"x\",null]""#, "[1 x <nil>]"),
        (r#"fromJson "nonsense""#, "<no value>"),
        (r#"fromJson "1e3""#, "1000"),
        (r#"typeOf (fromJson "1")"#, "float64"),
        (r#"(fromJson "{\"a\":1,\"a\":2}").a"#, "2"),
    ]);
}

#[test]
fn base_64_and_32_go_both_ways() {
    values(&[
        ("b64enc .s", "SGVsbG8gV29ybGQ="),
        (r#"b64dec "SGVsbG8=""#, "Hello"),
        (r#"b64dec "SGVs\nbG8=""#, "Hello"),
        (r#"b64dec "!!""#, "illegal base64 data at input byte 0"),
        (r#"b64enc """#, ""),
        (r#"b64dec "/w==" | b64enc"#, "/w=="),
        (r#"b32enc "hi""#, "NBUQ===="),
        (r#"b32dec "NBUQ====""#, "hi"),
        (r#"b32enc "hello""#, "NBSWY3DP"),
        (r#"b32dec (b32enc "abcdefg")"#, "abcdefg"),
        (r#"b32dec "!!""#, "illegal base32 data at input byte 0"),
        (r#"b32enc """#, ""),
    ]);
}

#[test]
fn checksums_are_hexadecimal() {
    values(&[
        (r#"sha1sum "a""#, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        (r#"sha256sum "a""#, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        (r#"sha512sum "a" | trunc 16"#, "1f40fc92da241694"),
        (r#"adler32sum "a""#, "6422626"),
        (r#"adler32sum """#, "1"),
        (r#"adler32sum "hello""#, "103547413"),
    ]);
}

#[test]
fn paths_are_taken_apart() {
    values(&[
        (r#"base "a/b/c.txt""#, "c.txt"),
        (r#"base """#, "."),
        (r#"base "/""#, "/"),
        (r#"base "a/""#, "a"),
        (r#"dir "a/b/c.txt""#, "a/b"),
        (r#"dir "a""#, "."),
        (r#"dir "/""#, "/"),
        (r#"dir "a/b/""#, "a/b"),
        (r#"ext "a.tar.gz""#, ".gz"),
        (r#"ext "a.b/c""#, ""),
        (r#"clean "a/../b//c""#, "b/c"),
        (r#"clean """#, "."),
        (r#"clean "/../a""#, "/a"),
        (r#"clean "../../a/./b/..""#, "../../a"),
        (r#"isAbs "/a""#, "true"),
        (r#"isAbs "a""#, "false"),
        (r#"osBase "a/b""#, "b"),
        (r#"osDir "a/b""#, "a"),
        (r#"osExt "a.b""#, ".b"),
        (r#"osClean "a//b""#, "a/b"),
        (r#"osIsAbs "/a""#, "true"),
    ]);
}

#[test]
fn urls_are_taken_apart_and_put_together() {
    values(&[
        (
            r#"urlParse "http://u:p@h:80/p%20q/x?a=b&c#frag%20x""#,
            "map[fragment:frag x host:h:80 hostname:h opaque: path:/p q/x query:a=b&c scheme:http userinfo:u:p]",
        ),
        (
            r#"urlParse "mailto:a@b.c""#,
            "map[fragment: host: hostname: opaque:a@b.c path: query: scheme:mailto userinfo:]",
        ),
        (r#"urlParse "//h/p""#, "map[fragment: host:h hostname:h opaque: path:/p query: scheme: userinfo:]"),
        (r#"urlParse "p?q""#, "map[fragment: host: hostname: opaque: path:p query:q scheme: userinfo:]"),
        (
            r#"urlParse "http://[::1]:80/""#,
            "map[fragment: host:[::1]:80 hostname:::1 opaque: path:/ query: scheme:http userinfo:]",
        ),
        (r#"urlParse """#, "map[fragment: host: hostname: opaque: path: query: scheme: userinfo:]"),
        (r#"(urlParse "https://u:p@h:1/p?q=1#f").host"#, "h:1"),
        (r#"(urlParse "https://u:p@h:1/p?q=1#f").query"#, "q=1"),
        (r#"(urlParse "HTTP://u@H").scheme"#, "http"),
        (r#"urlJoin (dict "scheme" "http" "host" "h:1" "path" "/p" "query" "q=1")"#, "http://h:1/p?q=1"),
        (
            r#"urlJoin (dict "host" "h" "path" "p q" "userinfo" "u:p" "fragment" "f g")"#,
            "//u:p@h/p%20q#f%20g",
        ),
        (r#"urlJoin (dict "path" "a:b/c")"#, "./a:b/c"),
        (r#"urlJoin (dict "scheme" "s" "opaque" "o")"#, "s:o"),
        (
            r#"urlJoin (urlParse "http://u:p@h:80/p%20q/x?a=b&c#frag%20x")"#,
            "http://u:p@h:80/p%20q/x?a=b&c#frag%20x",
        ),
        (r#"urlJoin (dict "host" "h" "path" "/a%b?c#d;é")"#, "//h/a%25b%3Fc%23d;%C3%A9"),
    ]);
}

#[test]
fn regular_expressions_search() {
    values(&[
        (r#"regexMatch "^H.*d$" .s"#, "true"),
        (r#"regexMatch "(" "x""#, "false"),
        (r#"regexFind "[a-z]+" .s"#, "ello"),
        (r#"regexFind "zzz" .s"#, ""),
        (r#"regexFind "(?i)WORLD" .s"#, "World"),
        (r#"regexFindAll "[a-z]+" .s -1"#, "[ello orld]"),
        (r#"regexFindAll "o" .s 1"#, "[o]"),
        (r#"regexFindAll "a*" "baab" -1 | len"#, "3"),
        (r#"regexFindAll "z" "a" -1 | toJson"#, "null"),
        (r#"mustRegexFindAll "a" "aaa" 2"#, "[a a]"),
        (r#"regexReplaceAll "(\\w+) (\\w+)" .s "${2} $1""#, "World Hello"),
        (r#"regexReplaceAllLiteral "o" .s "${1}""#, "Hell${1} W${1}rld"),
        (r#"regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W""#, "-W-xxW-"),
        (r#"regexReplaceAll "a(x*)b" "-ab-axxb-" "$1W""#, "---"),
        (r#"regexReplaceAll "a" "bab" "$$""#, "b$b"),
        (r#"regexReplaceAll "(?P<n>a)" "bab" "<${n}>""#, "b<a>b"),
        (r#"regexReplaceAll "a*" "baac" "-""#, "-b-c-"),
        (r#"regexReplaceAll "" "abc" "-""#, "-a-b-c-"),
        (r#"regexSplit " " .s -1"#, "[Hello World]"),
        (r#"regexSplit "l" .s 2"#, "[He lo World]"),
        (r#"regexSplit "a" "banana" -1 | toJson"#, r#"["b","n","n",""]"#),
        (r#"regexSplit "a" "banana" 0 | toJson"#, "null"),
        (r#"regexSplit "" "abc" -1"#, "[a b c]"),
        (r#"regexSplit "z+" "pizza" 1"#, "[pizza]"),
        (r#"regexQuoteMeta ".*[]{}()^$|?+-\\/a""#, r"\.\*\[\]\{\}\(\)\^\$\|\?\+-\\/a"),
    ]);
}

#[test]
fn patterns_are_in_the_syntax_of_go() {
    values(&[
        (r#"regexFind "\\d+" "١2""#, "2"),
        (r#"regexFind "\\b\\w+\\b" "é ab""#, "ab"),
        (r#"regexFind "\\Qa.b\\E" "a.b""#, "a.b"),
        (r#"regexFind "a{,2}" "a{,2}""#, "a{,2}"),
        (r#"regexFind "x{" "x{""#, "x{"),
        (r#"regexFind "[[a]+" "[a""#, "[a"),
        (r#"regexFind "[a&&b]+" "a&b""#, "a&b"),
        (r#"regexFind "[]a]+" "]a""#, "]a"),
        (r#"regexFind "[\\d-]+" "1-2""#, "1-2"),
        (r#"regexFind "\\x{e9}\\123" "éS""#, "éS"),
        (r#"regexFind "[[:alpha:]]+" "1ab""#, "ab"),
        (r#"regexFind "\\pL+" "1éa""#, "éa"),
        (r#"regexFind "\\p{Greek}+" "aβγ""#, "βγ"),
        (r#"regexFind "[^\\x00-\\x7f]" "aé""#, "é"),
        (r#"regexFind "(?s)a.b" "a\nb" | quote"#, r#""a\nb""#),
        (r#"regexFind "(?m)^b$" "a\nb""#, "b"),
        (r#"regexFind "(?U)a+" "aaa""#, "a"),
        (r#"regexFind "a+?" "aaa""#, "a"),
        (r#"mustRegexFind "(?<n>a)" "xa""#, "a"),
    ]);
}

#[test]
fn versions_are_read_and_compared() {
    values(&[
        (r#"(semver "v1.2.3-rc.1+b5").Major"#, "1"),
        (r#"(semver "v1.2.3-rc.1+b5").Minor"#, "2"),
        (r#"(semver "v1.2.3-rc.1+b5").Patch"#, "3"),
        (r#"(semver "v1.2.3-rc.1+b5").Prerelease"#, "rc.1"),
        (r#"(semver "v1.2.3-rc.1+b5").Metadata"#, "b5"),
        (r#"(semver "v1.2").Original"#, "v1.2"),
        (r#"semver "v1.2""#, "1.2.0"),
        (r#"semver "01.2.3""#, "1.2.3"),
        (r#"(semver "1.2.3").IncMajor"#, "2.0.0"),
        (r#"(semver "1.2.3-a").IncPatch"#, "1.2.3"),
        (r#"(semver "1.2.3").Compare (semver "1.3.0")"#, "-1"),
        (r#"(semver "1.2.3").LessThan (semver "1.3.0")"#, "true"),
    ]);
    renders(&[
        (
            r#"{{range list "^1.2.0" ">=1.2 <1.3" "~1.3" "1.x || 3.x" "=1.3.3" "1.3" "!=1.3" ">1.3" ">1.2" "<=1.3" "<2" "=>1" "~>1.3.0" "^0" "*" ">=1, <2" "1.2 - 1.4" "1.2 - 1.3.2" "1.3.3-a" "v1.3" "^1.4" "~1" "!=1.2"}}{{.}}:{{semverCompare . "1.3.3"}} {{end}}"#,
            "^1.2.0:true >=1.2 <1.3:false ~1.3:true 1.x || 3.x:true =1.3.3:true 1.3:true !=1.3:false >1.3:false >1.2:true <=1.3:true <2:true =>1:true ~>1.3.0:true ^0:false *:true >=1, <2:true 1.2 - 1.4:true 1.2 - 1.3.2:false 1.3.3-a:false v1.3:true ^1.4:false ~1:true !=1.2:true ",
        ),
        (
            r#"{{range list "^0.2.3" "^0.0.3" "^0.0" "^0" "~0.2" "~0" ">0.2" "^0.2" "^0.x"}}{{.}}:{{semverCompare . "0.2.4"}} {{end}}"#,
            "^0.2.3:true ^0.0.3:false ^0.0:false ^0:true ~0.2:true ~0:true >0.2:false ^0.2:true ^0.x:true ",
        ),
        (
            r#"{{range list ">=1.2.3" ">=1.2.3-0" "~1.2.3-0" "^1.2.3-beta" "*" "*-0" "!=1.2.3" "!=1.2" "<2-0" "1.2.4-a" "1.2.4"}}{{.}}:{{semverCompare . "1.2.4-a"}} {{end}}"#,
            ">=1.2.3:false >=1.2.3-0:true ~1.2.3-0:true ^1.2.3-beta:true *:false *-0:true !=1.2.3:true !=1.2:false <2-0:true 1.2.4-a:true 1.2.4:false ",
        ),
    ]);
}
