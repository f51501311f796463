#!/usr/bin/env python3
"""What a real cluster of three agents does to web servers and for its rows; prints a Markdown table.

    TRAWL_BIN=FOLDER Benchmarks/cluster.py [1|2|3|4|all]

A coordinator and three agents over TCP, and the project's own origin server, all on this host:

 1  connections to one origin at a time, from all agents together, while agents are killed and added
 2  share of requests on reused connections: 1,000 origins x 100 URLs, shuffled
 3  rate at one hot origin, against the same load spread over as many origins as there are connections
 4  delay of 100 healthy origins by one that answers 429 with Retry-After

The exit status is 1 if a bound is missed. 1 and 2 are counts and bear other load on the machine; 3 and 4 are times.
All of it takes about four minutes.
"""

import json
import os
import random
import statistics
import sys

sys.dont_write_bytecode = True  # The folder belongs to the sources.

from cluster_programs import Cluster, Origin, Trouble, carry_out, span

SEED = 20


class Bench:
    """The origin, a folder for each job, and the rows of the table."""

    def __init__(self, folder):
        self._folder = folder
        self._jobs = 0
        self.missed = False
        self.origin = Origin(folder)

    def cluster(self, options):
        self._jobs += 1
        self.origin.reset()
        return Cluster(os.path.join(self._folder, f"job-{self._jobs}"), self.origin, options)

    def run(self, rows, options):
        """Runs a job to its end: its records and its summary."""
        with self.cluster(options) as cluster:
            cluster.send(rows)
            cluster.end_input()
            summary = cluster.finish()
            return checked(cluster.records(), len(rows)), summary

    def report(self, what, figure, bound, is_met):
        self.missed = self.missed or not is_met
        print(f"| {what} | {figure} | {bound} | {'met' if is_met else 'MISSED'} |", flush=True)

    def note(self, what, figure):
        print(f"| {what} | {figure} | | |", flush=True)


def checked(lines, count):
    """The records, each row's once, all fetched; 0 is the cluster's own first row."""
    records = [json.loads(line) for line in lines]
    if len(records) != count or {record["seq"] for record in records} != set(range(1, count + 1)):
        raise Trouble(f"{len(records)} records for {count} rows")
    failed = [record for record in records if record.get("status") != 200]
    if failed:
        raise Trouble(f"{len(failed)} rows were not fetched, such as {failed[0]}")
    return records


def connections_at_a_time(bench):
    """Agents die and come; the rows that are left when the leases of the dead have run out are done with what was
    theirs, so a share given out twice would show."""
    limit, count = 12, 10_000
    rows = [bench.origin.url("localhost", f"/latency/10?row={row}") for row in range(count)]
    with bench.cluster(["--per-origin", str(limit)]) as cluster:
        cluster.send(rows[: count * 7 // 10])
        for recorded in (count // 10, count * 2 // 10):
            cluster.wait_for_records(recorded)
            cluster.kill_agent()
            cluster.add_agent()
        cluster.wait_for_records(count * 3 // 10)
        cluster.add_agent()
        cluster.wait_for_loss(2)
        cluster.send(rows[count * 7 // 10 :])
        cluster.end_input()
        cluster.finish()
        agents = {record["agent"] for record in checked(cluster.records(), count)}
    counts = bench.origin.counts()
    seen = counts["listeners"]["https"]
    bench.report(
        f"1: connections open together for 50 ms; {count:,} rows, --per-origin {limit}, 2 agents killed, 3 added",
        seen["open_sustained_max"],
        f"at most {limit}",
        seen["open_sustained_max"] <= limit,
    )
    bench.note("1: for a moment", seen["open_max"])
    bench.note("1: connections in all", seen["accepted"])
    bench.note("1: requests, those of the killed counted twice", f"{counts['requests'] - 1:,}")
    bench.note("1: agents with records", len(agents))


def reuse(bench):
    hosts, each = 1_000, 100
    for scheme in ("https", "http"):
        rows = [
            bench.origin.url(f"o{host}.origin.test", f"/fixed/100?row={row}", scheme)
            for host in range(hosts)
            for row in range(each)
        ]
        random.Random(SEED).shuffle(rows)
        _, summary = bench.run(rows, [])
        accepted = bench.origin.counts()["connections"]
        connections = summary["effort"]["connections"]
        share = connections["reused"] / len(rows)
        bench.report(
            f"2: requests on reused connections; {hosts:,} origins x {each} URLs shuffled, {scheme}",
            f"{share:.2%}",
            "at least 98 %",
            share >= 0.98,
        )
        # What the agents say they opened, and what the server saw.
        bench.report(
            f"2: connections the origin accepted, {scheme}",
            f"{accepted:,}",
            f"{connections['opened']:,} said to be opened",
            accepted == connections["opened"],
        )


def hot_origin(bench):
    connections, pause, count = 60, 0.05, 12_000
    target = f"/latency/{int(pause * 1000)}?row="
    spread = [bench.origin.url(f"o{row % connections}.origin.test", f"{target}{row}") for row in range(count)]
    hot = [bench.origin.url("hot.origin.test", f"{target}{row}") for row in range(count)]
    rates = []
    for rows, limit in ((spread, 1), (hot, connections)):
        records, _ = bench.run(rows, ["--per-origin", str(limit)])
        rates.append(count / span(records))
    ideal = connections / pause
    bench.note(f"3: rate at {connections} origins of one connection each, {count:,} requests", f"{rates[0]:,.0f}/s")
    bench.note(f"3: theoretical maximum of {connections} connections, {pause * 1000:.0f} ms each", f"{ideal:,.0f}/s")
    bench.report(
        f"3: rate at one origin with {connections} connections",
        f"{rates[1]:,.0f}/s, {rates[1] / rates[0]:.3f} of the first, {rates[1] / ideal:.3f} of the second",
        "at least 0.9 of the first",
        rates[1] >= 0.9 * rates[0],
    )


def interleaved(*lists):
    """All of some lists, each in its order and spread evenly over the whole."""
    places = [((index + 0.5) / len(rows), row) for rows in lists for index, row in enumerate(rows)]
    return [row for _, row in sorted(places)]


def parked_origin(bench):
    hosts, each, rounds = 100, 200, 5
    healthy = [
        bench.origin.url(f"o{host}.origin.test", f"/latency/40?row={row}")
        for host in range(hosts)
        for row in range(each)
    ]
    random.Random(SEED).shuffle(healthy)
    spans, asked = {}, {}
    for _ in range(rounds):
        for parked in (0, each, len(healthy)):
            refused = [bench.origin.url("parked.origin.test", f"/retry-after/3600?row={row}") for row in range(parked)]
            rows = interleaved(healthy, refused)
            with bench.cluster(["--per-origin", "1"]) as cluster:
                cluster.send(rows)
                cluster.end_input()
                # The job would go on for as long as Retry-After says.
                cluster.wait_for_records(len(healthy), marked=b"/latency/")
                records = [json.loads(line) for line in cluster.records() if b"/latency/" in line]
            spans.setdefault(parked, []).append(span(records))
            asked.setdefault(parked, []).append(bench.origin.counts()["by_segment"].get("retry-after", 0))
    alone = statistics.median(spans[0])
    bench.note(f"4: time of {hosts} origins x {each} rows, median of {rounds}", f"{alone:.2f} s")
    for parked in (each, len(healthy)):
        ratios = sorted(both / one for one, both in zip(spans[0], spans[parked]))
        delay = statistics.median(ratios) - 1
        rounds_from_to = f"rounds {ratios[0] - 1:+.1%} to {ratios[-1] - 1:+.1%}"
        bench.report(
            f"4: with {parked:,} rows more of an origin that answers 429",
            f"{statistics.median(spans[parked]):.2f} s, {delay:+.1%} ({rounds_from_to})",
            "less than +5 %",
            delay < 0.05,
        )
        bench.note("4: requests to that origin until then", f"{statistics.median(asked[parked]):,.0f}")


MEASUREMENTS = {"1": connections_at_a_time, "2": reuse, "3": hot_origin, "4": parked_origin}


def main():
    wanted = sys.argv[1] if len(sys.argv) == 2 else "all" if len(sys.argv) == 1 else ""
    if wanted != "all" and wanted not in MEASUREMENTS:
        sys.exit("usage: TRAWL_BIN=FOLDER Benchmarks/cluster.py [1|2|3|4|all]")
    chosen = [measure for name, measure in MEASUREMENTS.items() if wanted in (name, "all")]
    carry_out("cluster", chosen, 600, Bench)


if __name__ == "__main__":
    main()
