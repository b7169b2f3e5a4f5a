#!/usr/bin/env bash
# Compares what this build costs with the table that is stored in the tree, and names what grew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source service/install.sh

usage() {
  cat <<'TEXT'
usage: tests/bench/guard.sh [OPTION]...

Installs what it needs (Debian 12; root or sudo), builds the preset `release`, and measures two things: what a call
takes in instructions and system calls, counted by valgrind, which repeats well even on a busy machine; and the ratios
of tests/bench/run.sh, for which nothing else should run. Compares both with tests/bench/guard.json. Exit code 1 when
something grew by more than a tenth, or an answer was wrong. About four minutes.

  --counts          only the counts (a minute)
  --ratios          only the ratios
  --rounds N        of the ratios [3]
  --gateway FILE    judge this executable instead of the one that was built
  --table FILE      compare with this table
  --update          store what was measured as the table, and judge nothing
TEXT
}

options=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --counts | --ratios | --update) options+=("$1") && shift ;;
    --rounds | --gateway | --table)
      [ $# -gt 1 ] || { echo "guard.sh: $1 needs a value" >&2 && exit 2; }
      options+=("$1" "$2") && shift 2
      ;;
    *) echo "guard.sh: there is no option $1; --help tells which there are" >&2 && exit 2 ;;
  esac
done

install_packages "${build_packages[@]}" doctest-dev python3 valgrind git
cmake --preset release >/dev/null
cmake --build --preset release --target reachback bench_relay bench_load >/dev/null
ulimit -n "$(ulimit -Hn)"
exec python3 tests/bench/guard.py --build build/release "${options[@]}"
