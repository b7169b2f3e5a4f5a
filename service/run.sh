#!/usr/bin/env bash
# Builds Reachback, starts a gateway in test mode with a remote service, and shows what callers type and get.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source service/install.sh
source service/tour.sh

usage() {
  cat <<'TEXT'
usage: service/run.sh [--once]

Installs what the build needs (Debian 12; root or sudo), builds the preset `release`, starts `reachback serve --test`
and `reachback attach wsData` on a sample directory, makes calls, shows their answers, and serves until Ctrl-C.

  --once   end after the calls: 0 when every answer was right
  PORT     environment variable: the gateway's port [8888]
TEXT
}

once=false
for argument in "$@"; do
  case "$argument" in
    --once) once=true ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done

port=${PORT:-8888}
base=http://127.0.0.1:$port
reachback=build/release/service/reachback
work=$(mktemp -d)
pids=()

finish() {
  local code=$?
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT
trap 'exit 0' INT TERM

stop_with() {
  echo "$1" >&2
  tail -n 20 "$work"/*.log >&2 || true
  exit 1
}

# wait_for WHAT COMMAND...: until the command succeeds, for 20 s; gives up when a program of ours has ended.
wait_for() {
  local what=$1 deadline=$((SECONDS + 20)) pid
  shift
  until "$@"; do
    for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || stop_with "ended before $what"; done
    [ "$SECONDS" -lt "$deadline" ] || stop_with "waited 20 s in vain for: $what"
    sleep 0.1
  done
}

build() {
  install_packages "${build_packages[@]}" "${run_packages[@]}"
  cmake --preset release >"$work/configure.log" || { cat "$work/configure.log" >&2 && return 1; }
  cmake --build --preset release --target reachback
}

make_sample() {
  cp -r service/sample "$work/sample"
  # 12 MiB that compress to about three quarters, so that the answer comes in two parts.
  head -c 9437184 /dev/urandom | base64 -w 0 | head -c 12582912 >"$work/sample/scan.dat"
}

is_ready() { curl -fsS -o /dev/null "$base/readyz" 2>/dev/null; }
is_attached() {
  curl -fsS -H 'Authorization: Bearer test' "$base/v1/endpoints/wsData" 2>/dev/null | grep -q '"id"'
}

start() {
  make_sample
  "$reachback" serve --test --port "$port" >"$work/serve.out" 2>"$work/serve.log" &
  pids+=($!)
  wait_for "the gateway is ready" is_ready
  grep -q "listening on $base" "$work/serve.out" || stop_with "something else answers at port $port"
  "$reachback" attach wsData --files "$work/sample" --server "127.0.0.1:$port" --test \
    >"$work/attach.out" 2>"$work/attach.log" &
  pids+=($!)
  wait_for "the service is attached" is_attached
}

build
start
cat "$work/serve.out" "$work/attach.out"
tour || stop_with "an answer was wrong"
$once && exit 0
echo
echo "serving at $base until Ctrl-C (user test, password test, token test); the files are in $work/sample"
wait -n "${pids[@]}" || true
stop_with "a program ended by itself"
