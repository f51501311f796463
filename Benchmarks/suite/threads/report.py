"""threads.md: the claims, then all points, then how and where it was measured; and threads.json. Pure."""

from dataclasses import asdict
from typing import Any

from ..report import number, pairs
from .claims import Costs, sentences
from .figures import Cost, Pair
from .points import AIOHTTP, NOTE, SWIFT, TITLES, TRAWL, USUAL, Point

METHOD = """\
nginx has one processor for itself, and every client in turn has another one. In each round all points follow one
another; figures are medians over the rounds. Each point runs twice in a round, with a short list and a long one, and
all but memory and connections is the difference of the two: the start of programs and the handshakes of connections
fall out. CPU is user and system time of all the client's processes, context switches are voluntary and involuntary ones
of all of them (getrusage(2)); memory is the peak of their proportional set sizes together, sampled four times a second.
Connections are those that nginx accepted. Distinct URLs of 1 KiB over TLS 1.3, kept alive and verified; Trawl alone
makes a durable record of each request, and its coordinator is one process more than said. nginx's own count of requests
confirmed what each client says, in every run."""

LOAD = "load average before"
# Seen with 50 threads of the note's client: 1.0 context switches and 18 us a request, beside other load 4.5 and 38 us.
BUSY = """\
**The machine was not at rest: other programs had a part of its processors. Many threads suffer from that more than few,
the note's client most of all.**"""


def at_rest(about: dict[str, str]) -> bool:
    """Judged by the load average before, if it is known."""
    return float(about.get(LOAD, "0").split()[0]) < 1


def markdown(costs: Costs, about: dict[str, str], settings: dict[str, Any], left_out: list[str]) -> str:
    parts = ["# Threads, processes and connections"]
    if settings["quick"]:
        parts.append("**A smoke test of some points. The figures mean nothing.**")
    if not at_rest(about):
        parts.append(BUSY)
    parts.append("\n".join(f"- {sentence}" for sentence in sentences(costs)))
    parts.append("![CPU per request](threads.svg)")
    for kind in (TRAWL, NOTE, SWIFT, AIOHTTP):
        points = {point: value for point, value in costs.items() if point.kind == kind}
        if points:
            parts.append(f"## {TITLES[kind]}\n\n" + tables(kind, points))
    parts += [f"Left out: {reason}." for reason in left_out]
    rounds, seconds = settings["rounds"], settings["seconds"]
    parts.append(f"## Method\n\n{METHOD} Rounds: {rounds}; a long list takes about {seconds:g} s.")
    parts.append("## Machine and programs\n\n" + pairs(about))
    return "\n\n".join(parts) + "\n"


def tables(kind: str, points: Costs) -> str:
    """A grid of processes and threads if there is one, and all figures in full."""
    usual = {p: value for p, value in points.items() if kind == NOTE or p.connections == USUAL}
    columns = sorted({point.processes for point in usual})
    text = ""
    if len(columns) > 1:
        text = grid("CPU us/request", usual, columns, lambda value: number(value.cpu_microseconds)) + "\n\n"
        text += grid("switches/request", usual, columns, lambda value: f"{value.switches:.2f}") + "\n\n"
    rows = [
        "| processes | threads | connections | CPU us/request | requests/s | switches/request | peak MiB | accepted |",
        "|---|---|---|---|---|---|---|---|",
        *(row(point, value) for point, value in sorted(points.items())),
    ]
    return text + "\n".join(rows)


def grid(what: str, points: Costs, columns: list[int], show) -> str:
    head = " | ".join(f"{count} process{'es' if count > 1 else ''}" for count in columns)
    by_place = {(point.processes, point.threads): value for point, value in points.items()}
    rows = [f"| {what}: threads | {head} |", "|---" * (len(columns) + 1) + "|"]
    for threads in sorted({point.threads for point in points}):
        cells = [show(by_place[place]) if (place := (count, threads)) in by_place else "" for count in columns]
        rows.append(f"| {threads} | {' | '.join(cells)} |")
    return "\n".join(rows)


def row(point: Point, value: Cost) -> str:
    cells = [
        str(point.processes), str(point.threads), f"{point.connections:,}", number(value.cpu_microseconds),
        f"{value.rate:,.0f}", f"{value.switches:.2f}", f"{value.peak_bytes / 2**20:.0f}", f"{value.connections:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def as_json(
    measured: dict[Point, list[Pair]], costs: Costs, about: dict[str, str], settings: dict[str, Any],
    left_out: list[str],
) -> dict[str, Any]:
    return {
        "machine": about, "settings": settings, "claims": sentences(costs), "left_out": left_out,
        "points": [
            asdict(point) | {"medians": asdict(costs[point]), "rounds": [asdict(pair) for pair in measured[point]]}
            for point in measured
        ],
    }
