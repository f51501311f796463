"""Programs in C that do no more than the case asks for, verify the certificate and keep nothing: what it costs at
least with OpenSSL."""

import re
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from ..trouble import Trouble
from . import Outcome, Programs, Task


@dataclass(frozen=True)
class Floor:
    """One thread with an epoll loop over connections that are kept alive."""

    source: ClassVar[str] = "floor.c"
    name: str = "floor"
    title: str = "minimal C program"
    first_rows: int = 0

    def command(self, task: Task, programs: Programs) -> list[str]:
        url = urlsplit(task.url)
        authority = str(task.authority) if url.scheme == "https" else "-"
        return [
            str(programs.built / "floor"), str(url.hostname), str(url.port), url.path, authority,
            str(task.connections), str(task.seconds),
        ]

    def outcome(self, output: str, task: Task) -> Outcome:
        return Outcome(count("requests", output, self.source))


@dataclass(frozen=True)
class Handshake:
    """One thread with an epoll loop over connections that are new for each request."""

    source: ClassVar[str] = "handshake.c"
    resumes: bool = False
    name: str = "handshake"
    title: str = "minimal C program"
    first_rows: int = 0

    def command(self, task: Task, programs: Programs) -> list[str]:
        url = urlsplit(task.url)
        return [
            str(programs.built / "handshake"), str(url.hostname), str(url.port), url.path, str(task.authority),
            str(task.connections), str(task.seconds), "1" if self.resumes else "0",
        ]

    def outcome(self, output: str, task: Task) -> Outcome:
        return Outcome(count("requests", output, self.source), count("resumed", output, self.source))


def count(what: str, output: str, program: str) -> int:
    """They end with a status of their own at the first error, so there is nothing but a number."""
    found = re.search(rf"^{what} (\d+)$", output, re.MULTILINE)
    if not found:
        raise Trouble(f"{program} says no number of {what}: {output}")
    return int(found[1])
