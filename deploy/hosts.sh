#!/usr/bin/env bash
# Hosts for tests on one machine: network namespaces, each with one cable to a switch in a namespace of its own, so
# that links can be cut. Nothing of the machine's own network is touched. Needs root.
#
#   deploy/hosts.sh up ID [N]           N hosts (default 4), numbered from 0; host K has the address 10.83.0.(K + 1)
#   deploy/hosts.sh cut ID HOST         the link of a host is dead: nothing comes through, and nobody is told
#   deploy/hosts.sh heal ID HOST        it is alive again
#   deploy/hosts.sh exec ID HOST COMMAND...
#   deploy/hosts.sh down ID             ends what runs on the hosts and removes them
#
# ID is the number of the process that wants the hosts, perhaps with a word behind it: PID or PID-WORD. Several sets
# can be up at a time. A set is gone some seconds after its process, however that ended, and after an hour at the
# latest.
set -euo pipefail

longest=3600

fail() {
  printf 'error: deploy/hosts.sh: %s\n' "$*" >&2
  exit 1
}

usage() {
  sed -n 's/^#   //p' "${BASH_SOURCE[0]}" >&2
  exit 64
}

# The namespace of a host, or that of the switch.
space() { printf 'trawl-%s-%s' "$id" "$1"; }

exists() { [ -e "/run/netns/$(space "$1")" ]; }

check_host() {
  if ! [[ $1 =~ ^[0-9]+$ ]] || ! exists "$1"; then fail "there is no host $1 of $id; make hosts with: up $id"; fi
}

up() {
  local count=${1:-4} host
  if ! [[ $count =~ ^[0-9]+$ ]] || [ "$count" -lt 1 ] || [ "$count" -gt 250 ]; then fail "1 to 250 hosts, not $count"; fi
  if [ "$(id -u)" -ne 0 ]; then fail "namespaces can be made by root only"; fi
  if ! kill -0 "${id%%-*}" 2>/dev/null; then fail "there is no process ${id%%-*}, whose end would be that of the hosts"; fi
  if exists switch; then fail "$id is up already; take it down first with: down $id"; fi
  trap 'if [ $? -ne 0 ]; then down; fi' EXIT
  ip netns add "$(space switch)"
  watch_owner
  ip -n "$(space switch)" link add bridge type bridge
  ip -n "$(space switch)" link set bridge up
  for ((host = 0; host < count; host++)); do
    ip netns add "$(space "$host")"
    ip -n "$(space switch)" link add "port$host" type veth peer name eth0 netns "$(space "$host")"
    ip -n "$(space switch)" link set "port$host" master bridge up
    ip -n "$(space "$host")" link set lo up
    ip -n "$(space "$host")" link set eth0 up
    ip -n "$(space "$host")" address add "10.83.0.$((host + 1))/24" dev eth0
  done
}

# Takes everything down when the process that wants it has ended. Keeps nothing of the caller's open: one may wait for
# the end of a pipe.
watch_owner() {
  # shellcheck disable=SC2016  # the inner shell's variables
  setsid bash -c '
    for descriptor in /proc/self/fd/*; do
      descriptor=${descriptor##*/}
      if [ "$descriptor" -gt 2 ]; then eval "exec $descriptor>&-"; fi
    done
    timeout "$3" tail --pid="$1" -f /dev/null
    exec "$0" down "$2"
  ' "$(readlink -f "${BASH_SOURCE[0]}")" "${id%%-*}" "$id" "$longest" </dev/null >/dev/null 2>&1 &
}

# Out of the switch, and not down: the host keeps its carrier, as it does when a cable further away is cut.
cut_link() { ip -n "$(space switch)" link set "port$1" nomaster; }

heal_link() { ip -n "$(space switch)" link set "port$1" master bridge; }

down() {
  local path name
  for path in /run/netns/"$(space '')"*; do
    [ -e "$path" ] || continue
    name=${path##*/}
    # A namespace lives for as long as a process is in it.
    ip netns pids "$name" 2>/dev/null | xargs --no-run-if-empty kill -KILL 2>/dev/null || true
    ip netns delete "$name" 2>/dev/null || true
  done
}

command -v ip >/dev/null || fail "the command ip is missing; install it with: apt-get install iproute2"
[ $# -ge 2 ] || usage
command=$1
id=$2
shift 2
[[ $id =~ ^[0-9]+(-[A-Za-z0-9]+)?$ ]] || fail "ID is the number of a process, perhaps with -WORD behind it, not $id"
case $command in
  up) up "$@" ;;
  down) down ;;
  cut | heal)
    [ $# -eq 1 ] || usage
    check_host "$1"
    "${command}_link" "$1"
    ;;
  exec)
    [ $# -ge 2 ] || usage
    check_host "$1"
    name=$(space "$1")
    shift
    exec ip netns exec "$name" "$@"
    ;;
  *) usage ;;
esac
