//! Dates, times and durations.

use super::{renders, values};

#[test]
fn layouts_picture_the_reference_time() {
    values(&[
        (r#"date "2006-01-02T15:04:05Z07:00" 86400"#, "1970-01-02T00:00:00Z"),
        (r#"date "Mon Jan 2 15:04:05 MST 2006" (int64 1582934400)"#, "Sat Feb 29 00:00:00 UTC 2020"),
        ("htmlDate 0", "1970-01-01"),
        (r#"date "3:04PM" 46800"#, "1:00PM"),
        (r#"date "15h" 82800"#, "23h"),
    ]);
    renders(&[(
        r#"{{$d := toDate "2006-01-02 15:04:05.000000" "2020-02-09 03:04:05.123456"}}{{range list "2006" "06" "01" "1" "Jan" "January" "02" "2" "_2" "002" "__2" "Mon" "Monday" "15" "03" "3" "04" "4" "05" "5" "PM" "pm" ".000" ".999" ",000" "05.999999999" "MST" "-0700" "-07:00" "-07" "Z0700" "Z07:00" "-07:00:00" "_2006" "Janu" "15.000" "20060102150405" "x2y" "PMx" "0000"}}{{.}}={{$d.Format .}} {{end}}"#,
        "2006=2020 06=20 01=02 1=2 Jan=Feb January=February 02=09 2=9 _2= 9 002=040 __2= 40 Mon=Sun Monday=Sunday 15=03 03=03 3=3 04=04 4=4 05=05 5=5 PM=AM pm=am .000=.123 .999=.123 ,000=,123 05.999999999=05.123456 MST=UTC -0700=+0000 -07:00=+00:00 -07=+00 Z0700=Z Z07:00=Z -07:00:00=+00:00:00 _2006=_2020 Janu=Janu 15.000=03.123 20060102150405=20200209030405 x2y=x9y PMx=AMx 0000=0000 ",
    )]);
}

#[test]
fn times_are_shown_in_zones() {
    values(&[
        (
            r#"dateInZone "2006-01-02 15:04:05 MST -0700 Z07:00" 1577836800 "America/New_York""#,
            "2019-12-31 19:00:00 EST -0500 -05:00",
        ),
        (r#"dateInZone "MST -0700" 1577836800 "Asia/Kolkata""#, "IST +0530"),
        (r#"dateInZone "MST -0700" 1577836800 "America/Sao_Paulo""#, "-03 -0300"),
        (r#"dateInZone "15:04 MST" 0 "Nowhere/X""#, "00:00 UTC"),
        (r#"dateInZone "15:04 MST" 0 """#, "00:00 UTC"),
        (r#"htmlDateInZone 82800 "Asia/Tokyo""#, "1970-01-02"),
        (r#"date_in_zone "15" 0 "UTC""#, "00"),
    ]);
}

#[test]
fn times_are_read() {
    values(&[
        (r#"toDate "2006-01-02" "2020-02-29""#, "2020-02-29 00:00:00 +0000 UTC"),
        (r#"toDate "2006-01-02" "2020-02-30""#, "0001-01-01 00:00:00 +0000 UTC"),
        (r#"toDate "2006-01-02T15:04:05Z07:00" "2020-02-29T01:02:03Z""#, "2020-02-29 01:02:03 +0000 UTC"),
        (
            r#"toDate "2006-01-02T15:04:05Z07:00" "2020-02-29T01:02:03.5-02:30""#,
            "2020-02-29 01:02:03.5 -0230 -0230",
        ),
        (r#"toDate "2006-01-02 MST" "2020-02-29 CEST""#, "2020-02-29 00:00:00 +0000 CEST"),
        (r#"toDate "2006-01-02 -0700 MST" "2020-02-29 +0100 CET""#, "2020-02-29 00:00:00 +0100 CET"),
        (r#"toDate "2006-01-02 MST" "2020-02-29 GMT+3""#, "2020-02-29 03:00:00 +0300 GMT+3"),
        (
            r#"toDate "Monday, January 2, 2006" "saturday, FEBRUARY 29, 2020""#,
            "2020-02-29 00:00:00 +0000 UTC",
        ),
        (r#"toDate "06-1-2" "69-2-9""#, "1969-02-09 00:00:00 +0000 UTC"),
        (r#"toDate "06-1-2" "68-2-9""#, "2068-02-09 00:00:00 +0000 UTC"),
        (r#"toDate "2006 002" "2020 060""#, "2020-02-29 00:00:00 +0000 UTC"),
        (r#"toDate "3:04PM" "12:30AM""#, "0000-01-01 00:30:00 +0000 UTC"),
        (r#"toDate "3 PM" "12 PM""#, "0000-01-01 12:00:00 +0000 UTC"),
        (r#"toDate "Jan _2 2006" "Feb  9 2020""#, "2020-02-09 00:00:00 +0000 UTC"),
        (r#"toDate "05" "03.123""#, "0000-01-01 00:00:03.123 +0000 UTC"),
        (r#"toDate "05.000" "03.123""#, "0000-01-01 00:00:03.123 +0000 UTC"),
        (r#"mustToDate "2006-1-2" "2020-02-09""#, "2020-02-09 00:00:00 +0000 UTC"),
    ]);
}

#[test]
fn times_are_moved() {
    values(&[
        (r#"((toDate "2006-01-02" "2020-01-31").AddDate 0 1 0).Format "2006-01-02""#, "2020-03-02"),
        (r#"((toDate "2006-01-02" "2020-03-31").AddDate 0 -1 0).Format "2006-01-02""#, "2020-03-02"),
    ]);
    renders(&[(
        r#"{{$d := toDate "2006-01-02" "2020-02-29"}}{{dateModify "-1.5h" $d}} {{date_modify "+24h" $d}} {{dateModify "nonsense" $d}} {{mustDateModify "1h30m10.5s" $d}} {{mustDateModify "1µs2ns3ms" $d}} {{$d.AddDate 1 2 3}} {{$d.AddDate 0 0 1}} {{unixEpoch $d}}"#,
        "2020-02-28 22:30:00 +0000 UTC 2020-03-01 00:00:00 +0000 UTC 2020-02-29 00:00:00 +0000 UTC 2020-02-29 01:30:10.5 +0000 UTC 2020-02-29 00:00:00.003001002 +0000 UTC 2021-05-02 00:00:00 +0000 UTC 2020-03-01 00:00:00 +0000 UTC 1582934400",
    )]);
}

#[test]
fn times_have_methods() {
    renders(&[(
        r#"{{$d := toDate "2006-01-02 15:04:05" "2020-02-29 13:14:15"}}{{$d.Year}} {{$d.Month}} {{$d.Day}} {{$d.Weekday}} {{$d.YearDay}} {{$d.Hour}} {{$d.Minute}} {{$d.Second}} {{$d.Nanosecond}} {{$d.Unix}} {{$d.UnixMilli}} {{$d.UnixMicro}} {{$d.UnixNano}} {{$d.IsZero}} {{$d.UTC}} {{$d.String}} {{$d.Local.Hour}} {{$d.Before now}} {{$d.After now}} {{$d.Equal $d}} {{"Jan" | $d.Format}} {{(toDate "x" "y").IsZero}}"#,
        "2020 February 29 Saturday 60 13 14 15 0 1582982055 1582982055000 1582982055000000 1582982055000000000 false 2020-02-29 13:14:15 +0000 UTC 2020-02-29 13:14:15 +0000 UTC 13 true false true Feb true",
    )]);
}

#[test]
fn durations_are_written_and_rounded() {
    values(&[
        (r#"duration "95""#, "1m35s"),
        (r#"duration "3600""#, "1h0m0s"),
        (r#"duration "-95""#, "-1m35s"),
        (r#"duration "0""#, "0s"),
        (r#"duration "x""#, "0s"),
        ("duration (int64 60)", "1m0s"),
        ("duration 95", "0s"),
        (r#"duration "90061""#, "25h1m1s"),
        (r#"durationRound "2h10m5s""#, "2h"),
        (r#"durationRound "400h""#, "16d"),
        (r#"durationRound "800h""#, "1mo"),
        (r#"durationRound "9000h""#, "1y"),
        (r#"durationRound "-5m""#, "5m"),
        (r#"durationRound "59s""#, "59s"),
        (r#"durationRound "1.9s""#, "1s"),
        (r#"durationRound "1ms""#, "0s"),
        (r#"durationRound "24h""#, "24h"),
        (r#"durationRound "x""#, "0s"),
        ("durationRound (int64 3600000000000)", "60m"),
        ("durationRound 0", "0s"),
        ("ago now", "0s"),
        (r#"ago "x""#, "0s"),
        ("durationRound now", "0s"),
    ]);
}
