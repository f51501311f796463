#!/usr/bin/env bash
# CPU per request of Trawl against wrk, on one box in one run; prints a Markdown table.
#
#   TRAWL_BIN=FOLDER Benchmarks/compare.sh [ROUNDS [SECONDS]]      5 rounds of 5 s each if nothing is said
#
# nginx (TLS 1.3, a file of 1 KiB, keep-alive) has processor 0 for itself. On processor 1 run in turn, in each round:
# wrk with one thread and 50 connections, and `coordinator local` with one and two agents of one thread and 50
# connections, with bodies discarded and hashed. Trawl fetches distinct URLs, verifies the certificate and makes a
# durable record of each; wrk asks for one URL again and again. CPU is user and system time of the whole process
# tree, so the figures bear other load on the machine better than rates do, but not well: leave it alone.
set -euo pipefail

# shellcheck source=Benchmarks/nginx.sh
. "$(dirname "${BASH_SOURCE[0]}")/nginx.sh"

# run_wrk SECONDS: sets `figures` and `requests`.
run_wrk() {
  measure wrk wrk -t1 "-c$connections" "-d${1}s" "https://localhost:$port/k"
  ! grep -qE 'Socket errors|Non-2xx' "$scratch/out" || die "wrk met errors: $(cat "$scratch/out")"
  requests=$(awk '/requests in/ { print $1 }' "$scratch/out")
}

# run_trawl NAME AGENTS BODY: sets `figures` and `requests`.
run_trawl() {
  rm -rf "$scratch/job"
  measure "$1" "$TRAWL_BIN/coordinator" local "$scratch/list" --agents "$2" --threads 1 --per-origin "$connections" \
    --body "$3" --cacert "$scratch/ca.pem" --output "$scratch/job" --quiet --fail
  requests=$(wc -l <"$scratch/job/results.jsonl")
  [ "$requests" -eq "$rows" ] || die "$1: $requests records for $rows rows"
}

# keep ROUND NAME: keeps the figures of a run.
keep() {
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$requests" "$figures" >>"$scratch/figures"
  printf '%s of %s: %s\n' "$1" "$rounds" "$2" >&2
}

port=$(free_port)
start_nginx "$port" <<EOF
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  server {
    listen 127.0.0.1:$port ssl;
  }
EOF
# Warms everything up, and says how many rows make a round of the wanted length.
run_wrk 2
rows=$((requests * seconds / 2))
awk -v rows="$rows" -v base="https://localhost:$port/k?row=" 'BEGIN { for (row = 0; row < rows; row++) print base row }' \
  >"$scratch/list"

for ((round = 1; round <= rounds; round++)); do
  run_wrk "$seconds"
  keep "$round" "wrk -t1 -c$connections"
  for agents in 1 2; do
    for body in discard hash; do
      name="trawl, $agents agent$([ "$agents" = 1 ] || echo s), $body"
      run_trawl "$name" "$agents" "$body"
      keep "$round" "$name"
    done
  done
done

python3 - "$scratch/figures" "$rows" <<'EOF'
import statistics, sys
runs = {}
for line in open(sys.argv[1]):
    _, name, requests, figures = line.rstrip("\n").split("\t")
    cpu, elapsed, memory = map(float, figures.split())
    count = int(requests)
    runs.setdefault(name, []).append((cpu / count * 1e6, count / elapsed, memory / 1024))
median = lambda values: statistics.median(values)
base = next(iter(runs.values()))
print(f"{len(base)} rounds, {int(sys.argv[2]):,} rows each\n")
print("| client | CPU us/request | x wrk | rounds: min / median / max | requests/s | x wrk | peak RSS, MiB |")
print("|---|---|---|---|---|---|---|")
for name, rounds in runs.items():
    cpu, rate, memory = (median([r[i] for r in rounds]) for i in range(3))
    ratios = sorted(r[0] / w[0] for r, w in zip(rounds, base))
    print(f"| {name} | {cpu:.2f} | {cpu / median([w[0] for w in base]):.2f} "
          f"| {ratios[0]:.2f} / {median(ratios):.2f} / {ratios[-1]:.2f} "
          f"| {rate:,.0f} | {rate / median([w[1] for w in base]):.2f} | {memory:.0f} |")
print("\nCPU is user and system time of the whole client, coordinator and agents together; RSS is its largest process's.")
EOF
