use super::*;
use crate::cli::definition;

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

fn modern(line: &str) -> Result<Modern, String> {
    let args = words(line);
    let matches = extend(definition()).try_get_matches_from(&args).map_err(|error| error.to_string())?;
    modernize(&matches, &args).map_err(|error| error.to_string())
}

#[test]
fn the_definition_with_the_old_spellings_is_sound() {
    extend(definition()).debug_assert();
}

#[test]
fn old_flags_become_those_of_today_ahead_of_all_other_arguments() {
    let same = "use --registry-config instead";
    for (old, new, notice) in [
        (
            "oras push --manifest-config /dev/null:a/b r/a:1 f",
            "oras push --config=/dev/null:a/b --manifest-config /dev/null:a/b r/a:1 f",
            "Flag --manifest-config has been deprecated, use --config instead",
        ),
        (
            "oras pull r/a:1 --manifest-config=c.json",
            "oras pull --config=c.json r/a:1 --manifest-config=c.json",
            "Flag --manifest-config has been deprecated, use --config instead",
        ),
        (
            "oras push r/a:1 --manifest-annotations a.json",
            "oras push --annotation-file=a.json r/a:1 --manifest-annotations a.json",
            "Flag --manifest-annotations has been deprecated, use --annotation-file instead",
        ),
        (
            "oras push r/a:1 -c auth.json",
            "oras push --registry-config=auth.json r/a:1 -c auth.json",
            &format!("Flag -c has been deprecated, {same}"),
        ),
        (
            "oras logout -c auth.json r",
            "oras logout --registry-config=auth.json -c auth.json r",
            &format!("Flag --config has been deprecated, {same}"),
        ),
        (
            "oras discover --config auth.json r/a:1",
            "oras discover --registry-config=auth.json --config auth.json r/a:1",
            &format!("Flag --config has been deprecated, {same}"),
        ),
        (
            "oras login -k r",
            "oras login --insecure=true -k r",
            "Flag -k has been deprecated, use --insecure instead",
        ),
        (
            "oras login -uA -kp b r",
            "oras login --insecure=true -uA -kp b r",
            "Flag -k has been deprecated, use --insecure instead",
        ),
        (
            "oras manifest rm -y r/a:1",
            "oras manifest rm --force=true -y r/a:1",
            "Flag --yes has been deprecated, use --force instead",
        ),
        (
            "oras manifest delete --yes=false r/a:1",
            "oras manifest delete --force=false --yes=false r/a:1",
            "Flag --yes has been deprecated, use --force instead",
        ),
    ] {
        let modern = modern(old).unwrap_or_else(|error| panic!("{old}: {error}"));
        assert_eq!(modern.args, words(new), "{old}");
        assert_eq!(modern.notices, [notice], "{old}");
        let again = extend(definition()).try_get_matches_from(&modern.args);
        assert!(again.is_ok(), "{old}: {again:?}");
    }
}

#[test]
fn what_has_no_flag_of_today_is_only_told_of() {
    for (line, notice) in [
        ("oras pull -a r/a:1", "Flag --allow-all has been deprecated, all media types are pulled by default"),
        (
            "oras pull r/a:1 -ka",
            "Flag --allow-all has been deprecated, all media types are pulled by default",
        ),
        (
            "oras pull -t a/b --media-type c/d r/a:1",
            "Flag --media-type has been deprecated, and will be removed in a future release.",
        ),
        (
            "oras pull --allow-empty-name r/a:1",
            "Flag --allow-empty-name has been deprecated, content without a name is never pulled",
        ),
        ("oras push -s r/a:1 r/a", "Flag --subject has been deprecated, use \"oras attach\" instead"),
        (
            "oras push --image-spec v1.1-image r/a:1",
            "Flag --image-spec v1.1-image has been deprecated, use --image-spec v1.0 instead",
        ),
        (
            "oras push --image-spec=v1.1-artifact r/a:1",
            "Flag --image-spec v1.1-artifact has been deprecated, use --image-spec v1.1 instead",
        ),
        (
            "oras attach --image-spec v1.1-artifact r/a:1",
            "Flag --image-spec has been deprecated, the current form is written by default",
        ),
    ] {
        let modern = modern(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(modern.args, words(line), "{line}");
        assert_eq!(modern.notices, [notice], "{line}");
    }
}

#[test]
fn todays_spellings_are_left_alone() {
    for line in [
        "oras push r/a:1 f -a k=v --config c.json --image-spec v1.1",
        "oras attach r/a:1 -a k=v --artifact-type x/y",
        "oras pull r/a:1 -k -T -o out --config c.json",
        "oras pull -- -a",
        "oras manifest fetch --media-type a/b r/a:1",
        "oras version",
    ] {
        assert_eq!(modern(line), Ok(Modern { args: words(line), notices: Vec::new() }), "{line}");
    }
}

#[test]
fn both_spellings_may_say_the_same_but_not_different_things() {
    assert!(modern("oras push r/a:1 --manifest-config c --config c").is_ok());
    assert!(modern("oras manifest delete r/a:1 -f -y").is_ok());
    for (line, error) in [
        (
            "oras push r/a:1 --manifest-config c --config d",
            "--manifest-config, --config cannot be used at the same time",
        ),
        ("oras manifest delete r/a:1 --force=false -y", "--yes, --force cannot be used at the same time"),
        (
            "oras login r -c a --registry-config b",
            "--config, --registry-config cannot be used at the same time",
        ),
    ] {
        assert_eq!(modern(line), Err(error.to_owned()), "{line}");
    }
}

#[test]
fn flags_of_one_command_are_not_those_of_another() {
    for line in [
        "oras push -t a/b r/a:1",
        "oras attach -s r/a:1 r/a",
        "oras login -y r",
        "oras pull --image-spec v1.0 r/a:1",
    ] {
        assert!(modern(line).is_err(), "{line}");
    }
}

#[test]
fn help_and_manuals_do_not_have_the_old_spellings() {
    let mut root = crate::cli::reference();
    root.build();
    for (command, flag) in
        [("push", "manifest-config"), ("pull", "media-type"), ("push", "subject"), ("attach", "image-spec")]
    {
        let command = root.find_subcommand(command).unwrap();
        assert!(command.get_arguments().all(|arg| arg.get_long() != Some(flag)), "{flag}");
    }
}
