"""The lists: distinct URLs of one resource, at one name or at many at random."""

import random
from collections.abc import Iterator
from pathlib import Path

from .clients.curl import configuration_line


def urls(base: str, rows: int) -> Iterator[str]:
    for row in range(rows):
        yield f"{base}?row={row}"


def urls_of_hosts(port: int, path: str, rows: int, hosts: int) -> Iterator[str]:
    """At random, so that no client profits by the order; the same each time."""
    choice = random.Random(hosts)
    for row in range(rows):
        yield f"https://h{choice.randrange(hosts)}.bench.test:{port}{path}?row={row}"


def write(file: Path, lines: Iterator[str], *, for_curl: bool) -> None:
    with file.open("w") as output:
        output.writelines(f"{line}\n" for line in lines) if not for_curl else output.writelines(
            configuration_line(line) for line in lines
        )
