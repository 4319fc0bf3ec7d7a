#!/usr/bin/env bash
# Runs every check, and installs what they need. `bash tests/run.sh fmt lint` runs some of them; the
# parts and their order are in PARTS. docs/testing.md says more.
#
#   CI=true             a real registry that cannot be started is a failure, not a skip
#   ORAS_ADVISORY_DB    a clone of the list of advisories, for machines that cannot fetch it
#   XDG_CACHE_HOME      what is built here and is not the project's is kept in $XDG_CACHE_HOME/oras-rs-tests
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
exec </dev/null

PARTS=(install fmt lint build test doc deny quickstart seeds golden)
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/oras-rs-tests"
TARGET="${CARGO_TARGET_DIR:-target}"
DISTRIBUTION=v3.0.0
CARGO_DENY=0.20.2
DEBIAN_PACKAGES=(docker-registry jq curl nginx openssl gnupg pass golang-docker-credential-helpers python3)
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
mkdir -p "$CACHE/bin"
export PATH="$PATH:$CACHE/bin"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

passed=0 failed=0

# Adds up what a test program or the golden cases say about themselves; one for a part that says nothing.
count() {
  local totals
  totals=$(sed -nE 's/^(test result: [a-zA-Z]+\. )?([0-9]+) passed[;,] ([0-9]+) failed.*/\2 \3/p' "$log")
  [ -n "$totals" ] || totals=$([ "$1" = 0 ] && echo '1 0' || echo '0 1')
  while read -r good bad; do passed=$((passed + good)); failed=$((failed + bad)); done <<<"$totals"
  [ "$1" = 0 ] || [ "$failed" != 0 ] || failed=1
}

run_part() {
  local part=$1 begin=$SECONDS status=0
  printf '\n== %s\n' "$part"
  : >"$log"
  "part_$part" 2>&1 | tee "$log" || status=$?
  case "$part $status" in
    'install 0' | 'build 0') ;;
    *) count "$status" ;;
  esac
  printf '== %s: %s after %d s\n' "$part" "$([ "$status" = 0 ] && echo good || echo FAILED)" $((SECONDS - begin))
  if [ "$status" != 0 ]; then
    printf '\n%s failed; run it alone with: bash tests/run.sh %s\n' "$part" "$part"
    printf '%d passed, %d failed\n' "$passed" "$failed"
    exit 1
  fi
}

has() { command -v "$1" >/dev/null 2>&1; }

# What the tests need. Nothing is installed that is there, and what cannot be installed is said: the
# tests that need it then skip, or fail with CI=true.
part_install() {
  install_debian
  install_rust
  install_deny
  install_go
  for program in docker-registry nginx docker-credential-pass gpg jq curl "$CACHE/bin/distribution-$DISTRIBUTION" \
    "$CACHE/bin/referrers-registry"; do
    if has "$program" || [ -x "/usr/sbin/$program" ]; then echo "found   $program"; else echo "missing $program"; fi
  done
}

install_debian() {
  has apt-get || return 0
  local missing=() package
  for package in "${DEBIAN_PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  has cc || missing+=(gcc libc6-dev)
  has go || missing+=(golang-go)
  [ ${#missing[@]} = 0 ] && return 0
  local root=()
  if [ "$(id -u)" != 0 ]; then
    root=(sudo -n)
    sudo -n true 2>/dev/null || { echo "not root: please install ${missing[*]}"; return 0; }
  fi
  echo "installing ${missing[*]}"
  # Services that packages start by themselves would hold ports; the tests start their own.
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o Dpkg::Use-Pty=0)
  "${apt[@]}" update && "${apt[@]}" install --no-install-recommends -y "${missing[@]}" >"$log.apt" 2>&1
  local status=$?
  [ $status = 0 ] || tail -5 "$log.apt"
  rm -f "$log.apt"
  return 0
}

install_rust() {
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return 0
  has rustup && rustup component add rustfmt clippy
}

install_deny() {
  cargo deny --version >/dev/null 2>&1 && return 0
  echo "building cargo-deny $CARGO_DENY"
  cargo install --quiet --locked --root "$CACHE" --version "$CARGO_DENY" cargo-deny ||
    echo 'cargo-deny cannot be installed: licences and sources are checked without it'
  return 0
}

install_go() {
  # Where the packaged Go is older than a module asks for, it may fetch the one that is asked for.
  export GOTOOLCHAIN="${GOTOOLCHAIN:-auto}"
  has go || { echo 'Go is missing: two registries cannot be built'; return 0; }
  local registry="$CACHE/bin/distribution-$DISTRIBUTION" referrers="$CACHE/bin/referrers-registry"
  if [ ! -x "$registry" ]; then
    echo "building distribution $DISTRIBUTION"
    local folder
    folder=$(mktemp -d)
    GOBIN="$folder" go install "github.com/distribution/distribution/v3/cmd/registry@$DISTRIBUTION" &&
      mv "$folder/registry" "$registry"
    rm -rf "$folder"
  fi
  if [ ! -x "$referrers" ] || [ tests/registries/referrers/go.sum -nt "$referrers" ] ||
    [ tests/registries/referrers/main.go -nt "$referrers" ]; then
    echo 'building the registry with the referrers API'
    (cd tests/registries/referrers && go build -trimpath -o "$referrers" . && touch "$referrers")
  fi
  return 0
}

part_fmt() { cargo fmt --check; }

part_lint() { cargo clippy --quiet --all-targets --locked -- -D warnings; }

# The binary that is tested is the one that is shipped.
part_build() {
  cargo build --release --quiet --locked --bin oras && ls -l "$TARGET/release/oras"
}

part_test() {
  [ -x "$TARGET/release/oras" ] || part_build || return 1
  # Tests wait for servers and processes more than they compute.
  ORAS_BIN="$(realpath "$TARGET/release/oras")" RUST_TEST_THREADS="${RUST_TEST_THREADS:-4}" cargo test --quiet --locked
}

part_doc() { RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --no-deps; }

part_deny() {
  if ! cargo deny --version >/dev/null 2>&1; then
    echo 'cargo-deny is not installed (cargo install --locked cargo-deny): licences and sources are checked'
    echo 'from what cargo knows; duplicates and advisories are not checked'
    python3 tests/licences.py
    return
  fi
  cargo deny --locked check bans licenses sources || return 1
  check_advisories
}

# The list of advisories is a git repository. Where it cannot be reached, a clone of it takes its place.
check_advisories() {
  local config=deny.toml
  if [ -n "${ORAS_ADVISORY_DB:-}" ]; then
    config="$CACHE/deny.toml"
    sed "s|^\[advisories\]|&\ndb-path = \"$CACHE/advisories\"\ngit-fetch-with-cli = true|" deny.toml >"$config"
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db
    export GIT_CONFIG_KEY_0="url.file://$(realpath "$ORAS_ADVISORY_DB").insteadOf"
  fi
  if cargo deny --locked --config "$config" fetch db >/dev/null 2>&1; then
    cargo deny --locked --offline --config "$config" check advisories
  elif [ -n "${ORAS_ADVISORY_DB:-}" ]; then
    echo "ORAS_ADVISORY_DB=$ORAS_ADVISORY_DB is no clone of the list of advisories"
    return 1
  else
    echo 'SKIPPED: the list of advisories cannot be fetched here, so dependencies are not compared with it;'
    echo 'clone https://github.com/RustSec/advisory-db elsewhere and name the clone in ORAS_ADVISORY_DB'
  fi
}

part_quickstart() {
  [ -x "$TARGET/release/oras" ] || part_build || return 1
  ORAS_BIN="$TARGET/release/oras" bash examples/quickstart.sh
}

# The five documents that the client was made for, line by line on real registries.
part_seeds() {
  [ -x "$TARGET/release/oras" ] || part_build || return 1
  ORAS_BIN="$TARGET/release/oras" bash tests/seeds/run.sh
}

# Recorded cases of the reference client, which users of the project do not have.
part_golden() {
  if [ ! -f ../shared/golden/golden.py ]; then echo 'no recorded cases beside this project'; return 0; fi
  [ -x "$TARGET/release/oras" ] || part_build || return 1
  local output meant unmeant
  output=$(mktemp) meant=$(mktemp)
  grep -v '^#' tests/golden-differences.txt | sort >"$meant"
  python3 ../shared/golden/golden.py --bin "$TARGET/release/oras" --verbose >"$output" 2>&1
  unmeant=$(sed -n 's/^FAIL //p' "$output" | sort | comm -23 - "$meant")
  local good bad
  good=$(sed -nE 's/^([0-9]+) passed.*/\1/p' "$output")
  bad=$(printf '%s' "$unmeant" | grep -c .)
  if [ -z "$good" ] || [ "$bad" != 0 ]; then grep -v ' passed, ' "$output"; fi
  echo "differences that are meant, each with its reason: tests/golden-differences.txt"
  echo "${good:-0} passed, $bad failed"
  rm -f "$output" "$meant"
  [ -n "$good" ] && [ "$bad" = 0 ]
}

[ $# -gt 0 ] || set -- "${PARTS[@]}"
for part in "$@"; do
  declare -F "part_$part" >/dev/null || { echo "no part $part; there are: ${PARTS[*]}" >&2; exit 2; }
done
begin=$SECONDS
for part in "$@"; do run_part "$part"; done
printf '\nall good after %d s\n%d passed, %d failed\n' $((SECONDS - begin)) "$passed" "$failed"
