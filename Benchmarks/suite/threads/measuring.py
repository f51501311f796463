"""The order of runs: rounds in which all points follow one another, each with a short list and a long one."""

from .. import lists
from ..cases import Case, Port
from ..clients import Task
from ..results import Run
from ..rounds import say
from ..runner import Runner
from ..trouble import Trouble
from .figures import Cost, Pair, cost, is_sound, long_rows, short_rows
from .points import AIOHTTP, NOTE, ROWS_TO_OPEN, SWIFT, TRAWL, Point, client

# Requests per second that a kind is taken to have until one of its points has been measured.
FIRST_RATES = {TRAWL: 30_000.0, NOTE: 20_000.0, SWIFT: 10_000.0, AIOHTTP: 3_000.0}
# Of a pair of runs that another program disturbs.
TRIES = 3


def carry_out(points: list[Point], runner: Runner, rounds: int, seconds: float) -> dict[Point, list[Pair]]:
    pairs: dict[Point, list[Pair]] = {point: [] for point in points}
    rates: dict[Point, float] = {}
    latest = dict(FIRST_RATES)
    for number in range(1, rounds + 1):
        for index, point in enumerate(points, 1):
            # Its own rate if it is known, else that of its neighbour.
            pair = measure(point, runner, rates.get(point, latest[point.kind]), seconds)
            value = cost(pair)
            rates[point] = latest[point.kind] = value.rate
            pairs[point].append(pair)
            say(f"round {number} of {rounds}, {index:2} of {len(points)}: {progress(point, value)}")
    return pairs


def measure(point: Point, runner: Runner, rate: float, seconds: float) -> Pair:
    few = short_rows(rate, seconds, ROWS_TO_OPEN[point.kind] * point.connections)
    many = long_rows(rate, seconds, few)
    for _ in range(TRIES):
        pair = Pair(run(point, runner, few, seconds), run(point, runner, many, seconds))
        if is_sound(pair):
            return pair
    raise Trouble(f"{point.title}: {few} requests took longer than {many}, {TRIES} times; the machine is too busy")


def run(point: Point, runner: Runner, rows: int, seconds: float) -> Run:
    tool = client(point)
    case = Case(point.kind, point.title, (tool,), connections=point.connections)
    task = Task(
        url=f"https://localhost:{runner.server.ports[Port.TLS]}{case.path}", seconds=max(1, round(seconds)),
        list=runner.folder / "threads.list", rows=rows, connections=point.connections, closes=False, hosts_port=None,
        authority=runner.server.authority, body_bytes=case.body_bytes, folder=runner.folder / "job",
    )
    lists.write(task.list, lists.urls(task.url, rows), for_curl=False)
    return runner.run(case, tool, task)


def progress(point: Point, value: Cost) -> str:
    return (
        f"{point.title:<58} {value.cpu_microseconds:6.1f} us CPU/request, {value.rate:8,.0f} requests/s, "
        f"{value.switches:5.2f} switches"
    )
