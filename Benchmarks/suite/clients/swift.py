"""AsyncHTTPClient, by a program in Swift of the suite's own, whose last line is that of the clients in Python."""

import re
from dataclasses import dataclass
from pathlib import Path

from . import Programs, Task
from .python import PythonClient

PACKAGE = "AsyncHTTPClient"
BUILT = Path(PACKAGE, ".build/release/async-http-client")


def version(manifest: str) -> str:
    """Of the library, by the manifest of the package that uses it."""
    found = re.search(r'async-http-client", exact: "([^"]+)"', manifest)
    return found[1] if found else "unknown"


@dataclass(frozen=True)
class AsyncHTTPClient(PythonClient):
    name: str = "async-http-client"
    title: str = "AsyncHTTPClient"
    program: str = "async-http-client"

    def command(self, task: Task, programs: Programs) -> list[str]:
        return [
            str(programs.clients / BUILT), "--list", str(task.list), "--cacert", str(task.authority), *self.options,
        ]
