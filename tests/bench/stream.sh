#!/usr/bin/env bash
# Sends gigabytes through one call and measures the small calls beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source service/install.sh

usage() {
  cat <<'TEXT'
usage: tests/bench/stream.sh [OPTION]...

Installs what it needs (Debian 12; root or sudo), builds the preset `release`, and sends one huge answer in parts of
10 MiB through the gateway, every byte checked, while small calls come at a steady rate: their latencies before and
beside it, the pongs that the service gets, throughput and the gateway's memory. Nothing else should run on the machine.
Exit code 1 when an answer was wrong or a call ended badly. tests/bench/README.md tells how to read it.

  --gib N             payload of the answer [5]; a slow caller, who takes 10 MiB/s, needs 102 s for each
  --only TEXT         only the cases with this text in their names (fast, slow, NDJSON, octet-stream, credits)
  --rate N            small calls per second [1000]
  --seconds S         how long they are measured alone, before [5]
  --same-connection   they go over the stream's own connection to the service; else over another endpoint's
  --link-mib R        the service sends no more than R MiB of payload per second
  --compressed        the parts are compressed
  --threads N         shards of the gateway [1]
  --out FILE          where all figures go, .json or .csv [build/release/stream.json]
  --gateway FILE      measure this executable instead of the one that was built
TEXT
}

options=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --same-connection | --compressed) options+=("$1") && shift ;;
    --gib | --only | --rate | --seconds | --link-mib | --threads | --out | --gateway)
      [ $# -gt 1 ] || { echo "stream.sh: $1 needs a value" >&2 && exit 2; }
      options+=("$1" "$2") && shift 2
      ;;
    *) echo "stream.sh: there is no option $1; --help tells which there are" >&2 && exit 2 ;;
  esac
done

install_packages "${build_packages[@]}" doctest-dev python3
cmake --preset release >/dev/null
cmake --build --preset release --target reachback bench_load >/dev/null
exec python3 tests/bench/stream.py --build build/release "${options[@]}"
