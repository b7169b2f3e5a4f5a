#!/usr/bin/env bash
# Builds the image and the composition of compose.yaml, runs both, and checks what README.md says of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cannot_run=77

usage() {
  cat <<'TEXT'
usage: docker/image_test.sh

Needs a Docker engine, or Debian 12 and root (or sudo): then podman is installed and used, with or without a registry.
Exit code 0 when all is well, 77 when this machine can run no container; build/image/skipped tells why.
TEXT
}

case "${1-}" in
  '') ;;
  -h | --help) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac

source service/install.sh
source docker/engine.sh
if [ "$engine_name" = podman ] && [ "$(id -u)" != 0 ]; then exec sudo -- docker/image_test.sh; fi

name=reachback-test-$$
token=$(head -c 18 /dev/urandom | base64)
auth="Authorization: Bearer $token"
work=$(mktemp -d)
chmod 755 "$work"
containers=()
networks=()

# check SENTENCE COMMAND...: the first that is not so ends the test.
check() {
  local sentence=$1
  shift
  "$@" || { echo "not so: $sentence" >&2 && exit 1; }
  echo "  $sentence"
}

equal() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'" >&2 && return 1; }; }
at_most() { [ "$1" -le "$2" ] || { echo "$1 is more than $2" >&2 && return 1; }; }

# wait_for COMMAND...: until it succeeds, for 30 s.
wait_for() {
  local deadline=$((SECONDS + 30))
  until "$@" 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || { echo "waited in vain for: $*" >&2 && return 1; }
    sleep 0.1
  done
}

# start NAME ARGUMENT...: a hardened container in the background.
start() {
  local container=$name-$1
  shift
  containers+=("$container")
  engine run -d --name "$container" "${hardened[@]}" "$@" >"$work/run.log" 2>&1 ||
    { cat "$work/run.log" >&2 && return 1; }
}

finish() {
  local code=$? item
  trap - EXIT
  take_down "$code" || true
  for item in "${containers[@]}"; do
    [ "$code" = 0 ] || { echo "--- $item" && engine logs "$item" 2>&1 | tail -n 30; } >&2
    engine kill "$item" >/dev/null 2>&1 || true
    engine rm -f "$item" >/dev/null 2>&1 || true
  done
  for item in "${networks[@]}"; do engine network rm "$item" >/dev/null || true; done
  # A store in use is no folder that can be removed.
  awk -v below="$store/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount || true
  rm -rf "$work"
  exit "$code"
}

source docker/image_checks.sh
source docker/compose_checks.sh

trap finish EXIT
install_engine
reason=$(why_no_container)
if [ -n "$reason" ]; then
  echo "$reason" | tee "$store/skipped"
  exit "$cannot_run"
fi
have_base_image
check_image
check_compose
