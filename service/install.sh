# Sourced by service/run.sh and tests/run.sh: installs Debian packages, and does nothing when all are there.

build_packages=(
  g++ clang-19 cmake ninja-build ccache mold pkg-config
  libboost1.81-dev libboost-json1.81-dev libfmt-dev libspdlog-dev libcli11-dev prometheus-cpp-dev libssl-dev zlib1g-dev
  libmimalloc-dev libcrypt-dev libtomlplusplus-dev libcjose-dev libjansson-dev
)
run_packages=(curl)
test_packages=(
  doctest-dev libclang-rt-19-dev clang-format-19 clang-tidy-19
  python3 python3-pytest python3-websocket python3-websockets python3-aiohttp python3-requests python3-yaml curl
  python3-jwt python3-cryptography libwebsockets-dev libjansson-dev chromium wrk jq nginx-light openssl iproute2
  iptables
)
# What the image's stage `test` needs, and what docker/image_test.sh needs where there is no Docker engine.
test_stage_packages=(python3 python3-pytest python3-websocket python3-requests)
coverage_packages=(llvm-19)
image_packages=(
  podman podman-compose runc netavark aardvark-dns iptables mmdebstrap openssl curl python3 python3-yaml
)

# The packages among those named that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo --preserve-env=DEBIAN_FRONTEND "$@"
  else
    echo "these packages are missing and neither root nor sudo is at hand: ${missing[*]}" >&2
    return 1
  fi
}

# install_packages NAME...; the lists are brought up to date only when apt cannot do without.
install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  local apt=(apt-get -o DPkg::Lock::Timeout=600 -qq)
  local install=(as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}")
  "${install[@]}" </dev/null >/dev/null || { as_root "${apt[@]}" update </dev/null && "${install[@]}" </dev/null >/dev/null; }
}

# install_npm FOLDER: what its package-lock.json names; does nothing when that is there. Other packagings of Node than
# Debian's have npm inside and clash with Debian's.
install_npm() {
  command -v npm >/dev/null || install_packages nodejs npm
  [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] ||
    npm ci --prefix "$1" --no-audit --no-fund --loglevel=error
}

# A clone in another folder finds what this one has compiled: paths below the tree are hashed as relative ones.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
