#!/usr/bin/env bash
# Tells stories of a cluster: the production scheduler and agents' sessions in virtual time, with a network, a disk,
# processes and origins that fail. Each seed is a story; each ends with every invariant checked.
#
#   deploy/simulate.sh              1,000,000 seeds, some hours
#   deploy/simulate.sh SEEDS        so many
#   deploy/simulate.sh --seed N     one story, told
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/setup.sh
. deploy/setup.sh

case ${1:-1000000} in
  --seed)
    [[ ${2:-} =~ ^[0-9]+$ ]] || fail "usage: deploy/simulate.sh [SEEDS | --seed N]"
    export SIM_SEED=$2
    ;;
  *)
    [[ ${1:-1000000} =~ ^[1-9][0-9]*$ ]] || fail "usage: deploy/simulate.sh [SEEDS | --seed N]"
    export SIM_SEEDS=${1:-1000000}
    ;;
esac

setup_build
# Without --disable-testable-imports all would be compiled anew, not as it is shipped.
swift test -c release --disable-xctest --disable-testable-imports --explicit-target-dependency-import-check error \
  --filter '^SchedulingTests\.ClusterSimulationTests'
