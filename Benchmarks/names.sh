#!/usr/bin/env bash
# What many names cost, on one box in one run; prints a Markdown table.
#
#   TRAWL_BIN=FOLDER Benchmarks/names.sh [ROUNDS]      3 rounds if nothing is said
#
# nginx (plain HTTP, a file of 1 KiB) and dnsmasq, which answers for every name under test. with one IPv4 address, have
# processor 0. On processor 1 runs `coordinator local` with one agent of one thread, in turn with: 100,000 rows of one
# name; the same rows spread over 20,000 names whose address is said by --resolve, so that there are as many connections
# as with DNS, but nobody is asked; those names by DNS, both families; and by DNS for IPv4 only. CPU is user and system
# time of the whole process tree, with the start of the programs.
set -euo pipefail

rows=100000
names=20000

# The time of a round is that of the list.
set -- "${1:-3}"
# shellcheck source=Benchmarks/nginx.sh
. "$(dirname "${BASH_SOURCE[0]}")/nginx.sh"

command -v dnsmasq >/dev/null || install_packages dnsmasq-base

resolver=
end_resolver() {
  if [ -n "$resolver" ]; then
    kill "$resolver" 2>/dev/null || true
    wait "$resolver" 2>/dev/null || true
  fi
  clean_up
}
trap end_resolver EXIT

# start_dnsmasq PORT
start_dnsmasq() {
  taskset -c 0 dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --no-resolv --no-hosts \
    --listen-address=127.0.0.1 --bind-interfaces --port="$1" --local=/test/ --address=/test/127.0.0.1 \
    --local-ttl=3600 --cache-size=0 --user="$(id -un)" --log-facility="$scratch/dnsmasq.log" &
  resolver=$!
  python3 - "$1" <<'PYTHON' || die "dnsmasq does not answer: $(tail -n 3 "$scratch/dnsmasq.log")"
import socket, sys, time
question = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1"
for _ in range(100):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.1)
        client.connect(("127.0.0.1", int(sys.argv[1])))
        try:
            client.send(question)
            if client.recv(512).endswith(bytes([127, 0, 0, 1])):
                sys.exit(0)
        except OSError:
            time.sleep(0.1)
sys.exit(1)
PYTHON
}

# write_list KIND NAMES
write_list() {
  awk -v rows="$rows" -v names="$2" -v port="$plain" \
    'BEGIN { for (row = 0; row < rows; row++) print "http://n" row % names ".test:" port "/k?row=" row }' \
    >"$scratch/list-$1"
}

# run ROUND NAME LIST OPTION...
run() {
  rm -rf "$scratch/job"
  measure "$2" "$TRAWL_BIN/coordinator" local "$scratch/list-$3" --agents 1 --threads 1 --per-origin "$connections" \
    --body discard --dns-servers "127.0.0.1:$dns" --output "$scratch/job" --quiet --fail "${@:4}"
  printf '%s\t%s\t%s\n' "$2" "$figures" "$(python3 - "$scratch/job/summary.json" <<'PYTHON'
import json, sys
effort = json.load(open(sys.argv[1]))["effort"]
print(effort["connections"]["opened"], effort["resolver"]["queries"], effort["attempts"])
PYTHON
  )" >>"$scratch/figures"
  printf '%s of %s: %s: %s\n' "$1" "$rounds" "$2" "$figures" >&2
}

encrypted=$(free_port)
plain=$(free_port)
dns=$(free_port)
start_nginx "$encrypted" <<CONFIGURATION
  server { listen 127.0.0.1:$encrypted ssl; }
  server { listen 127.0.0.1:$plain backlog=16384; }
CONFIGURATION
# The other benchmarks have fewer connections at a time.
sed -i 's/worker_connections 1024;/worker_connections 60000;/; s/^worker_processes/worker_rlimit_nofile 65536;\n&/' \
  "$scratch/nginx.conf"
kill -HUP "$server"
start_dnsmasq "$dns"
write_list one 1
write_list many "$names"

for ((round = 1; round <= rounds; round++)); do
  run "$round" "one name" one
  run "$round" "many, --resolve" many --resolve '*:*:127.0.0.1'
  run "$round" "many, DNS" many
  run "$round" "many, DNS, -4" many -4
done

python3 - "$scratch/figures" "$rounds" "$rows" "$names" <<'PYTHON'
import statistics, sys
runs = {}
for line in open(sys.argv[1]):
    name, figures, counts = line.rstrip("\n").split("\t")
    cpu, elapsed, size = map(float, figures.split())
    runs.setdefault(name, []).append((cpu, elapsed, size / 1024) + tuple(map(int, counts.split())))
median = statistics.median
print(f"{sys.argv[2]} rounds, {int(sys.argv[3]):,} rows, one name or {int(sys.argv[4]):,}; medians\n")
print("| names | CPU s | x --resolve | x one | wall s | x --resolve | x one | MiB | connections | questions | attempts |")
print("|---|---|---|---|---|---|---|---|---|---|---|")
for name, rounds in runs.items():
    cells = [name]
    for index in range(2):
        ratios = [median([a[index] / b[index] for a, b in zip(rounds, runs[other])])
                  for other in ("many, --resolve", "one name")]
        cells += [f"{median([r[index] for r in rounds]):.2f}"] + [f"{ratio:.2f}" for ratio in ratios]
    cells += [f"{median([r[index] for r in rounds]):,.0f}" for index in range(2, 6)]
    print("| " + " | ".join(cells) + " |")
print("\nCPU is user and system time of coordinator and agent together; a ratio is the median of those of the rounds.")
PYTHON
