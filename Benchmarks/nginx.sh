# shellcheck shell=bash
# shellcheck disable=SC2034  # some of what is set here is for the scripts alone
# What the benchmarks against nginx share: the tools, certificates, an nginx on processor 0, and the measure of what a
# command on processor 1 costs.
#
# To be sourced with the script's own arguments, ROUNDS and SECONDS: checks them, sets `rounds`, `seconds`,
# `connections` and `scratch`, a folder that goes with the script, and ends the script if something is missing.

# shellcheck source=deploy/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/../deploy/setup.sh"

script=${0##*/}
rounds=${1:-5}
seconds=${2:-5}
connections=50
# Command, and the package that brings it.
benchmark_tools=(nginx:nginx openssl:openssl python3:python3 taskset:util-linux curl:curl awk:mawk)

die() {
  printf '%s: %s\n' "$script" "$1" >&2
  exit 2
}

[[ $rounds =~ ^[1-9][0-9]*$ && $seconds =~ ^[1-9][0-9]*$ ]] || die "usage: $script [ROUNDS [SECONDS]]"
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
  for tool in "${benchmark_tools[@]}"; do
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

# Makes ca.pem, and leaf.pem with its key for localhost.
make_certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=Benchmark CA" \
    -addext basicConstraints=critical,CA:TRUE -keyout "$scratch/ca.key" -out "$scratch/ca.pem"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
    -keyout "$scratch/leaf.key" -out "$scratch/leaf.csr"
  printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' >"$scratch/leaf.ext"
  openssl x509 -req -in "$scratch/leaf.csr" -CA "$scratch/ca.pem" -CAkey "$scratch/ca.key" -CAcreateserial -days 2 \
    -extfile "$scratch/leaf.ext" -out "$scratch/leaf.pem"
}

# start_nginx PORT... <CONFIGURATION: an nginx on processor 0 with a file of 1 KiB, `k`; the configuration is of its
# servers, and each of the ports has to answer in TLS.
start_nginx() {
  local tries=0 port servers
  servers=$(cat)
  make_certificates >"$scratch/openssl.log" 2>&1 || die "openssl: $(tail -n 3 "$scratch/openssl.log")"
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
$servers
}
EOF
  # The worker of an nginx that root starts belongs to somebody else, who has to get at the file.
  chmod 755 "$scratch" "$scratch/www"
  taskset -c 0 nginx -e "$scratch/nginx.log" -c "$scratch/nginx.conf" &
  server=$!
  for port in "$@"; do
    until curl --silent --fail --output /dev/null --cacert "$scratch/ca.pem" "https://localhost:$port/k"; do
      tries=$((tries + 1))
      kill -0 "$server" 2>/dev/null || die "nginx ended at once: $(tail -n 3 "$scratch/nginx.log")"
      [ "$tries" -le 100 ] || die "nginx does not answer: $(tail -n 3 "$scratch/nginx.log")"
      sleep 0.1
    done
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
  figures=$(taskset -c 1 python3 "$scratch/measure.py" "$scratch/out" "${@:2}") || die "$1 failed"
}
