#!/usr/bin/env bash
# A gate against slow-downs that needs no quiet machine: it counts instructions instead of time.
#
#   TRAWL_BIN=FOLDER Tests/Gates/instructions.sh
#
# The scheduler alone runs with rows of random origins. The real programs run over loopback, the measured one under valgrind's callgrind, with a short list and with a
# long one. The difference of both counts, divided by the rows more, is what a request costs in the program itself:
# start-up, trust anchors and handshakes cancel out, the kernel is not seen. instructions.limits says how much is
# allowed. Ends with 1 if a count is over its limit, with 2 if it could not measure.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
limits=$here/instructions.limits
short=3000
long=8000
# More than a few, or the agent is often without work and the size of its blocks depends on the machine's load.
connections=16
# So much below its limit a count makes the limit worthless.
slack_percent=15
# Seconds for one run; each takes about five.
patience=50

# OpenSSL picks its assembler by the processor. This leaves AES-NI, PCLMUL and SSSE3, which every x86-64 of the last
# ten years has, and takes away RDRAND, AVX and XOP (bits 62, 60 and 43) and all of the second word (AVX2, BMI, ADX,
# SHA, AVX512, VAES): so counts are the same on all machines, and valgrind meets no instruction it does not know.
export OPENSSL_ia32cap='~0x5000080000000000:0x0'

fail() {
  printf 'instructions.sh: %s\n' "$1" >&2
  exit 2
}

[ -n "${TRAWL_BIN:-}" ] || fail "TRAWL_BIN must name the folder of the release programs (swift build -c release --show-bin-path)"
for program in coordinator agent origin SchedulerCost; do
  [ -x "$TRAWL_BIN/$program" ] || fail "there is no program $TRAWL_BIN/$program"
done
command -v valgrind >/dev/null || fail "valgrind is missing; on Debian and Ubuntu: apt-get install valgrind"
if [ "$(uname -m)" != x86_64 ]; then
  echo "instructions.sh: skipped: the limits hold for x86_64, not for $(uname -m)"
  exit 0
fi

scratch=$(mktemp -d)
declare -A children=() coordinators=() agents=()

# Nothing that was started here outlives the gate, whatever ends it.
clean_up() {
  local child
  # `timeout` hands the signal on and kills what does not obey.
  for child in "${!children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Sets `plain` and `secure` to the origin's ports.
start_origin() {
  local tries=0
  "$TRAWL_BIN/origin" --directory "$scratch/origin" --lifetime 300 >/dev/null 2>"$scratch/origin.err" &
  origin=$!
  children[$origin]=1
  # Written last, when everything listens.
  until [ -s "$scratch/origin/ports.json" ]; do
    tries=$((tries + 1))
    kill -0 "$origin" 2>/dev/null || fail "the origin ended at once: $(cat "$scratch/origin.err")"
    [ "$tries" -le 300 ] || fail "the origin was not ready within 30 s"
    sleep 0.1
  done
  plain=$(sed -n 's/.*"http": *\([0-9][0-9]*\).*/\1/p' "$scratch/origin/ports.json")
  secure=$(sed -n 's/.*"https": *\([0-9][0-9]*\).*/\1/p' "$scratch/origin/ports.json")
  if [ -z "$plain" ] || [ -z "$secure" ]; then
    fail "the origin's ports.json is not understood: $(cat "$scratch/origin/ports.json")"
  fi
}

# write_list ROWS BASE: distinct URLs. Bodies are short, or the digest's arithmetic would hide everything else.
write_list() {
  awk -v rows="$1" -v base="$2" 'BEGIN { for (row = 1; row <= rows; row++) print base "/fixed/100?row=" 1000000 + row }'
}

# reap PID WHAT LOG: waits for one of ours, which has to succeed.
reap() {
  local status=0
  wait "$1" || status=$?
  unset "children[$1]"
  [ "$status" -eq 0 ] || fail "$2 ended with status $status: $(tail -n 5 "$3")"
}

# begin NAME PROGRAM BASE BODY ROWS: starts one job with PROGRAM under callgrind.
begin() {
  local folder=$scratch/$1-$5
  local -a counted=(valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$folder/valgrind")
  local -a bounded=(timeout --kill-after=3 "$patience") coordinator=() agent=()
  mkdir "$folder"
  write_list "$5" "$3" >"$folder/list"
  if [ "$2" = agent ]; then agent=("${counted[@]}"); else coordinator=("${counted[@]}"); fi
  "${bounded[@]}" "${coordinator[@]}" "$TRAWL_BIN/coordinator" run "$folder/list" -o "$folder/job" \
    --listen "ipc://$folder/socket" --per-origin "$connections" --body "$4" --cacert "$scratch/origin/ca.pem" --quiet --fail \
    >"$folder/coordinator.out" 2>&1 &
  coordinators[$5]=$!
  children[$!]=1
  "${bounded[@]}" "${agent[@]}" "$TRAWL_BIN/agent" --coordinator "ipc://$folder/socket" --threads 1 --once \
    >"$folder/agent.out" 2>&1 &
  agents[$5]=$!
  children[$!]=1
}

# finish NAME ROWS: waits for what `begin` started; the count goes to FOLDER/count.
finish() {
  local folder=$scratch/$1-$2
  reap "${coordinators[$2]}" "$1: the coordinator" "$folder/coordinator.out"
  reap "${agents[$2]}" "$1: the agent" "$folder/agent.out"
  [ "$(wc -l <"$folder/job/results.jsonl")" -eq "$2" ] || fail "$1: not every row was recorded"
  sed -n 's/.*Collected : *\([0-9][0-9]*\).*/\1/p' "$folder/valgrind" >"$folder/count"
  [ -s "$folder/count" ] || fail "$1: valgrind gave no count: $(tail -n 5 "$folder/valgrind")"
}

# has_opened_all NAME ROWS: whether the job came to use all of its connections.
has_opened_all() { grep -qE "\"opened\" *: *$connections,?\$" "$scratch/$1-$2/job/summary.json"; }

# measure NAME PROGRAM BASE BODY: the short and the long run, side by side. They only compare if both have the same
# number of handshakes, each of which costs as much as a hundred requests.
measure() {
  local try
  for try in 1 2 3; do
    rm -rf "$scratch/$1-$short" "$scratch/$1-$long"
    begin "$@" "$short"
    begin "$@" "$long"
    finish "$1" "$short"
    finish "$1" "$long"
    if has_opened_all "$1" "$short" && has_opened_all "$1" "$long"; then return; fi
  done
  fail "$1: in $try tries a run opened fewer than $connections connections"
}

# judge NAME: prints a line of the table; 1 if the count is over its limit.
judge() {
  local limit count verdict=ok status=0
  limit=$(awk -v name="$1" '$1 == name { print $2 }' "$limits")
  [ -n "$limit" ] || fail "$limits has no limit for $1"
  count=$((($(cat "$scratch/$1-$long/count") - $(cat "$scratch/$1-$short/count")) / (long - short)))
  if [ "$count" -gt "$limit" ]; then
    verdict="TOO MANY, by $((count - limit)); the change that did it, or the limit, is wrong"
    status=1
  elif [ "$count" -lt $((limit * (100 - slack_percent) / 100)) ]; then
    verdict="ok; lower the limit to $((count * 105 / 100))"
  fi
  printf '%-26s %22s %10s  %s\n' "$1" "$count" "$limit" "$verdict"
  return "$status"
}

# measure_scheduler NAME: the scheduler alone, per row, with so many agents and origins.
measure_scheduler() {
  local rows
  for rows in "$short" "$long"; do
    mkdir "$scratch/$1-$rows"
    timeout --kill-after=3 "$patience" valgrind --tool=callgrind --callgrind-out-file=/dev/null \
      --log-file="$scratch/$1-$rows/valgrind" "$TRAWL_BIN/SchedulerCost" $((rows * 25)) 100 10000 >/dev/null \
      || fail "$1: the scheduler's benchmark failed: $(tail -n 5 "$scratch/$1-$rows/valgrind")"
    sed -n 's/.*Collected : *\([0-9][0-9]*\).*/\1/p' "$scratch/$1-$rows/valgrind" >"$scratch/$1-$rows/total"
    [ -s "$scratch/$1-$rows/total" ] || fail "$1: valgrind gave no count"
    echo $(($(cat "$scratch/$1-$rows/total") / 25)) >"$scratch/$1-$rows/count"
  done
}

measure_scheduler scheduler-row
start_origin
measure agent-http-discard agent "http://127.0.0.1:$plain" discard
measure agent-https-discard agent "https://localhost:$secure" discard
measure agent-https-hash agent "https://localhost:$secure" hash
measure coordinator-http-discard coordinator "http://127.0.0.1:$plain" discard

printf '%-26s %22s %10s\n' "what" "instructions/request" "limit"
status=0
for name in scheduler-row agent-http-discard agent-https-discard agent-https-hash coordinator-http-discard; do
  judge "$name" || status=1
done
[ "$status" -eq 0 ]
