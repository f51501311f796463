"""How each program is called and what its output means. Pure: a task in, a command out; an output in, counts out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Task:
    """One run of a client, all that its command line may need."""

    url: str  # Of the one resource, for clients that ask for it again and again.
    seconds: int  # For clients that run for a time.
    list: Path  # For clients that run for a list: distinct URLs of the same resource, one a line.
    rows: int
    connections: int
    closes: bool  # A new connection for each request.
    hosts_port: int | None  # The list spreads over many names, all of which are this port of the loopback.
    authority: Path  # The certificate that the server's is signed with.
    body_bytes: int
    folder: Path  # The client's own for this run, not there yet.


@dataclass(frozen=True)
class Programs:
    """Where programs are that are on no PATH."""

    trawl: Path
    python: Path
    clients: Path  # The folder of the programs that the suite brings itself.
    built: Path  # The folder of those that are built.


@dataclass(frozen=True)
class Outcome:
    """What a client says of its run; what it does not say is None."""

    requests: int
    resumed: int | None = None  # TLS sessions.


class Client(Protocol):
    """A program that is measured."""

    @property
    def name(self) -> str:
        """Its key in results.json."""

    @property
    def title(self) -> str:
        """How the tables call it."""

    @property
    def first_rows(self) -> int:
        """Rows of the first warm-up of a client that needs a list, for there is no rate yet; 0 if it needs none."""

    def command(self, task: Task, programs: Programs) -> list[str]:
        """What is run."""

    def outcome(self, output: str, task: Task) -> Outcome:
        """Raises Trouble if a request failed or is missing."""
