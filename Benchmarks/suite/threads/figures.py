"""The arithmetic: what a request costs beyond what a run costs anyhow, and medians over the rounds. Pure."""

from dataclasses import dataclass
from statistics import median

from ..results import Run


@dataclass(frozen=True)
class Cost:
    """Of one more request."""

    cpu_microseconds: float
    rate: float  # Requests per second.
    switches: float  # Between threads and processes, voluntary and not.
    peak_bytes: float  # Of all processes together.
    connections: float  # That the server accepted.


@dataclass(frozen=True)
class Pair:
    """A run with a short list and one with a long one."""

    short: Run
    long: Run


def is_sound(pair: Pair) -> bool:
    """False if something else had the machine, so that the longer run was none."""
    short, long = pair.short, pair.long
    return (
        long.requests > short.requests and long.elapsed_seconds > short.elapsed_seconds
        and long.cpu_seconds > short.cpu_seconds
    )


def cost(pair: Pair) -> Cost:
    """Of a sound pair."""
    short, long = pair.short, pair.long
    requests, seconds = long.requests - short.requests, long.elapsed_seconds - short.elapsed_seconds
    return Cost(
        cpu_microseconds=(long.cpu_seconds - short.cpu_seconds) / requests * 1e6,
        rate=requests / seconds,
        switches=max(0, long.context_switches - short.context_switches) / requests,
        peak_bytes=long.peak_pss_bytes,
        connections=long.server_connections,
    )


def medians(costs: list[Cost]) -> Cost:
    return Cost(*(median(values) for values in zip(*(vars(value).values() for value in costs), strict=True)))


def short_rows(rate: float, seconds: float, least: int) -> int:
    """A sixth of the time, but so many that all connections are opened."""
    return max(1, round(rate * seconds / 6), least)


def long_rows(rate: float, seconds: float, short: int) -> int:
    return short + max(1, round(rate * seconds))
