"""Clients in Python, which all take a list and say in one last line of output what came of it."""

import re
from dataclasses import dataclass

from ..trouble import Trouble
from . import Outcome, Programs, Task


@dataclass(frozen=True)
class PythonClient:
    name: str
    title: str
    program: str  # In Benchmarks/clients.
    options: tuple[str, ...] = ()
    package: str | None = None  # From PyPI, whose version the results name.
    first_rows: int = 1_000

    def command(self, task: Task, programs: Programs) -> list[str]:
        return [
            str(programs.python), "-B", str(programs.clients / self.program), "--list", str(task.list),
            "--cacert", str(task.authority), *self.options,
        ]

    def outcome(self, output: str, task: Task) -> Outcome:
        found = re.search(r"requests (\d+) errors (\d+)\s*\Z", output)
        if not found:
            raise Trouble(f"{self.program} says no number of requests: {output[-2000:]}")
        requests, errors = map(int, found.groups())
        if errors or requests != task.rows:
            counts = f"{requests} requests, {errors} errors for {task.rows} rows"
            raise Trouble(f"{self.program}: {counts}: {output[-2000:]}")
        return Outcome(requests)
