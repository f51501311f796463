"""One run of one client: the meter around it, looks at its processes, and the server's word against the client's."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .cases import Case, Port
from .clients import Client, Outcome, Programs, Task
from .results import Run
from .server import Counters, Server
from .tree import Tree, descendants, parents
from .trouble import Trouble

METER = Path(__file__).with_name("meter.py")
SAMPLE_SECONDS = 0.25


@dataclass(frozen=True)
class Runner:
    server: Server
    programs: Programs
    folder: Path
    processor: int

    def run(self, case: Case, client: Client, task: Task) -> Run:
        shutil.rmtree(task.folder, ignore_errors=True)
        # What another client has written does not go to the disk during this one's time.
        os.sync()
        output = self.folder / "output"
        before = self.server.counters()
        # Long enough for one that is much slower than in its warm-up, for a list has no end in time.
        meter, tree = self._measure(client.command(task, self.programs), output, limit=10 * task.seconds + 120)
        after = self.server.counters()
        text = output.read_text(errors="replace")
        if meter["status"]:
            raise Trouble(f"{client.title} ended with status {meter['status']}: {text[-2000:]}")
        outcome = client.outcome(text, task)
        # The second question counts itself.
        served = Counters(after.accepted - before.accepted - 1, after.requests - before.requests - 1)
        run = Run(
            requests=outcome.requests, user_seconds=meter["user"], system_seconds=meter["system"],
            elapsed_seconds=meter["elapsed"], peak_pss_bytes=tree.peak_bytes,
            largest_rss_bytes=meter["largest_rss_bytes"], processes=tree.most_processes,
            server_requests=served.requests, server_connections=served.accepted, resumed=outcome.resumed,
            context_switches=meter["switches"],
        )
        check_cpu(client.title, run.cpu_seconds, tree.seen_cpu)
        check_counts(case, client, outcome, served)
        shutil.rmtree(task.folder, ignore_errors=True)
        return run

    def _measure(self, command: list[str], output: Path, limit: float) -> tuple[dict[str, float], Tree]:
        meter = subprocess.Popen(
            [sys.executable, "-B", METER, str(self.processor), output, *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=self.folder,
        )
        tree = Tree(meter.pid)
        try:
            for _ in range(int(limit / SAMPLE_SECONDS)):
                try:
                    printed, _ = meter.communicate(timeout=SAMPLE_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    tree.look()
            else:
                raise Trouble(f"{command[0]} did not end in {limit:.0f} s")
        except BaseException:
            end(meter)
            raise
        if meter.returncode:
            raise Trouble(f"the meter ended with status {meter.returncode} instead of measuring {command[0]}")
        return json.loads(printed), tree


def end(meter: subprocess.Popen[str]) -> None:
    """Ends everything below the meter, which reaps it all, and the meter."""
    for process in descendants(meter.pid, parents()):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    meter.kill()
    meter.wait()


def check_cpu(title: str, measured: float, seen: float) -> None:
    """What was seen from outside has to be in the measure; less would mean a process that nobody waited for."""
    # Times in proc(5) are in ticks of 10 ms, rounded for each process.
    if measured < seen * 0.98 - 0.1:
        raise Trouble(f"{title}: the meter says {measured:.2f} s of CPU, its processes had {seen:.2f} s")


def check_counts(case: Case, client: Client, outcome: Outcome, served: Counters) -> None:
    """The server has to have seen what the client counts, and the sessions have to be of the case's kind."""
    requests = outcome.requests
    # What is under way when the time is over is not counted by the client. A row may be tried again.
    spare = (0 if client.first_rows else 2 * case.connections) + requests // 1000
    if not requests or not requests <= served.requests <= requests + spare:
        raise Trouble(f"{client.title} counts {requests} requests, nginx {served.requests}")
    if case.closes and served.accepted < requests:
        raise Trouble(f"{client.title}: {served.accepted} connections for {requests} requests")
    resumed = outcome.resumed
    if resumed is not None and case.port is Port.RESUMED and resumed < 0.9 * requests:
        raise Trouble(f"{client.title} resumed only {resumed} of {requests} sessions")
    if case.port is Port.FULL and resumed:
        raise Trouble(f"{client.title} resumed {resumed} of {requests} sessions that cannot be")
