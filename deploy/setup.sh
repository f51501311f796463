# shellcheck shell=bash
# What the other scripts share: brings a machine to the state in which Trawl builds and its tests run.
#
# To be sourced: defines the functions below and does nothing by itself. Whatever is already there is left alone;
# when nothing is missing no network and no root are needed and it takes a few tenths of a second.

# The toolchain that is installed if there is none, and the oldest that is accepted if there is one.
swift_pinned=6.3.1
swift_oldest=6.2

# ------------------------------------------------------------------------------------------ what is needed
# One list per purpose. `package` is looked up with dpkg; `package:command` counts as there if the command is,
# wherever it comes from. NN stands for the distribution's version of GCC.

# Compiling and linking Trawl, given a toolchain.
build_packages=(
  binutils git:git pkg-config:pkg-config libc6-dev libgcc-NN-dev libstdc++-NN-dev
  libbrotli-dev libc-ares-dev libidn2-dev libssl-dev libzmq3-dev libzstd-dev zlib1g-dev
)

# What `deploy/test.sh` runs besides the Swift tests themselves.
test_packages=(
  protobuf-compiler:protoc shellcheck:shellcheck valgrind:valgrind openssl:openssl iproute2:ip mount:mount
  util-linux:prlimit
  nginx apache2-bin haproxy caddy lighttpd lighttpd-mod-openssl lighttpd-mod-gnutls python3:python3
  squid dante-server dnsmasq-base brotli:brotli gzip:gzip zstd:zstd
)

# Services that come with these. Tests start servers of their own; these would only sit on ports.
test_services=(nginx haproxy caddy lighttpd squid danted)

# What a downloaded toolchain and its download need: swift.org's list for each distribution, as in
# github.com/swiftlang/swift-docker. Only looked at when a toolchain is installed, because one that runs has them.
toolchain_fetch_packages=(ca-certificates curl:curl gnupg:gpg tar:tar gzip:gzip)
toolchain_packages_debian=(
  binutils gcc git libcurl4-openssl-dev libedit-dev libicu-dev libncurses-dev libpython3-dev libsqlite3-dev
  libstdc++-12-dev libxml2-dev pkg-config tzdata unzip uuid-dev zip
)
toolchain_packages_ubuntu=(
  binutils git libc6-dev libcurl4-openssl-dev libedit2 libgcc-13-dev libncurses-dev libpython3-dev libsqlite3-0
  libstdc++-13-dev libxml2-dev libz3-dev pkg-config tzdata unzip zip zlib1g-dev
)

os_release=/etc/os-release

# ------------------------------------------------------------------------------------------ entry points

# Everything for `swift build`.
setup_build() {
  setup_machine "${build_packages[@]}"
}

# Everything for `deploy/test.sh`.
setup_tests() {
  setup_machine "${build_packages[@]}" "${test_packages[@]}"
}

# ------------------------------------------------------------------------------------------ parts

note() {
  printf '%s\n' "$*" >&2
}

fail() {
  note "error: $*"
  exit 1
}

# setup_machine ENTRY...: installs the packages that are missing, then the toolchain if it is.
setup_machine() {
  local -a wanted=("$@") missing=()
  local swift_is_there=yes distribution
  find_swift || swift_is_there=no
  distribution=$(distribution_name)

  case $distribution in
    debian-12)
      wanted=("${wanted[@]//-NN-/-12-}")
      if [ "$swift_is_there" = no ]; then
        wanted+=("${toolchain_fetch_packages[@]}" "${toolchain_packages_debian[@]}")
      fi
      ;;
    ubuntu-24.04)
      wanted=("${wanted[@]//-NN-/-13-}")
      if [ "$swift_is_there" = no ]; then
        wanted+=("${toolchain_fetch_packages[@]}" "${toolchain_packages_ubuntu[@]}")
      fi
      ;;
    *)
      check_unknown_distribution "$distribution" "$swift_is_there" "${wanted[@]}"
      return
      ;;
  esac

  mapfile -t missing < <(missing_packages "${wanted[@]}" | sort -u)
  if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}"
  fi
  if [ "$swift_is_there" = no ]; then
    install_swift
  fi
}

# Prints ID-VERSION_ID, such as debian-12.
distribution_name() {
  if [ ! -r "$os_release" ]; then
    echo unknown
    return
  fi
  # A subshell, because the file sets many variables.
  # shellcheck disable=SC1090
  (. "$os_release" && echo "${ID:-unknown}-${VERSION_ID:-rolling}")
}

# Elsewhere nothing is installed, for package names and GCC versions differ; a machine that has all it needs is fine.
# check_unknown_distribution NAME yes|no ENTRY...
check_unknown_distribution() {
  local name=$1 swift_is_there=$2 entry
  local -a lacking=()
  shift 2
  [ "$swift_is_there" = yes ] || lacking+=("Swift $swift_oldest or later (https://www.swift.org/install/linux)")
  for entry in "$@"; do
    case $entry in
      *:*) command -v "${entry#*:}" >/dev/null || lacking+=("the command ${entry#*:}") ;;
      libbrotli-dev) has_header brotli/decode.h || lacking+=("libbrotlidec with its header (brotli/decode.h)") ;;
      libc-ares-dev) has_header ares.h || lacking+=("c-ares with its headers (ares.h)") ;;
      libidn2-dev) has_header idn2.h || lacking+=("libidn2 with its header (idn2.h)") ;;
      libssl-dev) has_header openssl/ssl.h || lacking+=("OpenSSL 3 with its headers (openssl/ssl.h)") ;;
      libzmq3-dev) has_header zmq.h || lacking+=("ZeroMQ 4.3 with its headers (zmq.h)") ;;
      libzstd-dev) has_header zstd.h || lacking+=("libzstd with its header (zstd.h)") ;;
      zlib1g-dev) has_header zlib.h || lacking+=("zlib with its header (zlib.h)") ;;
      dante-server) has_server danted || lacking+=("Dante's SOCKS server as the command danted") ;;
      dnsmasq-base) has_server dnsmasq || lacking+=("dnsmasq") ;;
      nginx | haproxy | caddy | lighttpd | squid) has_server "$entry" || lacking+=("$entry") ;;
      apache2-bin)
        { has_server apache2 && [ -d /usr/lib/apache2/modules ]; } \
          || lacking+=("Apache 2.4 as the command apache2, with its modules in /usr/lib/apache2/modules")
        ;;
      lighttpd-mod-*)
        [ -e "/usr/lib/lighttpd/mod_${entry##*-}.so" ] || lacking+=("lighttpd's module mod_${entry##*-}")
        ;;
      # The rest comes with any working toolchain: the C library's headers, a linker, libstdc++.
    esac
  done
  [ ${#lacking[@]} -gt 0 ] || return 0
  note "error: this script installs on Debian 12 and Ubuntu 24.04 only, and this is $name."
  note "Install by hand what is missing, then run it again:"
  printf '  %s\n' "${lacking[@]}" >&2
  exit 1
}

# has_server NAME: whether a server's program is there; often only root's PATH leads to it.
has_server() {
  [ -x "/usr/sbin/$1" ] || command -v "$1" >/dev/null
}

# has_header NAME: whether a C header is where compilers look without being told.
has_header() {
  local -a found=(/usr/include/"$1" /usr/include/*-linux-gnu*/"$1" /usr/local/include/"$1")
  local path
  for path in "${found[@]}"; do
    if [ -e "$path" ]; then return 0; fi
  done
  return 1
}

# missing_packages ENTRY...: prints the names of the packages that are not there, one a line.
missing_packages() {
  local entry package installed
  local -a by_package=()
  for entry in "$@"; do
    if [[ $entry != *:* ]]; then
      by_package+=("$entry")
    elif ! command -v "${entry#*:}" >/dev/null; then
      echo "${entry%%:*}"
    fi
  done
  [ ${#by_package[@]} -gt 0 ] || return 0
  # It complains about names it does not know and fails then; those are just missing.
  # shellcheck disable=SC2016  # dpkg-query's own fields, not the shell's
  installed=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "${by_package[@]}" 2>/dev/null) || true
  for package in "${by_package[@]}"; do
    [[ $'\n'$installed$'\n' == *$'\n'"installed $package"$'\n'* ]] || echo "$package"
  done
}

# as_root COMMAND...
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# install_packages NAME...
install_packages() {
  # Never a question, and patience with a machine that just booted and runs its own updates.
  local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300)
  local package
  local -a unknown=() new_services=()
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    fail "packages are missing, this is not root and there is no sudo; as root, run: apt-get install $*"
  fi
  note "installing: $*"
  # A failed update is not yet the end: the lists that are there may do.
  as_root "${apt[@]}" update >&2 || note "warning: apt-get update failed; trying with the package lists that are there"
  mapfile -t new_services < <(absent_services)
  if without_services "${apt[@]}" install --no-install-recommends "$@" >&2; then
    disable_services "${new_services[@]}"
    return
  fi
  # apt names one culprit among much text; say plainly which of them cannot be had.
  for package in "$@"; do
    apt-get -s install "$package" >/dev/null 2>&1 || unknown+=("$package")
  done
  if [ ${#unknown[@]} -gt 0 ]; then
    fail "apt-get cannot install: ${unknown[*]} (see above); install them by hand, then run this again"
  fi
  fail "apt-get install failed (see above); make this work as root, then run this again: apt-get install $*"
}

# without_services COMMAND...: as root, so that no package it installs starts its service.
without_services() {
  # What Debian's packages ask before they start anything; one that is there is somebody's decision.
  local policy=/usr/sbin/policy-rc.d
  # A subshell so that its EXIT trap removes the file whatever happens.
  (
    if [ ! -e "$policy" ]; then
      trap 'as_root rm -f "$policy"' EXIT
      printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$policy"
    fi
    as_root "$@"
  )
}

# Prints those of the services above that are not installed.
absent_services() {
  local service
  for service in "${test_services[@]}"; do
    [ -e "/lib/systemd/system/$service.service" ] || echo "$service"
  done
}

# disable_services NAME...: those that have come just now do not start at the next boot either.
disable_services() {
  local service
  command -v systemctl >/dev/null || return 0
  for service in "$@"; do
    [ -e "/lib/systemd/system/$service.service" ] || continue
    as_root systemctl --quiet disable "$service" >&2 || note "warning: the service $service could not be disabled"
    # Where the policy of the machine is to start it. Without a running systemd (sd_booted(3)) nothing is.
    if [ -d /run/systemd/system ]; then as_root systemctl --quiet stop "$service" >&2 || true; fi
  done
}

# ------------------------------------------------------------------------------------------ Swift

# Where swiftly keeps what it installs, with its own defaults.
swiftly_home() {
  echo "${SWIFTLY_HOME_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/swiftly}"
}

swiftly_toolchain() {
  echo "${SWIFTLY_TOOLCHAINS_DIR:-${HOME}/.local/share/swiftly/toolchains}/$swift_pinned/usr/bin"
}

# Whether a recent enough `swift` can be run; looks on PATH, then where install_swift puts one.
find_swift() {
  if swift_is_recent; then return 0; fi
  local folder
  folder=$(swiftly_toolchain)
  [ -x "$folder/swift" ] || return 1
  # The toolchain itself, not swiftly's proxy: that one follows whatever the user selects later.
  PATH="$folder:$PATH"
  export PATH
  hash -r
  swift_is_recent
}

swift_is_recent() {
  command -v swift >/dev/null || return 1
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
  [ -n "$version" ] && [ "$(printf '%s\n' "$swift_oldest" "$version" | sort -V | head -n 1)" = "$swift_oldest" ]
}

# Installs the pinned toolchain for this user with swift.org's installer and puts it on PATH for this run.
install_swift() {
  note "installing Swift $swift_pinned into $(swiftly_home) (about 1 GB to fetch; once)"
  # A subshell so that its EXIT trap removes the downloads and the keyring whatever happens.
  (
    downloads=$(mktemp -d) || fail "cannot make a temporary directory under ${TMPDIR:-/tmp}"
    trap 'GNUPGHOME="$downloads/keys" gpgconf --kill all >/dev/null 2>&1; rm -rf "$downloads"' EXIT
    # A keyring of its own: the user's stays as it is, and no key that happens to be in it is trusted.
    # swiftly, which checks the toolchain's signature itself, uses the same one.
    export GNUPGHOME="$downloads/keys"
    mkdir -m 700 "$GNUPGHOME" || fail "cannot make $GNUPGHOME"
    # Not inside the repository, where swiftly would look for a .swift-version to follow or to write.
    cd "$downloads" || fail "cannot enter $downloads"

    swiftly=$(command -v swiftly) || swiftly=${SWIFTLY_BIN_DIR:-$HOME/.local/share/swiftly/bin}/swiftly
    if [ ! -x "$swiftly" ]; then
      fetch_swiftly "$downloads"
      ./swiftly init --quiet-shell-followup --assume-yes --skip-install --no-modify-profile >&2 \
        || fail "'swiftly init' failed (see above); install Swift $swift_pinned by hand: https://www.swift.org/install/linux"
    fi
    [ -x "$swiftly" ] || fail "'swiftly init' left no $swiftly; remove $(swiftly_home) and run this again"
    "$swiftly" install "$swift_pinned" --assume-yes --post-install-file "$downloads/post-install.sh" >&2 \
      || fail "'swiftly install $swift_pinned' failed (see above); check the network and the disk, then run this again"
    # Present only if swiftly misses packages that the lists above do not name.
    if [ -s "$downloads/post-install.sh" ]; then
      as_root bash "$downloads/post-install.sh" >&2 \
        || fail "packages that swiftly asks for could not be installed: $(cat "$downloads/post-install.sh")"
    fi
  ) || exit 1
  find_swift || fail "Swift $swift_pinned was installed but does not run; try: $(swiftly_toolchain)/swift --version"
}

# fetch_swiftly DIRECTORY: downloads swift.org's installer, checks its signature against swift.org's keys, and only
# then unpacks it. Every failure ends the run.
fetch_swiftly() {
  local directory=$1 architecture archive
  architecture=$(uname -m)
  case $architecture in
    x86_64 | aarch64) ;;
    *) fail "swift.org has no toolchain for $architecture" ;;
  esac
  archive=swiftly-$architecture.tar.gz
  download "https://download.swift.org/swiftly/linux/$archive" "$directory/$archive"
  download "https://download.swift.org/swiftly/linux/$archive.sig" "$directory/$archive.sig"
  download "https://www.swift.org/keys/all-keys.asc" "$directory/all-keys.asc"
  gpg --batch --quiet --import "$directory/all-keys.asc" >&2 \
    || fail "the keys from https://www.swift.org/keys/all-keys.asc cannot be imported (see above)"
  gpg --batch --verify "$directory/$archive.sig" "$directory/$archive" >&2 \
    || fail "$archive is not signed by swift.org (see above); nothing of it was unpacked or run"
  tar -xzf "$directory/$archive" -C "$directory" || fail "$archive cannot be unpacked in $directory"
  [ -x "$directory/swiftly" ] || fail "$archive holds no program 'swiftly'"
}

# download URL FILE
download() {
  # Redirects stay on https too.
  curl --proto '=https' --proto-redir '=https' --tlsv1.2 --fail --silent --show-error --location \
    --retry 3 --connect-timeout 20 --output "$2" "$1" \
    || fail "cannot download $1; check the network or a proxy (https_proxy), then run this again"
}
