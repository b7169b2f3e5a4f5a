#!/usr/bin/env bash
# tests/coverage.sh BUILD: runs the tests of a build of the preset `coverage` and prints what they went through, a table of
# lines and branches for each folder of proto and lib. Exit code 1 when a test failed, or when too few lines were covered.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$(realpath "$1")
least=90

profiles=$build/profiles
rm -rf "$profiles"
mkdir -p "$profiles"
failed=0
# %c writes while it runs: most end-to-end tests end their gateway by SIGKILL. %m: one file for each program.
LLVM_PROFILE_FILE=$profiles/%c%m.profraw ctest --test-dir "$build" --output-on-failure --no-tests=error \
  -L '^(unit|integration|thread_safety|e2e)$' || failed=1
llvm-profdata-19 merge --sparse -o "$profiles/all.profdata" "$profiles"/*.profraw

objects=()
for program in "$build"/tests/unit/unit_* "$build"/tests/{integration,thread_safety} "$build/service/reachback"; do
  if [ -f "$program" ] && [ -x "$program" ]; then objects+=(-object "$program"); fi
done
llvm-cov-19 export --summary-only --instr-profile "$profiles/all.profdata" --compilation-dir "$build" "${objects[@]}" \
  2>"$profiles/warnings" | /usr/bin/python3 tests/coverage_table.py "$PWD" "$least" proto lib || failed=1
exit "$failed"
