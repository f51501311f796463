#!/usr/bin/env bash
# Gates against slow-downs that need no quiet machine: they count instructions and allocations instead of time.
#
#   TRAWL_BIN=FOLDER Tests/Gates/gates.sh [--update] [NAME...]
#
# Without names, everything that `limits` names is measured: the steps of a request's way alone (HotPathCost and
# SchedulerCost), and the real programs over loopback. Each runs with a short list and with a long one. The difference
# of both counts, divided by the rows more, is what a request costs in the program itself: start-up, trust anchors and
# handshakes cancel out, the kernel is not seen. Instructions are counted by valgrind's callgrind, allocations by a
# library that stands before the C library's.
#
# Ends with 1 if a count is over its limit, with 2 if it could not measure. --update writes what was measured, with
# some room, into `limits` instead.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
limits=$here/limits
# Rows of the short and the long run. Steps work on whole blocks of 256 rows, and with every fourth there is a commit.
declare -A short=([step]=2048 [job - instructions]=3000 [job - allocations]=4000)
declare -A long=([step]=10240 [job - instructions]=8000 [job - allocations]=24000)
# Of the scheduler's steps each costs little beside making 10,000 origins known.
scheduler_factor=10
# More than a few, or the agent is often without work and the size of its blocks depends on the machine's load.
connections=16
# Seconds for one run; each takes a few.
patience=50

# OpenSSL picks its assembler by the processor. This leaves AES-NI, PCLMUL and SSSE3, which every x86-64 of the last
# ten years has, and takes away RDRAND, AVX and XOP (bits 62, 60 and 43) and all of the second word (AVX2, BMI, ADX,
# SHA, AVX512, VAES): so counts are the same on all machines, and valgrind meets no instruction it does not know.
export OPENSSL_ia32cap='~0x5000080000000000:0x0'
# Or the number of collisions in hash tables is another one each time.
export SWIFT_DETERMINISTIC_HASHING=1

fail() {
  printf 'gates.sh: %s\n' "$1" >&2
  exit 2
}

# ------------------------------------------------------------------------------------------ running

scratch=$(mktemp -d)
declare -A children=()

# Nothing that was started here outlives the gates, whatever ends them.
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

# start LOG COMMAND...: in the background, bounded; its id is in `started`.
start() {
  local log=$1
  shift
  timeout --kill-after=3 "$patience" "$@" >"$log" 2>&1 &
  started=$!
  children[$started]=1
}

# reap PID WHAT LOG: waits for one of ours, which has to succeed.
reap() {
  local status=0
  wait "$1" || status=$?
  unset "children[$1]"
  [ "$status" -eq 0 ] || fail "$2 ended with status $status: $(tail -n 5 "$3")"
}

# prefix UNIT FOLDER: sets `counted` to what stands before a command whose instructions or allocations are counted.
prefix() {
  if [ "$1" = instructions ]; then
    counted=(valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$2/valgrind")
  else
    counted=(env LD_PRELOAD="$scratch/allocations.so" TRAWL_ALLOCATIONS="$2/allocations")
  fi
}

# total UNIT FOLDER: adds to `totals` what the command behind the prefix has counted.
total() {
  local number
  if [ "$1" = instructions ]; then
    number=$(sed -n 's/.*Collected : *\([0-9][0-9]*\).*/\1/p' "$2/valgrind")
  else
    number=$(cat "$2/allocations" 2>/dev/null) || true
  fi
  # One number of one process.
  [[ $number =~ ^[0-9]+$ ]] || fail "no count of $1 for $(basename "$2"), but '$number'"
  totals+=("$number")
}

# Sets `plain` and `secure` to the ports of the origin, which is started once.
start_origin() {
  local tries=0 origin
  [ -z "${plain:-}" ] || return 0
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

# ------------------------------------------------------------------------------------------ measuring

# Each of these runs a short list and a long one, side by side, puts the counts of both into `totals`, and sets `rows`
# to the rows that the long one has more.

# measure_step NAME UNIT COMMAND...: COMMAND is given the number of rows in the place of ROWS.
measure_step() {
  local name=$1 unit=$2 count folder times=1
  local -a counted pids=() folders=()
  shift 2
  if [ "$name" = scheduler-row ]; then times=$scheduler_factor; fi
  for count in "${short[step]}" "${long[step]}"; do
    folder=$scratch/$name-$unit-$count
    mkdir "$folder"
    prefix "$unit" "$folder"
    start "$folder/output" "${counted[@]}" "${@/#ROWS/$((count * times))}"
    pids+=("$started")
    folders+=("$folder")
  done
  for count in 0 1; do
    reap "${pids[count]}" "$name" "${folders[count]}/output"
    total "$unit" "${folders[count]}"
  done
  rows=$(((long[step] - short[step]) * times))
}

# measure_job NAME UNIT PROGRAM SCHEME BODY: both runs only compare if they have the same number of handshakes, each of
# which costs as much as a hundred requests.
measure_job() {
  local try few=${short[job - $2]} many=${long[job - $2]}
  start_origin
  for try in 1 2 3; do
    rm -rf "$scratch/$1-$2"-*
    begin_job "$@" "$few"
    begin_job "$@" "$many"
    finish_job "$1-$2-$few" "$few"
    finish_job "$1-$2-$many" "$many"
    if has_opened_all "$1-$2-$few" && has_opened_all "$1-$2-$many"; then
      total "$2" "$scratch/$1-$2-$few"
      total "$2" "$scratch/$1-$2-$many"
      rows=$((many - few))
      return
    fi
  done
  fail "$1: in $try tries a run opened fewer than $connections connections"
}

# begin_job NAME UNIT PROGRAM SCHEME BODY ROWS: starts one job with PROGRAM counted.
begin_job() {
  local folder=$scratch/$1-$2-$6 base="http://127.0.0.1:$plain"
  local -a counted coordinator=() agent=()
  if [ "$4" = https ]; then base="https://localhost:$secure"; fi
  mkdir "$folder"
  # Distinct URLs. Bodies are short, or the digest's arithmetic would hide everything else.
  awk -v rows="$6" -v url="$base/fixed/100?row=" 'BEGIN { for (row = 1; row <= rows; row++) print url 1000000 + row }' \
    >"$folder/list"
  prefix "$2" "$folder"
  if [ "$3" = agent ]; then agent=("${counted[@]}"); else coordinator=("${counted[@]}"); fi
  start "$folder/coordinator.out" "${coordinator[@]}" "$TRAWL_BIN/coordinator" run "$folder/list" -o "$folder/job" \
    --listen "ipc://$folder/socket" --per-origin "$connections" --body "$5" --cacert "$scratch/origin/ca.pem" --quiet \
    --fail
  echo "$started" >"$folder/coordinator.pid"
  start "$folder/agent.out" "${agent[@]}" "$TRAWL_BIN/agent" --coordinator "ipc://$folder/socket" --threads 1 --once
  echo "$started" >"$folder/agent.pid"
}

# finish_job FOLDER ROWS: waits for what `begin_job` started.
finish_job() {
  local program folder=$scratch/$1
  for program in coordinator agent; do
    reap "$(cat "$folder/$program.pid")" "$1: the $program" "$folder/$program.out"
  done
  [ "$(wc -l <"$folder/job/results.jsonl")" -eq "$2" ] || fail "$1: not every row was recorded"
}

# has_opened_all FOLDER: whether the job came to use all of its connections.
has_opened_all() { grep -qE "\"opened\" *: *$connections,?\$" "$scratch/$1/job/summary.json"; }

# measure NAME UNIT: sets `cost` to what a request costs, allocations in thousandths.
measure() {
  local -a totals=() job=()
  local rows unit=1
  case $1 in
    agent-*-* | coordinator-*-*)
      IFS=- read -ra job <<<"$1"
      measure_job "$1" "$2" "${job[@]}"
      ;;
    scheduler-row) measure_step "$1" "$2" "$TRAWL_BIN/SchedulerCost" ROWS 100 10000 ;;
    *) measure_step "$1" "$2" "$TRAWL_BIN/HotPathCost" "$1" ROWS ;;
  esac
  if [ "$2" = allocations ]; then unit=1000; fi
  # Rounded to the nearest.
  cost=$((((totals[1] - totals[0]) * unit + rows / 2) / rows))
}

# measure_fairly NAME UNIT: the same, but a program that is over its limit is measured twice more, and its least cost
# counts: what other load on the machine adds comes and goes, what a change adds stays. For a new limit it is the most
# that a program costs in three runs.
measure_fairly() {
  local limit first try
  measure "$@"
  if [[ $1 != agent-* && $1 != coordinator-* ]]; then return; fi
  limit=$(awk -v name="$1" -v column="$2" '
    $1 == name { print column == "instructions" ? $2 : int($3 * 1000 + 0.5) }' "$limits")
  for try in 2 3; do
    first=$cost
    if [ "$updates" = yes ]; then
      measure "$@"
      cost=$((cost > first ? cost : first))
    elif [ "$cost" -gt "$limit" ]; then
      echo "-- $1: $cost ${2/allocations/thousandths of allocations}, over $limit; try $try"
      measure "$@"
      cost=$((cost < first ? cost : first))
    fi
  done
}

# ------------------------------------------------------------------------------------------ judging

# Prints the table; 1 if a count is over its limit. A count that is 15 % below its limit makes the limit worthless.
judge() {
  awk -v kept=0.85 '
    function verdict(what, count, limit, room) {
      if (count > limit) {
        over = 1
        return "TOO MANY " what
      }
      return count < limit * kept - room ? "fewer " what " than the limit needs" : ""
    }
    FNR == NR {
      if ($1 !~ /^#/ && NF == 3) { instructions[$1] = $2; allocations[$1] = $3 }
      next
    }
    FNR == 1 {
      printf "%-26s %14s %10s %14s %10s\n", "for each request", "instructions", "limit", "allocations", "limit"
    }
    {
      first = $2 == "-" ? "" : verdict("instructions", $2 + 0, instructions[$1] + 0, 0)
      second = verdict("allocations", $3 + 0, allocations[$1] + 0, $1 ~ /^(agent|coordinator)-/ ? 0.03 : 0)
      text = first == "" && second == "" ? "ok" : first (first != "" && second != "" ? ", " : "") second
      printf "%-26s %14s %10s %14s %10s  %s\n", $1, $2, instructions[$1], $3, allocations[$1], text
      slacks += text ~ /fewer/
    }
    END {
      if (over) print "What is over its limit has become slower: the change that did it, or the limit, is wrong."
      if (slacks) print "Lower the limits that are too wide: Tests/Gates/gates.sh --update NAME..."
      exit over
    }' "$limits" "$scratch/measured"
}

# Writes limits from what was measured: 5 % more, and 0.02 allocations more in whole programs, but never room for an
# allocation more in each request.
update() {
  awk '
    function up(value, step) { return int(value / step + 0.999999) * step }
    function least(left, right) { return left < right ? left : right }
    FNR == NR { instructions[$1] = $2; allocations[$1] = $3; next }
    /^#/ || !($1 in allocations) { print; next }
    {
      isProgram = $1 ~ /^(agent|coordinator)-/
      count = instructions[$1] == "-" ? $2 : up(instructions[$1] * 1.05, instructions[$1] < 1000 ? 1 : 10)
      room = least(allocations[$1] * 0.05, 0.4) + (isProgram ? 0.02 : 0)
      heap = up(allocations[$1] + room, isProgram ? 0.01 : 0.001)
      printf "%-26s %14d %12.3f\n", $1, count, heap
    }' "$scratch/measured" "$limits" >"$scratch/limits"
  cat "$scratch/limits" >"$limits"
}

# ------------------------------------------------------------------------------------------ all of it

updates=no
if [ "${1:-}" = --update ]; then
  updates=yes
  shift
fi
[ -n "${TRAWL_BIN:-}" ] \
  || fail "TRAWL_BIN must name the folder of the release programs (swift build -c release --show-bin-path)"
for program in coordinator agent origin SchedulerCost HotPathCost; do
  [ -x "$TRAWL_BIN/$program" ] || fail "there is no program $TRAWL_BIN/$program"
done
command -v valgrind >/dev/null || fail "valgrind is missing; on Debian and Ubuntu: apt-get install valgrind"
compiler=$(command -v clang || command -v cc) || fail "clang is missing; it comes with Swift: put its usr/bin on PATH"
"$compiler" -shared -fPIC -O1 -Wall -Wextra -Werror -o "$scratch/allocations.so" "$here/allocations.c"

mapfile -t known < <(awk '!/^#/ && NF == 3 { print $1 }' "$limits")
names=("$@")
if [ $# -eq 0 ]; then
  names=("${known[@]}")
  # A step without a limit would never be measured.
  for name in $("$TRAWL_BIN/HotPathCost"); do
    [[ " ${known[*]} " == *" $name "* ]] || fail "$limits has no limit for $name"
  done
fi
for name in "${names[@]}"; do
  [[ " ${known[*]} " == *" $name "* ]] || fail "$limits has no limit for $name"
  instructions=-
  # The limits hold for one instruction set.
  if [ "$(uname -m)" = x86_64 ]; then
    measure_fairly "$name" instructions
    instructions=$cost
  fi
  measure_fairly "$name" allocations
  printf '%s %s %d.%03d\n' "$name" "$instructions" "$((cost / 1000))" "$((cost % 1000))" >>"$scratch/measured"
done
if [ "$updates" = yes ]; then update; fi
judge
