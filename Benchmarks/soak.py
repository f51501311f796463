#!/usr/bin/env python3
"""Whether what a request costs, and the memory that a client needs, grow with the number of requests.

    TRAWL_BIN=FOLDER Benchmarks/soak.py [--rows 10000000] [--only CLIENT]... [--python FILE]

nginx on processor 0 serves 1 KiB over TLS 1.3; the client on processor 1 fetches a list of distinct URLs with 50
kept-alive connections and verifies. Trawl is `coordinator local` with one agent and one worker, bodies discarded,
every record on the disk. `requests` and `aiohttp` are run beside it on lists that they come to the end of, with the
interpreter that has them: --python, or the one of the environment that Benchmarks/run.sh makes. Once a second, from
processor 0: memory, descriptors, threads and CPU time of every process of the client. The times of Trawl's rows are
those of its records. Writes soak.md, soak.json and soak.svg into --results. The list and the records, together about
450 bytes a row, are in --scratch until the end.

What is judged of Trawl: rate and CPU time of the last tenth beside those of the first, memory since the first tenth,
descriptors and threads. On a machine that others use, too, CPU time says more than the rate. The exit status is 1 if
a bound is missed. All of it takes about six minutes.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

sys.dont_write_bytecode = True  # The folder belongs to the sources.

from processes import Pinned, Sample, clean_up_on_signals, name_of, sample
from soak_report import JUDGED, judgements, markdown, svg
from soak_tenths import Look, Point, Soak, in_order
from suite import lists, machine, tree
from suite.cases import Port
from suite.clients import Client, Programs, Task
from suite.clients.python import PythonClient
from suite.clients.trawl import Trawl
from suite.environment import interpreter
from suite.server import Server
from suite.trouble import Trouble

HERE = Path(__file__).resolve().parent
CONNECTIONS, BODY_BYTES = 50, 1024
SERVER_PROCESSOR, CLIENT_PROCESSOR = 0, 1
BYTES_A_ROW = 450
CLIENTS: dict[str, Client] = {
    JUDGED: Trawl("discard"),
    "requests": PythonClient("requests", "requests", "requests_client.py", ("--connections", str(CONNECTIONS))),
    "aiohttp": PythonClient("aiohttp", "aiohttp", "aiohttp_client.py", ("--connections", str(CONNECTIONS))),
}


def watch(program: Pinned, tick: Callable[[], None]) -> tuple[list[Look], Point]:
    """Looks at a program and all that it has started once a second until it ends; calls `tick` more often. What it has
    used in the end comes with the time of that."""
    looks: list[Look] = []
    due = time.monotonic()
    while (cpu_seconds := program.poll()) is None:
        tick()
        if time.monotonic() >= due:
            due += 1
            members = [program.pid, *tree.descendants(program.pid, tree.parents())]
            found: dict[str, Sample] = {}
            for process in members:
                if (one := sample(process)) and (name := name_of(process)) not in found:
                    found[name] = one
            looks.append(Look(time.time(), found))
        time.sleep(0.05)
    ended = (time.time(), cpu_seconds)
    tick()
    # From when the first of its processes has ended.
    while len(looks) > 1 and len(looks[-1].processes) < len(looks[-2].processes):
        looks.pop()
    return looks, ended


def progress_of_records(path: Path) -> Iterator[Point]:
    """How many rows were done when, by the records: one look about every three thousand."""
    with path.open("rb") as results:
        first = results.readline()
        yield began(json.loads(first)), 0
        rest, rows = b"", 1
        while chunk := results.read(1 << 20):
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                rows += whole.count(b"\n") + 1
                record = json.loads(whole[whole.rfind(b"\n") + 1 :])
                yield began(record) + record["time"]["total"], rows


def began(record: dict) -> float:
    return datetime.fromisoformat(record["started_at"]).timestamp()


class Reports:
    """What a client in Python says once a second of its requests, and when it was read."""

    def __init__(self, said: Callable[[], str]) -> None:
        self._said = said
        self._read: list[tuple[float, float, int]] = []

    def read(self) -> None:
        reports = [line.split() for line in self._said().split("\n")[:-1] if line[:1].isdigit()]
        self._read += [(time.time(), float(elapsed), int(count)) for elapsed, count in reports[len(self._read) :]]

    @property
    def progress(self) -> list[Point]:
        """By the client's own clock, which began when the promptest of its lines says."""
        if not self._read:
            raise Trouble("the client was done before it said anything; give it more rows")
        begin = min(read - elapsed for read, elapsed, _ in self._read)
        return [(begin, 0), *((begin + elapsed, count) for _, elapsed, count in self._read)]


def task_of(scratch: Path, server: Server, rows: int) -> Task:
    return Task(
        url=f"https://localhost:{server.ports[Port.TLS]}/k1", seconds=0, list=scratch / "list", rows=rows,
        connections=CONNECTIONS, closes=False, hosts_port=None, authority=server.authority, body_bytes=BODY_BYTES,
        folder=scratch / "job",
    )


def programs_of(trawl: Path, python: Path) -> Programs:
    """Nothing that has to be built is run here."""
    return Programs(trawl=trawl, python=python, clients=HERE / "clients", built=HERE)


def command(name: str, task: Task, programs: Programs) -> list[str]:
    """Of Trawl's rows the records tell the times; the others say once a second how far they are."""
    return CLIENTS[name].command(task, programs) + ([] if name == JUDGED else ["--report", "1"])


def soak(name: str, task: Task, programs: Programs) -> Soak:
    """One client from its start to its end; what it fetched and recorded is checked."""
    is_ours = name == JUDGED
    program = Pinned(command(name, task, programs), CLIENT_PROCESSOR, task.list.with_suffix(f".{name}"))
    reports = Reports(lambda: program.said)
    try:
        looks, ended = watch(program, (lambda: None) if is_ours else reports.read)
        CLIENTS[name].outcome(program.said, task)
        progress = in_order(list(progress_of_records(task.folder / "results.jsonl"))) if is_ours else reports.progress
    finally:
        program.kill()
        shutil.rmtree(task.folder, ignore_errors=True)
    return Soak(name, task.rows, progress, looks, ended)


def measure(rows: dict[str, int], programs: Programs, scratch: Path) -> list[Soak]:
    """One client after the other."""
    need = max(rows.values()) * BYTES_A_ROW
    if need > shutil.disk_usage(scratch).free:
        raise Trouble(f"{scratch} has no room for {need / 1e9:.1f} GB; name another folder with --scratch")
    soaks = []
    # The server's worker belongs to somebody else, who has to get through.
    scratch.chmod(0o755)
    (scratch / "server").mkdir()
    with Server(scratch / "server", SERVER_PROCESSOR) as server:
        for name, count in rows.items():
            print(f"soak.py: {name}, {count:,} rows", file=sys.stderr)
            task = task_of(scratch, server, count)
            lists.write(task.list, lists.urls(task.url, count), for_curl=False)
            soaks.append(soak(name, task, programs))
    return soaks


def write(soaks: list[Soak], results: Path) -> None:
    kept = [
        {"client": one.client, "rows": one.rows, "tenths": [asdict(part) for part in one.tenths]}
        | {"looks": [{"rows": round(one.rows_at(look.seconds))} | asdict(look) for look in one.looks]}
        for one in soaks
    ]
    results.mkdir(parents=True, exist_ok=True)
    (results / "soak.md").write_text(markdown(soaks))
    (results / "soak.json").write_text(json.dumps({"connections": CONNECTIONS, "clients": kept}) + "\n")
    (results / "soak.svg").write_text(svg(soaks))
    print(markdown(soaks))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Whether cost and memory grow with the number of requests.")
    parser.add_argument("--rows", type=int, default=10_000_000, help="of Trawl (default: 10,000,000)")
    parser.add_argument("--requests-rows", type=int, default=200_000, help="(default: 200,000)")
    parser.add_argument("--aiohttp-rows", type=int, default=500_000, help="(default: 500,000)")
    parser.add_argument("--only", action="append", choices=list(CLIENTS), help="repeatable (default: all)")
    parser.add_argument("--python", type=Path, default=interpreter(), help="an interpreter that has the libraries")
    parser.add_argument("--scratch", type=Path, default=Path("/var/tmp"), help="on a real disk (default: /var/tmp)")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    trawl = Path(os.environ.get("TRAWL_BIN", "")).absolute()
    for program in ("coordinator", "agent"):
        if not os.access(trawl / program, os.X_OK):
            sys.exit(
                f"soak.py: TRAWL_BIN must name the folder of the release programs, and there is no {program} in it: "
                "swift build -c release --show-bin-path"
            )
    rows = {JUDGED: options.rows, "requests": options.requests_rows, "aiohttp": options.aiohttp_rows}
    chosen = {name: count for name, count in rows.items() if not options.only or name in options.only}
    os.sched_setaffinity(0, {SERVER_PROCESSOR})
    clean_up_on_signals()
    try:
        machine.file_system(options.scratch)
        with tempfile.TemporaryDirectory(prefix="trawl-soak-", dir=options.scratch) as scratch:
            soaks = measure(chosen, programs_of(trawl, options.python), Path(scratch))
    except Trouble as trouble:
        sys.exit(f"soak.py: {trouble}")
    write(soaks, options.results)
    sys.exit(0 if all(one.is_met for each in soaks if each.client == JUDGED for one in judgements(each)) else 1)


if __name__ == "__main__":
    main()
