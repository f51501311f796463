"""The order of runs: warm-ups that say how long a list has to be, then rounds in which the clients take turns,
each round beginning with another one."""

import os
import sys

from . import lists
from .cases import Case, Port
from .clients import Client, Task
from .clients.curl import Curl, configuration
from .results import CaseResult, ClientRuns
from .runner import Runner
from .settings import Settings

# Further rounds of warm-up of a client that was done too soon to know its rate.
WARM_UPS = 4


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def carry_out(case: Case, runner: Runner, settings: Settings) -> CaseResult:
    seconds = max(1, round(settings.seconds * (1 if settings.quick else case.share))) + case.ramp_seconds
    say(f"\n{case.name}: {case.title}")
    result = CaseResult(case.name, case.title, case.closes, case.connections, os.getloadavg(), [])
    say(f"  load average {result.load_average[0]:.2f}; warming up: {'; '.join(c.title for c in case.clients)}")
    tasks = [warm_up(case, client, runner, seconds) for client in case.clients]
    for client, task in zip(case.clients, tasks):
        result.clients.append(ClientRuns(client.name, client.title, shown(client, task, runner)))
    for number in range(1, settings.rounds + 1):
        for index in turns(len(case.clients), number):
            client, kept = case.clients[index], result.clients[index]
            kept.runs.append(runner.run(case, client, tasks[index]))
            say(f"  round {number} of {settings.rounds}: {progress(kept, result.clients[0])}")
            rows = corrected(tasks[index].rows, kept.runs[-1].elapsed_seconds, seconds)
            if number < settings.rounds and rows != tasks[index].rows:
                tasks[index] = task_of(case, client, runner, seconds, rows)
    for task in tasks:
        for file in (task.list, configuration(task)):
            file.unlink(missing_ok=True)
    return result


def turns(clients: int, number: int) -> list[int]:
    """Who runs when in a round: each round begins with the next client, so that none is always first or last."""
    return [(number - 1 + place) % clients for place in range(clients)]


def warm_up(case: Case, client: Client, runner: Runner, seconds: int) -> Task:
    """Runs the client for a moment, and returns a task of the wanted length."""
    # Programs take a while to start; in a longer warm-up that hides less of their rate.
    wanted = min(max(2, seconds // 5) + case.ramp_seconds, seconds)
    if not client.first_rows:
        runner.run(case, client, task_of(case, client, runner, wanted, 0))
        return task_of(case, client, runner, seconds, 0)
    rows = client.first_rows
    for _ in range(WARM_UPS):
        task = task_of(case, client, runner, wanted, rows)
        elapsed = runner.run(case, client, task).elapsed_seconds
        if elapsed >= wanted / 2:
            break
        rows = round(rows * longer(elapsed, wanted))
    return task_of(case, client, runner, seconds, max(1, round(rows * seconds / elapsed)))


def longer(elapsed: float, wanted: float) -> float:
    """How many times as many rows to try next: at most so many as even a program that takes long to start bears."""
    return min(20.0, max(2.0, wanted / elapsed))


def corrected(rows: int, elapsed: float, wanted: float) -> int:
    """The rows of the next round: others if this one was much shorter or longer than wanted, for then something else
    ran beside it or beside the warm-up. A client that runs for a time has none."""
    if wanted * 0.75 <= elapsed <= wanted * 1.33:
        return rows
    return round(rows * min(3.0, max(1 / 3, wanted / elapsed)))


def task_of(case: Case, client: Client, runner: Runner, seconds: int, rows: int) -> Task:
    port = runner.server.ports[case.port]
    scheme = "http" if case.port is Port.PLAIN else "https"
    task = Task(
        url=f"{scheme}://localhost:{port}{case.path}", seconds=seconds,
        list=runner.folder / f"{case.name}-{client.name}.list", rows=rows, connections=case.connections,
        closes=case.closes, hosts_port=port if case.hosts else None, authority=runner.server.authority,
        body_bytes=case.body_bytes, folder=runner.folder / "job",
    )
    if rows:
        write_list(case, client, task)
    return task


def write_list(case: Case, client: Client, task: Task) -> None:
    if task.hosts_port is not None:
        lines = lists.urls_of_hosts(task.hosts_port, case.path, task.rows, case.hosts)
    else:
        lines = lists.urls(task.url, task.rows)
    for_curl = isinstance(client, Curl)
    lists.write(configuration(task) if for_curl else task.list, lines, for_curl=for_curl)


def shown(client: Client, task: Task, runner: Runner) -> list[str]:
    """The command without where this machine keeps things."""
    folders = [
        (runner.folder, "SCRATCH"), (runner.programs.trawl, "TRAWL_BIN"), (runner.programs.clients, "CLIENTS"),
        (runner.programs.python, "PYTHON"),
    ]
    command = client.command(task, runner.programs)
    for path, name in folders:
        command = [word.replace(str(path), name) for word in command]
    return command


def progress(kept: ClientRuns, base: ClientRuns) -> str:
    run = kept.runs[-1]
    ratio = ""
    # The base may have its turn in this round later.
    if len(base.runs) == len(kept.runs):
        times = run.cpu_microseconds_per_request / base.runs[-1].cpu_microseconds_per_request
        ratio = f"{times:5.2f} x {base.title}, "
    return (
        f"{kept.title:<32} {run.cpu_microseconds_per_request:8.2f} us CPU/request, {ratio}"
        f"{run.requests_per_second:9,.0f} requests/s, {run.peak_pss_bytes / 2**20:5.0f} MiB, "
        f"{run.elapsed_seconds:.1f} s"
    )
