"""What the project wants of its figures, as values, and what a run says of them. Pure."""

import operator
from dataclasses import dataclass
from enum import Enum
from statistics import median
from typing import Any

from .results import CaseResult, ClientRuns, Run


class Figure(Enum):
    CPU = "CPU/request"
    RATE = "requests/s"


class Bound(Enum):
    AT_MOST = "at most"
    AT_LEAST = "at least"


@dataclass(frozen=True)
class Goal:
    """`client`'s figure is at most (or at least) so many `times` that of `other`, in rounds of one case."""

    case: str
    client: str
    figure: Figure
    bound: Bound
    times: float
    other: str
    # Other configurations of the client are called `client-…`; each of them has to keep the bound.
    in_all_configurations: bool = False

    def is_about(self, name: str) -> bool:
        return name == self.client or self.in_all_configurations and name.startswith(f"{self.client}-")


@dataclass(frozen=True)
class Verdict:
    """A goal and what was found: the median over the rounds of the ratios within each round."""

    goal: Goal
    client: str  # The configuration that is nearest to the bound, or farthest beyond it.
    text: str
    found: float

    @property
    def is_met(self) -> bool:
        keeps = operator.le if self.goal.bound is Bound.AT_MOST else operator.ge
        return keeps(self.found, self.goal.times)


GOALS = (
    Goal("keepalive-1k", "trawl-discard", Figure.CPU, Bound.AT_MOST, 1.0, "wrk"),
    Goal("keepalive-1k", "trawl-discard", Figure.RATE, Bound.AT_LEAST, 0.95, "wrk"),
    Goal("keepalive-1k", "trawl-hash", Figure.CPU, Bound.AT_MOST, 1.15, "wrk"),
    Goal("keepalive-1k", "curl", Figure.CPU, Bound.AT_LEAST, 4.0, "trawl-discard"),
    Goal("keepalive-1k", "note", Figure.CPU, Bound.AT_LEAST, 1.6, "trawl-discard", in_all_configurations=True),
    Goal("keepalive-1k", "aiohttp", Figure.CPU, Bound.AT_LEAST, 12.0, "trawl-discard"),
    Goal("connections-1000", "trawl-discard", Figure.CPU, Bound.AT_MOST, 1.0, "wrk"),
    Goal("keepalive-100k", "trawl-discard", Figure.CPU, Bound.AT_MOST, 1.05, "wrk"),
    Goal("new-resumed", "trawl-discard", Figure.CPU, Bound.AT_MOST, 1.0, "wrk"),
    Goal("new-full", "trawl-discard", Figure.CPU, Bound.AT_MOST, 1.05, "handshake"),
)


def verdicts(cases: list[CaseResult], goals: tuple[Goal, ...] = GOALS) -> list[Verdict]:
    """In the order of the goals; without those whose case or client was not run."""
    by_name = {case.name: case for case in cases}
    found = (verdict(goal, by_name[goal.case]) for goal in goals if goal.case in by_name)
    return [value for value in found if value]


def verdict(goal: Goal, case: CaseResult) -> Verdict | None:
    other = next((client for client in case.clients if client.name == goal.other), None)
    mine = [client for client in case.clients if goal.is_about(client.name)]
    if not other or not mine:
        return None
    worst = max if goal.bound is Bound.AT_MOST else min
    client = worst(mine, key=lambda one: ratio(goal.figure, one, other))
    text = f"{client.title}: {goal.figure.value} {goal.bound.value} {goal.times:.2f} x {other.title}"
    return Verdict(goal, client.name, text, ratio(goal.figure, client, other))


def ratio(figure: Figure, client: ClientRuns, other: ClientRuns) -> float:
    pairs = zip(client.runs, other.runs, strict=True)
    return median(value(figure, mine) / value(figure, its) for mine, its in pairs)


def value(figure: Figure, run: Run) -> float:
    return run.cpu_microseconds_per_request if figure is Figure.CPU else run.requests_per_second


def as_json(found: list[Verdict]) -> list[dict[str, Any]]:
    return [
        {
            "case": one.goal.case, "client": one.client, "figure": one.goal.figure.value,
            "bound": one.goal.bound.value, "times": one.goal.times, "other": one.goal.other,
            "found": one.found, "met": one.is_met,
        }
        for one in found
    ]
