"""What soak.py judges and shows: bounds, tables and charts. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from processes import Sample
from soak_tenths import PARTS, Point, Soak
from suite import chart
from suite.report import number

JUDGED = "trawl"
LEAST_RATE = 0.97
"""Of the last tenth, the first being 1."""
MOST_CPU = 1.03
"""Of a request of the last tenth, the first being 1."""
MOST_GROWTH_MIB = 5.0
"""Of each process, after the first tenth."""

MIB = 2**20
HEIGHT = 220
"""Of a chart's plot."""


@dataclass(frozen=True)
class Judgement:
    """A bound and whether it holds."""

    what: str
    figure: str
    bound: str
    is_met: bool


def pss_mib(one: Sample) -> float:
    return one.pss_bytes / MIB


def rss_mib(one: Sample) -> float:
    return one.rss_bytes / MIB


def judgements(soak: Soak) -> list[Judgement]:
    first, last = soak.tenths[0], soak.tenths[-1]
    rate, cpu = last.rate / first.rate, last.cpu_microseconds / first.cpu_microseconds
    found = [
        Judgement("rate of the last tenth, first = 1", f"{rate:.3f}", f"at least {LEAST_RATE}", rate >= LEAST_RATE),
        Judgement("CPU of its requests, first = 1", f"{cpu:.3f}", f"at most {MOST_CPU}", cpu <= MOST_CPU),
    ]
    for process in soak.processes:
        growth = soak.course(process, pss_mib).growth
        found.append(
            Judgement(
                f"memory of {process} since the first tenth",
                f"{growth:+.1f} MiB",
                f"less than {MOST_GROWTH_MIB:+.0f} MiB",
                growth < MOST_GROWTH_MIB,
            )
        )
        for name in ("descriptors", "threads"):
            held = soak.course(process, lambda one: getattr(one, name))
            # The coordinator's input thread ends with the list, which is before the last rows are done.
            is_met = held.most <= held.after_first
            figure = f"{held.least:.0f}" if held.least == held.most else f"{held.least:.0f} to {held.most:.0f}"
            found.append(Judgement(f"{name} of {process}", figure, f"at most {held.after_first:.0f}", is_met))
    return found


# MARK: Tables


def markdown(soaks: list[Soak]) -> str:
    parts = [
        "# The soak",
        "nginx has one processor and the client another; 50 kept-alive connections, 1 KiB, verified TLS 1.3, distinct "
        "URLs. Trawl is a coordinator and one agent of one worker that discards bodies and records every request on "
        "the disk.",
    ]
    for soak in soaks:
        if soak.client == JUDGED:
            rows = ["| Trawl | figure | bound | verdict |", "|---|---|---|---|"]
            for one in judgements(soak):
                rows.append(f"| {one.what} | {one.figure} | {one.bound} | {'met' if one.is_met else 'MISSED'} |")
            parts.append("\n".join(rows))
    parts.append("![Rates and memory](soak.svg)")
    parts += [f"## {soak.client}: {soak.rows:,} requests\n\n{costs(soak)}\n\n{memory(soak)}" for soak in soaks]
    return "\n\n".join(parts) + "\n"


def costs(soak: Soak) -> str:
    first = soak.tenths[0]
    rows = ["| tenth | requests/s | first = 1 | CPU us/request | first = 1 |", "|---|---|---|---|---|"]
    for index, one in enumerate(soak.tenths, 1):
        rows.append(
            f"| {index} | {one.rate:,.0f} | {one.rate / first.rate:.3f} | {number(one.cpu_microseconds)} "
            f"| {one.cpu_microseconds / first.cpu_microseconds:.3f} |"
        )
    return "\n".join(rows)


def memory(soak: Soak) -> str:
    rows = [
        "| process | PSS after the first tenth, MiB | in the last | RSS | in the last | descriptors | threads |",
        "|---|---|---|---|---|---|---|",
    ]
    for process in soak.processes:
        pss, rss = soak.course(process, pss_mib), soak.course(process, rss_mib)
        files = soak.course(process, lambda one: one.descriptors)
        threads = soak.course(process, lambda one: one.threads)
        rows.append(
            f"| {process} | {pss.after_first:.1f} | {pss.in_last:.1f} | {rss.after_first:.1f} | {rss.in_last:.1f} "
            f"| {files.least:.0f} to {files.most:.0f} | {threads.least:.0f} to {threads.most:.0f} |"
        )
    return "\n".join(rows)


# MARK: Charts

STYLE = chart.STYLE + """
  .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .curve.trawl { fill: none; stroke: #0969da; }
  .curve.other { fill: none; stroke: #8c959f; }
  @media (prefers-color-scheme: dark) {
    .curve.trawl { stroke: #4493f8; }
    .curve.other { stroke: #6e7681; }
  }
"""


def svg(soaks: list[Soak]) -> str:
    """Each client's own rows from left to right, for they are of different numbers."""
    rates = {
        soak.client: [((index + 0.5) / PARTS, one.rate / soak.tenths[0].rate) for index, one in enumerate(soak.tenths)]
        for soak in soaks
    }
    sizes = {
        f"{soak.client}: {process}" if len(soak.processes) > 1 else soak.client: [
            (soak.rows_at(seconds) / soak.rows, mib) for seconds, mib in soak.points(pss_mib, process)
        ]
        for soak in soaks
        for process in soak.processes
    }
    subtitle = "share of the client's requests: " + ", ".join(f"{soak.client} {soak.rows:,}" for soak in soaks)
    step = chart.TITLE + HEIGHT + chart.AXIS + chart.GAP
    parts = panel("Rate of each tenth, the first = 1", subtitle, rates, 0, one=1.0)
    parts += panel("Memory (PSS), MiB", subtitle, sizes, step)
    body = "\n".join(parts)
    height = 2 * step - chart.GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {chart.WIDTH} {height}" width="{chart.WIDTH}" '
        f'height="{height}" role="img" aria-label="Rates and memory of clients over many requests">\n'
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def panel(title: str, subtitle: str, curves: dict[str, list[Point]], y: float, one: float | None = None) -> list[str]:
    """Curves over the share of requests from 0 to 1, from 0 upwards; `one` is a line to compare with."""
    high = max(value for curve in curves.values() for _, value in curve) * 1.1
    left, plot, bottom = 60, chart.WIDTH - 60 - chart.RIGHT, y + chart.TITLE + HEIGHT
    across = lambda share: left + plot * share
    up = lambda value: bottom - HEIGHT * value / high
    parts = chart.title(title, subtitle, y)
    for share in range(0, PARTS + 1, 2):
        parts += chart.grid(across(share / PARTS), y + chart.TITLE, bottom, f"{share * 100 // PARTS} %")
    for tick in ticks(high):
        parts.append(chart.line("grid", left, up(tick), left + plot, up(tick)))
        parts.append(f'<text class="faint" text-anchor="end" x="{left - 6}" y="{up(tick) + 4:.1f}">{tick:g}</text>')
    if one is not None:
        parts.append(chart.line("one", left, up(one), left + plot, up(one)))
    for (name, curve), at in zip(curves.items(), apart([up(curve[-1][1]) + 4 for curve in curves.values()])):
        parts += [curve_of(name, curve, across, up), f'<text x="{left + plot + 8}" y="{at:.1f}">{escape(name)}</text>']
    return parts


def curve_of(
    name: str, curve: list[Point], across: Callable[[float], float], up: Callable[[float], float]
) -> str:
    kind = "trawl" if name.startswith(JUDGED) else "other"
    places = " ".join(f"{across(share):.1f},{up(value):.1f}" for share, value in curve)
    return f'<polyline class="curve {kind}" points="{places}"/>'


def ticks(high: float) -> list[float]:
    """Three to eight round numbers from 0 to what a plot shows."""
    step = next(step * 10.0**power for power in range(-3, 9) for step in (1, 2, 5) if high / (step * 10.0**power) < 8)
    return [index * step for index in range(int(high / step) + 1)]


def apart(places: list[float], least: float = 15) -> list[float]:
    """Moves labels up until they do not lie on one another."""
    moved = list(places)
    order = sorted(range(len(places)), key=lambda index: -places[index])
    for below, above in zip(order, order[1:]):
        moved[above] = min(moved[above], moved[below] - least)
    return moved
