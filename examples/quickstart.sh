#!/usr/bin/env bash
# The main job in a minute, without a server: push a file and a folder to an OCI image layout, attach an
# SBOM, sign the SBOM, look at the tree, copy all of it, pull it back, compare every byte.
#
#   bash examples/quickstart.sh            builds the client first
#   ORAS_BIN=/path/to/oras bash examples/quickstart.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "${ORAS_BIN:-}" ]; then
  echo "Building the client (a few minutes the first time) ..."
  cargo build --release --quiet --bin oras
  ORAS_BIN="${CARGO_TARGET_DIR:-target}/release/oras"
fi
ORAS_BIN=$(realpath "$ORAS_BIN")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME="$work" DOCKER_CONFIG="$work/.docker"

say() { printf '\n# %s\n' "$*"; }
oras() {
  printf '$ oras'; printf ' %q' "$@"; echo
  "$ORAS_BIN" "$@"
}
must_equal() {
  diff -r "$1" "$2" || { echo "FAILED: $2 is not $1" >&2; exit 1; }
  echo "the same: $1 and $2"
}

mkdir -p docs/pictures
echo 'Hello, artifacts!' >hello.txt
echo '# Guide' >docs/guide.md
head -c 100000 /dev/urandom >docs/pictures/noise.bin
echo '{"packages": ["hello"]}' >sbom.json

say 'Push a file and a folder to a layout, which is a folder named "store"'
oras push --oci-layout store:v1 --artifact-type application/vnd.example.app hello.txt:text/plain docs

say 'Attach an SBOM to it'
oras attach --oci-layout store:v1 --artifact-type sbom/example sbom.json:application/json
sbom=$("$ORAS_BIN" discover --oci-layout store:v1 --format go-template='{{range .referrers}}{{.digest}}{{end}}')

say 'Sign the SBOM: the signature is attached to what was attached'
echo "I vouch for $sbom" >sbom.sig
oras attach --oci-layout "store@$sbom" --artifact-type signature/example sbom.sig

say 'Look at the tree'
oras discover --oci-layout store:v1

say 'Copy all of it to another layout'
oras cp --recursive --from-oci-layout store:v1 --to-oci-layout copy:v1

say 'Pull everything back from the copy'
oras pull --oci-layout copy:v1 --output pulled
oras pull --oci-layout "copy@$sbom" --output pulled-sbom
tree() { "$ORAS_BIN" discover --oci-layout "$1" --format json; }
signature=$("$ORAS_BIN" discover --oci-layout "copy@$sbom" --format go-template='{{range .referrers}}{{.digest}}{{end}}')
oras pull --oci-layout "copy@$signature" --output pulled-signature

say 'Compare'
must_equal hello.txt pulled/hello.txt
must_equal docs pulled/docs
must_equal sbom.json pulled-sbom/sbom.json
must_equal sbom.sig pulled-signature/sbom.sig
tree store:v1 | sed 's/store@/layout@/g' >store.json
tree copy:v1 | sed 's/copy@/layout@/g' >copy.json
must_equal store.json copy.json

printf '\nDone: everything came back as it was pushed.\n'
