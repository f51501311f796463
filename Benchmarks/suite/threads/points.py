"""The points: which client with how many processes, threads and connections. Pure."""

from dataclasses import dataclass

from ..clients import Client
from ..clients.python import PythonClient
from ..clients.swift import AsyncHTTPClient
from ..clients.trawl import Trawl

TRAWL, NOTE, SWIFT, AIOHTTP = "trawl", "note", "async-http-client", "aiohttp"
TITLES = {TRAWL: "Trawl", NOTE: "the note's client", SWIFT: "AsyncHTTPClient", AIOHTTP: "aiohttp"}

PROCESSES = (1, 2, 4, 8)
TRAWL_THREADS = (1, 2, 4, 8, 16, 32, 64)
NOTE_THREADS = (1, 2, 4, 8, 16, 32, 50, 64)
SWIFT_THREADS = (1, 2, 4)
CONNECTIONS = (10, 50, 200, 1000, 5000)
USUAL = 50  # Connections where it is not they that are varied.


# Rows that a list needs for each connection so that it is opened: Trawl opens one more for about a hundred rows that
# wait, the others open all at once.
ROWS_TO_OPEN = {TRAWL: 110, NOTE: 16, SWIFT: 4, AIOHTTP: 4}


@dataclass(frozen=True, order=True)
class Point:
    kind: str
    processes: int  # That fetch; Trawl's coordinator is one more.
    threads: int  # In each of them.
    connections: int  # Of all processes together.

    @property
    def title(self) -> str:
        return (
            f"{TITLES[self.kind]}, {self.processes} x {self.threads} thread{'s' if self.threads > 1 else ''}, "
            f"{self.connections:,} connections"
        )


def all_points(*, with_swift: bool) -> list[Point]:
    points = [Point(TRAWL, processes, threads, USUAL) for processes in PROCESSES for threads in TRAWL_THREADS]
    points += [Point(TRAWL, 1, 1, connections) for connections in CONNECTIONS if connections != USUAL]
    # A thread of the note's is a connection.
    points += [Point(NOTE, p, threads, p * threads) for p in PROCESSES for threads in NOTE_THREADS]
    if with_swift:
        points += [Point(SWIFT, 1, threads, USUAL) for threads in SWIFT_THREADS]
        points += [Point(SWIFT, 1, 1, connections) for connections in CONNECTIONS if connections != USUAL]
    return [*points, Point(AIOHTTP, 1, 1, USUAL)]


def few_points(points: list[Point]) -> list[Point]:
    """For a smoke test: some of each kind, with the ends of each range."""
    wanted = {1, 50, 64}
    return [
        point for point in points
        if point.processes in (1, 4) and point.threads in wanted and point.connections in (1, 4, 50, 64, 200, 1000)
    ]


def client(point: Point) -> Client:
    processes, threads, connections = str(point.processes), str(point.threads), str(point.connections)
    match point.kind:
        case "trawl":
            return Trawl("discard", agents=point.processes, threads=point.threads)
        case "note":
            return PythonClient(NOTE, point.title, "note.py", ("--processes", processes, "--threads", threads))
        case "async-http-client":
            return AsyncHTTPClient(options=("--connections", connections, "--threads", threads))
        case _:
            return PythonClient(AIOHTTP, point.title, "aiohttp_client.py", ("--connections", connections), "aiohttp")
