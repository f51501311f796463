"""A job whose programs are killed while it runs, and what its files and the origin say of it afterwards."""

import json
import os
import signal
import subprocess
import time

from cluster_programs import PATIENCE, Origin, Program, Trouble, free_port

LEASE = 11.0
"""Seconds after which a remote agent that is not heard has lost its rows."""


class CountingOrigin(Origin):
    """An origin that says when each row was asked for."""

    def row(self, seq, milliseconds, is_post):
        url = self.url("localhost", f"/latency/{milliseconds}?count=1&row={seq}", "http")
        return f'{{"url":"{url}","method":"POST","body":"x"}}' if is_post else url

    def hits(self):
        """The instants by time.monotonic() at which each row was asked for, by seq."""
        hits = {}
        for line in self._get("/hit-log").decode().splitlines():
            at, target = line.split(" ", 1)
            hits.setdefault(int(target.rpartition("=")[2]), []).append(int(at) / 1e6)
        return hits


class Records:
    """results.jsonl while it grows, line by line. A crash may leave a torn line, but never take a whole one away."""

    def __init__(self, path):
        self._path = path
        self._offset = 0
        self.codes = {}
        """The error's code or None, by seq, in the order of the file."""
        self.doubled = []

    def __len__(self):
        return len(self.codes)

    @property
    def size(self):
        return os.path.getsize(self._path) if os.path.exists(self._path) else 0

    def read(self):
        """Takes what came since; returns how many records there are now."""
        if self.size < self._offset:
            raise Trouble(f"whole records were cut off {self._path}: {self.size} of {self._offset} bytes are left")
        if self.size > self._offset:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                new = file.read()
            new = new[: new.rfind(b"\n") + 1]
            self._offset += len(new)
            for line in new.splitlines():
                record = json.loads(line)
                if record["seq"] in self.codes:
                    self.doubled.append(record["seq"])
                self.codes[record["seq"]] = record.get("error", {}).get("code")
        return len(self.codes)


class KilledJob:
    """A job in a folder. `remote`: so many agents dial in and outlive coordinators; without, the coordinator starts
    two."""

    def __init__(self, folder, rows, options, remote=0):
        self.folder = folder
        self._options = options
        self._starts = 0
        self._agent_starts = 0
        self._port = free_port() if remote else None
        self.coordinator = None
        self.remote_agents = []
        os.mkdir(folder)
        with open(os.path.join(folder, "list"), "w", encoding="utf-8") as file:
            file.writelines(f"{row}\n" for row in rows)
        self.records = Records(os.path.join(folder, "job", "results.jsonl"))
        for _ in range(remote):
            self.add_agent()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in [self.coordinator, *self.remote_agents]:
            if program:
                program.kill()

    # Programs

    def _launch(self, arguments):
        self._starts += 1
        self.coordinator = Program(self.folder, "coordinator", f"coordinator-{self._starts}", arguments)

    def start(self):
        how = ["run", "list", "--listen", f"tcp://127.0.0.1:{self._port}"] if self._port else ["local", "list"]
        count = [] if self._port else ["--agents", "2", "--threads", "1"]
        self._launch([*how, "-o", "job", *count, *self._options])

    def resume(self):
        self._launch(["resume", "job"])

    def add_agent(self):
        self._agent_starts += 1
        arguments = ["--coordinator", f"tcp://127.0.0.1:{self._port}", "--threads", "1", "--verbose"]
        self.remote_agents.append(Program(self.folder, "agent", f"agent-{self._agent_starts}", arguments))

    @property
    def local_agents(self):
        """The processes that the coordinator has started and that run."""
        try:
            pid = self.coordinator.process.pid
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                return [int(pid) for pid in file.read().split()]
        except FileNotFoundError:
            return []

    def kill_agent(self, rng):
        """kill -9 of an agent, for which another comes; False if there is none."""
        if self._port:
            self.remote_agents.pop(rng.randrange(len(self.remote_agents))).kill()
            self.add_agent()
            return True
        pids = self.local_agents
        if not pids:
            return False
        try:
            os.kill(rng.choice(pids), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def wait_for(self, what, condition):
        """Waits for a condition, or for the coordinator's end; False in that case. Looks often: restarts are short."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if self.coordinator.has_ended:
                return False
            if time.monotonic() > end:
                raise Trouble(f"waited {PATIENCE} s in vain: {what}; {self.coordinator.said[-1000:]}")
            time.sleep(0.002)
        return True

    def finish(self):
        """Waits for the coordinator's end and returns its exit status."""
        self.wait_for("the end of the job", lambda: False)
        self.records.read()
        return self.coordinator.process.returncode

    # Files

    def verify(self):
        """The exit status of `coordinator verify`, and what it says."""
        program = os.path.join(os.environ["TRAWL_BIN"], "coordinator")
        found = subprocess.run(
            [program, "verify", "job"], cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return found.returncode, (found.stdout + found.stderr).strip()

    def unsafe_rows_left(self):
        """The rows that the journal says have left to an agent and must not leave again."""
        try:
            with open(os.path.join(self.folder, "job", "journal"), "rb") as file:
                return set(_unsafe_rows(file.read()))
        except FileNotFoundError:
            return set()


def _unsafe_rows(data):
    """Of the journal's entries those of kind 4; see JournalEntry.swift. Their sums are for `verify` to look at."""
    position = 0
    while position + 5 <= len(data):
        length = int.from_bytes(data[position : position + 4], "little")
        kind = data[position + 4]
        payload = data[position + 5 : position + 5 + length]
        position += 5 + length + 4
        if kind == 4 and position <= len(data):
            numbers = _numbers(payload[1 + payload[0] :])
            seq = 0
            next(numbers)  # How many there are.
            for number in numbers:
                seq += (number >> 1) ^ -(number & 1)
                yield seq


def _numbers(data):
    """Numbers in LEB128."""
    number, shift = 0, 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number, shift = 0, 0
