"""curl --parallel, with the list as a config file of URLs whose bodies go to /dev/null."""

from dataclasses import dataclass
from pathlib import Path

from . import Outcome, Programs, Task


@dataclass(frozen=True)
class Curl:
    name: str = "curl"
    title: str = "curl --parallel"
    first_rows: int = 10_000

    def command(self, task: Task, programs: Programs) -> list[str]:
        return [
            "curl", "--disable", "--silent", "--show-error", "--fail", "--parallel", "--parallel-immediate",
            "--parallel-max", str(task.connections), "--cacert", str(task.authority),
            "--config", str(configuration(task)),
        ]

    def outcome(self, output: str, task: Task) -> Outcome:
        # Its exit status says that none failed, the server's counter that all were asked for.
        return Outcome(task.rows)


def configuration(task: Task) -> Path:
    """The list in curl's own words, which lies beside it."""
    return task.list.with_suffix(".curl")


def configuration_line(url: str) -> str:
    """One URL; each needs an output of its own."""
    return f'url = "{url}"\noutput = "/dev/null"\n'
