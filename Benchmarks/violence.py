#!/usr/bin/env python3
"""What is left of jobs whose programs are killed; prints a Markdown table, and the same as JSON.

    TRAWL_BIN=FOLDER Benchmarks/violence.py [kills|fresh|restart|stall|all] [--remote] [--rows N] [--kills N] [--seed N]

 kills    one job of 50,000 rows, 5 % of them POST, about 1,000 requests in flight at an origin that takes 50 ms: 200
          times kill -9 of an agent or of the coordinator, which is resumed at once. With --remote agents dial in over
          TCP and outlive coordinators; 40 times then, because what a dead one held is held until its lease ends
 fresh    20 jobs of 2,000 rows with one kill each: in start-up, in the drain after SIGINT, about the last commit
 restart  from kill -9 of an agent to its rows being out again, with local and with remote agents
 stall    memory, and whether sessions last, while the reader of standard output does not read for 60 s

The exit status is 1 if a bound is missed. The seed names the instants of kills; what runs then is up to the machine.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # The folder belongs to the sources.

from cluster_programs import Program, Trouble, carry_out, free_port, wait_until
from violence_job import LEASE, CountingOrigin, KilledJob

SLOTS = 1_000
"""Connections to the origin."""
UNDER_WAY = 0.5
"""Seconds after a kill in which requests that were sent before it may still come to the origin."""


class Bench:
    """The origin, a folder for each job, and the rows of the table."""

    def __init__(self, folder, arguments):
        self._folder = folder
        self._jobs = 0
        self.arguments = arguments
        self.figures = []
        self.missed = False
        self.origin = CountingOrigin(folder)

    def rng(self, what):
        return random.Random(f"{self.arguments.seed} {what}")

    def folder(self):
        self._jobs += 1
        self.origin.reset()
        return os.path.join(self._folder, f"job-{self._jobs}")

    def job(self, rows, options, remote=0):
        return KilledJob(self.folder(), rows, ["--quiet", "--retry", "0", *options], remote)

    def report(self, what, figure, bound=None, is_met=True):
        self.missed = self.missed or not is_met
        verdict = "" if bound is None else "met" if is_met else "MISSED"
        self.figures.append({"measured": what, "figure": figure, "bound": bound, "met": is_met})
        print(f"| {what} | {figure} | {bound or ''} | {verdict} |", flush=True)


def seconds(values):
    """The median and the longest of some times."""
    if not values:
        return "none"
    return f"median {statistics.median(values):.2f} s, {min(values):.2f} to {max(values):.2f} s, {len(values)} times"


class Kill:
    """When, and what was recorded and what was under way then."""

    def __init__(self, job, is_coordinator):
        self.is_coordinator = is_coordinator
        self.recorded = job.records.read()
        self.at = time.monotonic()
        self.unsafe = set()

    def note_unsafe(self, job):
        recorded = list(job.records.codes)[: self.recorded]
        self.unsafe = job.unsafe_rows_left().difference(recorded)


def kill_coordinator(job):
    """kill -9. What it wrote to the end counts as recorded, for it comes before all that a later one does."""
    job.coordinator.kill()
    kill = Kill(job, True)
    kill.note_unsafe(job)
    return kill


def kill_agent(job, rng):
    kill = Kill(job, False)
    if not job.kill_agent(rng):
        return None
    kill.note_unsafe(job)
    return kill


def check_rows(bench, name, job, posts, count, kills):
    """The bounds that hold for each row, whatever was killed when."""
    status, said = job.verify()
    bench.report(f"{name}: coordinator verify", said.splitlines()[-1] if said else status, "sound", status == 0)
    codes = job.records.codes
    once = len(codes) == count and not job.records.doubled and set(codes) == set(range(count))
    bench.report(f"{name}: rows recorded", f"{len(codes):,}", f"each of {count:,} once", once)
    hits = bench.origin.hits()
    places = {seq: place for place, seq in enumerate(codes)}
    doubled, beyond, twice, unsent = 0, [], [], []
    for seq in range(count):
        times = hits.get(seq, [])
        lost = codes.get(seq) == "agent_lost"
        if not times and not lost:
            unsent.append(seq)
        if seq in posts:
            if len(times) > 1:
                twice.append(seq)
            continue
        doubled += max(0, len(times) - 1)
        out = sum(1 for k in kills if times and times[0] <= k.at + UNDER_WAY and places.get(seq, count) >= k.recorded)
        if len(times) > 1 + out:
            beyond.append(seq)
    bench.report(f"{name}: rows recorded that nobody asked for", len(unsent), "0", not unsent)
    bench.report(
        f"{name}: GET rows asked for more than 1 + kills while they were out", len(beyond), "0", not beyond
    )
    bench.report(f"{name}: GETs doubled", f"{doubled:,}")
    bench.report(f"{name}: POST rows asked for twice", len(twice), "0", not twice)
    lost = {seq for seq, code in codes.items() if code == "agent_lost"}
    unclear = set().union(*(kill.unsafe for kill in kills))
    bench.report(
        f"{name}: rows with agent_lost; of these never asked for",
        f"{len(lost):,}; {sum(1 for seq in lost if seq not in hits):,}",
        f"unsafe rows in flight at kills: {len(unclear):,}",
        len(lost) <= len(unclear),
    )
    # Others may only have left to an agent that was dead already, before its coordinator knew.
    strange = [seq for seq in lost - unclear if seq in hits]
    what = f"{name}: rows with agent_lost that left after a kill; of these asked for"
    bench.report(what, f"{len(lost - unclear)}; {len(strange)}", "any; 0", not strange)
    other = {code for code in codes.values() if code not in (None, "agent_lost")}
    bench.report(f"{name}: other errors", ", ".join(sorted(other)) or "none", "none", not other)


def kills(bench):
    arguments = bench.arguments
    remote = 3 if arguments.remote else 0
    count = arguments.rows or 50_000
    wanted = arguments.kills or (40 if remote else 200)
    name = "kills, remote" if remote else "kills"
    rng = bench.rng("kills")
    posts = set(rng.sample(range(count), count // 20))
    rows = [bench.origin.row(seq, 50, seq in posts) for seq in range(count)]
    marks = sorted(rng.randrange(count * 95 // 100) for _ in range(wanted))
    done, firsts, unexpected = [], [], []
    begin = time.monotonic()
    with bench.job(rows, ["--per-origin", str(SLOTS)], remote) as job:
        job.start()
        resumed = None
        for mark in marks:
            pause = rng.uniform(0, 0.3)
            until = None

            def is_time():
                nonlocal resumed, until
                if resumed and job.records.size > resumed[1]:
                    firsts.append(time.monotonic() - resumed[0])
                    resumed = None
                if until is None and job.records.read() >= mark:
                    until = time.monotonic() + pause
                return until is not None and time.monotonic() >= until

            while not job.wait_for(f"{mark} records", is_time):
                # Such as one all of whose agents were killed too often.
                if job.coordinator.process.returncode == 0 or len(unexpected) == 20:
                    break
                unexpected.append(job.coordinator.said.strip()[-200:])
                job.resume()
            if job.coordinator.has_ended:
                break
            kill = None if rng.random() < 0.5 else kill_agent(job, rng)
            if kill is None:
                kill = kill_coordinator(job)
                resumed = (time.monotonic(), job.records.size)
                job.resume()
            done.append(kill)
        status = job.finish()
        for _ in range(20):
            if status == 0:
                break
            unexpected.append(job.coordinator.said.strip()[-200:])
            job.resume()
            status = job.finish()
        took = time.monotonic() - begin
        coordinators = sum(kill.is_coordinator for kill in done)
        bench.report(
            f"{name}: kills in a job of {count:,} rows",
            f"{coordinators} of the coordinator, {len(done) - coordinators} of agents, in {took:.0f} s",
            f"{wanted}",
            len(done) == wanted,
        )
        at_once = bench.origin.counts()["requests_in_progress_max"]
        bench.report(f"{name}: requests in flight at the origin, at most", f"{at_once:,}")
        bench.report(f"{name}: exit status of the last resume", status, "0", status == 0)
        bench.report(
            f"{name}: ends that nobody asked for", "; ".join(sorted(set(unexpected))) or "none", "none", not unexpected
        )
        check_rows(bench, name, job, posts, count, done)
        bench.report(f"{name}: from resume to the first new record", seconds(firsts))


def fresh(bench):
    count, jobs = bench.arguments.rows or 2_000, bench.arguments.kills or 20
    rng = bench.rng("fresh")
    phases = ["start-up", "drain", "last commit"]
    outcomes, faults, again, late = [], [], 0, 0
    for number in range(jobs):
        phase = phases[number % len(phases)]
        posts = set(rng.sample(range(count), count // 20))
        rows = [bench.origin.row(seq, 50, seq in posts) for seq in range(count)]
        with bench.job(rows, ["--per-origin", "50"]) as job:
            job.start()
            match phase:
                case "start-up":
                    time.sleep(rng.uniform(0, 0.4))
                case "drain":
                    mark, pause = rng.randrange(count // 2), rng.uniform(0, 0.15)
                    job.wait_for("the drain", lambda: job.records.read() > mark)
                    job.coordinator.process.send_signal(signal.SIGINT)
                    time.sleep(pause)
                case "last commit":
                    mark, pause = count - rng.randrange(1, 200), rng.uniform(0, 0.1)
                    job.wait_for("the last commit", lambda: job.records.read() >= mark)
                    time.sleep(pause)
            late += job.coordinator.has_ended
            kill = kill_coordinator(job)
            job.resume()
            status = job.finish()
            if status == 2 and not os.path.exists(os.path.join(job.folder, "job", "job.json")):
                again += 1
                job.start()
                status = job.finish()
            outcomes.append(job.verify()[0])
            hits = bench.origin.hits()
            codes = job.records.codes
            lost = {seq for seq, code in codes.items() if code}
            is_right = (
                status == outcomes[-1] == 0
                and set(codes) == set(range(count))
                and not job.records.doubled
                and all(len(hits.get(seq, [])) <= (1 if seq in posts else 2) for seq in range(count))
                and len(lost) <= len(kill.unsafe)
            )
            if not is_right:
                faults.append(f"{number} ({phase}: {status}, {job.verify()[1]}, {job.coordinator.said[-300:]})")
    bench.report(
        f"fresh: jobs of {count:,} rows killed once; before they were one; after their end",
        f"{jobs}; {again}; {late}",
        "all verified sound",
        not any(outcomes),
    )
    what = "fresh: jobs with a row too often or lost without need"
    bench.report(what, "; ".join(faults) or "none", "none", not faults)


def restart(bench):
    for remote, rounds, wait in ((0, 5, 3_000), (2, 2, 15_000)):
        name = "remote" if remote else "local"
        first, last = [], []
        rng = bench.rng(name)
        for _ in range(rounds):
            count = 100
            rows = [bench.origin.row(seq, wait, False) for seq in range(count)]
            with bench.job(rows, ["--per-origin", "400"], remote) as job:
                job.start()
                job.wait_for("all rows are out", lambda: len(bench.origin.hits()) == count)
                kill = kill_agent(job, rng)
                if kill is None or job.finish():
                    raise Trouble(f"no agent was killed, or the job failed: {job.coordinator.said}")
                times = [again - kill.at for _, *later in bench.origin.hits().values() for again in later]
                if times:
                    first.append(min(times))
                    last.append(max(times))
        bound = LEASE + 2 if remote else 2
        is_met = len(last) == rounds and max(last) <= bound
        what = f"restart, {name}: from kill -9 of an agent to the first of its rows being out again"
        bench.report(what, seconds(first))
        bench.report(f"restart, {name}: to the last", seconds(last), f"at most {bound:.0f} s", is_met)


def high_water(pid):
    """The most memory that a process has had, in MiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def stall(bench):
    count, size, agents, pause = bench.arguments.rows or 20_000, 32_768, 2, 60
    folder = bench.folder()
    os.mkdir(folder)
    with open(os.path.join(folder, "list"), "w", encoding="utf-8") as file:
        file.writelines(bench.origin.url("localhost", f"/fixed/{size}?row={seq}\n", "http") for seq in range(count))
    port = free_port()
    endpoint = f"tcp://127.0.0.1:{port}"
    bodies = ["--body", "inline", "--include-headers", "--per-origin", "64"]
    program = os.path.join(os.environ["TRAWL_BIN"], "coordinator")
    with open(os.path.join(folder, "coordinator.log"), "wb") as said:
        coordinator = subprocess.Popen(
            [program, "run", "list", "-o", "-", "--listen", endpoint, *bodies],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
        )
    programs = []
    try:
        for number in range(agents):
            arguments = ["--coordinator", endpoint, "--threads", "1", "--verbose"]
            programs.append(Program(folder, "agent", f"agent-{number}", arguments))
        wait_until("both agents are welcomed", lambda: all("welcomed" in agent.said for agent in programs), programs)
        lines = coordinator.stdout.read(1 << 20).count(b"\n")
        time.sleep(pause)
        during = [high_water(coordinator.pid), *(high_water(agent.process.pid) for agent in programs)]
        while piece := coordinator.stdout.read(1 << 20):
            lines += piece.count(b"\n")
        status = coordinator.wait()
        sessions = [agent.said.count("welcomed") for agent in programs]
    finally:
        coordinator.kill()
        coordinator.wait()
        coordinator.stdout.close()
        for agent in programs:
            agent.kill()
    what = f"stall: {count:,} records of {size // 1024} KiB, no reader for {pause} s"
    is_whole = (status, lines) == (0, count)
    bench.report(f"{what}: exit status, records", f"{status}, {lines:,}", f"0, {count:,}", is_whole)
    # 64 MiB of finished bytes an agent may be on either side, and as much again while they are written.
    for name, figure, bound in [("coordinator", during[0], 64 * agents * 2 + 64), ("agents", max(during[1:]), 192)]:
        bench.report(f"stall: peak memory of the {name}", f"{figure:.0f} MiB", f"at most {bound} MiB", figure <= bound)
    bench.report("stall: sessions of each agent", sessions, "1 each", set(sessions) == {1})


MEASUREMENTS = {"kills": kills, "fresh": fresh, "restart": restart, "stall": stall}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=[*MEASUREMENTS, "all"])
    parser.add_argument("--remote", action="store_true")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    chosen = [measure for name, measure in MEASUREMENTS.items() if arguments.what in (name, "all")]

    def conclude(bench):
        print(json.dumps({"seed": arguments.seed, "figures": bench.figures}, indent=1))

    carry_out("violence", chosen, 1800, lambda folder: Bench(folder, arguments), conclude)


if __name__ == "__main__":
    main()
