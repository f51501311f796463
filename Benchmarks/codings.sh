#!/usr/bin/env bash
# What decoding costs: CPU per request with and without --compressed, and memory with many large windows; on one box in
# one run; prints Markdown tables.
#
#   TRAWL_BIN=FOLDER Benchmarks/codings.sh [ROUNDS [SECONDS]]      3 rounds of 1 s each if nothing is said
#
# nginx (TLS 1.3, keep-alive) has processor 0 for itself. On processor 1 runs `coordinator local` with one agent of one
# thread and 50 connections, in each round without --compressed and with it, on the same pages: 10 KiB and 100 KiB of
# text like HTML, compressed beforehand by gzip -6. Bodies are hashed: without --compressed as they come, with it as
# they are decoded; so they are discarded as well, which leaves the decoding alone. The floor is what libz takes for
# the same bytes in one process, from Python, without a check of the output. CPU is user and system time of the whole
# process tree.
#
# Then 1,000 connections bring a body of zstd each that needs a window of 8 MiB, slowly enough that all of them are
# under way together. Peak memory is of the largest process, the agent.
set -euo pipefail

set -- "${1:-3}" "${2:-1}"
# shellcheck source=Benchmarks/nginx.sh
. "$(dirname "${BASH_SOURCE[0]}")/nginx.sh"
for tool in gzip zstd sha256sum; do command -v "$tool" >/dev/null || die "there is no $tool"; done

windows=1000
ulimit -n "$(ulimit -H -n)"

# run_trawl LIST OPTION...: sets `figures`.
run_trawl() {
  rm -rf "$scratch/job"
  measure trawl "$TRAWL_BIN/coordinator" local "$scratch/$1" --agents 1 --threads 1 --per-origin "$connections" \
    --cacert "$scratch/ca.pem" --output "$scratch/job" --quiet --fail "${@:2}"
}

# write_list NAME ROWS
write_list() {
  awk -v rows="$2" -v base="https://localhost:$port/$1?row=" \
    'BEGIN { for (row = 0; row < rows; row++) print base row }' >"$scratch/list-$1"
}

# check NAME BYTES DIGEST: that all records say so; without a digest, that they have none.
check() {
  python3 - "$scratch/list-$1" "$scratch/job/results.jsonl" "$2" "${3:-}" <<'PYTHON' || die "$1: wrong records"
import json, sys
rows = sum(1 for _ in open(sys.argv[1]))
right = sum(1 for record in map(json.loads, open(sys.argv[2])) if record.get("status") == 200
            and "error" not in record and record["body_bytes"] == int(sys.argv[3])
            and record.get("body_sha256", "") == sys.argv[4])
sys.exit(None if right == rows else f"{right} of {rows} records are right")
PYTHON
}

# page BYTES: text that compresses as pages do.
page() {
  python3 - "$1" <<'PYTHON'
import random, sys
random.seed(9110)
letters = "etaoinshrdlucmfwypvbgkqjxz"
words = ["".join(random.choices(letters, range(26, 0, -1), k=random.randint(2, 10))) for _ in range(2000)]
weights = [1 / (rank + 1) for rank in range(2000)]
size, text, count = int(sys.argv[1]), [], 0
while count < size:
    phrase = " ".join(random.choices(words, weights, k=random.randint(4, 14)))
    text.append(f'<p class="{random.choice(words[:40])}"><a href="/{random.choice(words)}/{count}">{phrase}</a></p>\n')
    count += len(text[-1])
sys.stdout.write("".join(text)[:size])
PYTHON
}

page $((512 << 10)) >"$scratch/part"
# Longer than a window, and through a pipe, so that the frame asks for the whole window.
for _ in {1..19}; do cat "$scratch/part"; done >"$scratch/plain-zstd"
zstd -q -3 --zstd=wlog=23 <"$scratch/plain-zstd" >"$scratch/zstd" || die "zstd failed"
# For 16 s each: a coordinator adds connections to an origin little by little, and all are to be there together.
rate=$(($(stat -c %s "$scratch/zstd") / 16))

port=$(free_port)
start_nginx "$port" <<CONFIGURATION
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  server {
    listen 127.0.0.1:$port ssl;
    location /gzip- { add_header Content-Encoding gzip; }
    location /zstd { add_header Content-Encoding zstd; limit_rate $rate; }
  }
CONFIGURATION
# nginx ends connections as soon as less than a sixteenth of those that it may have is free.
sed -i "s/worker_connections [0-9]*/worker_connections $((2 * windows))/" "$scratch/nginx.conf"
kill -HUP "$server"

# MARK: CPU

for kibibytes in 10 100; do
  name=gzip-$kibibytes
  page $((kibibytes << 10)) >"$scratch/plain-$name"
  gzip -6nc "$scratch/plain-$name" >"$scratch/www/$name"
  # Warms everything up, and says how many rows make a round of the wanted length.
  write_list "$name" 2000
  run_trawl "list-$name" --compressed
  write_list "$name" "$(awk -v seconds="$seconds" '{ print int(2000 * seconds / $2) + 1000 }' <<<"$figures")"
done

digest() { sha256sum "$1" | cut -d' ' -f1; }

for ((round = 1; round <= rounds; round++)); do
  for kibibytes in 10 100; do
    name=gzip-$kibibytes
    for body in discard hash; do
      for way in plain compressed; do
        options=(--body "$body")
        served=$scratch/www/$name
        if [ "$way" = compressed ]; then
          options+=(--compressed)
          served=$scratch/plain-$name
        fi
        run_trawl "list-$name" "${options[@]}"
        sum=
        [ "$body" = discard ] || sum=$(digest "$served")
        check "$name" "$(stat -c %s "$served")" "$sum"
        printf '%s\t%s\t%s\t%s\t%s\n' "$kibibytes" "$body" "$way" "$(wc -l <"$scratch/list-$name")" "$figures" \
          >>"$scratch/figures"
      done
    done
    # As much output at once as the agent gives libz room for.
    floor=$(taskset -c 1 python3 - "$scratch/www/$name" <<'PYTHON'
import sys, time, zlib
data = open(sys.argv[1], "rb").read()
count, start = 0, time.process_time()
while time.process_time() - start < 0.5:
    for _ in range(50):
        stream = zlib.decompressobj(31)
        part = stream.decompress(data, 65536)
        while part:
            part = stream.decompress(stream.unconsumed_tail, 65536)
    count += 50
print((time.process_time() - start) / count * 1e6)
PYTHON
    )
    printf '%s\tfloor\tlibz\t1\t%s\n' "$kibibytes" "$floor" >>"$scratch/figures"
    printf '%s of %s: %s KiB\n' "$round" "$rounds" "$kibibytes" >&2
  done
done

python3 - "$scratch/figures" "$rounds" "$scratch" <<'PYTHON'
import os, statistics, sys
runs = {}
for line in open(sys.argv[1]):
    size, body, way, count, figures = line.rstrip("\n").split("\t")
    cost = float(figures.split()[0])
    runs.setdefault((size, body, way), []).append(cost if way == "libz" else cost / int(count) * 1e6)
median = statistics.median
print(f"{sys.argv[2]} rounds; CPU us/request, medians\n")
print("| page | gzip | body | as it comes | decoded | ratio: min / median / max "
      "| libz alone | of decoded | of the difference |")
print("|---|---|---|---|---|---|---|---|---|")
for size in ["10", "100"]:
    floor = median(runs[size, "floor", "libz"])
    bytes = os.path.getsize(f"{sys.argv[3]}/www/gzip-{size}")
    for body in ["discard", "hash"]:
        plain, decoded = runs[size, body, "plain"], runs[size, body, "compressed"]
        ratios = sorted(d / p for d, p in zip(decoded, plain))
        more = median(d - p for d, p in zip(decoded, plain))
        print(f"| {size} KiB | {bytes / 1024:.1f} KiB | {body} | {median(plain):.1f} | {median(decoded):.1f} "
              f"| {ratios[0]:.2f} / {median(ratios):.2f} / {ratios[-1]:.2f} | {floor:.1f} "
              f"| {100 * floor / median(decoded):.0f} % | {100 * floor / more:.0f} % |")
PYTHON

# MARK: Memory

cp "$scratch/zstd" "$scratch/www/zstd"
write_list zstd "$windows"
printf '\n| 1,000 connections, zstd | peak of the agent, MiB | seconds | connections | at once |\n'
printf '|---|---|---|---|---|\n'
for way in plain compressed; do
  options=()
  served=$scratch/www/zstd
  if [ "$way" = compressed ]; then
    options=(--compressed)
    served=$scratch/plain-zstd
  fi
  run_trawl list-zstd --per-origin "$windows" "${options[@]}"
  check zstd "$(stat -c %s "$served")" "$(digest "$served")"
  python3 - "$scratch/job/results.jsonl" "$way" "$figures" "$windows" <<'PYTHON' || die "too fast"
import datetime, json, sys
edges, opened = [], 0
for record in map(json.loads, open(sys.argv[1])):
    start = datetime.datetime.fromisoformat(record["started_at"].replace("Z", "+00:00")).timestamp()
    edges += [(start, 1), (start + record["time"]["total"], -1)]
    opened += not record["reused"]
now = most = 0
for _, step in sorted(edges):
    now += step
    most = max(most, now)
_, elapsed, peak = map(float, sys.argv[3].split())
if most < int(sys.argv[4]):
    sys.exit(f"only {most} connections were there at once")
title = {"plain": "as they come", "compressed": "decoded, windows of 8 MiB"}[sys.argv[2]]
print(f"| {title} | {peak / 1024:.0f} | {elapsed:.1f} | {opened} | {most} |")
PYTHON
done
printf '\nEvery record was checked for length and digest.\n'
