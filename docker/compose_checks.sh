# Sourced by image_test.sh: the composition of compose.yaml really comes up, with the image that was just built.

project=reachback-test-$$
export REACHBACK_IMAGE=$image REACHBACK_NGINX_IMAGE=localhost/reachback-nginx:test
export SECRETS=$work/secrets

free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# choose_network: one that no other network of the engine has, a run that was killed least of all. Debian's podman-compose
# does not know `ipam`, and takes a network that is there already; docker compose wants to make it itself.
choose_network() {
  local network=${project}_gateways attempt
  engine network rm "$network" >/dev/null 2>&1 || true
  for attempt in {1..20}; do
    GATEWAY_NETWORK=10.213.$((RANDOM % 256))
    engine network create --subnet "$GATEWAY_NETWORK.0/24" "$network" >/dev/null 2>"$work/network.log" || continue
    [ "$engine_name" = podman ] || engine network rm "$network" >/dev/null
    export GATEWAY_NETWORK
    return 0
  done
  cat "$work/network.log" >&2
  return 1
}

bring_up() {
  HTTPS_PORT=$(free_port)
  export HTTPS_PORT
  docker/make_secrets.sh "$SECRETS"
  auth="Authorization: Bearer $(cat "$SECRETS/token")"
  up=true
  choose_network
  { compose -p "$project" build nginx && compose -p "$project" up --detach; } >"$work/up.log" 2>&1 ||
    { cat "$work/up.log" >&2 && return 1; }
  base=https://localhost:$HTTPS_PORT
  tls=(--cacert "$SECRETS/tls.crt")
}

take_down() {
  ${up:-false} || return 0
  if [ "$1" != 0 ]; then compose -p "$project" logs 2>&1 | tail -n 60 >&2; fi
  compose -p "$project" down --volumes >/dev/null 2>&1
  engine network rm "${project}_gateways" "${project}_outside" >/dev/null 2>&1  # podman-compose leaves them behind
}

# in_gateway NAME COMMAND...; podman-compose's own `exec` prints more than the command does.
in_gateway() {
  local container
  container=$(engine ps -q --filter "label=com.docker.compose.project=$project" \
    --filter "label=com.docker.compose.service=$1")
  engine exec "$container" "${@:2}"
}

cookie_key() { in_gateway "$1" cat /var/lib/reachback/cookie-key; }
xsrf_cookie() { curl -sS -D - -o /dev/null "${tls[@]}" "$base/login" | grep -i '^set-cookie: _xsrf='; }

answers_through_nginx() {
  call "$(request getFile hello.txt)" "${tls[@]}" -f -H 'Accept: application/octet-stream' >"$work/answer"
}

check_compose() {
  echo "== compose.yaml"
  bring_up
  check "the service, which dialled in through nginx, answers a call" wait_for answers_through_nginx
  check "with its file" cmp "$work/answer" service/sample/hello.txt
  local gateway
  for gateway in gateway-1 gateway-2; do
    check "$gateway is healthy" in_gateway "$gateway" reachback health
    in_gateway "$gateway" reachback serve --print-config >"$work/$gateway.toml"
    check "it is given enough time to drain" /usr/bin/python3 docker/grace.py "$gateway" <"$work/$gateway.toml"
  done
  check "the gateways have one cookie key" equal "$(cookie_key gateway-1)" "$(cookie_key gateway-2)"
  check "which is a key" [ "$(cookie_key gateway-1 | wc -c)" -ge 32 ]
  check "they believe nginx that callers use https" grep -qi '; *secure' <<<"$(xsrf_cookie)"
}
