# Sourced by service/run.sh: calls of every form, as a user would type them, with what comes back. Uses `base`, `port`
# and `work` of there. Every answer is checked; the first wrong one ends the tour.

auth="Authorization: Bearer test"

# show TITLE COMMAND: prints and runs the command line; what it prints stays in $work/answer, long lines are cut.
show() {
  printf '\n# %s\n$ %s\n' "$1" "$2"
  bash -o pipefail -c "$2" >"$work/answer" 2>&1 || { cat "$work/answer" && return 1; }
  cut -c1-240 "$work/answer" | head -n 12
}

# expect TEXT: the last answer has it.
expect() {
  grep -qF -- "$1" "$work/answer" && return 0
  echo "expected in the answer: $1" >&2
  return 1
}

request() { printf '{"cmd":"rpc","class":"DataInterface","attribute":"%s","args":["%s"],"kwargs":{}}' "$1" "$2"; }

# call MESSAGE [ACCEPT]: the command line of a call to wsData.
call() {
  local accept=${2:+"-H 'Accept: $2' "}
  printf "curl -sS -H '%s' %s--json '%s' %s/v1/endpoints/wsData/requests" "$auth" "$accept" "$1" "$base"
}

tour_calls() {
  show "Who is there" "curl -sS -H '$auth' $base/v1/endpoints" && expect '"wsData"' &&
    show "A call: the answer is one JSON object, its data in base64" "$(call "$(request echo 'hello')")" &&
    expect '"status":200' &&
    show "The names of the service's files" "$(call "$(request listFiles '*')")" && expect '"status":200' &&
    show "The bytes of an answer alone" "$(call "$(request getFile hello.txt)" application/octet-stream)" &&
    expect "$(head -n 1 service/sample/hello.txt)"
}

tour_large_file() {
  show "A file of 12 MiB as NDJSON: one line for each part, as it arrives (lines cut here)" \
    "$(call "$(request getFile scan.dat)" application/x-ndjson)" && expect '"numParts":2' &&
    [ "$(wc -l <"$work/answer")" = 2 ] &&
    show "The same as bytes, and its MD5" \
      "$(call "$(request getFile scan.dat)" application/octet-stream) | md5sum" &&
    expect "$(md5sum <"$work/sample/scan.dat")" && echo "(the same as: md5sum scan.dat)"
}

tour_failures() {
  show "A service's error is an answer" "$(call "$(request getFile ../../etc/passwd)")" && expect '"error"' &&
    show "The gateway's own errors are problem documents" \
      "curl -sS -H '$auth' --json '$(request echo hello)' $base/v1/endpoints/wsSubject/requests" &&
    expect '/problems/no-service'
}

tour_log_in() {
  local jar=$work/cookies xsrf
  show "Log in as a browser does: fetch the page, send the form" "curl -sS -c $jar -o /dev/null $base/login" || return 1
  xsrf=$(awk '$6 == "_xsrf" { print $7 }' "$jar")
  local form="-d name=test -d password=test -d _xsrf=$xsrf"
  show "(the field _xsrf repeats the cookie)" \
    "curl -sS -b $jar -c $jar -o /dev/null -w '%{http_code} to %{redirect_url}\n' $form $base/login" && expect '302' &&
    show "The cookie opens the same doors as the token" "curl -sS -b $jar $base/v1/endpoints/wsData" && expect '"id"'
}

# A WebSocket of the endpoint wsUser on file descriptor 3, as a browser would open it.
open_websocket() {
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf '%s\r\n' "GET /wsUser HTTP/1.1" "Host: 127.0.0.1:$port" "$auth" "Connection: Upgrade" "Upgrade: websocket" \
    "Sec-WebSocket-Version: 13" "Sec-WebSocket-Key: cmVhY2hiYWNrIHNhbXBsZQ==" "" >&3
  local line
  read -r line <&3 && [[ $line == *" 101 "* ]] || return 1
  while read -r line <&3 && [ "$line" != $'\r' ]; do :; done
}

has_events() { grep -q "$1" "$work/events" 2>/dev/null; }

tour_messages() {
  local watch="curl -sSN -H '$auth' -D $work/events.head $base/v1/endpoints/wsUser/events"
  printf '\n# Watch an endpoint, here while a browser joins, sends "hi", and gets a message\n$ %s &\n' "$watch"
  bash -c "exec $watch" >"$work/events" 2>&1 &
  local watcher=$!
  pids+=("$watcher")
  wait_for "the events begin" grep -qs ' 200' "$work/events.head"
  open_websocket || return 1
  printf '\x81\x82\0\0\0\0hi' >&3  # one masked text frame; the mask is zero
  wait_for "the browser's message is seen" has_events '"hi"'
  show "Send to everybody who is connected" \
    "curl -sS -H '$auth' -d 'the run is over' -H 'Content-Type: text/plain' $base/v1/endpoints/wsUser/messages"
  expect '"delivered":1' || return 1
  printf 'the browser got: %s\n' "$(head -c 17 <&3 | tail -c 15)"
  exec 3>&-
  wait_for "the browser's leaving is seen" has_events 'event: *close'
  echo "the events were:"
  cut -c1-240 "$work/events"
  kill "$watcher"
  wait "$watcher" 2>/dev/null || true
  unset "pids[-1]"
}

tour() {
  tour_calls && tour_large_file && tour_failures && tour_log_in && tour_messages &&
    show "What happened, in numbers" "curl -sS $base/metrics | grep '^reachback_calls'" && expect reachback_calls_in_flight
}
