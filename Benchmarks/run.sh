#!/usr/bin/env bash
# Compares Trawl with other HTTP clients on one box in one run: the one command.
#
#   Benchmarks/run.sh [--rounds 5] [--seconds 20] [--cases NAME,...] [--output FOLDER] [--quick]
#   Benchmarks/run.sh --render FOLDER/results.json... [--output FOLDER]
#
# Installs what it needs on Debian 12 or Ubuntu 24.04 (apt packages; aiohttp and requests from PyPI into a virtual
# environment in the user's cache), takes the release programs from the folder TRAWL_BIN or builds them, and writes
# results.md, results.json and chart.svg into Benchmarks/results or FOLDER. All cases take about an hour, --quick four
# minutes; leave the machine alone meanwhile. The exit status is 1 if a goal of suite/goals.py is missed, except with
# --quick. --render runs nothing: it shows again what was kept. --help names the cases and further options.
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/setup.sh
. "$folder/../deploy/setup.sh"

# What is measured against; the results name the versions.
pypi_packages=(aiohttp==3.14.5 requests==2.34.2)
# `package:command` as in deploy/setup.sh.
packages=(
  nginx:nginx wrk:wrk nghttp2-client:h2load curl:curl openssl:openssl util-linux:taskset gcc:gcc libc6-dev libssl-dev
  python3:python3
)

# install_tools: as setup_machine does, without a toolchain for Swift.
install_tools() {
  local -a missing
  # Debian puts nginx where only root's PATH leads.
  PATH=$PATH:/usr/sbin
  mapfile -t missing < <(missing_packages "${packages[@]}")
  if ! python3 -c 'import ensurepip' 2>/dev/null; then missing+=(python3-venv); fi
  [ ${#missing[@]} -gt 0 ] || return 0
  case $(distribution_name) in
    debian-12 | ubuntu-24.04) install_packages "${missing[@]}" ;;
    *) fail "these packages of Debian's are missing, or what is called so here: ${missing[*]}" ;;
  esac
}

# Makes the environment of the Python clients once for each set of versions: sets `python`.
make_environment() {
  local version environment
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or later is needed"
  version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  environment=${XDG_CACHE_HOME:-$HOME/.cache}/trawl-benchmarks/$(IFS=- && echo "${pypi_packages[*]}")-python$version
  python=$environment/bin/python
  # Made beside its place would not do: it knows its own path. So a file says that it is whole.
  [ ! -e "$environment/whole" ] || return 0
  note "making an environment with ${pypi_packages[*]}"
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$python" -m pip --quiet --disable-pip-version-check install --only-binary :all: "${pypi_packages[@]}"
  touch "$environment/whole"
}

# Sets TRAWL_BIN and `origin`, an option that says where it comes from.
find_programs() {
  if [ -n "${TRAWL_BIN:-}" ]; then
    origin=(--trawl-is-given)
  else
    setup_build
    note "building the release programs"
    swift build -c release --package-path "$folder/.." >&2
    TRAWL_BIN=$(swift build -c release --package-path "$folder/.." --show-bin-path)
  fi
  local program
  for program in coordinator agent; do
    [ -x "$TRAWL_BIN/$program" ] || fail "there is no program $TRAWL_BIN/$program"
  done
}

origin=()
case " $* " in
  # Nothing is run, so nothing is needed.
  *' --help '* | *' -h '* | *' --render'[\ =]*) ;;
  *)
    install_tools
    make_environment
    find_programs
    ;;
esac
# -B: the folder belongs to the sources.
PYTHONPATH=$folder exec python3 -B -m suite --trawl "${TRAWL_BIN:-.}" --python "${python:-python3}" \
  "${origin[@]}" "$@"
