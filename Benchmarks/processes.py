"""Programs that are pinned to a processor, and what the kernel says of them: CPU time, memory, descriptors, threads.

Linux only. Nothing outlives the script: the kernel ends every program when its parent is gone.
"""

import ctypes
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from suite import tree
from suite.trouble import Trouble

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def clean_up_on_signals() -> None:
    """Ends this script by an exception, so that servers are stopped and folders removed."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


@dataclass(frozen=True)
class Sample:
    """A process as it stands."""

    rss_bytes: int
    pss_bytes: int  # What it shares with others is counted in part.
    descriptors: int
    threads: int
    cpu_seconds: float


class Pinned:
    """A program on one processor; what it says on standard output and error goes into a file."""

    def __init__(self, arguments: list[str | Path], processor: int, log: Path) -> None:
        def prepare() -> None:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.sched_setaffinity(0, {processor})

        self.name = os.path.basename(arguments[0])
        self._log = log
        self._cpu_seconds: float | None = None
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=prepare
            )
        self.pid = self._process.pid

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def poll(self) -> float | None:
        """CPU seconds of it and of all that it waited for, if it has ended; its failure is trouble."""
        if self._process.returncode is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._cpu_seconds = usage.ru_utime + usage.ru_stime
        if self._process.returncode:
            raise Trouble(f"{self.name} ended with {self._process.returncode}: {self.said[-2000:]}")
        return self._cpu_seconds

    def kill(self) -> None:
        """Ends it, whatever it does; that is no failure."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()


def status(process: int) -> dict[str, str]:
    """The lines of proc(5)'s status."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def peak_bytes(process: int) -> int:
    """The most memory that a process has had resident; 0 if it is no more."""
    try:
        return int(status(process)["VmHWM"].split()[0]) * 1024
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return 0


def sample(process: int) -> Sample | None:
    """None if the process is no more."""
    try:
        lines = status(process)
        return Sample(
            rss_bytes=int(lines["VmRSS"].split()[0]) * 1024,
            pss_bytes=tree.proportional_bytes(process),
            descriptors=len(os.listdir(f"/proc/{process}/fd")),
            threads=int(lines["Threads"]),
            cpu_seconds=tree.cpu_seconds(process),
        )
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return None


def name_of(process: int) -> str:
    """Its number if it has ended just now."""
    try:
        return status(process)["Name"]
    except (FileNotFoundError, ProcessLookupError):
        return str(process)


@dataclass
class ThreadTimes:
    """CPU seconds by the names of threads, as far as they were seen."""

    seconds: dict[str, float] = field(default_factory=dict)

    def look(self, process: int) -> None:
        """Takes what the threads of a process have used until now."""
        seen: dict[str, float] = {}
        try:
            for task in Path(f"/proc/{process}/task").iterdir():
                before, _, after = (task / "stat").read_text().rpartition(")")
                name, fields = before.partition("(")[2], after.split()
                seen[name] = seen.get(name, 0) + (int(fields[11]) + int(fields[12])) / tree.TICKS
        except (FileNotFoundError, ProcessLookupError):
            pass
        for name, seconds in seen.items():
            self.seconds[name] = max(seconds, self.seconds.get(name, 0))
