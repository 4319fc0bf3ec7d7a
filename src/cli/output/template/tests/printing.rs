//! Printing: what actions, `print` and `printf` write, and escaping.

use super::{renders, values};

#[test]
fn actions_print_values_as_go_does() {
    values(&[
        (
            ".",
            "map[big:2.097152e+06 e: el:[] eo:map[] f:false fl:1.5 i:7 l:[c a b a] lm:[map[k:v]] ln:[<nil> 1] mediaType:x/y n:<nil> o:map[a:1 b:2 c:map[d:deep]] s:Hello World size:394 t:true u:héllo wörld x:[3 1.5 -2] z:0]",
        ),
        (".l", "[c a b a]"),
        (".o", "map[a:1 b:2 c:map[d:deep]]"),
        (".t", "true"),
        (".x", "[3 1.5 -2]"),
        (".ln", "[<nil> 1]"),
        (".el", "[]"),
        (".eo", "map[]"),
        (".size", "394"),
        (".big", "2.097152e+06"),
        (".fl", "1.5"),
        (".z", "0"),
        ("999999.0", "999999"),
        ("1000000.0", "1e+06"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("1e20", "1e+20"),
        ("1e21", "1e+21"),
        ("-0.5", "-0.5"),
        (r#"list 1 "a" true nil 1.5 (list 2) (dict "k" 1)"#, "[1 a true <nil> 1.5 [2] map[k:1]]"),
    ]);
}

#[test]
fn print_separates_what_is_not_text() {
    values(&[
        ("print 1 2", "1 2"),
        (r#"print "a" "b""#, "ab"),
        (r#"print 1 "a" 2 3 nil nil"#, "1a2 3 <nil> <nil>"),
        ("print", ""),
        ("print .l .o", "[c a b a] map[a:1 b:2 c:map[d:deep]]"),
        ("print 1.0 true", "1 true"),
    ]);
    renders(&[(r#"{{println 1 "a"}}{{println}}x"#, "1 a\n\nx")]);
}

#[test]
fn printf_verbs_for_texts() {
    values(&[
        (
            r#"printf "%s|%v|%q|%x|%X" .s .s .s .s .s"#,
            r#"Hello World|Hello World|"Hello World"|48656c6c6f20576f726c64|48656C6C6F20576F726C64"#,
        ),
        (
            r#"printf "%10s|%-10s|%.3s|%05s|%.1s|%5s|%%" "abcd" "abcd" "abcd" "abc" "éa" "é""#,
            "      abcd|abcd      |abc|00abc|é|    é|%",
        ),
        (
            r#"printf "% x|%# x|%#x|% X|%.2x" "abc" "abc" "abc" "abc" "abc""#,
            "61 62 63|0x61 0x62 0x63|0x616263|61 62 63|6162",
        ),
        (
            r#"printf "%q|%#q|%#q|%+q|%.2q|%8q" "a\n\x00\u2028é\"" "a" "a`" "é☃" "abc" "a""#,
            r#""a\n\x00\u2028é\""|`a`|"a`"|"\u00e9\u2603"|"ab"|     "a""#,
        ),
        (r#"printf "%v|%s|%d" .s "x" "x""#, "Hello World|x|%!d(string=x)"),
    ]);
}

#[test]
fn printf_verbs_for_integers() {
    values(&[
        (
            r#"printf "%d|%5d|%-5d|%05d|%+d|% d|%x|%X|%o|%O|%b|%c|%U|%q" 42 42 42 42 42 42 255 255 8 8 5 65 9731 65"#,
            "42|   42|42   |00042|+42| 42|ff|FF|10|0o10|101|A|U+2603|'A'",
        ),
        (
            r#"printf "%#x|%#X|%#o|%#b|%#U|%+x|%-08d|%+05d" 255 255 8 5 9731 255 5 5"#,
            "0xff|0XFF|010|0b101|U+2603 '☃'|+ff|5       |+0005",
        ),
        (
            r#"printf "%.5d|%.0d|%8.3d|%-8.3d|%08.3d|%x" 42 0 42 42 42 -255"#,
            "00042||     042|042     |     042|-ff",
        ),
        (r#"printf "%s|%t|%f|%e" 1 1 1 1"#, "%!s(int=1)|%!t(int=1)|%!f(int=1)|%!e(int=1)"),
        (r#"printf "%d %d %d" (int64 1) (len .l) (index .s 0)"#, "1 4 72"),
        (r#"printf "%c|%c|%q" 9731 1114112 128512"#, "☃|\u{fffd}|'😀'"),
    ]);
}

#[test]
fn printf_verbs_for_floats() {
    values(&[
        (
            r#"printf "%f|%.2f|%8.3f|%-8.3f|%08.3f|%+.1f|% .1f|%F" 3.14159 3.14159 3.14159 3.14159 3.14159 3.14159 3.14159 1.5"#,
            "3.141590|3.14|   3.142|3.142   |0003.142|+3.1| 3.1|1.500000",
        ),
        (
            r#"printf "%e|%E|%.2e|%g|%G|%.3g|%.10g|%g" 1234.5678 1234.5678 1234.5678 1e21 1e-7 1234.5678 1234.5678 100000.0"#,
            "1.234568e+03|1.234568E+03|1.23e+03|1e+21|1E-07|1.23e+03|1234.5678|100000",
        ),
        (
            r#"printf "%#g|%#.3g|%#.0f|%b|%x|%X|%.3x" 1.5 1.0 2.0 1.5 1.5 -0.1 3.14159"#,
            "1.50000|1.00|2.|6755399441055744p-52|0x1.8p+00|-0X1.999999999999AP-04|0x1.922p+01",
        ),
        (r#"printf "%.0f|%.0f|%.0f|%.1f" 0.5 1.5 2.5 0.25"#, "0|2|2|0.2"),
        (r#"printf "%v|%6.2v|%d|%s" 1e6 3.14159 1.5 1.5"#, "1e+06|   3.1|%!d(float64=1.5)|%!s(float64=1.5)"),
        (
            r#"printf "%v %v %5v|%-6v|" (float64 "inf") (float64 "-inf") (float64 "nan") (float64 "inf")"#,
            "+Inf -Inf   NaN|+Inf  |",
        ),
        (r#"printf "%6.2f" .x"#, "[  3.00   1.50  -2.00]"),
    ]);
}

#[test]
fn printf_verbs_for_the_rest() {
    values(&[
        (r#"printf "%t|%v|%5t|%-7t|" true false true false"#, "true|false| true|false  |"),
        (r#"printf "%v %v %v" .l .o .n"#, "[c a b a] map[a:1 b:2 c:map[d:deep]] <nil>"),
        (r#"printf "%+v" .o"#, "map[a:1 b:2 c:map[d:deep]]"),
        (r#"printf "%d" (until 3)"#, "[0 1 2]"),
        (r#"printf "%q" .l"#, r#"["c" "a" "b" "a"]"#),
        (r#"printf "%x" .l"#, "[63 61 62 61]"),
        (r#"printf "%5d" (until 2)"#, "[    0     1]"),
        (
            r#"printf "%T %T %T %T %T %T %T" .i .s .l .o .t .n 1"#,
            "float64 string []interface {} map[string]interface {} bool <nil> int",
        ),
        (r#"printf "%10T|%-8T|" 1 "a""#, "       int|string  |"),
        (
            r#"printf "%T %T %T %T" (split "," "a") (splitList "," "a") (until 2) (chunk 2 .l)"#,
            "map[string]string []string []int [][]interface {}",
        ),
        (
            r#"printf "%#v|%#v|%#v|%#v|%#v|%#v" .o .l 1 1.5 "a" true"#,
            r#"map[string]interface {}{"a":"1", "b":"2", "c":map[string]interface {}{"d":"deep"}}|[]interface {}{"c", "a", "b", "a"}|1|1.5|"a"|true"#,
        ),
        (r#"printf "%#v" .ln"#, "[]interface {}{interface {}(nil), 1}"),
        (r#"printf "%#v" (splitList "," "a")"#, r#"[]string{"a"}"#),
        (r#"printf "%#v" (rest .el)"#, "[]interface {}(nil)"),
        (
            r#"printf "%s|%v|%q|%x" (semver "1.2.3") (semver "1.2.3") (semver "1.2.3") (semver "1.2.3")"#,
            r#"1.2.3|1.2.3|"1.2.3"|312e322e33"#,
        ),
    ]);
}

#[test]
fn printf_shows_its_mistakes() {
    values(&[
        (r#"printf "%d" "x""#, "%!d(string=x)"),
        (r#"printf "%s""#, "%!s(MISSING)"),
        (r#"printf "a" 1"#, "a%!(EXTRA int=1)"),
        (r#"printf "%d %d" 1"#, "1 %!d(MISSING)"),
        (r#"printf "%s" "a" "b" 1 nil"#, "a%!(EXTRA string=b, int=1, <nil>)"),
        (r#"printf "%z" 1"#, "%!z(int=1)"),
        (r#"printf "%!" 1"#, "%!!(int=1)"),
        (r#"printf "%""#, "%!(NOVERB)"),
        (r#"printf "%-""#, "%!(NOVERB)"),
        (r#"printf "é%é" 1"#, "é%!é(int=1)"),
        (r#"printf "%d" nil"#, "%!d(<nil>)"),
        (r#"printf "%d" .l"#, "[%!d(string=c) %!d(string=a) %!d(string=b) %!d(string=a)]"),
        (r#"printf "%[3]d" 1"#, "%!d(BADINDEX)"),
        (r#"printf "%[x]d" 1"#, "%!d(BADINDEX)"),
        (r#"printf "%[" 1"#, "%!(NOVERB)"),
        (r#"printf "%[]d" 1"#, "%!d(BADINDEX)"),
        (r#"printf "%[1].2d" 5 6"#, "%!d(BADINDEX)"),
        (r#"printf "%[5]*d" 1"#, "%!d(BADINDEX)"),
        (r#"printf "%*d" "a" 5"#, "%!(BADWIDTH)5"),
        (r#"printf "%.*d" -3 5"#, "%!(BADPREC)5"),
        (r#"printf "%*d""#, "%!(BADWIDTH)%!d(MISSING)"),
        (r#"printf "%*d" 1000001 1"#, "%!(BADWIDTH)1"),
        (r#"printf "%5d" "a""#, "%!d(string=    a)"),
        (r#"printf "%t" 1"#, "%!t(int=1)"),
        (r#"printf "%d" true"#, "%!d(bool=true)"),
        (
            r#"printf "%d" .o"#,
            "map[%!d(string=a):%!d(string=1) %!d(string=b):%!d(string=2) %!d(string=c):map[%!d(string=d):%!d(string=deep)]]",
        ),
    ]);
}

#[test]
fn printf_takes_arguments_by_number() {
    values(&[
        (r#"printf "%[2]d %[1]d" 1 2"#, "2 1"),
        (r#"printf "%*d|%[2]d %[1]d" 5 42"#, "   42|42 5"),
        (r#"printf "%[1]d %[1]x" 16"#, "16 10"),
        (r#"printf "%.[2]*[1]f" 1.5 3"#, "1.500"),
        (r#"printf "%[3]*.[2]*[1]f" 12.0 2 6"#, " 12.00"),
        (r#"printf "%[2]*[1]d" 2 3"#, "  2"),
        (r#"printf "%*d" -5 5"#, "5    "),
    ]);
}

#[test]
fn escaping_happens_on_request_only() {
    values(&[
        (r#""<&>""#, "<&>"),
        (r#"html "<a b=\"c\">&'""#, "&lt;a b=&#34;c&#34;&gt;&amp;&#39;"),
        ("html .missing", "&lt;no value&gt;"),
        ("html 1 2", "1 2"),
        (r#"html "a" 1"#, "a1"),
        (r#"js "a<b\"c'd\n=\u2028é""#, r#"a\u003Cb\"c\'d\u000A\u003D\u2028é"#),
        (r#"urlquery "a b&c/d" "é~*""#, "a+b%26c%2Fd%C3%A9~%2A"),
        (".s | html", "Hello World"),
        (".o | html", "map[a:1 b:2 c:map[d:deep]]"),
    ]);
}
