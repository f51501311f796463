#!/usr/bin/env bash
# Builds Trawl and runs it on this machine, on a fresh Debian 12 or Ubuntu 24.04 as well.
#
#   deploy/local.sh                    a demo: 20,000 requests to a local HTTPS server, every outcome recorded
#   deploy/local.sh INPUT [options]    coordinator local INPUT [options]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/setup.sh
. "$root/deploy/setup.sh"

demo_rows=20000

build() {
  # All products at once: of several --product options Swift obeys the last only.
  local -a options=(-c release --package-path "$root" --explicit-target-dependency-import-check error)
  local program is_built=yes
  programs=$(swift build "${options[@]}" --show-bin-path)
  # The first build takes minutes and shows how far it is; later ones speak only of errors.
  for program in coordinator agent origin; do
    if [ ! -x "$programs/$program" ]; then is_built=no; fi
  done
  if [ "$is_built" = yes ]; then
    options+=(--quiet)
  else
    note "building Trawl (release); the first time takes some minutes"
  fi
  # Standard output belongs to the coordinator, which may write records there.
  swift build "${options[@]}" >&2 || fail "Trawl does not build (see above)"
}

# Starts the origin server in the background and sets `port`.
start_origin() {
  local tries=0
  # The origin ends when its standard input does. This shell alone holds the writing end, so even a kill -9 of it
  # leaves nothing running.
  mkfifo "$scratch/hold"
  exec 3<>"$scratch/hold"
  "$programs/origin" --directory "$scratch/origin" --until-stdin-closes --lifetime 600 \
    <"$scratch/hold" >"$scratch/origin.out" 2>"$scratch/origin.err" 3>&- &
  origin=$!
  # Written last, when everything listens.
  until [ -s "$scratch/origin/ports.json" ]; do
    tries=$((tries + 1))
    if ! kill -0 "$origin" 2>/dev/null; then
      fail "the demo's origin server ended at once: $(cat "$scratch/origin.err")"
    fi
    if [ "$tries" -gt 600 ]; then
      fail "the demo's origin server was not ready within 30 s: $(cat "$scratch/origin.err")"
    fi
    sleep 0.05
  done
  port=$(sed -n 's/.*"https": *\([0-9][0-9]*\).*/\1/p' "$scratch/origin/ports.json")
  [ -n "$port" ] || fail "the origin's ports.json names no https port: $(cat "$scratch/origin/ports.json")"
}

# Mostly a body of known length; some chunked, a few that end with the connection.
write_list() {
  awk -v rows="$demo_rows" -v base="https://localhost:$port" 'BEGIN {
    for (row = 0; row < rows; row++) {
      path = "/fixed/1024"
      if (row % 100 == 99) path = "/close/512"
      else if (row % 10 == 5) path = "/chunked/1024"
      print base path "?row=" row
    }
  }' >"$scratch/requests.txt"
}

clean_up() {
  if [ -n "$origin" ]; then
    kill "$origin" 2>/dev/null || true
    wait "$origin" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}

demo() {
  local directory status=0 recorded succeeded
  directory=$PWD/trawl-demo-$(date +%Y%m%d-%H%M%S)
  if [ -e "$directory" ]; then directory+=-$$; fi
  scratch=$(mktemp -d)
  origin=
  trap clean_up EXIT
  # Without these the shell would die of the signal before the EXIT trap.
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM

  start_origin
  write_list
  note "demo: $demo_rows requests to https://localhost:$port, 2 agents"
  "$programs/coordinator" local "$scratch/requests.txt" --agents 2 --cacert "$scratch/origin/ca.pem" -o "$directory" \
    3>&- || status=$?
  if [ "$status" -ne 0 ]; then
    note "error: the coordinator ended with status $status; what it recorded is in $directory"
    exit "$status"
  fi

  recorded=0
  if [ -f "$directory/results.jsonl" ]; then recorded=$(wc -l <"$directory/results.jsonl"); fi
  if [ "$recorded" -ne "$demo_rows" ]; then
    fail "$directory/results.jsonl has $recorded lines, not $demo_rows"
  fi
  succeeded=$(grep -c '"status":200' "$directory/results.jsonl" || true)
  echo "records: $directory/results.jsonl ($recorded lines, $succeeded with status 200)"
}

setup_build
build
if [ $# -gt 0 ]; then exec "$programs/coordinator" local "$@"; fi
demo
