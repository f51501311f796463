"""Load generators, which ask for one URL again and again for a time: wrk and h2load."""

import re
from dataclasses import dataclass

from ..trouble import Trouble
from . import Outcome, Programs, Task


@dataclass(frozen=True)
class Wrk:
    name: str = "wrk"
    title: str = "wrk"
    first_rows: int = 0

    def command(self, task: Task, programs: Programs) -> list[str]:
        close = ["--header", "Connection: close"] if task.closes else []
        return ["wrk", "-t1", f"-c{task.connections}", f"-d{task.seconds}s", "--timeout", "30s", *close, task.url]

    def outcome(self, output: str, task: Task) -> Outcome:
        if re.search("Socket errors|Non-2xx", output):
            raise Trouble(f"wrk met errors: {output}")
        found = re.search(r"(\d+) requests in", output)
        if not found:
            raise Trouble(f"wrk says no number of requests: {output}")
        return Outcome(int(found[1]))


@dataclass(frozen=True)
class H2load:
    name: str = "h2load"
    title: str = "h2load --h1"
    first_rows: int = 0

    def command(self, task: Task, programs: Programs) -> list[str]:
        return [
            "h2load", "--h1", "--threads=1", f"--clients={task.connections}", f"--duration={task.seconds}", task.url,
        ]

    def outcome(self, output: str, task: Task) -> Outcome:
        found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", output)
        codes = re.search(r"status codes: (\d+) 2xx", output)
        if not found or not codes:
            raise Trouble(f"h2load says no number of requests: {output}")
        succeeded, *bad = map(int, found.groups())
        if any(bad) or int(codes[1]) != succeeded:
            raise Trouble(f"h2load met errors: {output}")
        return Outcome(succeeded)
