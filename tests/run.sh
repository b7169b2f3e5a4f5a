#!/usr/bin/env bash
# Builds and runs all tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source service/install.sh

usage() {
  cat <<'TEXT'
usage: tests/run.sh [--tidy | --coverage | --soak MINUTES [--asan] [--seed N] | --fuzz SECONDS [TARGET...]]

Installs what is needed (Debian 12; root or sudo), then, whatever fails on the way:
  format        clang-format on every source of ours
  asan          unit and integration tests, g++ with AddressSanitizer and UndefinedBehaviorSanitizer
  tsan          the thread-safety tests, g++ with ThreadSanitizer
  e2e           the tests that drive the release build's executable, with 1 and with 4 threads
  image         docker/image_test.sh: the container image and compose.yaml, built and run; counts as one test, and is
                skipped, with the reason in the table, where no container can run
and prints a line with the number of passed and failed tests and, where there are any, of skipped ones. Exit code 0 when
nothing failed.

  --tidy        only clang-tidy on proto, lib and service, by the release build's compile commands
  --soak MINUTES
                only tests/soak: calls, broadcasts, reconnects, hostile peers and dying services, all at once, behind a
                minute of warm-up; then every call, descriptor and line of the log is accounted for. With the release
                build or, with --asan, that one; the seed that it prints can be given again
  --coverage    only: which lines and branches of proto and lib the tests go through, by the preset `coverage`; fails
                under 90 % of the lines of either, and when a test fails
  --fuzz        only libFuzzer's programs (preset fuzz), each for so long, as many at once as there are processors, and
                each counted as one test; see tests/fuzz/README.md
TEXT
}

passed=0
failed=0
skipped=0
times=()

cannot_run=77

verdict() {
  case "$1" in
    0) echo ok ;;
    "$cannot_run") echo "SKIPPED: $(<build/image/skipped)" ;;
    *) echo FAILED ;;
  esac
}

# stage NAME COMMAND...: runs it in a shell of its own, notes its time; a failure counts and the next stage follows.
# A child that is no part of a condition keeps `set -e`.
stage() {
  local name=$1 begin=$SECONDS code=0
  shift
  printf '\n== %s\n' "$name"
  set +e
  (set -e; "$@") </dev/null
  code=$?
  set -e
  times+=("$(printf '%-8s %4d s  %s' "$name" "$((SECONDS - begin))" "$(verdict "$code")")")
  stage_code=$code
}

check_format() {
  find proto lib service tests \( -name '*.cpp' -o -name '*.hpp' \) -print0 | xargs -0 clang-format-19 --dry-run -Werror
}

configure() {
  local preset=$1
  shift
  cmake --preset "$preset" "$@" >/dev/null
}

# The last run's log of a preset: doctest and pytest tell how many cases they ran, other programs are one case each.
count_cases() {
  awk '
    function number_before(word,   at) {
      return match($0, "[0-9]+ " word) ? substr($0, RSTART, RLENGTH) + 0 : 0
    }
    / start time: / { good = bad = left_out = 0 }
    /^\[doctest\] test cases:/ {
      good = number_before("passed"); bad = number_before("failed"); left_out = number_before("skipped")
    }
    /[0-9]+ (passed|failed|skipped|error).* in [0-9.]+s/ {
      good = number_before("passed"); bad = number_before("failed") + number_before("error")
      left_out = number_before("skipped")
    }
    /^Test Passed\./ { passed += good || left_out ? good : 1; skipped += left_out; good = bad = left_out = 0 }
    /^Test (Failed|timed out|not run)/ {
      passed += good; failed += bad ? bad : 1; skipped += left_out; good = bad = left_out = 0
    }
    END { print passed + 0, failed + 0, skipped + 0 }
  ' "$1"
}

# run_tests PRESET LABELS: ctest on what has been built.
run_tests() {
  rm -f "build/$1/Testing/Temporary/LastTest.log"
  ctest --preset "$1" --no-tests=error -j2 -L "$2"
}

# add PASSED FAILED SKIPPED: the last stage's tests; one that failed without any that did counts as a failure.
add() {
  local bad=$2
  [ "$stage_code" = 0 ] || [ "$bad" -gt 0 ] || bad=1
  passed=$((passed + $1))
  failed=$((failed + bad))
  skipped=$((skipped + $3))
}

# counted NAME PRESET COMMAND...: a stage whose tests count one by one; one that ran none counts as a failure.
counted() {
  local name=$1 log=build/$2/Testing/Temporary/LastTest.log good=0 bad=0 left_out=0
  shift 2
  rm -f "$log"
  stage "$name" "$@"
  [ ! -f "$log" ] || read -r good bad left_out < <(count_cases "$log")
  add "$good" "$bad" "$left_out"
}

test_asan() {
  configure asan
  cmake --build --preset asan
  run_tests asan '^(unit|integration)$'
}

test_tsan() {
  configure tsan
  cmake --build --preset tsan --target thread_safety
  run_tests tsan '^thread_safety$'
}

test_e2e() {
  install_npm tests/e2e/clients
  configure release -DREACHBACK_E2E=ON
  cmake --build --preset release --target reachback echo_server
  run_tests release '^e2e$'
}

# tidy_one FILE: prints what clang-tidy finds. What its analyzer finds inside an installed header is passed over: it loses
# its way in Asio's awaitables, and says so at each `co_await` of ours.
tidy_one() {
  local output code=0 findings
  output=$(clang-tidy-19 --quiet -p build/release "$1" 2>&1) || code=$?
  findings=$(grep -E '^[^ ]+:[0-9]+:[0-9]+: (error|warning): ' <<<"$output" || true)
  [ "$code" != 0 ] || return 0
  if [ -n "$findings" ] && ! grep -qvE '^/usr/.* \[clang-analyzer-' <<<"$findings"; then return 0; fi
  printf '%s\n' "$output"
  return 1
}

tidy() {
  configure release
  export -f tidy_one
  find proto/src lib/src service -name '*.cpp' -print0 | xargs -0 -n 1 -P 2 bash -c 'tidy_one "$1"' tidy_one
}

# soak MINUTES PRESET SEED: in a slow build at a slower pace, which the same two cores can keep.
soak() {
  local minutes=$1 preset=$2 seed=$3 pace=()
  configure "$preset"
  cmake --build --preset "$preset" --target reachback
  [ "$preset" = release ] || pace=(--rate 0.25 --memory-growth 64)
  REACHBACK=$PWD/build/$preset/service/reachback ASAN_OPTIONS=quarantine_size_mb=16 \
    /usr/bin/python3 tests/soak/soak.py --minutes "$minutes" "${pace[@]}" ${seed:+--seed "$seed"}
}

coverage() {
  install_packages "${coverage_packages[@]}"
  install_npm tests/e2e/clients
  configure coverage -DREACHBACK_E2E=ON
  cmake --build --preset coverage
  tests/coverage.sh build/coverage
}

# fuzz_one SECONDS TARGET: goes on from the tree's corpus and from what earlier runs found; prints a line.
fuzz_one() {
  local work=build/fuzz/work/$2 code=0 options=() dictionary=tests/fuzz/dictionaries/$2.dict
  mkdir -p "$work/corpus" "$work/findings"
  [ ! -f "$dictionary" ] || options+=("-dict=$dictionary")
  "build/fuzz/tests/fuzz/fuzz_$2" -max_total_time="$1" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/findings/" "${options[@]}" "$work/corpus" "tests/fuzz/corpus/$2" >"$work/log" 2>&1 || code=$?
  awk -v target="$2" -v code="$code" '
    / cov: [0-9]+ ft: [0-9]+/ { for (i = 1; i < NF; ++i) if ($i == "ft:") features = $(i + 1) }
    /^stat::number_of_executed_units:/ { runs = $2 }
    /^stat::average_exec_per_sec:/ { speed = $2 }
    match($0, "Test unit written to .*") { found = substr($0, RSTART + 21) }
    END {
      printf "%-20s %12d executions %8d/s %8d features  %s\n", target, runs, speed, features,
             code == 0 ? "no finding" : "FINDING: " (found ? found : "see the log")
    }' "$work/log"
  [ "$code" = 0 ] || echo "  ($work/log)"
  echo "$code" >>"$fuzz_codes"
  return "$code"
}

fuzz_codes=build/fuzz/codes  # a line for each target that ran
mapfile -t fuzz_targets < <(find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -printf '%f\n' | sort)

# fuzz SECONDS [TARGET...]: all of them when none is named.
fuzz() {
  local seconds=$1 targets=("${@:2}")
  configure fuzz
  cmake --build --preset fuzz --target fuzzers
  [ "${#targets[@]}" -gt 0 ] || targets=("${fuzz_targets[@]}")
  export -f fuzz_one
  export fuzz_codes
  printf '%s\n' "${targets[@]}" | xargs -n 1 -P "$(nproc)" bash -c 'fuzz_one "$0" "$1"' "$seconds"
}

# fuzz_options SECONDS [TARGET...]
fuzz_options() {
  local target
  [[ "${1-}" =~ ^[1-9][0-9]*$ ]] || return 1
  for target in "${@:2}"; do
    [[ " ${fuzz_targets[*]} " == *" $target "* ]] || { echo "there is no fuzz target $target" >&2 && return 1; }
  done
}

count_fuzz_targets() {
  local good=0 bad=0
  [ ! -f "$fuzz_codes" ] || { good=$(grep -cx 0 "$fuzz_codes" || true) && bad=$(grep -cvx 0 "$fuzz_codes" || true); }
  add "$good" "$bad" 0
}

one_result() {
  case "$stage_code" in
    0) add 1 0 0 ;;
    "$cannot_run") skipped=$((skipped + 1)) ;;
    *) add 0 1 0 ;;
  esac
}

soak_minutes='' soak_preset=release soak_seed=''

# soak_options MINUTES [--asan] [--seed N]
soak_options() {
  [[ "${1-}" =~ ^[0-9]+(\.[0-9]+)?$ ]] || return 1
  soak_minutes=$1
  shift
  while [ $# -gt 0 ]; do
    case "$1" in
      --asan) soak_preset=asan ;;
      --seed) [[ "${2-}" =~ ^[0-9]+$ ]] && soak_seed=$2 && shift || return 1 ;;
      *) return 1 ;;
    esac
    shift
  done
}

case "${1-}" in
  '') chosen=tests ;;
  --tidy) chosen=tidy ;;
  --coverage) chosen=coverage ;;
  --soak) shift && soak_options "$@" && chosen=soak || { usage >&2 && exit 2; } ;;
  --fuzz) fuzz_options "${@:2}" && chosen=fuzz || { usage >&2 && exit 2; } ;;
  -h | --help) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac

stage install install_packages "${build_packages[@]}" "${test_packages[@]}"
[ "$stage_code" = 0 ] || exit 1
if [ "$chosen" = tidy ]; then
  stage tidy tidy
  one_result
elif [ "$chosen" = soak ]; then
  stage soak soak "$soak_minutes" "$soak_preset" "$soak_seed"
  one_result
elif [ "$chosen" = coverage ]; then
  stage coverage coverage
  one_result
elif [ "$chosen" = fuzz ]; then
  rm -f "$fuzz_codes"
  stage fuzz fuzz "${@:2}"
  count_fuzz_targets
else
  stage format check_format
  one_result
  counted asan asan test_asan
  if compgen -G 'tests/thread_safety/*.cpp' >/dev/null; then counted tsan tsan test_tsan; fi
  counted e2e release test_e2e
  stage image docker/image_test.sh
  one_result
fi

printf '\n'
printf '%s\n' "${times[@]}"
printf '%d passed, %d failed' "$passed" "$failed"
[ "$skipped" = 0 ] || printf ', %d skipped' "$skipped"
printf '\n'
[ "$failed" = 0 ]
