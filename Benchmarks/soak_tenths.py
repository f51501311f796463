"""The arithmetic of the soak: what each tenth of the rows took and cost, and what grew meanwhile. Pure.

Progress, CPU time and memory are looked at at moments of their own; between two looks each is taken to go in a straight
line.
"""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from processes import Sample

Point = tuple[float, float]  # Seconds, and what there was then.
PARTS = 10


@dataclass(frozen=True)
class Look:
    """All processes of a client at a moment, by their names."""

    seconds: float
    processes: dict[str, Sample]


@dataclass(frozen=True)
class Tenth:
    """A tenth of the rows, in the order in which they were done."""

    rows: float
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.rows / self.seconds

    @property
    def cpu_microseconds(self) -> float:
        """Of a row."""
        return self.cpu_seconds / self.rows * 1e6


@dataclass(frozen=True)
class Course:
    """Something that should not grow: how it stood after the first tenth and in the last, and its extremes between.

    The two are medians, of the second and of the last tenth: what a buffer holds at a moment comes and goes.
    """

    after_first: float
    in_last: float
    least: float
    most: float

    @property
    def growth(self) -> float:
        return self.in_last - self.after_first


@dataclass(frozen=True)
class Soak:
    """One client from its start to its end."""

    client: str
    rows: int
    progress: list[Point]  # Rows done by time.
    looks: list[Look]
    ended: Point  # When, and CPU seconds in all.

    @property
    def processes(self) -> list[str]:
        """Those that were there to the end."""
        return list(self.looks[-1].processes)

    @property
    def tenths(self) -> list[Tenth]:
        cpu = [(look.seconds, sum(one.cpu_seconds for one in look.processes.values())) for look in self.looks]
        return tenths(self.progress, [*cpu, self.ended])

    def points(self, figure: Callable[[Sample], float], process: str) -> list[Point]:
        """A figure of a process by time, from when it was there."""
        return [(look.seconds, figure(look.processes[process])) for look in self.looks if process in look.processes]

    def course(self, process: str, figure: Callable[[Sample], float]) -> Course:
        return course(self.progress, self.points(figure, process))

    def rows_at(self, seconds: float) -> float:
        return value_at(self.progress, seconds)


def in_order(points: Sequence[Point]) -> list[Point]:
    """The points as given, none earlier than the one before it."""
    ordered: list[Point] = []
    for seconds, value in points:
        ordered.append((max(seconds, ordered[-1][0]) if ordered else seconds, value))
    return ordered


def value_at(points: Sequence[Point], x: float) -> float:
    """Between two points on the line through them, outside of all what the nearest one says."""
    after = bisect.bisect_left(points, x, key=lambda point: point[0])
    if after == 0:
        return points[0][1]
    if after == len(points):
        return points[-1][1]
    (left, low), (right, high) = points[after - 1], points[after]
    return low + (high - low) * (x - left) / (right - left)


def moments(progress: Sequence[Point]) -> list[float]:
    """When 0, 1, 2 ... tenths of the rows were done."""
    by_rows = [(rows, seconds) for seconds, rows in progress]
    first, last = by_rows[0][0], by_rows[-1][0]
    return [value_at(by_rows, first + (last - first) * part / PARTS) for part in range(PARTS + 1)]


def tenths(progress: Sequence[Point], cpu: Sequence[Point]) -> list[Tenth]:
    """Of rows done and CPU seconds used, both by time."""
    bounds = moments(progress)
    rows = (progress[-1][1] - progress[0][1]) / PARTS
    return [
        Tenth(rows, end - begin, value_at(cpu, end) - value_at(cpu, begin)) for begin, end in zip(bounds, bounds[1:])
    ]


def within(points: Sequence[Point], begin: float, end: float) -> list[float]:
    """What was seen from `begin` to `end`; if nobody looked then, what the line says of the middle."""
    return [value for seconds, value in points if begin <= seconds <= end] or [value_at(points, (begin + end) / 2)]


def course(progress: Sequence[Point], points: Sequence[Point]) -> Course:
    bounds = moments(progress)
    later = within(points, bounds[1], bounds[-1])
    return Course(
        after_first=median(within(points, bounds[1], bounds[2])),
        in_last=median(within(points, bounds[-2], bounds[-1])),
        least=min(later),
        most=max(later),
    )
