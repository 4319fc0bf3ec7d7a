# What the scripts of this folder share: a registry with a password, a reader's shell, and looking at what
# the last command line printed.
#
# A script runs the lines of its document in their order. `step S1-8 'what it shows'` opens a step; a line that
# fails, or a check that finds something else, makes the step a failure and the script goes on, as a reader would
# whose terminal shows an error. The last line is `N passed, M failed`.
#
#   ORAS_BIN=target/release/oras bash tests/seeds/s1.sh [docker-registry|distribution|referrers]
# shellcheck shell=bash

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
ORAS_BIN=$(realpath -m "${ORAS_BIN:-target/release/oras}")
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/oras-rs-tests"
KIND=${1:-docker-registry}
USER_NAME=alice
PASSWORD=wonderland

box=$(mktemp -d)
server=
# shellcheck disable=SC2317
cleanup() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
  rm -rf "$box"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# A reader's computer: an empty home, and nothing of the real one.
exec 3>&1 >"$box/terminal" 2>&1 </dev/null
mkdir "$box/home" "$box/here"
export HOME="$box/home" DOCKER_CONFIG="$box/home/.docker" XDG_CACHE_HOME="$box/home/.cache"
for variable in "${!ORAS_@}"; do [ "$variable" = ORAS_BIN ] || unset "$variable"; done
cd "$box/here" || exit 1

say() { printf '%s\n' "$*" >&3; }

# --- steps -----------------------------------------------------------------------------------------------

passed=0 failed=0 current='' problems=0

step() {
  end_step
  current="$1 $2" problems=0
}

# The same lines once more, on something else: not one of the document's own steps.
again() { step "again $1" "$2"; }

end_step() {
  [ -n "$current" ] || return 0
  if [ "$problems" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  current=
}

problem() {
  problems=$((problems + 1))
  say "FAILED $(basename "$0") on $KIND: $current: $1"
  [ ! -s "$box/stdout" ] || sed 's/^/  | /' "$box/stdout" >&3
  [ ! -s "$box/stderr" ] || sed 's/^/  ! /' "$box/stderr" >&3
  [ ! -s "$box/difference" ] || sed 's/^/  ? /' "$box/difference" >&3
  : >"$box/difference"
}
trap 'problem "line $LINENO: $BASH_COMMAND"' ERR

finish() {
  end_step
  say "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" != 0 ]
  exit
}

# --- the client, and what it printed ---------------------------------------------------------------------

oras() {
  local status=0
  "$ORAS_BIN" "$@" >"$box/stdout" 2>"$box/stderr" || status=$?
  cat "$box/stdout"
  cat "$box/stderr" >&2
  return $status
}

# A line that ends with status 1, as it should.
refused() {
  local status=0
  "$@" || status=$?
  [ "$status" = 1 ]
}

# What varies is written as in the documents: with a name for it.
plain() {
  sed -E -e "s|localhost:$PORT|[REGISTRY]|g" \
    -e 's/sha256-[0-9a-f]{64}/[DIGEST-TAG]/g' -e 's/sha256:[0-9a-f]{64}/[DIGEST]/g' \
    -e 's/^([A-Z][a-z]+ +)[0-9a-f]{12} /\1[SHORT] /' \
    -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z/[TIME]/g' "$1"
}

# The last command printed each of these lines.
shows() {
  local line
  plain "$box/stdout" >"$box/plain"
  while IFS= read -r line; do
    grep -Fxq -e "$line" "$box/plain" || { echo "no line: $line" >"$box/difference"; return 1; }
  done
}

# The last command printed these lines and nothing else.
prints() { diff - <(plain "$box/stdout") >"$box/difference"; }

# The last command said these lines on standard error and nothing else.
warns() { diff - <(plain "$box/stderr") >"$box/difference"; }
silent() { [ ! -s "$box/stderr" ]; }

same() { [ "$1" = "$2" ] || { printf '%s\n%s\n' "$1" "$2" >"$box/difference"; return 1; }; }

is_digest() { [[ $1 =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "no digest: $1" >"$box/difference"; return 1; }; }

# The branches of the tree that the last command printed, from the root to each type. Registries list in orders
# of their own, which is why they are sorted.
branches() {
  plain "$box/stdout" | sed -E 's/(│   |    )/\t/g; s/[├└]── /\t/' | awk -F '\t' '
    NF > 1 && $NF ~ /^[^ ]+\/[^ ]+$/ { at[NF] = $NF; path = at[2]; for (n = 4; n <= NF; n += 2) path = path " > " at[n]; print path }
  ' | LC_ALL=C sort -u >"$box/found"
  diff - "$box/found" >"$box/difference"
}

# The files below a folder, as `tree` lists them.
tree_of() { (cd "$1" && find . -type f | LC_ALL=C sort | sed 's|^\./||'); }

# All three filters of the documents find the same in `-o json`, whichever a script was written with.
filters_agree() {
  oras discover -o json "$@" | jq -e '[.references, .referrers, .manifests] | map(map(.digest)) | .[0] == .[1] and .[1] == .[2]'
}

# --- the registry ----------------------------------------------------------------------------------------

# Without what a script needs, it is skipped; with CI=true that is a failure.
missing() {
  if [ "${CI:-}" = true ]; then say "$1"; say '0 passed, 1 failed'; exit 1; fi
  say "skipped: $(basename "$0"): $1"
  say '0 passed, 0 failed'
  exit 0
}

program_of() {
  local found
  case $1 in
    docker-registry) PATH="$PATH:/usr/sbin" command -v docker-registry ;;
    distribution)
      found=$(find "$CACHE/bin" -maxdepth 1 -name 'distribution-v*' -type f 2>/dev/null | sort | tail -1)
      [ -n "$found" ] && echo "$found" ;;
    referrers) [ -x "$CACHE/bin/referrers-registry" ] && echo "$CACHE/bin/referrers-registry" ;;
  esac
}

# Starts the registry on a free port. The two of the distribution project want a password and have no referrers
# API; the third has that API and knows no passwords.
start_registry() {
  [ -x "$ORAS_BIN" ] || missing "no client at $ORAS_BIN (cargo build --release)"
  command -v jq >/dev/null || missing 'jq is missing'
  local program
  program=$(program_of "$KIND") || missing "$KIND is missing (bash tests/run.sh install)"
  # The password of alice.
  echo 'alice:$2b$05$oCJXvzFVfcWmg8wQJqyZ2elvTKkhSRF89TAXpc40wuxQ6QlSkiP5i' >"$box/htpasswd"
  cat >"$box/registry.yml" <<YAML
version: 0.1
log: {level: info}
storage:
  filesystem: {rootdirectory: $box/storage}
  delete: {enabled: true}
http: {addr: "127.0.0.1:0"}
auth: {htpasswd: {realm: test, path: $box/htpasswd}}
YAML
  local arguments=()
  [ "$KIND" = referrers ] || arguments=(serve "$box/registry.yml")
  OTEL_TRACES_EXPORTER=none "$program" "${arguments[@]}" >"$box/registry.log" 2>&1 3>&- &
  server=$!
  local patience=600
  until PORT=$(sed -nE 's/.*listening on [^ ]*:([0-9]+).*/\1/p' "$box/registry.log") && [ -n "$PORT" ]; do
    patience=$((patience - 1))
    [ $patience -gt 0 ] && kill -0 "$server" 2>/dev/null || { sed 's/^/  /' "$box/registry.log" >&3; missing "$KIND does not start"; }
    sleep 0.05
  done
  REGISTRY=localhost:$PORT
  has_api=$([ "$KIND" = referrers ] && echo yes || echo no)
}

# What `az acr login` and `docker login` leave behind.
docker_login() {
  mkdir -p "$DOCKER_CONFIG"
  printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$1" "$(printf %s "$USER_NAME:$PASSWORD" | base64 -w0)" >"$DOCKER_CONFIG/config.json"
}

# What `az acr build`, or `docker build` and `docker push`, leave behind: an image, whose layers have no titles.
# With `--oci-layout` as the first word it goes to a layout.
build_image() {
  local flag=()
  [ "$1" != --oci-layout ] || { flag=(--oci-layout); shift; }
  echo '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}' >"$box/config.json"
  echo 'what the image holds' | gzip -n >"$box/layer"
  local config layer type=application/vnd.oci.image
  config=$("$ORAS_BIN" blob push "${flag[@]}" "${1%:*}" "$box/config.json" --media-type $type.config.v1+json --descriptor) &&
    layer=$("$ORAS_BIN" blob push "${flag[@]}" "${1%:*}" "$box/layer" --media-type $type.layer.v1.tar+gzip --descriptor) &&
    jq -jcn --argjson config "$config" --argjson layer "$layer" --arg mediaType $type.manifest.v1+json \
      '{schemaVersion: 2, $mediaType, $config, layers: [$layer]}' >"$box/manifest.json" &&
    "$ORAS_BIN" manifest push "${flag[@]}" "$1" "$box/manifest.json" --descriptor | jq -r .digest
}

# --- what earlier versions wrote -------------------------------------------------------------------------

# Puts an artifact of files into the layout `old`, attached to a digest there, in the form of a generation:
# `alpha`, `oras` or `oci`. Prints the digest of the manifest.
old_artifact() {
  local form=$1 type=$2 subject=$3 blobs media_type created
  shift 3
  "$ORAS_BIN" push --oci-layout old:files "$@" >/dev/null || return
  blobs=$("$ORAS_BIN" manifest fetch --oci-layout old:files | jq -c .layers) || return
  subject=$("$ORAS_BIN" manifest fetch --oci-layout --descriptor "old@$subject" | jq -c '{mediaType, digest, size}') || return
  media_type=application/vnd.cncf.oras.artifact.manifest.v1+json created=io.cncf.oras.artifact.created
  if [ "$form" = oci ]; then
    media_type=application/vnd.oci.artifact.manifest.v1+json created=org.opencontainers.artifact.created
  fi
  # The alpha wrote neither its media type nor a time.
  jq -jcn --arg form "$form" --arg mediaType $media_type --arg artifactType "$type" --arg created $created \
    --argjson blobs "$blobs" --argjson subject "$subject" \
    '{$mediaType, $artifactType, $blobs, $subject, annotations: {($created): "2022-09-01T00:00:00Z"}}
      | if $form == "alpha" then del(.mediaType, .annotations) else . end' >"$box/manifest.json"
  "$ORAS_BIN" manifest push --oci-layout old "$box/manifest.json" --media-type $media_type --descriptor | jq -r .digest
}

# The image and what its document attaches, as an ORAS of that generation left it, in the layout `old`.
old_graph() {
  local image sbom
  image=$(build_image --oci-layout old:v1) && is_digest "$image" &&
    is_digest "$(old_artifact "$1" signature/example "$image" ./signature.json:application/json)" &&
    is_digest "$(old_artifact "$1" readme/example "$image" ./readme.md:application/markdown ./details)" &&
    sbom=$(old_artifact "$1" sbom/example "$image" ./sbom.json:application/json) &&
    is_digest "$(old_artifact "$1" signature/example "$sbom" ./sbom-signature.json:application/json)"
}

# The registry takes that graph as it is, or refuses it as it is: a manifest is never converted. The tree of it
# in the layout is printed either way.
old_graph_in_registry() {
  if [ "$has_api" = yes ]; then
    oras cp -r --from-oci-layout old:v1 "$REGISTRY/old/$REPO:$TAG"
  else
    refused oras cp -r --from-oci-layout old:v1 "$REGISTRY/old/$REPO:$TAG" &&
      grep -q '^Error .*: manifest invalid: ' "$box/stderr" && grep -q 'an OCI image layout keeps them' "$box/stderr"
  fi
}
