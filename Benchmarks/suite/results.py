"""What is kept of the runs: plain values that become results.json, with every round as it was measured."""

from dataclasses import asdict, dataclass, field
from typing import Any

# The order of the clients in a round, among the settings.
FIXED, ROTATING = "fixed", "rotating"


@dataclass
class Run:
    """One client in one round."""

    requests: int
    user_seconds: float
    system_seconds: float
    elapsed_seconds: float
    peak_pss_bytes: int  # Of all processes together, sampled.
    largest_rss_bytes: int  # Of the largest process.
    processes: int
    server_requests: int
    server_connections: int
    resumed: int | None = None
    context_switches: int = 0  # Voluntary and not.

    @property
    def cpu_seconds(self) -> float:
        return self.user_seconds + self.system_seconds

    @property
    def cpu_microseconds_per_request(self) -> float:
        return self.cpu_seconds / self.requests * 1e6

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.elapsed_seconds


@dataclass
class ClientRuns:
    name: str
    title: str
    command: list[str]  # Of the last run.
    runs: list[Run] = field(default_factory=list)


@dataclass
class CaseResult:
    name: str
    title: str
    closes: bool  # A new connection for each request.
    connections: int  # That each client was told to have.
    load_average: tuple[float, float, float]
    clients: list[ClientRuns]  # The first is what the others are compared with.


@dataclass
class Results:
    machine: dict[str, str]
    versions: dict[str, str]
    settings: dict[str, Any]
    began: str
    ended: str
    cases: list[CaseResult]
    differences: list[str] = field(default_factory=list)  # If the cases are of several runs.


def as_json(
    results: Results, medians: dict[str, dict[str, dict[str, float | None]]], goals: list[dict[str, Any]]
) -> dict[str, Any]:
    """The results with the goals, and the medians beside each client's runs."""
    value = asdict(results) | {"goals": goals}
    for case in value["cases"]:
        for client in case["clients"]:
            client["medians"] = medians[case["name"]][client["name"]]
    return value
