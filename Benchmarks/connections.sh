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

# shellcheck source=deploy/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/../deploy/setup.sh"

rounds=${1:-5}
seconds=${2:-5}
connections=50
# Command, and the package that brings it.
tools=(nginx:nginx wrk:wrk openssl:openssl python3:python3 taskset:util-linux curl:curl awk:mawk)

die() {
  printf 'connections.sh: %s\n' "$1" >&2
  exit 2
}

[[ $rounds =~ ^[1-9][0-9]*$ && $seconds =~ ^[1-9][0-9]*$ ]] || die "usage: connections.sh [ROUNDS [SECONDS]]"
[ -n "${TRAWL_BIN:-}" ] || die "TRAWL_BIN must name the folder of the release programs (swift build -c release --show-bin-path)"
for program in coordinator agent; do
  [ -x "$TRAWL_BIN/$program" ] || die "there is no program $TRAWL_BIN/$program"
done
[ "$(nproc)" -ge 2 ] || die "two processors are needed, one for the server and one for the clients"
# Debian puts nginx where only root's PATH leads.
PATH=$PATH:/usr/sbin

install_tools() {
  local tool
  local -a missing=()
  for tool in "${tools[@]}"; do
    command -v "${tool%%:*}" >/dev/null || missing+=("${tool#*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  case $(distribution_name) in
    debian-12 | ubuntu-24.04) install_packages "${missing[@]}" ;;
    *) die "these packages of Debian's are missing, or what is called so here: ${missing[*]}" ;;
  esac
}

install_tools
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

# Below the range from which the kernel takes ports for outgoing connections, of which there will be many.
free_port() {
  python3 - <<'EOF'
import random, socket
while True:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", random.randrange(10_000, 32_000)))
        except OSError:
            continue
        print(probe.getsockname()[1])
        break
EOF
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

# Sets `resumed_port` and `full_port`.
start_server() {
  local tries=0 port
  resumed_port=$(free_port)
  full_port=$(free_port)
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
  client_body_temp_path $scratch/body;
  proxy_temp_path $scratch/proxy;
  fastcgi_temp_path $scratch/fastcgi;
  uwsgi_temp_path $scratch/uwsgi;
  scgi_temp_path $scratch/scgi;
  open_file_cache max=16;
  ssl_certificate $scratch/leaf.pem;
  ssl_certificate_key $scratch/leaf.key;
  ssl_protocols TLSv1.3;
  ssl_ecdh_curve X25519;
  root $scratch/www;
  server {
    listen 127.0.0.1:$resumed_port ssl;
    ssl_session_tickets on;
  }
  server {
    listen 127.0.0.1:$full_port ssl;
    ssl_session_tickets off;
    ssl_session_cache off;
  }
}
EOF
  # The worker of an nginx that root starts belongs to somebody else, who has to get at the file.
  chmod 755 "$scratch" "$scratch/www"
  taskset -c 0 nginx -e "$scratch/nginx.log" -c "$scratch/nginx.conf" &
  server=$!
  for port in "$resumed_port" "$full_port"; do
    until curl --silent --fail --output /dev/null --cacert "$scratch/ca.pem" "https://localhost:$port/k"; do
      tries=$((tries + 1))
      kill -0 "$server" 2>/dev/null || die "nginx ended at once: $(tail -n 3 "$scratch/nginx.log")"
      [ "$tries" -le 100 ] || die "nginx does not answer: $(tail -n 3 "$scratch/nginx.log")"
      sleep 0.1
    done
  done
}

# Runs a command and prints: CPU seconds of its tree, seconds.
cat >"$scratch/measure.py" <<'EOF'
import resource, subprocess, sys, time
start = time.monotonic()
with open(sys.argv[1], "wb") as log:
    status = subprocess.call(sys.argv[2:], stdout=log, stderr=subprocess.STDOUT)
elapsed = time.monotonic() - start
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
if status:
    sys.exit("%s ended with status %d: %s" % (sys.argv[2:], status, open(sys.argv[1]).read()[-2000:]))
print(usage.ru_utime + usage.ru_stime, elapsed)
EOF

# measure NAME COMMAND...: on processor 1; figures into `figures`, output into FOLDER/out.
measure() {
  figures=$(taskset -c 1 python3 "$scratch/measure.py" "$scratch/out" "${@:2}") || die "$1 failed"
}

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

# note ROUND KIND NAME: keeps the figures of a run.
note() {
  [ "$2" = resumed ] || [ "${resumed:-0}" -eq 0 ] || die "$3 resumed $resumed of $count sessions that cannot be"
  printf '%s\t%s\t%s\t%s\t%s\n' "$2" "$3" "$count" "$resumed" "$figures" >>"$scratch/figures"
  printf '%s of %s: %s, %s\n' "$1" "$rounds" "$2" "$3" >&2
}

make_certificates >"$scratch/openssl.log" 2>&1 || die "openssl: $(tail -n 3 "$scratch/openssl.log")"
start_server
declare -A ports=([full]=$full_port [resumed]=$resumed_port)
for kind in full resumed; do write_list "$kind" "${ports[$kind]}"; done

for ((round = 1; round <= rounds; round++)); do
  for kind in full resumed; do
    for client in wrk trawl s_time; do
      "run_$client" "$kind" "${ports[$kind]}" "$seconds"
      note "$round" "$kind" "$client"
    done
  done
done

python3 - "$scratch/figures" "$rounds" "$seconds" <<'EOF'
import statistics, sys
runs = {}
for line in open(sys.argv[1]):
    kind, name, count, resumed, figures = line.rstrip("\n").split("\t")
    cpu, elapsed = map(float, figures.split())
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
