//! Numbers and arithmetic.

use super::values;

#[test]
fn integers_are_computed_from_anything() {
    values(&[
        ("add 1 2 3", "6"),
        ("add1 4", "5"),
        ("sub 5 7", "-2"),
        ("mul 2 3 4", "24"),
        ("div 7 2", "3"),
        ("div -7 2", "-3"),
        ("mod 7 3", "1"),
        ("mod -7 3", "-1"),
        ("max 1 5 3", "5"),
        ("min 4 2 8", "2"),
        ("biggest 1 9", "9"),
        ("add", "0"),
        ("mul 2", "2"),
        ("add .i 1", "8"),
        ("mul .i 2", "14"),
        (".i | int | add 1", "8"),
        ("sub .i .z", "7"),
        (r#"add "5" 1.9 true nil"#, "7"),
        (r#"add "x" 1"#, "1"),
        (r#"add "0x10" 0"#, "16"),
        (r#"add "010" 0"#, "8"),
        (r#"add "1_000" 0"#, "1000"),
        ("add .l 1", "1"),
        ("add 9223372036854775807 1", "-9223372036854775808"),
        ("sub -9223372036854775808 1", "9223372036854775807"),
    ]);
}

#[test]
fn floats_are_computed_in_decimal() {
    values(&[
        ("addf 0.1 0.2", "0.3"),
        ("addf 1.5 2", "3.5"),
        (r#"addf "1.5" 1"#, "2.5"),
        ("addf", "0"),
        ("subf 1 0.9", "0.1"),
        ("subf 10 1 2", "7"),
        ("mulf 0.1 3", "0.3"),
        ("divf 1 3", "0.3333333333333333"),
        ("divf 10 2 2", "2.5"),
        ("divf 2 3", "0.6666666666666667"),
        ("divf -2 3", "-0.6666666666666667"),
        ("add1f 1.5", "2.5"),
        (r#"maxf 1 2.5 "3.5""#, "3.5"),
        ("minf 1.5 2", "1.5"),
    ]);
}

#[test]
fn rounding_takes_a_place_and_a_threshold() {
    values(&[
        ("floor 1.9", "1"),
        ("floor -1.5", "-2"),
        (r#"floor "2.7""#, "2"),
        ("floor nil", "0"),
        ("ceil 1.1", "2"),
        ("ceil -1.5", "-1"),
        ("floor 123456789.5", "1.23456789e+08"),
        ("round 123.5555 3", "123.556"),
        ("round 2.5 0", "3"),
        ("round -2.5 0", "-3"),
        ("round 123.45 -1", "120"),
        ("round 0.5 0 0.6", "0"),
        ("round 3.5555 2 0.9", "3.55"),
        (r#"round "3.14159" 2"#, "3.14"),
        ("round 1.2345 2", "1.23"),
    ]);
}

#[test]
fn conversions_give_zero_for_nonsense() {
    values(&[
        (r#"int "12""#, "12"),
        (r#"int "x""#, "0"),
        ("int nil", "0"),
        ("int true", "1"),
        (r#"int "1.5""#, "0"),
        (r#"int "5.0""#, "5"),
        ("int -3.99", "-3"),
        (r#"int "0b11""#, "3"),
        (r#"int "08""#, "0"),
        (r#"int64 "0x1F""#, "31"),
        ("int .l", "0"),
        ("int .big", "2097152"),
        ("int64 .size", "394"),
        (r#"float64 "1.5""#, "1.5"),
        (r#"float64 "x""#, "0"),
        ("float64 nil", "0"),
        ("float64 true", "1"),
        (r#"float64 "1e3""#, "1000"),
        (r#"float64 "0x10""#, "0"),
        (r#"float64 "0x1p4""#, "16"),
        (r#"float64 "inf""#, "+Inf"),
        (r#"float64 "1_0""#, "10"),
        ("float64 3", "3"),
        (r#"atoi "42""#, "42"),
        (r#"atoi "x""#, "0"),
        (r#"atoi "0x10""#, "0"),
        (r#"atoi "+7""#, "7"),
        (r#"atoi "99999999999999999999""#, "9223372036854775807"),
        (r#"toDecimal "0777""#, "511"),
        ("toDecimal 777", "511"),
        (r#"toDecimal "9""#, "0"),
        (
            r#"printf "%T %T %T %T %T" (int 1) (int64 1) (float64 1) (add 1 1) (floor 1)"#,
            "int int64 float64 int64 float64",
        ),
    ]);
}
