"""What is compared: each case is a value that names the server's side, the clients and how many connections."""

from dataclasses import dataclass, replace
from enum import Enum

from .clients import Client
from .clients.curl import Curl
from .clients.generators import H2load, Wrk
from .clients.minimal import Floor, Handshake
from .clients.python import PythonClient
from .clients.trawl import Trawl


class Port(Enum):
    """The ports of the server, each with one property that a case is about."""

    TLS = "tls"
    PLAIN = "plain"
    RESUMED = "resumed"  # Gives tickets.
    FULL = "full"  # Gives none: every handshake is a full one.


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    clients: tuple[Client, ...]  # The first is what the others are compared with.
    path: str = "/k1"
    body_bytes: int = 1024
    port: Port = Port.TLS
    connections: int = 50
    share: float = 0.25  # Of the seconds of a run.
    ramp_seconds: int = 0  # On top: how long clients take to open so many connections.
    closes: bool = False  # Each request asks for the connection to be closed after it.
    hosts: int = 0  # Names that the lists spread over; 0: localhost alone.


WRK = Wrk()
DISCARD, HASH, INLINE = Trawl("discard"), Trawl("hash"), Trawl("inline")
# More processes are no use on one processor.
NOTE = PythonClient("note", "the note's client, 50 threads", "note.py", ("--processes", "1", "--threads", "50"))
NOTE_FEWER = replace(
    NOTE, name="note-12", title="the note's client, 12 threads", options=("--processes", "1", "--threads", "12"))
NOTE_CLOSES = replace(NOTE, options=(*NOTE.options, "--close"))

CASES = (
    Case(
        "keepalive-1k", "1 KiB, kept alive, TLS 1.3, 50 connections", share=1,
        clients=(
            WRK, Floor(), H2load(), DISCARD, HASH, Curl(), NOTE, NOTE_FEWER,
            PythonClient("aiohttp", "aiohttp, 50 tasks", "aiohttp_client.py", ("--connections", "50"), "aiohttp"),
        ),
    ),
    Case(
        "variants-1k", "the same with other ways of Trawl, and requests",
        clients=(
            WRK, DISCARD, INLINE, Trawl("discard", agents=2), Trawl("hash", agents=2),
            PythonClient("requests", "requests, 50 threads", "requests_client.py", ("--connections", "50"), "requests"),
        ),
    ),
    Case("keepalive-10k", "10 KiB, kept alive, TLS 1.3, 50 connections", (WRK, DISCARD, HASH, INLINE),
         path="/k10", body_bytes=10 << 10),
    # Longer bodies than --inline-max would be cut; it is raised.
    Case("keepalive-100k", "100 KiB, kept alive, TLS 1.3, 50 connections",
         (WRK, DISCARD, HASH, Trawl("inline", inline_max=100 << 10)), path="/k100", body_bytes=100 << 10, share=1),
    Case("chunked", "10 KiB in chunks of 4 KiB, kept alive, TLS 1.3, 50 connections", (WRK, DISCARD, HASH),
         path="/chunked/k10", body_bytes=10 << 10),
    Case("connections-10", "1 KiB, kept alive, TLS 1.3, 10 connections", (WRK, DISCARD), connections=10),
    Case("connections-1000", "1 KiB, kept alive, TLS 1.3, 1,000 connections", (WRK, DISCARD), connections=1000,
         share=1, ramp_seconds=6),
    Case("new-resumed", "1 KiB, a new connection each, TLS 1.3 resumed",
         (WRK, Handshake(resumes=True), DISCARD, NOTE_CLOSES), port=Port.RESUMED, share=1, closes=True),
    Case("new-full", "1 KiB, a new connection each, full TLS 1.3 handshakes",
         (WRK, Handshake(), DISCARD), port=Port.FULL, share=1, closes=True),
    # One connection to each name, as many as wrk has to its one.
    Case("origins-1000", "1 KiB, 1,000 origins at random, kept alive, TLS 1.3; wrk: one origin, 1,000 connections",
         (WRK, Trawl("discard", per_origin=1)), connections=1000, ramp_seconds=6,
         hosts=1000),
    Case("plain-http", "1 KiB, kept alive, no TLS, 50 connections", (WRK, Floor(), H2load(), DISCARD), port=Port.PLAIN),
)


def chosen(names: tuple[str, ...]) -> tuple[Case, ...]:
    return tuple(case for case in CASES if not names or case.name in names)
