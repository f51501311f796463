"""The arithmetic: medians over rounds, and ratios within a round. Pure."""

from dataclasses import asdict, dataclass
from statistics import median

from .results import CaseResult, ClientRuns


@dataclass(frozen=True)
class Spread:
    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Figures:
    """A client in a case. Ratios are to the case's first client in the same round, and then their median."""

    cpu_microseconds: float  # Per request.
    cpu_ratio: Spread
    rate: float  # Requests per second.
    rate_ratio: float
    peak_bytes: float
    connections: float
    resumed_share: float | None


def spread(values: list[float]) -> Spread:
    return Spread(min(values), median(values), max(values))


def figures(client: ClientRuns, base: ClientRuns) -> Figures:
    pairs = list(zip(client.runs, base.runs, strict=True))
    shares = [run.resumed / run.requests for run in client.runs if run.resumed is not None]
    return Figures(
        cpu_microseconds=median(run.cpu_microseconds_per_request for run in client.runs),
        cpu_ratio=spread([r.cpu_microseconds_per_request / b.cpu_microseconds_per_request for r, b in pairs]),
        rate=median(run.requests_per_second for run in client.runs),
        rate_ratio=median(r.requests_per_second / b.requests_per_second for r, b in pairs),
        peak_bytes=median(run.peak_pss_bytes for run in client.runs),
        connections=median(run.server_connections for run in client.runs),
        resumed_share=median(shares) if shares else None,
    )


def of_case(case: CaseResult) -> dict[str, Figures]:
    return {client.name: figures(client, case.clients[0]) for client in case.clients}


def medians(cases: list[CaseResult]) -> dict[str, dict[str, dict[str, float | None]]]:
    """By case and client, for results.json."""
    return {case.name: {name: asdict(value) for name, value in of_case(case).items()} for case in cases}
