"""What coordinator.py shows of its figures: a table and a chart. Pure."""

from dataclasses import dataclass, field
from statistics import median

from suite import chart
from suite.figures import Spread, spread
from suite.report import number

BOUND_MICROSECONDS = 1.0
"""CPU of the coordinator for a row of the judged case."""
JUDGED = "10 agents"


@dataclass(frozen=True)
class Case:
    """One way to run the coordinator."""

    name: str
    agents: int
    encrypted: bool = False
    json_lines: bool = False
    on_disk: bool = False


@dataclass(frozen=True)
class Run:
    """What one job has cost."""

    rows: int
    rows_per_second: float
    cpu_seconds: float
    peak_bytes: int
    thread_seconds: dict[str, float]

    @property
    def cpu_microseconds(self) -> float:
        """For a row."""
        return self.cpu_seconds / self.rows * 1e6


@dataclass
class Figures:
    """The runs of one case."""

    case: Case
    runs: list[Run] = field(default_factory=list)

    @property
    def cpu_microseconds(self) -> Spread:
        return spread([run.cpu_microseconds for run in self.runs])

    @property
    def rate(self) -> Spread:
        return spread([run.rows_per_second for run in self.runs])

    @property
    def peak_bytes(self) -> int:
        return max(run.peak_bytes for run in self.runs)

    @property
    def thread_microseconds(self) -> dict[str, float]:
        """CPU of a row by the names of threads, the most expensive first: medians.

        Threads are looked at while they run, so that what they do at the very end is missing. Their shares are right.
        """
        names = {name for run in self.runs for name in run.thread_seconds}
        medians = {
            name: median(
                run.cpu_microseconds * run.thread_seconds.get(name, 0) / (sum(run.thread_seconds.values()) or 1)
                for run in self.runs
            )
            for name in names
        }
        return dict(sorted(medians.items(), key=lambda item: (-item[1], item[0])))


def verdict(figures: list[Figures]) -> bool | None:
    """Whether the bound is met; None if nobody looked."""
    for one in figures:
        if one.case.name == JUDGED:
            return one.cpu_microseconds.median <= BOUND_MICROSECONDS
    return None


def markdown(figures: list[Figures], settings: str) -> str:
    rows = [
        "| case | CPU of a row, us: min / median / max | rows/s | peak MiB | by thread, us |",
        "|---|---|---|---|---|",
    ]
    for one in figures:
        cpu = one.cpu_microseconds
        threads = ", ".join(f"{name} {cost:.2f}" for name, cost in one.thread_microseconds.items() if cost >= 0.005)
        rows.append(
            f"| {one.case.name} | {cpu.least:.2f} / **{cpu.median:.2f}** / {cpu.most:.2f} | {one.rate.median:,.0f} "
            f"| {one.peak_bytes / 2**20:.0f} | {threads} |"
        )
    parts = ["# The coordinator alone", settings, "\n".join(rows)]
    if (is_met := verdict(figures)) is not None:
        parts.append(f"At most {BOUND_MICROSECONDS} us with {JUDGED}: {'met' if is_met else 'MISSED'}.")
    parts.append("![CPU of a row](coordinator.svg)")
    return "\n\n".join(parts) + "\n"


def svg(figures: list[Figures]) -> str:
    """Bars from 0, with the range of the rounds as a line and the bound as another."""
    high = max(BOUND_MICROSECONDS, *(one.cpu_microseconds.most for one in figures)) * 1.1
    bottom = chart.TITLE + chart.ROW * len(figures)
    parts = chart.title("The coordinator's CPU time per row, microseconds", "line: least to most of the rounds", 0)
    for step in range(int(high / 0.25) + 1):
        parts += chart.grid(place(step * 0.25, high), chart.TITLE - 4, bottom, f"{step * 0.25:g}")
    for index, one in enumerate(figures):
        cpu = one.cpu_microseconds
        top = chart.TITLE + chart.ROW * index + (chart.ROW - chart.BAR) / 2
        middle, end = top + chart.BAR / 2, place(cpu.most, high)
        parts += chart.bar(one.case.name, True, top, place(cpu.median, high), number(cpu.median), label_from=end)
        parts.append(chart.line("range", place(cpu.least, high), middle, end, middle))
    bound = place(BOUND_MICROSECONDS, high)
    parts.append(chart.line("one", bound, chart.TITLE - 8, bound, bottom))
    height = bottom + chart.AXIS
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {chart.WIDTH} {height}" width="{chart.WIDTH}" '
        f'height="{height}" role="img" aria-label="CPU of the coordinator per row">\n<style>{chart.STYLE}</style>\n'
        f"{body}\n</svg>\n"
    )


def place(value: float, high: float) -> float:
    return chart.LEFT + chart.PLOT * value / high
