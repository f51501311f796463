"""chart.svg: what a request costs each client, and what it costs Trawl in each case beside wrk. Pure."""

import math
from xml.sax.saxutils import escape

from .figures import Figures, of_case
from .report import TRAWL, number
from .results import CaseResult, Results

WIDTH, LEFT, RIGHT = 860, 230, 190
PLOT = WIDTH - LEFT - RIGHT
ROW, BAR = 30, 18
TITLE, AXIS, GAP = 56, 34, 26

# Both themes by the viewer's preference, for a chart in a page has no other way to know; with a ground of its own, for
# not every viewer knows a preference.
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f; }
  .page { fill: #ffffff; }
  .label { stroke: #ffffff; stroke-width: 4; paint-order: stroke; }
  .title { font-size: 16px; font-weight: 600; }
  .faint { fill: #57606a; font-size: 12px; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .one { stroke: #24292f; stroke-width: 1.5; stroke-dasharray: 5 3; }
  .trawl { fill: #0969da; }
  .other { fill: #8c959f; }
  .range { stroke: #24292f; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .page { fill: #0d1117; }
    .label { stroke: #0d1117; }
    .faint { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .one, .range { stroke: #e6edf3; }
    .trawl { fill: #4493f8; }
    .other { fill: #6e7681; }
  }
"""


def svg(results: Results) -> str:
    parts: list[str] = []
    y = 0.0
    main = max(results.cases, key=lambda case: len(case.clients), default=None)
    if main:
        parts += clients_panel(main, " - a smoke test, the figures mean nothing" if results.settings["quick"] else "")
        y = TITLE + ROW * len(main.clients) + AXIS + GAP
    ratios = [(case, of_case(case)[TRAWL]) for case in results.cases if TRAWL in of_case(case)]
    if ratios:
        parts += ratios_panel(ratios, y)
        y += TITLE + ROW * len(ratios) + AXIS
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}" '
        f'role="img" aria-label="CPU per request of HTTP clients">\n<style>{STYLE}</style>\n'
        f'<rect class="page" width="{WIDTH}" height="{y:.0f}"/>\n{body}\n</svg>\n'
    )


def clients_panel(case: CaseResult, warning: str) -> list[str]:
    """Bars on a logarithmic scale, for the clients are two orders of magnitude apart."""
    values = of_case(case)
    costs = [values[client.name].cpu_microseconds for client in case.clients]
    low, high = log_range(costs)
    place = lambda cost: LEFT + PLOT * (math.log(cost / low) / math.log(high / low))
    bottom = TITLE + ROW * len(costs)
    parts = title("CPU time per request, microseconds (logarithmic)", case.title + warning, 0)
    for tick in ticks(low, high):
        parts += grid(place(tick), TITLE - 4, bottom, number(tick).removesuffix(".00").removesuffix(".0"))
    for index, client in enumerate(case.clients):
        value = values[client.name]
        top = TITLE + ROW * index + (ROW - BAR) / 2
        text = f"{number(value.cpu_microseconds)} us, {number(value.cpu_ratio.median)} x {case.clients[0].title}"
        parts += bar(client.title, client.name.startswith("trawl"), top, place(value.cpu_microseconds), text)
    return parts


def ratios_panel(cases: list[tuple[CaseResult, Figures]], y: float) -> list[str]:
    """Bars from 0, with the range of the rounds as a line and wrk's own cost as the line at 1."""
    high = max(1.5, math.ceil(max(value.cpu_ratio.most for _, value in cases) * 4 + 0.5) / 4)
    place = lambda ratio: LEFT + PLOT * ratio / high
    bottom = y + TITLE + ROW * len(cases)
    parts = title("Trawl's CPU time per request, wrk = 1", "bodies discarded; line: least to most of the rounds", y)
    labels = []
    step = 0.25 if high <= 2 else math.ceil(high / 8 * 2) / 2
    for index in range(int(high / step) + 1):
        parts += grid(place(index * step), y + TITLE - 4, bottom, f"{index * step:g}")
    for index, (case, value) in enumerate(cases):
        ratio = value.cpu_ratio
        top = y + TITLE + ROW * index + (ROW - BAR) / 2
        end, middle = place(ratio.most), top + BAR / 2
        *shapes, label = bar(case.name, True, top, place(ratio.median), f"{ratio.median:.2f}", label_from=end)
        parts += [*shapes, line("range", place(ratio.least), middle, end, middle)]
        labels.append(label)
    # Over the bars and under the numbers.
    return [*parts, line("one", place(1), y + TITLE - 8, place(1), bottom), *labels]


def log_range(costs: list[float]) -> tuple[float, float]:
    """The least bar keeps a length that can be seen; the largest ends inside."""
    return min(costs) / 2, max(costs) * 1.15


def ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10**power for power in powers for step in (1, 2, 5) if low <= step * 10**power <= high]


def title(text: str, subtitle: str, y: float) -> list[str]:
    return [
        f'<text class="title" x="8" y="{y + 20:.1f}">{escape(text)}</text>',
        f'<text class="faint" x="8" y="{y + 39:.1f}">{escape(subtitle)}</text>',
    ]


def grid(x: float, top: float, bottom: float, label: str) -> list[str]:
    return [
        line("grid", x, top, x, bottom),
        f'<text class="faint" text-anchor="middle" x="{x:.1f}" y="{bottom + 17:.1f}">{escape(label)}</text>',
    ]


def bar(name: str, is_trawl: bool, top: float, end: float, label: str, label_from: float = 0) -> list[str]:
    middle = top + BAR / 2 + 4.5
    return [
        f'<text text-anchor="end" x="{LEFT - 10}" y="{middle:.1f}">{escape(name)}</text>',
        f'<rect class="{"trawl" if is_trawl else "other"}" x="{LEFT}" y="{top:.1f}" width="{max(0, end - LEFT):.1f}" '
        f'height="{BAR}" rx="2"/>',
        f'<text class="label" x="{max(end, label_from) + 7:.1f}" y="{middle:.1f}">{escape(label)}</text>',
    ]


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
