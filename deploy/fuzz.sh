#!/usr/bin/env bash
# Feeds made-up bytes to what reads bytes of others, and stops at the first that breaks a promise.
#
#   deploy/fuzz.sh [SECONDS]                   every target, so long each (default 10)
#   deploy/fuzz.sh TARGET [SECONDS [OPTIONS]]  one of them: FuzzCoordinator, FuzzAgent, FuzzJobFiles, FuzzResponse,
#                                              FuzzChunked, FuzzCodings, FuzzURL or FuzzLocation; OPTIONS are
#                                              libFuzzer's, or a file with an input that is to be tried again
#
# What is found stays in .build/fuzz/corpus/TARGET, and the next run begins with it. An input that breaks something is
# put into .build/fuzz/TARGET-crash-...; make a unit test of it.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/setup.sh
. deploy/setup.sh

scratch=.build/fuzz
# libFuzzer reports traps; Swift's own report takes minutes for a program of this size.
export SWIFT_BACKTRACE=enable=no
targets=(FuzzCoordinator FuzzAgent FuzzJobFiles FuzzResponse FuzzChunked FuzzCodings FuzzURL FuzzLocation)

# build TARGET
build() {
  # With lld, because gold does not get along with libFuzzer's symbols.
  TRAWL_FUZZ=1 swift build -c release --scratch-path "$scratch" --explicit-target-dependency-import-check error \
    --product "$1" -Xswiftc -sanitize=fuzzer,address -Xswiftc -use-ld=lld
}

# run TARGET SECONDS [OPTIONS]
run() {
  local target=$1 seconds=$2 corpus=$scratch/corpus/$1
  local -a options=("${@:3}")
  "$scratch/release/$target" --write-seeds "$corpus"
  # An input alone is tried once.
  if [ ${#options[@]} -eq 1 ] && [ -f "${options[0]}" ]; then
    "$scratch/release/$target" "${options[0]}"
    return
  fi
  "$scratch/release/$target" "$corpus" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$scratch/$target-" -print_final_stats=1 -verbosity=0 "${options[@]}"
}

setup_build
if [[ ${1:-} =~ ^Fuzz ]]; then
  if ! [[ " ${targets[*]} " == *" $1 "* ]]; then fail "there is no target $1, only: ${targets[*]}"; fi
  build "$1"
  run "$1" "${2:-10}" "${@:3}"
else
  for target in "${targets[@]}"; do build "$target"; done
  for target in "${targets[@]}"; do
    printf -- '-- %s\n' "$target"
    run "$target" "${1:-10}"
  done
fi
