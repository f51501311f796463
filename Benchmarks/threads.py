#!/usr/bin/env python3
"""What threads, processes and connections cost Trawl, the note's client, AsyncHTTPClient and aiohttp, on one processor.

    TRAWL_BIN=FOLDER Benchmarks/threads.py [--seconds 2] [--rounds 2] [--quick] [--output FOLDER] [--python PYTHON]

Writes threads.md, threads.json and threads.svg. All points take about twelve minutes, --quick one; leave the machine
alone meanwhile. AsyncHTTPClient takes part if it is built (swift build -c release in
Benchmarks/clients/AsyncHTTPClient), aiohttp if PYTHON has it, which is the interpreter of the environment that
Benchmarks/run.sh makes, if not said. The programs that Benchmarks/run.sh installs have to be there.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # The folder belongs to the sources.

from suite import machine
from suite.__main__ import CLIENTS, scratch_folder, stay_off
from suite.clients import Programs
from suite.clients.swift import BUILT, PACKAGE
from suite.clients.swift import version as swift_version
from suite.environment import interpreter
from suite.rounds import say
from suite.runner import Runner
from suite.server import Server
from suite.threads import chart, report
from suite.threads.figures import cost, medians
from suite.threads.measuring import carry_out
from suite.threads.points import AIOHTTP, all_points, few_points
from suite.trouble import Trouble

FOLDER = Path(__file__).resolve().parent


def main() -> int:
    # Debian puts nginx where only root's PATH leads.
    os.environ["PATH"] += ":/usr/sbin"
    options = parse(sys.argv[1:])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        measure(options)
    except Trouble as trouble:
        print(f"threads.py: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What threads, processes and connections cost HTTP clients.")
    add = parser.add_argument
    add("--seconds", type=float, default=2, help="about how long a point runs in a round (default: 2)")
    add("--rounds", type=int, default=2, help="rounds of all points (default: 2)")
    add("--quick", action="store_true", help="a smoke test: one round of some points, 1 s each")
    add("--output", type=Path, default=FOLDER / "results", help="folder for the results (default: Benchmarks/results)")
    add("--scratch", type=Path, default=Path("/var/tmp"), help="where Trawl writes its jobs, on a real disk "
        "(default: /var/tmp)")
    add("--trawl", type=Path, default=os.environ.get("TRAWL_BIN"), help="folder of the release programs (default: "
        "TRAWL_BIN)")
    add("--python", type=Path, default=interpreter(), help="the interpreter that has aiohttp (default: the one of the "
        "environment that Benchmarks/run.sh makes, or this one)")
    add("--server-processor", type=int, default=0, metavar="N", help="nginx's (default: 0)")
    add("--client-processor", type=int, default=1, metavar="N", help="the clients' (default: 1)")
    options = parser.parse_args(arguments)
    if options.seconds <= 0 or options.rounds < 1:
        parser.error("--seconds and --rounds have to be positive")
    wanted = {options.server_processor, options.client_processor}
    if len(wanted) < 2 or not wanted <= os.sched_getaffinity(0):
        parser.error(f"the server and the clients need a processor each of {sorted(os.sched_getaffinity(0))}")
    if options.trawl is None or not all((options.trawl / name).exists() for name in ("coordinator", "agent")):
        parser.error("TRAWL_BIN must name the folder of the release programs (swift build -c release --show-bin-path)")
    options.trawl, options.python = options.trawl.resolve(), options.python.absolute()
    if options.quick:
        options.seconds, options.rounds = 1.0, 1
    return options


def measure(options: argparse.Namespace) -> None:
    left_out = []
    with_swift = (CLIENTS / BUILT).exists()
    if not with_swift:
        left_out.append(f"AsyncHTTPClient, which is not built (swift build -c release in Benchmarks/clients/{PACKAGE})")
    points = all_points(with_swift=with_swift)
    if subprocess.run([options.python, "-c", "import aiohttp"], capture_output=True).returncode:
        left_out.append("aiohttp, which the interpreter does not have (--python)")
        points = [point for point in points if point.kind != AIOHTTP]
    for reason in left_out:
        say(f"left out: {reason}")
    if options.quick:
        points = few_points(points)
    stay_off(options)
    with scratch_folder(options.scratch) as folder:
        programs = Programs(options.trawl, options.python, CLIENTS, folder)
        packages = [AIOHTTP] if any(point.kind == AIOHTTP for point in points) else []
        about = machine.describe(folder, (options.server_processor, options.client_processor))
        about |= machine.versions(programs, True, packages)
        if with_swift:
            about[PACKAGE] = swift_version((CLIENTS / PACKAGE / "Package.swift").read_text())
        about[report.LOAD] = " ".join(f"{value:.2f}" for value in os.getloadavg())
        with Server(folder, options.server_processor) as server:
            runner = Runner(server, programs, folder, options.client_processor)
            measured = carry_out(points, runner, options.rounds, options.seconds)
    costs = {point: medians([cost(pair) for pair in pairs]) for point, pairs in measured.items()}
    settings = {"rounds": options.rounds, "seconds": options.seconds, "quick": options.quick}
    options.output.mkdir(parents=True, exist_ok=True)
    values = report.as_json(measured, costs, about, settings, left_out)
    (options.output / "threads.json").write_text(json.dumps(values, indent=1) + "\n")
    (options.output / "threads.md").write_text(report.markdown(costs, about, settings, left_out))
    (options.output / "threads.svg").write_text(chart.svg(costs))
    say("\n".join(values["claims"]) + f"\n\nwritten: threads.md, threads.json and threads.svg in {options.output}")


if __name__ == "__main__":
    sys.exit(main())
