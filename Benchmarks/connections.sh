#!/usr/bin/env bash
# CPU per new connection of Trawl, wrk and openssl s_time, on one box in one run; prints a Markdown table.
#
#   TRAWL_BIN=FOLDER Benchmarks/connections.sh [ROUNDS [SECONDS]]      5 rounds of 5 s each if nothing is said
#
# nginx (TLS 1.3, X25519, an ECDSA P-256 certificate, a file of 1 KiB) has processor 0 for itself and ends each
# connection after its response. It listens twice: one port lets sessions be resumed, the other does not. On processor
# 1 run in turn, in each round and against both ports: wrk with one thread and 50 connections, `coordinator local` with
# one agent of one thread and 50 connections, and `openssl s_time`, which has one connection at a time. Trawl and
# s_time verify the certificate, wrk does not; Trawl makes a durable record of each row. CPU is user and system time of
# the whole process tree, with the start of the programs.
set -euo pipefail

# shellcheck source=Benchmarks/nginx.sh
. "$(dirname "${BASH_SOURCE[0]}")/nginx.sh"

# Each of the following sets `figures`, `count` to the connections made, and `resumed` to how many of these resumed a
# session, or to nothing if the program does not say.

# run_wrk KIND PORT SECONDS
run_wrk() {
  measure wrk wrk -t1 "-c$connections" "-d${3}s" -H 'Connection: close' "https://localhost:$2/k"
  ! grep -qE 'Socket errors|Non-2xx' "$scratch/out" || die "wrk met errors: $(cat "$scratch/out")"
  count=$(awk '/requests in/ { print $1 }' "$scratch/out")
  resumed=
}

# run_s_time KIND PORT SECONDS
run_s_time() {
  local how=-new
  [ "$1" = full ] || how=-reuse
  # Without a request it would not read so far as to where the session is.
  measure s_time openssl s_time "$how" -connect "localhost:$2" -www /k -time "$3" -CAfile "$scratch/ca.pem" -verify 3
  # A letter for each: r for a resumed session, * for a new one.
  resumed=$(tr -cd r < <(grep -E '^[r*]+' "$scratch/out" | sed 's/[^r*].*//') | wc -c)
  count=$(awk '/connections in .* real seconds/ { print $1 }' "$scratch/out")
}

# run_trawl KIND PORT SECONDS
run_trawl() {
  local rows
  rows=$(wc -l <"$scratch/list-$1")
  rm -rf "$scratch/job"
  measure trawl "$TRAWL_BIN/coordinator" local "$scratch/list-$1" --agents 1 --threads 1 --per-origin "$connections" \
    --body discard -H 'Connection: close' --cacert "$scratch/ca.pem" --output "$scratch/job" --quiet --fail
  count=$(grep -c '"reused":false' "$scratch/job/results.jsonl")
  resumed=$(grep -c '"resumed":true' "$scratch/job/results.jsonl" || true)
  [ "$count" -eq "$rows" ] || die "trawl made $count connections for $rows rows"
}

# write_list KIND PORT: as many rows as wrk makes connections in the time of a round.
write_list() {
  run_wrk "$1" "$2" 2
  awk -v rows=$((count * seconds / 2)) -v base="https://localhost:$2/k?row=" \
    'BEGIN { for (row = 0; row < rows; row++) print base row }' >"$scratch/list-$1"
}

# keep ROUND KIND NAME: keeps the figures of a run.
keep() {
  [ "$2" = resumed ] || [ "${resumed:-0}" -eq 0 ] || die "$3 resumed $resumed of $count sessions that cannot be"
  printf '%s\t%s\t%s\t%s\t%s\n' "$2" "$3" "$count" "$resumed" "$figures" >>"$scratch/figures"
  printf '%s of %s: %s, %s\n' "$1" "$rounds" "$2" "$3" >&2
}

declare -A ports=([full]=$(free_port) [resumed]=$(free_port))
start_nginx "${ports[@]}" <<EOF
  server {
    listen 127.0.0.1:${ports[resumed]} ssl;
    ssl_session_tickets on;
  }
  server {
    listen 127.0.0.1:${ports[full]} ssl;
    ssl_session_tickets off;
    ssl_session_cache off;
  }
EOF
for kind in full resumed; do write_list "$kind" "${ports[$kind]}"; done

for ((round = 1; round <= rounds; round++)); do
  for kind in full resumed; do
    for client in wrk trawl s_time; do
      "run_$client" "$kind" "${ports[$kind]}" "$seconds"
      keep "$round" "$kind" "$client"
    done
  done
done

python3 - "$scratch/figures" "$rounds" "$seconds" <<'EOF'
import statistics, sys
runs = {}
for line in open(sys.argv[1]):
    kind, name, count, resumed, figures = line.rstrip("\n").split("\t")
    cpu, elapsed, _ = map(float, figures.split())
    count = int(count)
    share = 100 * int(resumed) / count if resumed else None
    runs.setdefault((kind, name), []).append((cpu / count * 1e6, count / elapsed, share))
titles = {
    "wrk": "wrk -t1 -c50, unverified",
    "trawl": "trawl, 1 agent, discard",
    "s_time": "openssl s_time, one at a time",
}
median = statistics.median
print(f"{sys.argv[2]} rounds of about {sys.argv[3]} s\n")
print("| handshake | client | CPU us/connection | x wrk | rounds: min / median / max | connections/s | x wrk | resumed |")
print("|---|---|---|---|---|---|---|---|")
for (kind, name), rounds in runs.items():
    base = runs[kind, "wrk"]
    cpu, rate = (median([r[i] for r in rounds]) for i in range(2))
    shares = [r[2] for r in rounds]
    resumed = "not known" if None in shares else f"{median(shares):.1f} %"
    ratios = sorted(r[0] / w[0] for r, w in zip(rounds, base))
    print(f"| {kind} | {titles[name]} | {cpu:.0f} | {cpu / median([w[0] for w in base]):.2f} "
          f"| {ratios[0]:.2f} / {median(ratios):.2f} / {ratios[-1]:.2f} "
          f"| {rate:,.0f} | {rate / median([w[1] for w in base]):.2f} | {resumed} |")
print("\nCPU is user and system time of the whole client, of Trawl coordinator and agent together.")
EOF
