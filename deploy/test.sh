#!/usr/bin/env bash
# Runs everything that must hold before a change goes in, on a fresh Debian 12 or Ubuntu 24.04 as well.
#
#   deploy/test.sh                            all checks, all tests; each test target once
#   deploy/test.sh ARGUMENTS                  only `swift test ARGUMENTS`, in debug, such as: --filter HTTP1Tests
#   deploy/test.sh --sanitize=thread|address [ARGUMENTS]
#                                             only the tests, under a sanitizer, in debug
#
# Stops at the first failure.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/setup.sh
. deploy/setup.sh

# These run in release: one starts the real programs, the other simulates clusters for long. All others run in debug.
release_targets=(ProcessTests SchedulingTests)

quick_fuzz_targets=(FuzzJobFiles FuzzResponse FuzzChunked FuzzCodings FuzzURL FuzzLocation)

import_check=(--explicit-target-dependency-import-check error)

# step TITLE: a heading with the time the step before it took. Nothing is printed after the last step, so that
# the output ends with the test runner's own lines.
step() {
  finish_step
  step_title=$1
  step_start=$SECONDS
  printf '\n== %s\n' "$1"
}

finish_step() {
  if [ -n "${step_title:-}" ]; then printf '== %s: ok, %d s\n' "$step_title" "$((SECONDS - step_start))"; fi
}

report_failure() {
  local status=$?
  if [ "$status" -ne 0 ]; then
    printf '\nerror: deploy/test.sh failed in: %s (exit status %d)\n' "${step_title:-preparation}" "$status" >&2
  fi
}

# The tests alone, all in debug. The process tests find debug programs then: slower, but under the same sanitizer.
run_selected() {
  local -a options=("${import_check[@]}")
  logs=$(mktemp -d)
  if [ -n "$sanitizer" ]; then
    # A folder of its own, or each switch would compile everything anew.
    options+=("--sanitize=$sanitizer" --scratch-path ".build/sanitize-$sanitizer")
  fi
  step "build${sanitizer:+ with the $sanitizer sanitizer}"
  swift build --build-tests "${options[@]}"
  TRAWL_BIN=$(swift build --build-tests "${options[@]}" --show-bin-path)
  export TRAWL_BIN
  step "swift test $*"
  if [ -z "$sanitizer" ]; then
    swift test --skip-build --disable-xctest "${options[@]}" "$@"
    return
  fi
  (
    collect_reports
    # What failed may be explained by a report.
    run_tests "$logs/output" --skip-build "${options[@]}" "$@" || touch "$logs/failed"
  )
  show_reports
  finish_step
  step_title=
  grep 'Test run with .* passed' "$logs/output"
  echo "No report by the $sanitizer sanitizer, of the tests or of a program that they started."
}

# Tells the sanitizers' runtimes, of the tests and of every program that they start, to write what they find into a file
# of the process, so that nothing is lost with the output of a program that was killed, and to end the process with a
# status of its own. The tests learn what they run under, for everything is slower, and larger.
collect_reports() {
  local common="log_path=$logs/report:log_exe_name=1:exitcode=66"
  export TRAWL_SANITIZER=$sanitizer
  # Of the simulated clusters, which one thread tells: fewer, for each takes seconds.
  export SIM_SEEDS=${SIM_SEEDS:-32}
  case $sanitizer in
    thread)
      clang -shared -fPIC -O1 -Wall -Wextra -Werror -o "$logs/mutex.so" Tests/Sanitizers/mutex.c
      export LD_PRELOAD="$logs/mutex.so"
      export TSAN_OPTIONS="$common:halt_on_error=0"
      ;;
    address)
      export ASAN_OPTIONS="$common:detect_leaks=1"
      export LSAN_OPTIONS="suppressions=$PWD/Tests/Sanitizers/leak.supp:print_suppressions=0"
      ;;
  esac
}

show_reports() {
  local -a reports
  mapfile -t reports < <(find "$logs" -name 'report.*' -size +0 | sort)
  if [ ${#reports[@]} -gt 0 ]; then
    head -v -n 400 "${reports[@]}" >&2
    fail "${#reports[@]} processes have reports of the $sanitizer sanitizer (see above)"
  fi
  [ ! -e "$logs/failed" ] || fail "tests failed (see above), without a report of the $sanitizer sanitizer"
}

check_scripts() {
  local -a scripts
  # Not every folder need be there.
  mapfile -t scripts < <(
    find deploy protos Tests Benchmarks .ci -name .build -prune -o \
      -type f \( -name '*.sh' -o -path .ci/run \) -print 2>/dev/null | sort
  )
  shellcheck --external-sources "${scripts[@]}"
  # Of the benchmarks only what is pure. -B: the folder belongs to the sources.
  if [ -d Benchmarks/suite ]; then
    python3 -B -m unittest discover --start-directory Benchmarks/suite/tests --top-level-directory Benchmarks
  fi
}

run_gates() {
  local gate
  for gate in Tests/Gates/*.sh; do
    if [ -e "$gate" ]; then
      echo "-- $gate"
      "$gate"
    fi
  done
}

# run_tests LOG ARGUMENTS...: swift test, kept in LOG too. No test uses XCTest, whose runner would report 0 tests.
run_tests() {
  local log=$1
  shift
  swift test --disable-xctest "${import_check[@]}" "$@" 2>&1 | tee "$log"
}

run_all() {
  local -a present=()
  local target pattern
  logs=$(mktemp -d)

  step "format (swift format lint)"
  # Generated files say themselves that they are to be left out (swift-format-ignore-file).
  swift format lint --strict --parallel --recursive Sources Tests Package.swift
  step "scripts (shellcheck, unittest)"
  check_scripts
  step "generated code (protos/generate.sh --check)"
  protos/generate.sh --check

  for target in "${release_targets[@]}"; do
    if [ -d "Tests/$target" ]; then present+=("$target"); fi
  done
  pattern="^($(IFS='|' && echo "${release_targets[*]}"))\\."

  step "build (debug)"
  swift build --build-tests "${import_check[@]}"
  step "tests (debug)"
  run_tests "$logs/debug" --skip-build --skip "$pattern"

  step "build (release)"
  swift build -c release "${import_check[@]}"
  TRAWL_BIN=$(swift build -c release --show-bin-path)
  export TRAWL_BIN
  step "gates (Tests/Gates)"
  run_gates
  if [ ${#present[@]} -gt 0 ]; then
    step "tests (release): ${present[*]}"
    # Without --disable-testable-imports the programs in TRAWL_BIN would be compiled anew, not as they are shipped.
    run_tests "$logs/release" -c release --disable-testable-imports --filter "$pattern"
  fi

  # Those that take least to build; all of them by deploy/fuzz.sh.
  step "fuzz: ${quick_fuzz_targets[*]}"
  for target in "${quick_fuzz_targets[@]}"; do deploy/fuzz.sh "$target" 5; done

  # The runner's closing lines again, now that nothing can come between.
  step "all passed"
  step_title=
  cat "$logs"/* | grep 'Test run with .* passed'
}

clean_up() {
  report_failure
  if [ -n "${logs:-}" ]; then rm -rf "$logs"; fi
}
trap clean_up EXIT

sanitizer=
case ${1:-} in
  --sanitize=thread | --sanitize=address)
    sanitizer=${1#--sanitize=}
    shift
    ;;
  --sanitize*) fail "usage: deploy/test.sh [--sanitize=thread|address] [swift test arguments]" ;;
esac

setup_tests
if [ -n "$sanitizer" ] || [ $# -gt 0 ]; then
  run_selected "$@"
else
  run_all
fi
