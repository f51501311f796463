import json
import tempfile
import unittest
from pathlib import Path

from suite.clients import Outcome, Programs
from suite.clients.curl import configuration_line
from suite.clients.generators import H2load, Wrk
from suite.clients.minimal import Floor, Handshake
from suite.clients.python import PythonClient
from suite.clients.trawl import Trawl
from suite.trouble import Trouble

from .samples import task

WRK = """Running 5s test @ https://localhost:4433/k1
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.26ms    1.93ms  18.39ms   81.65%
  6961 requests in 1.01s, 69.20MB read
Requests/sec:   6870.80
"""
H2LOAD = """finished in 2.00s, 17963.00 req/s, 21.65MB/s
requests: 35926 total, 35976 started, 35926 done, 35926 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 35926 2xx, 0 3xx, 0 4xx, 0 5xx
"""
PROGRAMS = Programs(Path("/bin-of-trawl"), Path("/python"), Path("/clients"), Path("/built"))


class Outputs(unittest.TestCase):
    def test_wrk_says_its_requests(self):
        self.assertEqual(Wrk().outcome(WRK, task()), Outcome(6961))

    def test_an_error_of_wrk_spoils_the_run(self):
        for line in ("  Socket errors: connect 0, read 1, write 0, timeout 0\n", "  Non-2xx or 3xx responses: 7\n"):
            with self.assertRaises(Trouble):
                Wrk().outcome(WRK + line, task())

    def test_wrk_without_a_number_is_no_run(self):
        with self.assertRaises(Trouble):
            Wrk().outcome("unable to connect", task())

    def test_h2load_says_its_requests(self):
        self.assertEqual(H2load().outcome(H2LOAD, task()), Outcome(35926))

    def test_an_error_of_h2load_spoils_the_run(self):
        for good, bad in (("0 failed", "1 failed"), ("0 timeout", "1 timeout"), ("35926 2xx", "35925 2xx")):
            with self.assertRaises(Trouble):
                H2load().outcome(H2LOAD.replace(good, bad), task())

    def test_handshake_says_its_requests_and_resumed_sessions(self):
        self.assertEqual(Handshake().outcome("requests 10\nresumed 3\n", task()), Outcome(10, 3))
        with self.assertRaises(Trouble):
            Handshake().outcome("requests 10\n", task())

    def test_the_last_line_of_a_python_client_counts(self):
        client = PythonClient("note", "note", "note.py")
        self.assertEqual(client.outcome("requests 1 errors 0\nrequests 3 errors 0\n", task()), Outcome(3))
        for output in ("requests 2 errors 0\n", "requests 3 errors 1\n", "requests 3 errors 0\nTraceback\n"):
            with self.assertRaises(Trouble):
                client.outcome(output, task())


class Jobs(unittest.TestCase):
    """What a job of Trawl's has to have left behind."""

    def outcome(self, lines=3, body="discard", record=None, **changes):
        summary = dict(rows=3, failed_rows=0, status={"2xx": 3}, errors={}, body_bytes=12,
                       effort={"handshakes": {"resumed": 2}})
        with tempfile.TemporaryDirectory() as name:
            wanted = task(Path(name))
            wanted.folder.mkdir()
            line = json.dumps(record if record is not None else {"seq": 2}) + "\n"
            (wanted.folder / "results.jsonl").write_text(line * lines)
            (wanted.folder / "summary.json").write_text(json.dumps(summary | changes))
            return Trawl(body).outcome("", wanted)

    def test_every_row_has_a_record(self):
        self.assertEqual(self.outcome(), Outcome(3, 2))
        for lines in (2, 4):
            with self.assertRaises(Trouble):
                self.outcome(lines=lines)

    def test_the_summary_agrees(self):
        for change in ({"rows": 2}, {"status": {"2xx": 2, "5xx": 1}}, {"failed_rows": 1}, {"body_bytes": 11}):
            with self.assertRaises(Trouble):
                self.outcome(**change)

    def test_bodies_are_what_was_asked_for(self):
        digest = {"body_sha256": "00"}
        self.outcome(body="hash", record=digest)
        self.outcome(body="inline", record=digest | {"body": "xxxx"})
        for body, record in (
            ("discard", digest), ("hash", {}), ("inline", digest), ("inline", digest | {"body": "xxx"}),
            ("hash", digest | {"truncated": "max_filesize"}),
        ):
            with self.assertRaises(Trouble):
                self.outcome(body=body, record=record)


class Commands(unittest.TestCase):
    def test_a_client_of_new_connections_says_so_to_the_server(self):
        for client in (Wrk(), Trawl("discard")):
            self.assertIn("Connection: close", client.command(task(closes=True), PROGRAMS))
            self.assertNotIn("Connection: close", client.command(task(), PROGRAMS))

    def test_trawl_finds_many_names_on_the_loopback(self):
        command = Trawl("discard", per_origin=1).command(task(hosts_port=4433, connections=1000), PROGRAMS)
        self.assertEqual(command[command.index("--resolve") + 1], "*:4433:127.0.0.1")
        self.assertEqual(command[command.index("--per-origin") + 1], "1")

    def test_handshake_gets_the_parts_of_the_url(self):
        command = Handshake().command(task(), PROGRAMS)
        self.assertEqual(command[:4], ["/built/handshake", "localhost", "4433", "/k1"])

    def test_the_floor_verifies_if_there_is_what_to_verify(self):
        for url, authority in (("https://localhost:4433/k1", "/nowhere/ca.pem"), ("http://localhost:8080/k1", "-")):
            self.assertEqual(Floor().command(task(url=url), PROGRAMS)[4], authority)

    def test_each_url_of_curl_has_an_output(self):
        self.assertEqual(configuration_line("https://a/"), 'url = "https://a/"\noutput = "/dev/null"\n')
