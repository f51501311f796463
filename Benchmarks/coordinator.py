#!/usr/bin/env python3
"""What the coordinator alone costs for each row: its agents answer at once and run on another processor.

    TRAWL_BIN=FOLDER Benchmarks/coordinator.py [--rounds 5] [--rows 2000000] [--only CASE]...

`coordinator run` on processor 1, InstantAgents (many agents in one process, nothing is fetched) on processor 0. Each
round runs every case once: 1, 10 and 100 agents over ipc with a list of URLs and the output in memory (/dev/shm); then
10 agents with one thing changed: CURVE over TCP, a list of JSON objects, output on the disk. CPU is that of the
coordinator's process, all its threads, from its start to its end, as the kernel gives it when the process has ended.
`coordinator verify` checks each job: every row recorded once. Writes coordinator.md, .json and .svg into --results.

The exit status is 1 if a row with 10 agents costs more CPU than the bound.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

sys.dont_write_bytecode = True  # The folder belongs to the sources.

from coordinator_report import BOUND_MICROSECONDS, Case, Figures, Run, markdown, svg, verdict
from processes import Pinned, ThreadTimes, clean_up_on_signals, peak_bytes
from suite.server import free_port
from suite.trouble import Trouble

CASES = (
    Case("1 agent", 1),
    Case("10 agents", 10),
    Case("100 agents", 100),
    Case("10 agents, CURVE over TCP", 10, encrypted=True),
    Case("10 agents, JSON lines", 10, json_lines=True),
    Case("10 agents, output on disk", 10, on_disk=True),
)
MEMORY = Path("/dev/shm")
PATIENCE_SECONDS = 600
AGENTS_PROCESSOR, COORDINATOR_PROCESSOR = 0, 1


def lines(rows: int, origins: int, json_lines: bool) -> Iterator[str]:
    """The list: distinct URLs, neighbours of different origins."""
    for row in range(rows):
        url = f"https://host-{row * 7919 % origins}.example/items/{row}?page=1"
        yield f'{{"url": "{url}", "id": "row-{row}"}}\n' if json_lines else f"{url}\n"


class Bench:
    """Lists, keys, and folders for jobs, in memory and on the disk."""

    def __init__(self, programs: Path, rows: int, origins: int, memory: Path, disk: Path) -> None:
        self._programs, self._rows, self._memory, self._disk = programs, rows, memory, disk
        self._lists = {json_lines: memory / f"list-{json_lines}" for json_lines in (False, True)}
        for json_lines, path in self._lists.items():
            with path.open("w") as file:
                file.writelines(lines(rows, origins, json_lines))
        self._keys = memory / "keys"
        agents = max(case.agents for case in CASES if case.encrypted)
        self._finish([self._coordinator("keygen", self._keys, "--agents", str(agents))])

    def run(self, case: Case) -> Run:
        """One job from its start to its end."""
        job = (self._disk if case.on_disk else self._memory) / "job"
        endpoint = f"tcp://127.0.0.1:{free_port()}" if case.encrypted else f"ipc://{self._memory}/socket"
        keys = ["--keys", self._keys] if case.encrypted else []
        agents = Pinned(
            [self._programs / "InstantAgents", "--coordinator", endpoint, "--agents", str(case.agents), *keys],
            AGENTS_PROCESSOR,
            self._memory / "agents.log",
        )
        coordinator = self._coordinator(
            *("run", self._lists[case.json_lines], "--output", job, "--listen", endpoint, *keys),
            *("--body", "discard", "--quiet"),
        )
        threads = ThreadTimes()
        try:
            cpu_seconds, peak = self._finish([coordinator, agents], threads)
            self._finish([self._coordinator("verify", job)])
            summary = json.loads((job / "summary.json").read_text())
        finally:
            shutil.rmtree(job, ignore_errors=True)
        if (summary["rows"], summary["status"]["2xx"]) != (self._rows, self._rows):
            raise Trouble(f"{self._rows} rows were given, and this came of them: {summary}")
        return Run(self._rows, summary["rows_per_second"]["overall"], cpu_seconds, peak, threads.seconds)

    def _coordinator(self, command: str, *arguments: str | Path) -> Pinned:
        log = self._memory / f"{command}.log"
        return Pinned([self._programs / "coordinator", command, *arguments], COORDINATOR_PROCESSOR, log)

    def _finish(self, programs: list[Pinned], threads: ThreadTimes | None = None) -> tuple[float, int]:
        """Waits for the end of all programs: CPU seconds and peak memory of the first."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        peak = 0
        try:
            # All are asked, for each may have failed.
            while None in [program.poll() for program in programs]:
                if time.monotonic() > deadline:
                    raise Trouble(f"{PATIENCE_SECONDS} s were not enough: {programs[0].said[-500:]}")
                if threads:
                    threads.look(programs[0].pid)
                peak = max(peak, peak_bytes(programs[0].pid))
                time.sleep(0.05)
            return programs[0].poll() or 0, peak
        finally:
            for program in programs:
                program.kill()


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="What the coordinator alone costs for each row.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--origins", type=int, default=1000)
    parser.add_argument("--only", action="append", metavar="CASE", choices=[case.name for case in CASES])
    parser.add_argument("--scratch", type=Path, default=Path("/var/tmp"), help="on a real disk (default: /var/tmp)")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    if min(options.rounds, options.rows, options.origins) < 1:
        parser.error("--rounds, --rows and --origins take 1 or more")
    return options


def measure(options: argparse.Namespace, programs: Path) -> list[Figures]:
    """All cases, round by round, so that what the machine does meanwhile meets all of them."""
    figures = [Figures(case) for case in CASES if not options.only or case.name in options.only]
    with (
        tempfile.TemporaryDirectory(prefix="trawl-coordinator-", dir=MEMORY) as memory,
        tempfile.TemporaryDirectory(prefix="trawl-coordinator-", dir=options.scratch) as disk,
    ):
        bench = Bench(programs, options.rows, options.origins, Path(memory), Path(disk))
        for number in range(1, options.rounds + 1):
            for one in figures:
                run = bench.run(one.case)
                one.runs.append(run)
                print(f"round {number}: {one.case.name}: {run.cpu_microseconds:.2f} us a row", file=sys.stderr)
    return figures


def write(figures: list[Figures], options: argparse.Namespace) -> None:
    settings = f"{options.rounds} rounds of {options.rows:,} rows over {options.origins:,} origins."
    kept = {
        "rounds": options.rounds,
        "rows": options.rows,
        "origins": options.origins,
        "bound_microseconds": BOUND_MICROSECONDS,
        "cases": [asdict(one) for one in figures],
    }
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "coordinator.md").write_text(markdown(figures, settings))
    (options.results / "coordinator.json").write_text(json.dumps(kept, indent=1) + "\n")
    (options.results / "coordinator.svg").write_text(svg(figures))
    print(markdown(figures, settings))


def main() -> None:
    options = arguments()
    programs = Path(os.environ.get("TRAWL_BIN", "")).absolute()
    os.sched_setaffinity(0, {AGENTS_PROCESSOR})
    clean_up_on_signals()
    for program in ("coordinator", "InstantAgents"):
        if not os.access(programs / program, os.X_OK):
            sys.exit(
                f"coordinator.py: TRAWL_BIN must name the folder of the release programs, and there is no {program} "
                "in it: swift build -c release --show-bin-path"
            )
    try:
        figures = measure(options, programs)
    except Trouble as trouble:
        sys.exit(f"coordinator.py: {trouble}")
    write(figures, options)
    sys.exit(1 if verdict(figures) is False else 0)


if __name__ == "__main__":
    main()
