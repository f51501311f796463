"""Values that tests share."""

from pathlib import Path

from suite.clients import Task
from suite.results import CaseResult, ClientRuns, Results, Run


def task(folder: Path = Path("/nowhere"), rows: int = 3, **changes) -> Task:
    values = dict(
        url="https://localhost:4433/k1", seconds=5, list=folder / "a.list", rows=rows, connections=50, closes=False,
        hosts_port=None, authority=folder / "ca.pem", body_bytes=4, folder=folder / "job",
    )
    return Task(**(values | changes))


def run(cpu: float, elapsed: float = 10.0, requests: int = 1_000_000, **changes) -> Run:
    values = dict(
        requests=requests, user_seconds=cpu, system_seconds=0.0, elapsed_seconds=elapsed, peak_pss_bytes=8 << 20,
        largest_rss_bytes=9 << 20, processes=1, server_requests=requests, server_connections=50,
    )
    return Run(**(values | changes))


def case(name: str = "keepalive-1k", **changes) -> CaseResult:
    clients = [
        ClientRuns("wrk", "wrk", ["wrk"], [run(8), run(10), run(9)]),
        ClientRuns("trawl-discard", "trawl, discard", ["coordinator"], [run(8), run(9), run(9)]),
        ClientRuns("requests", "requests, <50> threads & more", ["python"], [run(590), run(600), run(610)]),
    ]
    values = dict(name=name, title="1 KiB", closes=False, connections=50, load_average=(0.1, 0.2, 0.3), clients=clients)
    return CaseResult(**(values | changes))


def results(quick: bool = False) -> Results:
    return Results(
        machine={"processor": "P"}, versions={"checkout": "0123456789abcdef", "Trawl": "built from the checkout"},
        settings={"rounds": 3, "seconds": 20, "quick": quick, "order": "rotating"}, began="2026-01-01T00:00:00Z",
        ended="2026-01-01T01:00:00Z", cases=[case(), case("chunked")],
    )
