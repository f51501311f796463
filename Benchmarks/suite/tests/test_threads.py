import unittest
import xml.etree.ElementTree
from dataclasses import replace
from pathlib import Path

from suite.clients import Programs, swift
from suite.threads import chart, report
from suite.threads.claims import sentences
from suite.threads.figures import Cost, Pair, cost, is_sound, long_rows, medians, short_rows
from suite.threads.points import AIOHTTP, NOTE, SWIFT, TRAWL, Point, all_points, client, few_points

from .samples import run, task


def costs(values):
    return {
        Point(*place): Cost(cpu, rate=1e6 / cpu, switches=0.5, peak_bytes=20 << 20, connections=place[3])
        for place, cpu in values.items()
    }


# As the note says it, and Trawl as it should be.
AS_CLAIMED = {
    (NOTE, 1, 1, 1): 28.0, (NOTE, 1, 16, 16): 20.0, (NOTE, 1, 50, 50): 16.0, (NOTE, 1, 64, 64): 17.5,
    (NOTE, 4, 16, 64): 14.0, (AIOHTTP, 1, 1, 50): 130.0, (SWIFT, 1, 1, 50): 36.0, (SWIFT, 1, 1, 1000): 60.0,
    (TRAWL, 1, 1, 50): 8.0, (TRAWL, 1, 64, 50): 9.0, (TRAWL, 4, 1, 50): 9.5, (TRAWL, 1, 1, 1000): 10.0,
}


def text(**changes):
    return "\n".join(sentences(costs(AS_CLAIMED | changes.get("by", {}))))


class Arithmetic(unittest.TestCase):
    SHORT = run(1.0, elapsed=2.0, requests=10_000, context_switches=5_000)
    LONG = run(2.0, elapsed=4.0, requests=110_000, context_switches=55_000)

    def test_what_both_runs_have_falls_out(self):
        value = cost(Pair(self.SHORT, self.LONG))
        self.assertAlmostEqual(value.cpu_microseconds, 10.0)
        self.assertAlmostEqual(value.rate, 50_000)
        self.assertAlmostEqual(value.switches, 0.5)

    def test_a_pair_is_sound_if_more_took_longer(self):
        self.assertTrue(is_sound(Pair(self.SHORT, self.LONG)))
        self.assertFalse(is_sound(Pair(self.LONG, self.SHORT)))
        self.assertFalse(is_sound(Pair(self.SHORT, run(0.9, elapsed=4.0, requests=110_000))))
        self.assertFalse(is_sound(Pair(self.SHORT, run(2.0, elapsed=1.9, requests=110_000))))

    def test_medians_are_of_each_figure(self):
        values = [Cost(1, 9, 5, 0, 50), Cost(3, 7, 5, 0, 50), Cost(2, 8, 4, 0, 50)]
        self.assertEqual(medians(values), Cost(2, 8, 5, 0, 50))

    def test_each_connection_is_opened_in_a_short_run(self):
        self.assertEqual(short_rows(60_000, 3, 200), 30_000)
        self.assertEqual(short_rows(1_000, 3, 20_000), 20_000)
        self.assertEqual(long_rows(1_000, 3, 20_000), 23_000)


class Points(unittest.TestCase):
    def test_each_is_there_once_and_the_smoke_test_has_some_of_each_kind(self):
        points = all_points(with_swift=True)
        self.assertEqual(len(points), len(set(points)))
        few = few_points(points)
        self.assertLess(len(few), len(points) / 3)
        self.assertEqual({point.kind for point in few}, {TRAWL, NOTE, SWIFT, AIOHTTP})
        self.assertNotIn(SWIFT, {point.kind for point in all_points(with_swift=False)})

    def test_a_command_has_what_the_point_says(self):
        programs = Programs(Path("/bin"), Path("/python"), Path("/clients"), Path("/built"))
        commands = {
            Point(TRAWL, 4, 8, 50): "--agents 4 --threads 8 --per-origin 50",
            Point(NOTE, 4, 8, 32): "--processes 4 --threads 8",
            Point(SWIFT, 1, 2, 50): "--connections 50 --threads 2",
            Point(AIOHTTP, 1, 1, 50): "--connections 50",
        }
        for point, expected in commands.items():
            self.assertIn(expected, " ".join(client(point).command(task(connections=point.connections), programs)))

    def test_the_library_in_swift_has_a_version(self):
        manifest = Path(__file__).resolve().parents[2] / "clients" / swift.PACKAGE / "Package.swift"
        self.assertRegex(swift.version(manifest.read_text()), r"^\d+\.\d+\.\d+$")
        self.assertEqual(swift.version(""), "unknown")


class Claims(unittest.TestCase):
    def test_they_hold_as_the_note_says_them(self):
        found = text()
        self.assertIn("“About 50 threads in a process are best” holds.", found)
        self.assertIn("“Processes times threads beat either alone” holds even on one processor.", found)
        self.assertIn("“Async is not faster by magic” holds.", found)
        self.assertIn("Trawl needs no more threads than processors.", found)

    def test_fifty_threads_are_not_best_if_few_are_as_good_or_others_better(self):
        for by in ({(NOTE, 1, 16, 16): 16.1}, {(NOTE, 1, 64, 64): 15.0}):
            self.assertIn("“About 50 threads in a process are best” does not hold.", text(by=by))

    def test_processes_have_to_gain_more_than_what_can_be_told_apart(self):
        found = text(by={(NOTE, 4, 16, 64): 15.9})
        self.assertIn("“Processes times threads beat either alone” does not hold on one processor.", found)

    def test_an_event_loop_that_is_cheaper_than_threads_refutes(self):
        self.assertIn("“Async is not faster by magic” does not hold.", text(by={(SWIFT, 1, 1, 50): 13.0}))

    def test_a_better_point_of_trawl_is_named(self):
        self.assertIn("One worker is not the best of Trawl: 4 x 1 cost 7.00 us.", text(by={(TRAWL, 4, 1, 50): 7.0}))

    def test_connections_that_were_not_opened_are_told(self):
        found = costs(AS_CLAIMED)
        place = Point(TRAWL, 1, 1, 1000)
        found[place] = replace(found[place], connections=830.0)
        self.assertIn("8.00 us with 50, 10.0 us with 830 of 1,000", "\n".join(sentences(found)))

    def test_what_is_not_measured_is_not_judged(self):
        self.assertEqual(sentences({}), [])
        self.assertEqual(len(sentences(costs({(TRAWL, 1, 1, 50): 8.0}))), 1)


class Reports(unittest.TestCase):
    SETTINGS = {"rounds": 2, "seconds": 3, "quick": False}

    def test_the_tables_have_every_point(self):
        page = report.markdown(costs(AS_CLAIMED), {"processor": "P"}, self.SETTINGS, ["aiohttp, which is not there"])
        self.assertIn("| CPU us/request: threads | 1 process | 4 processes |", page)
        self.assertIn("| 16 | 20.0 | 14.0 |", page)
        self.assertIn("| 1 | 1 | 1,000 | 10.0 | 100,000 | 0.50 | 20 | 1,000 |", page)
        self.assertIn("Left out: aiohttp, which is not there.", page)

    def test_a_machine_that_was_busy_is_told(self):
        for load, told in (("0.40 3.00 3.00", False), ("7.08 8.57 9.79", True)):
            page = report.markdown(costs(AS_CLAIMED), {report.LOAD: load}, self.SETTINGS, [])
            self.assertEqual("not at rest" in page, told)

    def test_the_chart_is_xml_with_a_line_for_each_number_of_processes(self):
        tree = xml.etree.ElementTree.fromstring(chart.svg(costs(AS_CLAIMED)))
        words = [element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")]
        for name in ("Trawl, 1 process", "Trawl, 4 processes", "the note's client, 4 processes", "AsyncHTTPClient"):
            self.assertIn(name, words)
        self.assertIn("1,000", words)

    def test_json_has_every_round(self):
        pair = Pair(Arithmetic.SHORT, Arithmetic.LONG)
        point = Point(TRAWL, 1, 1, 50)
        value = report.as_json({point: [pair, pair]}, {point: cost(pair)}, {}, self.SETTINGS, [])
        self.assertEqual(value["points"][0]["kind"], TRAWL)
        self.assertEqual(len(value["points"][0]["rounds"]), 2)
        self.assertEqual(value["points"][0]["rounds"][0]["long"]["requests"], 110_000)
