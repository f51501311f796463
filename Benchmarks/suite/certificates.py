"""An authority and the server's certificate, for localhost and for as many names as a list has."""

import subprocess
from pathlib import Path

from .trouble import Trouble

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]


def make(folder: Path) -> None:
    """Makes ca.pem, leaf.pem and leaf.key, all ECDSA P-256, good for two days."""
    extensions = folder / "leaf.ext"
    extensions.write_text("subjectAltName=DNS:localhost,DNS:*.bench.test\nbasicConstraints=CA:FALSE\n")
    _openssl(
        "req", "-x509", *CURVE, "-days", "2", "-subj", "/CN=Benchmark CA", "-addext",
        "basicConstraints=critical,CA:TRUE", "-keyout", folder / "ca.key", "-out", folder / "ca.pem",
    )
    _openssl("req", *CURVE, "-subj", "/CN=localhost", "-keyout", folder / "leaf.key", "-out", folder / "leaf.csr")
    _openssl(
        "x509", "-req", "-in", folder / "leaf.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
        "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", folder / "leaf.pem",
    )


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"openssl {arguments[0]} failed: {done.stderr[-1000:]}")
