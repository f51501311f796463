"""The programs of a cluster on this host: one origin server, and for each job a coordinator and its agents.

Nothing outlives the script, however it ends: the kernel kills every program when its parent is gone.
"""

import ctypes
import datetime
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

PATIENCE = 300
"""Seconds after which whatever is waited for has failed."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Trouble(Exception):
    """Something the measurement needs is not there or did not happen in time; the text says what."""


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until(what, condition, programs=()):
    """Waits for a condition, but not for ever and not for programs that have ended."""
    end = time.monotonic() + PATIENCE
    while True:
        # Looked at first: what one did before it ended still counts.
        ended = [program for program in programs if program.has_ended]
        if condition():
            return
        for program in ended:
            raise Trouble(f"{program.name} ended with {program.process.returncode}: {program.said[-2000:]}")
        if time.monotonic() > end:
            raise Trouble(f"waited {PATIENCE} s in vain: {what}")
        # Seldom enough to take nothing from what is measured.
        time.sleep(0.05)


def free_port():
    """A TCP port below the range from which the kernel takes ports for outgoing connections, so that nobody gets it
    by accident between now and its use."""
    for _ in range(100):
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Trouble("no free TCP port was found")


class Program:
    """A running program whose standard error goes into a file."""

    def __init__(self, folder, name, label, arguments):
        self.name = label
        self._log = os.path.join(folder, f"{label}.log")
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(os.environ["TRAWL_BIN"], name), *arguments],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=_die_with_parent,
            )

    @property
    def said(self):
        with open(self._log, encoding="utf-8", errors="replace") as log:
            return log.read()

    @property
    def has_ended(self):
        return self.process.poll() is not None

    def kill(self):
        self.process.kill()
        self.process.wait()
        if not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass  # What was not read yet is not needed any more.


class Origin(Program):
    """The project's origin server."""

    def __init__(self, folder):
        super().__init__(folder, "origin", "origin", ["--directory", "origin", "--until-stdin-closes"])
        self.authority = os.path.join(folder, "origin", "ca.pem")
        file = os.path.join(folder, "origin", "ports.json")
        # Written last, when everything listens.
        wait_until("ports.json of the origin", lambda: os.path.exists(file), [self])
        with open(file, encoding="utf-8") as ports:
            self.ports = json.load(ports)

    def url(self, host, target, scheme="https"):
        return f"{scheme}://{host}:{self.ports[scheme]}{target}"

    @property
    def options(self):
        """What makes a job take this server for every host of its two ports."""
        options = ["--cacert", self.authority]
        for scheme in ("https", "http"):
            options += ["--resolve", f"*:{self.ports[scheme]}:127.0.0.1"]
        return options

    def reset(self):
        self._get("/reset-counts")

    def counts(self):
        """What it has seen since the last reset, without the connection that asks."""
        counts = json.loads(self._get("/counts"))
        counts["connections"] -= 1
        return counts

    def _get(self, target):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['http']}{target}", timeout=30) as answer:
            return answer.read()


class Cluster:
    """A coordinator and three agents that have found each other and wait for rows."""

    def __init__(self, folder, origin, options, agents=3):
        self._folder = folder
        self._port = free_port()
        self._offset = 0
        self._records = []
        self.agents = []
        self._started = 0
        arguments = ["run", "-", "--output", "job", "--listen", f"tcp://127.0.0.1:{self._port}"]
        os.mkdir(folder)
        self.coordinator = Program(folder, "coordinator", "coordinator", [*arguments, *origin.options, *options])
        for _ in range(agents):
            self.add_agent()
        # Nobody is welcomed before there is a row. This one counts nowhere.
        self.send([origin.url("localhost", "/fixed/1?first", "http")])
        wait_until("all agents are welcomed", lambda: all("welcomed" in agent.said for agent in self.agents), self._all)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self._all:
            program.kill()

    @property
    def _all(self):
        return [self.coordinator, *self.agents]

    def add_agent(self):
        self._started += 1
        arguments = ["--coordinator", f"tcp://127.0.0.1:{self._port}", "--threads", "1", "--verbose"]
        self.agents.append(Program(self._folder, "agent", f"agent-{self._started}", arguments))

    def kill_agent(self):
        """kill -9 of the one that has been there longest."""
        self.agents.pop(0).kill()

    def send(self, rows):
        try:
            self.coordinator.process.stdin.write("".join(f"{row}\n" for row in rows).encode())
            self.coordinator.process.stdin.flush()
        except BrokenPipeError:
            raise Trouble(f"the coordinator reads no rows: {self.coordinator.said[-2000:]}") from None

    def end_input(self):
        self.coordinator.process.stdin.close()

    def records(self):
        """The lines recorded so far, but for the first row's."""
        file = os.path.join(self._folder, "job", "results.jsonl")
        if os.path.exists(file):
            with open(file, "rb") as results:
                results.seek(self._offset)
                new = results.read()
            # The last one may not be whole yet.
            new = new[: new.rfind(b"\n") + 1]
            self._offset += len(new)
            self._records += [line for line in new.splitlines() if b"/fixed/1?first" not in line]
        return self._records

    def wait_for_records(self, count, marked=b""):
        """Waits for so many records that hold a text."""
        wait_until(
            f"{count} records", lambda: sum(marked in line for line in self.records()) >= count, [self.coordinator]
        )

    def wait_for_loss(self, count):
        """Waits until the coordinator has given up so many agents."""
        wait_until(f"{count} agents are given up", lambda: self.coordinator.said.count("is gone") >= count, self._all)

    def finish(self):
        """Waits for the end of the job and returns its summary."""
        wait_until("the end of the job", lambda: self.coordinator.has_ended)
        if self.coordinator.process.returncode:
            raise Trouble(f"the coordinator ended with {self.coordinator.process.returncode}: {self.coordinator.said}")
        with open(os.path.join(self._folder, "job", "summary.json"), encoding="utf-8") as summary:
            return json.load(summary)


def span(records):
    """Seconds from the beginning of the first to the end of the last of some records."""
    starts = [datetime.datetime.fromisoformat(record["started_at"]).timestamp() for record in records]
    ends = [start + record["time"]["total"] for start, record in zip(starts, records)]
    return max(ends) - min(starts)


def _give_up(*_):
    raise Trouble("a measurement does not come to an end")


def carry_out(name, measurements, patience, make_bench, conclude=lambda bench: None):
    """The main part of a script of that name, which ends with it: makes a bench in a folder of its own, and measures.

    Each measurement has `patience` seconds. `conclude` is called when all have come to their end.
    """
    for program in ("coordinator", "agent", "origin"):
        if not os.access(os.path.join(os.environ.get("TRAWL_BIN", ""), program), os.X_OK):
            sys.exit(
                f"{name}.py: TRAWL_BIN must name the folder of the release programs, and there is no {program} in it: "
                "swift build -c release --show-bin-path"
            )
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    signal.signal(signal.SIGALRM, _give_up)
    folder = tempfile.mkdtemp(prefix=f"trawl-{name}-")
    bench = None
    try:
        bench = make_bench(folder)
        print("| measured | figure | bound | verdict |\n|---|---|---|---|", flush=True)
        for measure in measurements:
            signal.alarm(patience)
            measure(bench)
        conclude(bench)
    except Trouble as trouble:
        sys.exit(f"{name}.py: {trouble}")
    finally:
        if bench:
            bench.origin.kill()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if bench.missed else 0)
