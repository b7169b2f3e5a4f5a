# Sourced by image_test.sh: what is true of the image, seen from outside.

image=localhost/reachback:test
most_bytes=100000000
# What README.md recommends; and no shell is there, so that nothing can lean on one.
hardened=(--read-only --cap-drop all --security-opt no-new-privileges --memory 256m --pids-limit 64
  --volume /dev/null:/usr/bin/dash:ro --volume /dev/null:/usr/bin/bash:ro)

build_image() {
  echo "== build"
  local timing=$SECONDS
  engine build "${build_flags[@]}" --target test -t localhost/reachback:tested . >"$work/build.log" 2>&1 &&
    engine build "${build_flags[@]}" --target runtime -t "$image" . >>"$work/build.log" 2>&1 ||
    { tail -n 60 "$work/build.log" >&2 && return 1; }
  grep -E '[0-9]+ passed' "$work/build.log" || true
  echo "  built in $((SECONDS - timing)) s"
}

inspect() { engine inspect --format "$2" "$1"; }
request() { printf '{"cmd":"rpc","class":"DataInterface","attribute":"%s","args":["%s"]}' "$1" "$2"; }
call() { curl -sS -H "$auth" --json "$1" "${@:2}" "$base/v1/endpoints/wsData/requests"; }
status_of() { curl -sS -o /dev/null -w '%{http_code}' "$@"; }

check_metadata() {
  check "it has at most $((most_bytes / 1000000)) MB" at_most "$(inspect "$image" '{{.Size}}')" "$most_bytes"
  echo "    $(inspect "$image" '{{.Size}}') bytes"
  check "its label names the program's version" equal "reachback $(inspect "$image" \
    '{{index .Config.Labels "org.opencontainers.image.version"}}')" "$(engine run --rm "${hardened[@]}" "$image" --version)"
}

check_wrong_environment() {
  local code=0
  engine run --rm "${hardened[@]}" -e REACHBACK_PORT=eighty "$image" >/dev/null 2>"$work/stderr" || code=$?
  check "a wrong environment ends it with exit code 2" equal "$code" 2
  check "and with one line" equal "$(wc -l <"$work/stderr")" 1
  check "that names the variable" grep -q REACHBACK_PORT "$work/stderr"
}

# All of its configuration comes from the environment. The drain grace outlasts check_drain, on a slow machine too.
start_gateway() {
  start gateway --network "$name" -p 127.0.0.1::8888 -e REACHBACK_TOKEN="$token" -e REACHBACK_DRAIN_WAIT=1 \
    -e REACHBACK_DRAIN_GRACE=120 "$image"
  gateway=$name-gateway
  base=http://$(engine port "$gateway" 8888/tcp)
  wait_for is_ready
}

is_ready() { curl -fsS -o /dev/null "$base/readyz"; }

is_healthy() {
  case "$engine_name" in
    podman) engine healthcheck run "$gateway" >/dev/null ;;  # without systemd nobody else does
    docker) equal "$(inspect "$gateway" '{{.State.Health.Status}}')" healthy ;;
  esac
}

# status_line KEY: of the program's entry in /proc.
status_line() { engine exec "$gateway" cat /proc/1/status | awk -v key="$1:" '$1 == key { print $2 }'; }

check_hardening() {
  check "it does not run as root" equal "$(status_line Uid) $(status_line Gid)" "65532 65532"
  local set
  for set in CapInh CapPrm CapEff CapBnd CapAmb; do
    check "it has no capability in $set" equal "$(status_line "$set")" 0000000000000000
  done
  check "it can gain no privileges" equal "$(status_line NoNewPrivs)" 1
  check "its root is read-only" equal \
    "$(engine exec "$gateway" cat /proc/mounts | awk '$2 == "/" { print substr($4, 1, 3) }')" "ro,"
}

make_files() {
  mkdir "$work/files"
  cp service/sample/hello.txt "$work/files/"
  head -c 50000000 /dev/urandom >"$work/files/scan.dat"
  chmod -R a+rX "$work/files"
}

start_service() {
  make_files
  start service --network "$name" --volume "$work/files:/srv/files:ro" -e REACHBACK_TOKEN="$token" \
    -e REACHBACK_SERVER="http://$gateway:8888" "$image" attach wsData --files /srv/files
  wait_for service_is_there
}

service_is_there() { curl -fsS -H "$auth" "$base/v1/endpoints/wsData" | grep -q '"id"'; }

check_call() {
  call "$(request getFile hello.txt)" -H 'Accept: application/octet-stream' >"$work/hello.txt"
  check "a service in a second container answers a call" cmp "$work/hello.txt" service/sample/hello.txt
  check "a call without the token gets 401" equal \
    "$(status_of --json "$(request echo hi)" "$base/v1/endpoints/wsData/requests")" 401
}

is_unready() { [ "$(status_of "$base/readyz")" = 503 ]; }

# It fails because of what the gateway answers, and not because it could not be run.
health_check_says_503() {
  local code=0
  engine exec "$gateway" reachback health >"$work/health" 2>&1 || code=$?
  equal "$code" 1 && grep -q 503 "$work/health" || { cat "$work/health" >&2 && return 1; }
}

refuses_calls() { call "$(request echo hi)" | grep -q '/problems/draining'; }

# The call is pending as long as nobody reads on: its answer is larger than all that the network holds.
check_drain() {
  local caller
  mkfifo "$work/pipe"
  call "$(request getFile scan.dat)" -N -H 'Accept: application/octet-stream' >"$work/pipe" &
  caller=$!
  exec 4<"$work/pipe"
  head -c 65536 <&4 >"$work/scan.dat"
  # The signal that `stop` sends. During a `stop` podman runs nothing in the container, so nothing could be asked.
  engine kill --signal "$(inspect "$gateway" '{{.Config.StopSignal}}')" "$gateway" >/dev/null
  check "at SIGTERM /readyz turns to 503" wait_for is_unready
  check "and its health check fails" health_check_says_503
  check "after the drain wait it refuses new calls" wait_for refuses_calls
  check "while an old one is pending" kill -0 "$caller"
  cat <&4 >>"$work/scan.dat"
  exec 4<&-
  check "which is answered" wait "$caller"
  check "completely" cmp "$work/scan.dat" "$work/files/scan.dat"
  check "then it ends with exit code 0" equal "$(engine wait "$gateway")" 0
}

check_image() {
  build_image
  echo "== the image"
  check_metadata
  check_wrong_environment
  engine network create "$name" >/dev/null
  networks+=("$name")
  start_gateway
  check "its health check succeeds" wait_for is_healthy
  check_hardening
  start_service
  check_call
  check_drain
}
