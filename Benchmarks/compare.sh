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

rounds=${1:-5}
seconds=${2:-5}
connections=50

fail() {
  printf 'compare.sh: %s\n' "$1" >&2
  exit 2
}

[[ $rounds =~ ^[1-9][0-9]*$ && $seconds =~ ^[1-9][0-9]*$ ]] || fail "usage: compare.sh [ROUNDS [SECONDS]]"
[ -n "${TRAWL_BIN:-}" ] || fail "TRAWL_BIN must name the folder of the release programs (swift build -c release --show-bin-path)"
for program in coordinator agent; do
  [ -x "$TRAWL_BIN/$program" ] || fail "there is no program $TRAWL_BIN/$program"
done
for tool in nginx wrk openssl python3 taskset curl awk; do
  command -v "$tool" >/dev/null || fail "$tool is missing; on Debian and Ubuntu: apt-get install nginx-light wrk openssl python3 util-linux curl mawk"
done
[ "$(nproc)" -ge 2 ] || fail "two processors are needed, one for the server and one for the clients"

scratch=$(mktemp -d)
server=
clean_up() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

make_certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=Benchmark CA" \
    -addext basicConstraints=critical,CA:TRUE -keyout "$scratch/ca.key" -out "$scratch/ca.pem"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
    -keyout "$scratch/leaf.key" -out "$scratch/leaf.csr"
  printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' >"$scratch/leaf.ext"
  openssl x509 -req -in "$scratch/leaf.csr" -CA "$scratch/ca.pem" -CAkey "$scratch/ca.key" -CAcreateserial -days 2 \
    -extfile "$scratch/leaf.ext" -out "$scratch/leaf.pem"
}

start_server() {
  local tries=0
  port=$(free_port)
  mkdir "$scratch/www"
  head -c 1024 /dev/zero | tr '\0' x >"$scratch/www/k"
  cat >"$scratch/nginx.conf" <<EOF
daemon off;
worker_processes 1;
pid $scratch/nginx.pid;
error_log $scratch/nginx.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  default_type text/plain;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path $scratch/body;
  proxy_temp_path $scratch/proxy;
  fastcgi_temp_path $scratch/fastcgi;
  uwsgi_temp_path $scratch/uwsgi;
  scgi_temp_path $scratch/scgi;
  open_file_cache max=16;
  server {
    listen 127.0.0.1:$port ssl;
    server_name localhost;
    ssl_certificate $scratch/leaf.pem;
    ssl_certificate_key $scratch/leaf.key;
    ssl_protocols TLSv1.3;
    root $scratch/www;
  }
}
EOF
  # The worker of an nginx that root starts belongs to somebody else, who has to get at the file.
  chmod 755 "$scratch" "$scratch/www"
  taskset -c 0 nginx -e "$scratch/nginx.log" -c "$scratch/nginx.conf" &
  server=$!
  until curl --silent --fail --output /dev/null --cacert "$scratch/ca.pem" "https://localhost:$port/k"; do
    tries=$((tries + 1))
    kill -0 "$server" 2>/dev/null || fail "nginx ended at once: $(tail -n 3 "$scratch/nginx.log")"
    [ "$tries" -le 100 ] || fail "nginx does not answer: $(tail -n 3 "$scratch/nginx.log")"
    sleep 0.1
  done
}

# Runs a command and prints: CPU seconds of its tree, seconds, KiB of its largest process.
cat >"$scratch/measure.py" <<'EOF'
import resource, subprocess, sys, time
start = time.monotonic()
with open(sys.argv[1], "wb") as log:
    status = subprocess.call(sys.argv[2:], stdout=log, stderr=subprocess.STDOUT)
elapsed = time.monotonic() - start
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
if status:
    sys.exit("%s ended with status %d: %s" % (sys.argv[2:], status, open(sys.argv[1]).read()[-2000:]))
print(usage.ru_utime + usage.ru_stime, elapsed, usage.ru_maxrss)
EOF

# measure NAME COMMAND...: on processor 1; figures into `figures`, output into FOLDER/out.
measure() {
  figures=$(taskset -c 1 python3 "$scratch/measure.py" "$scratch/out" "${@:2}") || fail "$1 failed"
}

# run_wrk SECONDS: sets `figures` and `requests`.
run_wrk() {
  measure wrk wrk -t1 "-c$connections" "-d${1}s" "https://localhost:$port/k"
  ! grep -qE 'Socket errors|Non-2xx' "$scratch/out" || fail "wrk met errors: $(cat "$scratch/out")"
  requests=$(awk '/requests in/ { print $1 }' "$scratch/out")
}

# run_trawl NAME AGENTS BODY: sets `figures` and `requests`.
run_trawl() {
  rm -rf "$scratch/job"
  measure "$1" "$TRAWL_BIN/coordinator" local "$scratch/list" --agents "$2" --threads 1 --per-origin "$connections" \
    --body "$3" --cacert "$scratch/ca.pem" --output "$scratch/job" --quiet --fail
  requests=$(wc -l <"$scratch/job/results.jsonl")
  [ "$requests" -eq "$rows" ] || fail "$1: $requests records for $rows rows"
}

# note ROUND NAME: keeps the figures of a run.
note() {
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$requests" "$figures" >>"$scratch/figures"
  printf '%s of %s: %s\n' "$1" "$rounds" "$2" >&2
}

make_certificates >"$scratch/openssl.log" 2>&1 || fail "openssl: $(tail -n 3 "$scratch/openssl.log")"
start_server
# Warms everything up, and says how many rows make a round of the wanted length.
run_wrk 2
rows=$((requests * seconds / 2))
awk -v rows="$rows" -v base="https://localhost:$port/k?row=" 'BEGIN { for (row = 0; row < rows; row++) print base row }' \
  >"$scratch/list"

for ((round = 1; round <= rounds; round++)); do
  run_wrk "$seconds"
  note "$round" "wrk -t1 -c$connections"
  for agents in 1 2; do
    for body in discard hash; do
      name="trawl, $agents agent$([ "$agents" = 1 ] || echo s), $body"
      run_trawl "$name" "$agents" "$body"
      note "$round" "$name"
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
