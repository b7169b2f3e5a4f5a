# Sourced by image_test.sh: the composition of compose.yaml really comes up, with the image that was just built.

project=reachback-test-$$
export REACHBACK_IMAGE=$image REACHBACK_NGINX_IMAGE=localhost/reachback-nginx:test
export SECRETS=$work/secrets

free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Debian's podman-compose does not know `ipam`, and takes a network that is there already. The network's address is what
# the gateways trust.
make_network() {
  [ "$engine_name" = podman ] || return 0
  local subnet
  subnet=$(/usr/bin/python3 -c 'import yaml; print(yaml.safe_load(open("docker/compose.yaml"))
    ["networks"]["gateways"]["ipam"]["config"][0]["subnet"])')
  engine network create --subnet "$subnet" "${project}_gateways" >/dev/null
}

bring_up() {
  HTTPS_PORT=$(free_port)
  export HTTPS_PORT
  docker/make_secrets.sh "$SECRETS"
  auth="Authorization: Bearer $(cat "$SECRETS/token")"
  up=true
  make_network
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
