"""threads.svg: what a request costs by threads, a line for each number of processes, and by connections. Pure."""

import math
from xml.sax.saxutils import escape

from ..chart import STYLE, line, title
from .claims import Costs
from .points import AIOHTTP, NOTE, SWIFT, TITLES, TRAWL, USUAL

WIDTH, LEFT, RIGHT = 860, 60, 250
PLOT, HEIGHT = WIDTH - LEFT - RIGHT, 300
TITLE, AXIS = 56, 62
PANEL = TITLE + HEIGHT + AXIS

COLOURS = """
  path { fill: none; stroke-width: 2; }
  .s-trawl { stroke: #0969da; } .f-trawl { fill: #0969da; }
  .s-note { stroke: #bc4c00; } .f-note { fill: #bc4c00; }
  .s-async-http-client { stroke: #8250df; } .f-async-http-client { fill: #8250df; }
  .s-aiohttp { stroke: #57606a; } .f-aiohttp { fill: #57606a; }
"""
# By the number of processes.
DASHES = {1: "", 2: "8 4", 4: "4 4", 8: "1 4"}

# Of a line: its class, its dashes, its name, and its points.
Line = tuple[str, str, str, list[tuple[int, float]]]


def svg(costs: Costs) -> str:
    parts = panel(
        "CPU time per request, microseconds, by threads", "threads in each process; the note's client has a connection "
        f"for each, the others {USUAL}", "threads", by_threads(costs), 0,
    )
    parts += panel(
        "CPU time per request, microseconds, by connections", "one process, one thread", "connections",
        by_connections(costs), PANEL,
    )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {2 * PANEL}" width="{WIDTH}" '
        f'height="{2 * PANEL}" role="img" aria-label="CPU per request by threads and by connections">\n'
        f"<style>{STYLE}{COLOURS}</style>\n{body}\n</svg>\n"
    )


def by_threads(costs: Costs) -> list[Line]:
    lines: list[Line] = []
    for kind in (TRAWL, NOTE, SWIFT):
        points = [p for p in costs if p.kind == kind and (kind == NOTE or p.connections == USUAL)]
        for count in sorted({point.processes for point in points}):
            values = sorted((p.threads, costs[p].cpu_microseconds) for p in points if p.processes == count)
            name = f"{TITLES[kind]}, {count} process{'es' if count > 1 else ''}"
            lines.append((kind, DASHES.get(count, ""), name, values))
    return lines


def by_connections(costs: Costs) -> list[Line]:
    lines: list[Line] = []
    for kind in (TRAWL, SWIFT, AIOHTTP):
        points = [p for p in costs if p.kind == kind and p.processes == p.threads == 1]
        if points:
            values = sorted((point.connections, costs[point].cpu_microseconds) for point in points)
            lines.append((kind, "", TITLES[kind], values))
    return lines


def panel(text: str, subtitle: str, unit: str, lines: list[Line], y: float) -> list[str]:
    """Both axes are logarithmic: the points are, and clients are apart by an order of magnitude."""
    parts = title(text, subtitle, y)
    places = sorted({x for _, _, _, values in lines for x, _ in values})
    if not places:
        return parts
    costs = [cost for _, _, _, values in lines for _, cost in values]
    low, high = min(costs) / 1.2, max(costs) * 1.1
    top, bottom = y + TITLE, y + TITLE + HEIGHT
    across = lambda x: LEFT + PLOT * (math.log(x / places[0]) / (math.log(places[-1] / places[0]) or 1))
    up = lambda cost: bottom - HEIGHT * math.log(cost / low) / math.log(high / low)
    for tick in cost_ticks(low, high):
        parts.append(line("grid", LEFT, up(tick), LEFT + PLOT, up(tick)))
        parts.append(label(LEFT - 8, up(tick) + 4, f"{tick:g}", "end"))
    for x in apart(places, across):
        parts.append(line("grid", across(x), top, across(x), bottom))
        parts.append(label(across(x), bottom + 17, f"{x:,}", "middle"))
    parts.append(label(LEFT + PLOT / 2, bottom + 36, unit, "middle"))
    for index, (kind, dashes, name, values) in enumerate(lines):
        parts += draw(kind, dashes, [(across(x), up(cost)) for x, cost in values])
        parts += key(kind, dashes, name, top + 8 + 20 * index)
    return parts


def cost_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 1.5, 2, 3, 5, 7)
    return [step * 10**power for power in powers for step in steps if low <= step * 10**power <= high]


def apart(places: list[int], across) -> list[int]:
    """Those whose labels do not touch."""
    shown: list[int] = []
    for x in places:
        if not shown or across(x) - across(shown[-1]) >= 30:
            shown.append(x)
    return shown


def draw(kind: str, dashes: str, points: list[tuple[float, float]]) -> list[str]:
    path = " ".join(f"{'L' if index else 'M'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(points))
    parts = [f'<path class="s-{kind}" stroke-dasharray="{dashes}" d="{path}"/>'] if len(points) > 1 else []
    return parts + [f'<circle class="f-{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points]


def key(kind: str, dashes: str, name: str, y: float) -> list[str]:
    x = LEFT + PLOT + 16
    return [
        f'<path class="s-{kind}" stroke-dasharray="{dashes}" d="M{x} {y:.1f} L{x + 30} {y:.1f}"/>',
        f'<text x="{x + 38}" y="{y + 4.5:.1f}">{escape(name)}</text>',
    ]


def label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="faint" text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
