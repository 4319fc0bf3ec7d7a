#!/usr/bin/env bash
# Runs the five documents that this client was made for, each against each registry. They run at the same time:
# where a registry has no referrers API, each thing that is attached waits for others that write the same list.
#
#   ORAS_BIN=target/release/oras bash tests/seeds/run.sh
#
# CI=true makes a registry that cannot be started a failure, not a skip.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

said=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$said"' EXIT
trap 'exit 130' INT TERM
runs=()
for registry in docker-registry distribution referrers; do
  for document in s0 s1 s2 s3 s4; do
    bash "tests/seeds/$document.sh" $registry >"$said/$document-$registry" 2>&1 &
    runs+=("$!:$document:$registry")
  done
done
status=0
for run in "${runs[@]}"; do
  IFS=: read -r process document registry <<<"$run"
  wait "$process" || status=1
  printf '%s on %s\n' "$document" "$registry"
  cat "$said/$document-$registry"
done
exit $status
