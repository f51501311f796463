"""Where and with what the figures were made: the machine, its file system, the programs' versions."""

import hashlib
import os
import platform
import re
import subprocess
from pathlib import Path

from .clients import Programs
from .trouble import Trouble

# File systems that are in memory, where a synced record costs nothing.
IN_MEMORY = {"tmpfs", "ramfs", "devtmpfs"}


def describe(scratch: Path, processors: tuple[int, int]) -> dict[str, str]:
    return {
        "processor": _field("/proc/cpuinfo", r"model name\s*:\s*(.+)") or platform.machine(),
        "processors": f"{os.cpu_count()}; nginx on {processors[0]}, clients on {processors[1]}",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB",
        "kernel": platform.release(),
        "distribution": _field("/etc/os-release", r'PRETTY_NAME="?([^"\n]+)') or "unknown",
        "file system of jobs": file_system(scratch),
    }


def file_system(folder: Path) -> str:
    """Its type and device; not one in memory."""
    kind, device = mount_of(str(folder.resolve()), Path("/proc/self/mountinfo").read_text())
    if kind in IN_MEMORY:
        raise Trouble(f"{folder} is on {kind}, in memory; name a folder on a disk with --scratch")
    return f"{kind} on {device}"


def mount_of(folder: str, mountinfo: str) -> tuple[str, str]:
    """Type and device of what is mounted where the folder is (proc(5), mountinfo): the longest, then the last one."""
    best = ("", "unknown", "unknown")
    for line in mountinfo.splitlines():
        fields, _, after = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields.split()[4])
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):
            kind, device = after.split()[:2]
            best = (point, kind, device)
    return best[1], best[2]


def versions(programs: Programs, given: bool, packages: list[str]) -> dict[str, str]:
    origin = "built before, given by TRAWL_BIN" if given else "built from the checkout"
    found = {
        "checkout": commit(),
        "Trawl": origin + "; SHA-256: " + ", ".join(
            f"{name} {hashlib.sha256((programs.trawl / name).read_bytes()).hexdigest()[:12]}"
            for name in ("coordinator", "agent")
        ),
        "nginx": _version("nginx -v", r"nginx/(\S+)"),
        "OpenSSL": _version("openssl version", r"OpenSSL (\S+)"),
        "wrk": _version("wrk -v", r"wrk (\S+)"),
        "h2load": _version("h2load --version", r"nghttp2/(\S+)"),
        "curl": _version("curl --version", r"curl (\S+)"),
        "Python": _version(f"{programs.python} --version", r"Python (\S+)"),
    }
    for package in packages:
        code = f"from importlib.metadata import version; print(version('{package}'))"
        done = subprocess.run([programs.python, "-c", code], capture_output=True, text=True)
        if done.returncode:
            raise Trouble(f"{programs.python} has no {package}: {done.stderr[-500:]}")
        found[package] = done.stdout.strip()
    return found


def commit() -> str:
    """Of the checkout that the suite lies in, which need not be a checkout."""
    folder = Path(__file__).resolve().parent
    ask = ["git", "-C", str(folder)]
    try:
        head = subprocess.run([*ask, "rev-parse", "HEAD"], capture_output=True, text=True)
        changes = subprocess.run(
            # Figures of another run that lie there are no change of what is measured.
            [*ask, "status", "--porcelain", "--untracked-files=no", "--", ":(top)", ":(top,exclude)Benchmarks/results"],
            capture_output=True, text=True,
        )
    except FileNotFoundError:
        return "unknown"
    if head.returncode:
        return "unknown"
    return head.stdout.strip() + (" with changes" if changes.stdout.strip() else "")


def _field(file: str, pattern: str) -> str | None:
    try:
        found = re.search(pattern, Path(file).read_text())
    except OSError:
        return None
    return found[1].strip() if found else None


def _version(command: str, pattern: str) -> str:
    """What a program says of itself, on either output and with any status."""
    try:
        done = subprocess.run(command.split(), capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Trouble(f"there is no program {command.split()[0]}") from error
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "unknown"
