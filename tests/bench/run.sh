#!/usr/bin/env bash
# Builds the gateway, a reference relay and a load tool, and measures what the gateway costs beside the relay.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source service/install.sh

usage() {
  cat <<'TEXT'
usage: tests/bench/run.sh [OPTION]...

Installs what the build needs (Debian 12; root or sudo), builds the preset `release`, runs gateway and reference in
turn, and prints tables of medians. Exit code 1 when an answer was wrong; being slow is no failure. Nothing else should
run on the machine. tests/bench/README.md tells how to read the tables.

  --quick           about a minute: fewer and shorter rounds, fewer cases
  --peers           besides, small calls through gateways on the Node libraries ws and socket.io; installs nodejs, npm
  --rounds N        [5; 2 with --quick]
  --seconds S       measured in each run [1; 0.3 with --quick]
  --threads N       shards of the gateway [1]
  --only TEXT       only the cases with this text in their names
  --csv FILE        where all runs go [build/release/bench.csv]
  --gateway FILE    measure this executable instead of the one that was built
TEXT
}

options=() peers=
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --quick) options+=("$1") && shift ;;
    --peers) options+=("$1") peers=yes && shift ;;
    --rounds | --seconds | --threads | --only | --csv | --gateway)
      [ $# -gt 1 ] || { echo "run.sh: $1 needs a value" >&2 && exit 2; }
      options+=("$1" "$2") && shift 2
      ;;
    *) echo "run.sh: there is no option $1; --help tells which there are" >&2 && exit 2 ;;
  esac
done

# What npm brings stays in the folder of the build. Other packagings of Node have npm inside and clash with Debian's.
install_peers() {
  command -v npm >/dev/null || install_packages nodejs npm
  mkdir -p build/release/peers
  cp tests/bench/peers/* build/release/peers/
  npm ci --prefix build/release/peers --no-audit --no-fund --silent
}

install_packages "${build_packages[@]}" doctest-dev python3
[ -z "$peers" ] || install_peers
cmake --preset release >/dev/null
cmake --build --preset release --target reachback bench_relay bench_load bench_pending >/dev/null
ulimit -n "$(ulimit -Hn)"
exec python3 tests/bench/compare.py --build build/release "${options[@]}"
