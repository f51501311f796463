import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

from suite import lists, machine, rounds
from suite.cases import CASES, Case, Port
from suite.clients import Outcome, Programs
from suite.clients.generators import Wrk
from suite.clients.minimal import Floor
from suite.clients.trawl import Trawl
from suite.runner import METER, check_counts, check_cpu
from suite.server import Counters, configuration, parse_status
from suite.tree import descendants
from suite.trouble import Trouble

from .samples import run

BY_NAME = {case.name: case for case in CASES}
KEPT, RESUMED, FULL = BY_NAME["keepalive-1k"], BY_NAME["new-resumed"], BY_NAME["new-full"]
WRK, TRAWL = Wrk(), Trawl("discard")


class Checks(unittest.TestCase):
    def check(self, case, client, outcome, *, connections, requests):
        check_counts(case, client, outcome, Counters(connections, requests))

    def test_the_server_has_seen_what_the_client_counts(self):
        self.check(KEPT, WRK, Outcome(1000), connections=51, requests=1050)
        self.check(KEPT, TRAWL, Outcome(1000), connections=50, requests=1000)
        for client, requests in ((WRK, 999), (WRK, 1200), (TRAWL, 999), (TRAWL, 1002)):
            with self.assertRaises(Trouble):
                self.check(KEPT, client, Outcome(1000), connections=50, requests=requests)

    def test_no_request_is_no_run(self):
        with self.assertRaises(Trouble):
            self.check(KEPT, WRK, Outcome(0), connections=50, requests=0)

    def test_a_new_connection_is_one(self):
        self.check(RESUMED, WRK, Outcome(1000), connections=1000, requests=1000)
        with self.assertRaises(Trouble):
            self.check(RESUMED, WRK, Outcome(1000), connections=999, requests=1000)

    def test_sessions_are_of_the_kind_of_the_case(self):
        self.check(RESUMED, TRAWL, Outcome(1000, 950), connections=1000, requests=1000)
        self.check(FULL, TRAWL, Outcome(1000, 0), connections=1000, requests=1000)
        for case, resumed in ((RESUMED, 899), (FULL, 1)):
            with self.assertRaises(Trouble):
                self.check(case, TRAWL, Outcome(1000, resumed), connections=1000, requests=1000)

    def test_a_process_that_nobody_waited_for_is_noticed(self):
        check_cpu("x", 10.0, 10.1)
        with self.assertRaises(Trouble):
            check_cpu("x", 10.0, 11.0)


class Meter(unittest.TestCase):
    BURN = "import time\nwhile time.process_time() < 0.2: pass"

    def measure(self, command):
        processor = str(min(os.sched_getaffinity(0)))
        done = subprocess.run(
            [sys.executable, "-B", METER, processor, "/dev/null", *command], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    def test_it_has_the_time_of_grandchildren_and_of_orphans(self):
        child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {self.BURN!r}])"
        orphan = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {self.BURN!r}])"
        for code in (child, orphan):
            value = self.measure([sys.executable, "-c", code])
            self.assertEqual(value["status"], 0)
            self.assertGreater(value["user"] + value["system"], 0.2)

    def test_it_says_how_the_command_ended(self):
        self.assertEqual(self.measure(["false"])["status"], 1)


class Parts(unittest.TestCase):
    def test_the_server_counts_connections_and_requests(self):
        page = "Active connections: 1 \nserver accepts handled requests\n 158 157 48560 \nReading: 0 Writing: 1\n"
        self.assertEqual(parse_status(page), Counters(158, 48560))
        with self.assertRaises(Trouble):
            parse_status("404")

    def test_the_server_listens_on_each_port(self):
        text = configuration(Path("/folder"), {port: 10_000 + index for index, port in enumerate(Port)}, 20_000)
        for number in (10_000, 10_001, 10_002, 10_003, 20_000):
            self.assertIn(f"listen 127.0.0.1:{number}", text)

    def test_urls_are_distinct_and_those_of_hosts_the_same_each_time(self):
        self.assertEqual(list(lists.urls("https://a/k", 2)), ["https://a/k?row=0", "https://a/k?row=1"])
        first, second = (list(lists.urls_of_hosts(1, "/k", 1000, 10)) for _ in range(2))
        self.assertEqual(first, second)
        self.assertEqual(len(set(first)), 1000)
        self.assertEqual(len({url.split("/")[2] for url in first}), 10)

    def test_the_next_warm_up_is_longer_but_not_by_much(self):
        self.assertEqual(rounds.longer(0.01, 2), 20)
        self.assertEqual(rounds.longer(0.5, 2), 4)
        self.assertEqual(rounds.longer(1.9, 2), 2)

    def test_each_round_begins_with_the_next_client(self):
        orders = [rounds.turns(3, number) for number in (1, 2, 3, 4)]
        self.assertEqual(orders, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]])
        self.assertEqual(rounds.turns(1, 5), [0])

    def test_runs_of_one_round_stay_together_whatever_the_order(self):
        order = []

        def pretend(case, client, task):
            order.append(client.name)
            return run(cpu=len(order))

        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()) as said:
            runner = SimpleNamespace(
                run=pretend, folder=Path(folder), server=SimpleNamespace(ports={Port.TLS: 1}, authority=Path("/ca")),
                programs=Programs(Path("/t"), Path("/p"), Path("/c"), Path("/b")),
            )
            case = Case("x", "X", tuple(Floor(name=name, title=name) for name in "abc"))
            result = rounds.carry_out(case, runner, SimpleNamespace(seconds=4, quick=False, rounds=3))
        self.assertEqual("".join(order), "abc" + "abc" + "bca" + "cab")
        # The number of a run is its CPU time here; three were to warm up.
        runs = {client.name: [one.user_seconds for one in client.runs] for client in result.clients}
        self.assertEqual(runs, {"a": [4, 9, 11], "b": [5, 7, 12], "c": [6, 8, 10]})
        # Before the base has had its turn there is nothing to compare with.
        self.assertEqual(said.getvalue().count(" x a, "), 3 + 1 + 2)

    def test_a_list_is_corrected_if_its_run_was_far_from_the_wanted_length(self):
        self.assertEqual(rounds.corrected(1000, 8, 10), 1000)
        self.assertEqual(rounds.corrected(1000, 5, 10), 2000)
        self.assertEqual(rounds.corrected(1000, 20, 10), 500)
        self.assertEqual(rounds.corrected(1000, 1, 10), 3000)
        self.assertEqual(rounds.corrected(0, 1, 10), 0)

    def test_the_mount_is_the_innermost(self):
        info = (
            "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:5 / /var/tmp rw - tmpfs tmpfs rw\n"
            "3 1 8:2 / /var/tm rw - xfs /dev/sdb rw\n4 1 8:3 / /a\\040b rw shared:1 - btrfs /dev/sdc rw\n"
        )
        self.assertEqual(machine.mount_of("/var/tmp/x", info), ("tmpfs", "tmpfs"))
        self.assertEqual(machine.mount_of("/var/lib", info), ("ext4", "/dev/sda1"))
        self.assertEqual(machine.mount_of("/a b/c", info), ("btrfs", "/dev/sdc"))

    def test_a_tree_is_what_is_below_its_root(self):
        self.assertEqual(sorted(descendants(2, {1: 0, 2: 1, 3: 2, 4: 3, 5: 1, 6: 2})), [3, 4, 6])


class Cases(unittest.TestCase):
    def test_names_are_distinct(self):
        self.assertEqual(len(BY_NAME), len(CASES))
        for case in CASES:
            self.assertEqual(len({client.name for client in case.clients}), len(case.clients), case.name)

    def test_each_case_compares_with_wrk(self):
        for case in CASES:
            self.assertEqual(case.clients[0].name, "wrk", case.name)


class Sources(unittest.TestCase):
    def test_every_script_compiles_and_fits_the_page(self):
        for file in sorted(Path(__file__).resolve().parents[2].rglob("*.py")):
            if ".build" in file.parts:
                continue  # What packages bring with them.
            text = file.read_text()
            compile(text, file, "exec")
            for number, line in enumerate(text.splitlines(), 1):
                self.assertLessEqual(len(line), 120, f"{file.name}:{number}")
