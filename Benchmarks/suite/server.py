"""The server: an nginx of one worker on a processor of its own, and its counters, which check what clients say."""

import random
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import certificates
from .cases import Port
from .trouble import Trouble

BODIES = {"k1": 1 << 10, "k10": 10 << 10, "k100": 100 << 10}


@dataclass(frozen=True)
class Counters:
    """What the server has done since it began."""

    accepted: int
    requests: int


class Server:
    """Runs while it is entered. Everything of it lies in one folder."""

    def __init__(self, folder: Path, processor: int) -> None:
        self._folder = folder
        self._processor = processor
        self._process: subprocess.Popen[bytes] | None = None
        self.ports = {port: free_port() for port in Port}
        self._status = free_port()

    @property
    def authority(self) -> Path:
        return self._folder / "ca.pem"

    def __enter__(self) -> "Server":
        certificates.make(self._folder)
        pages = self._folder / "www"
        pages.mkdir()
        for name, size in BODIES.items():
            (pages / name).write_bytes(b"x" * size)
        # The worker of an nginx that root starts belongs to somebody else, who has to get at the files.
        for path in (self._folder, pages):
            path.chmod(0o755)
        file = self._folder / "nginx.conf"
        file.write_text(configuration(self._folder, self.ports, self._status))
        # Debian puts nginx where only root's PATH leads.
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self._process = subprocess.Popen(
            ["taskset", "--cpu-list", str(self._processor), program, "-e", self._folder / "nginx.log", "-c", file]
        )
        try:
            self._wait()
            self._check_chunks()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()

    def counters(self) -> Counters:
        """Counts this question as well, with a connection of its own."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._status}/", timeout=10) as answer:
            return parse_status(answer.read().decode())

    def _wait(self) -> None:
        for _ in range(100):
            if self._process is None or self._process.poll() is not None:
                raise Trouble(f"nginx ended at once: {self._log()}")
            try:
                self.counters()
                return
            except OSError:
                time.sleep(0.1)
        raise Trouble(f"nginx does not answer: {self._log()}")

    def _check_chunks(self) -> None:
        """What the case promises rests on how nginx cuts what comes out of a filter."""
        url = f"https://localhost:{self.ports[Port.TLS]}/chunked/k10"
        done = subprocess.run(
            ["curl", "--disable", "--silent", "--show-error", "--include", "--raw", "--cacert", self.authority, url],
            capture_output=True,
        )
        sizes = [int(line, 16) for line in re.findall(rb"^([0-9a-f]{1,5})\r$", done.stdout, re.MULTILINE)]
        if b"Transfer-Encoding: chunked" not in done.stdout or sizes != [4096, 4096, 2048, 0]:
            raise Trouble(f"nginx answers in chunks of {sizes}: {done.stdout[:500]!r} {done.stderr[:500]!r}")

    def _log(self) -> str:
        return (self._folder / "nginx.log").read_text()[-1000:]


def free_port() -> int:
    """Below the range from which the kernel takes ports for outgoing connections, of which there will be many."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.randrange(10_000, 32_000)))
            except OSError:
                continue
            return int(probe.getsockname()[1])


def parse_status(page: str) -> Counters:
    """The page of nginx's stub_status: `accepts handled requests` and the three numbers in the next line."""
    found = re.search(r"accepts handled requests\s+(\d+) (\d+) (\d+)", page)
    if not found:
        raise Trouble(f"nginx gives no counters: {page[:200]}")
    return Counters(int(found[1]), int(found[3]))


def configuration(folder: Path, ports: dict[Port, int], status: int) -> str:
    """Nothing is logged and nothing ends a connection but the client, so that all clients meet the same server."""
    temporary = "\n".join(
        f"  {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  default_type text/plain;
{temporary}
  open_file_cache max=16;
  root {folder}/www;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  ssl_certificate {folder}/leaf.pem;
  ssl_certificate_key {folder}/leaf.key;
  ssl_protocols TLSv1.3;
  ssl_ecdh_curve X25519;
  ssl_session_tickets on;
  server {{
    listen 127.0.0.1:{ports[Port.TLS]} ssl backlog=4096;
    # The filter does not know the length that comes out of it, so the answer goes out in chunks of a buffer each.
    location /chunked/ {{
      alias {folder}/www/;
      ssi on;
      ssi_types text/plain;
      output_buffers 1 4k;
    }}
  }}
  server {{ listen 127.0.0.1:{ports[Port.PLAIN]} backlog=4096; }}
  server {{ listen 127.0.0.1:{ports[Port.RESUMED]} ssl backlog=4096; }}
  server {{
    listen 127.0.0.1:{ports[Port.FULL]} ssl backlog=4096;
    ssl_session_tickets off;
    ssl_session_cache off;
  }}
  server {{
    listen 127.0.0.1:{status};
    location / {{ stub_status; }}
  }}
}}
"""
